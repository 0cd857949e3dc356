"""Proofs of one small fragment: what is shown, what is added to it, and what the digest is about."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest

from cardpipe.catalog.press import formats, presses, profile
from cardpipe.model.units import Box, mm
from cardpipe.prepress import proof
from cardpipe.prepress.fragment import Fragment, build
from cardpipe.prepress.merge import Merge, Shared
from cardpipe.prepress.page import BLACK, Ink, Page, Rect, Slot
from cardpipe.prepress.raster import opened
from cardpipe.prepress.xmp import Stamp

A7 = formats()["A7"]
PRESS = presses()["digital-coated"]
PROFILE = profile(PRESS.profile)
NIGHT = Ink("night", 0.98, 0.80, 0.44, 0.44)
SLOT = Box(A7.bleed + mm(52), A7.bleed + mm(8), mm(22), mm(16))


def fragment(slot: Slot | None = None, word: Box = Box(500, 200, 60, 30)) -> Fragment:
    """Outside: paper at the left, night at the right with its bleed; inside: one black box for the words."""
    media, middle = A7.media, A7.media.width / 2
    marks = [Rect(Box(middle, 0, middle, media.height), NIGHT), slot or Slot("match_code", SLOT)]
    pages = [
        Page("outside", media, A7.trim_box, tuple(marks)),
        Page("inside", media, A7.trim_box, (Rect(word, BLACK),)),
    ]
    return Fragment(io.BytesIO(build(pages, "icc:none")))


def nothing(key: str) -> list:
    raise AssertionError(key)


SHARED = Shared(art=nothing, font=nothing, icc=lambda digest: PROFILE)  # type: ignore[arg-type]
STAMP = Stamp("Proof", "2026-01-01", hashlib.sha256(PROFILE).hexdigest(), "CGATS TR 006", "", "Simplex")


@pytest.fixture(scope="module")
def arimo(request: pytest.FixtureRequest) -> bytes:
    return (request.config.rootpath / "fonts" / "arimo" / "Arimo-Regular.ttf").read_bytes()


def drawn(arimo: bytes, made: Fragment | None = None, **look: object) -> list[proof.ProofPage]:
    return proof.draw(made or fragment(), SHARED, STAMP, arimo, proof.Look(**look))  # type: ignore[arg-type]


def part(page: proof.ProofPage, box: Box, ppi: float) -> np.ndarray:
    """The pixels of a box of the page, in a proof that was cut at the trim."""
    s, trim = ppi / 72, A7.trim_box
    top, left = round((trim.top - box.top) * s), round((box.x - trim.x) * s)
    return page.pixels[top : top + round(box.height * s), left : left + round(box.width * s)].astype(int)


def test_a_proof_is_cut_at_the_trim_and_says_so(arimo: bytes) -> None:
    pages = drawn(arimo, ppi=72)
    assert [page.name for page in pages] == ["outside", "inside"]
    assert [page.pixels.shape for page in pages] == [(504, 720, 3)] * 2
    plain = drawn(arimo, ppi=72, word="", slots=False)
    for page, bare in zip(pages, plain, strict=True):
        assert 0.01 < (page.pixels != bare.pixels).any(axis=2).mean() < 0.3, "the word lies across the page"


def test_the_word_is_light_on_paper_and_on_dark_art(arimo: bytes) -> None:
    with_word, without = (drawn(arimo, ppi=72, word=word, slots=False)[0].pixels.astype(int) for word in ("PROOF", ""))
    change = with_word - without
    paper, night = change[:, :350], change[:, 370:]
    assert paper.max() == 0 and -30 < paper.min() < -10, "darker on paper"
    assert night.min() == 0 and 10 < night.max() < 30, "lighter on night"


def test_what_is_proofed_is_what_is_printed(arimo: bytes) -> None:
    """The same pixels as the print file, wherever no slot is filled."""
    made, ppi = fragment(), 96.0
    sink = io.BytesIO()
    merge = Merge(sink, SHARED, STAMP)
    merge.add(made, lambda page, slot: (Rect(slot.box, BLACK),))
    merge.finish()
    pages = drawn(arimo, made, ppi=ppi, word="", slots=False)
    with opened(sink.getvalue()) as document:
        for number, page in enumerate(pages):
            printed = document.pixels(number, ppi, A7.trim_box)
            differs = (printed != page.pixels).any(axis=2)
            if number == 0:
                assert part(page, SLOT, ppi).min() == 255 and differs.any()
                rows, columns = np.nonzero(differs)
                s = ppi / 72
                assert (
                    columns.min() >= (SLOT.x - A7.bleed) * s - 1.5
                    and columns.max() <= (SLOT.right - A7.bleed) * s + 1.5
                )
                assert rows.max() - rows.min() <= SLOT.height * s + 1.5
            else:
                assert not differs.any()


@pytest.mark.parametrize("turned", [False, True])
def test_a_slot_is_a_light_box_with_its_name(arimo: bytes, turned: bool) -> None:
    dark = Box(A7.bleed + A7.trim.width + mm(40), SLOT.y, SLOT.width, SLOT.height)
    page = drawn(arimo, fragment(Slot("match_code", dark, turned)), ppi=110, word="")[0]
    shown = part(page, dark, 110)
    assert np.median(shown) > 200, "light, on dark art"
    assert 0.01 < (shown.max(axis=2) < 200).mean() < 0.4, "its edge and its name"
    hidden = part(drawn(arimo, fragment(Slot("match_code", dark)), ppi=110, word="", slots=False)[0], dark, 110)
    assert hidden.max() < 120


def test_a_turned_slot_reads_upside_down(arimo: bytes) -> None:
    upright, turned = (
        part(drawn(arimo, fragment(Slot("match_code", SLOT, way)), ppi=110, word="")[0], SLOT, 110)[2:-2, 2:-2]
        for way in (False, True)
    )
    assert (upright != turned).any()
    assert np.abs(upright - turned[::-1, ::-1]).mean() < 12


def test_guides_show_bleed_trim_safe_and_fold(arimo: bytes) -> None:
    page = drawn(arimo, ppi=144, word="", slots=False, guides=A7)[0]
    assert page.pixels.shape == (1044, 1476, 3), "bleed and all"
    pixels = page.pixels.astype(int)

    def near(row: int, column: int, colour: tuple[int, int, int]) -> bool:
        area = pixels[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 3)
        return bool((np.abs(area - colour).max(axis=1) < 24).any())

    assert near(500, 18, (226, 0, 122)) and near(500, 1476 - 19, (226, 0, 122))
    assert near(500, 18 + 36, (0, 140, 70)) and near(18 + 36, 300, (0, 140, 70))
    assert any(near(row, 738, (0, 104, 200)) for row in range(100, 200, 4))


def test_the_digest_leaves_slots_out_and_nothing_else() -> None:
    one = proof.digest(fragment())
    assert one == proof.digest(fragment(Slot("number", Box(20, 20, 30, 30), True)))
    assert one != proof.digest(fragment(word=Box(500, 200, 60, 31)))


def test_the_same_proof_has_the_same_bytes(arimo: bytes) -> None:
    one, two = (proof.png(proof.sheet(drawn(arimo, ppi=60)), 64) for _ in range(2))
    assert one == two and len(one) < 30_000


def test_nobody_prints_from_a_proof() -> None:
    with pytest.raises(ValueError, match="150"):
        proof.Look(ppi=151)


def test_pages_lie_on_a_table_and_panels_come_out_of_them(arimo: bytes) -> None:
    pages = drawn(arimo, ppi=72, word="", slots=False)
    table = proof.sheet(pages)
    assert table.shape[1] < 760 and table.shape[0] > 1008, "wide pages are stacked"
    front = proof.panel(pages, A7, "front", 300)
    assert front.shape == (300, 214, 3)
    assert front[:, 3:].max() < 120, "the front is night all over"
