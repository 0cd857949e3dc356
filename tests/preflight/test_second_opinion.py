"""What other people's programs say of our finished files; and that each of them sees something when it is there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from goodfile import broken, look, make, saved
from piecemaking import STAMP, X1A, fragment, numbered, plates, shared
from pikepdf import Name
from shopfloor import DAY, SCOPE, House, order, picture
from spoiling import content, image, unembedded
from strangers import archive_rules, boxes, fonts, heaviest, pictures, syntax

from cardpipe.pipeline.gather import gather
from cardpipe.prepress.dpart import Record
from cardpipe.prepress.fragment import Fragment
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.xmp import Stamp
from cardpipe.settings import Settings

CARD, ENVELOPE = "CARD.pdf", "ENV.pdf"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A card file and an envelope file, made by the pipeline of two orders, one of them with a photo."""
    folder = tmp_path_factory.mktemp("finished")
    house = House(Settings(data=folder / "data"))
    try:
        bravo = {"design": "congratulations-bravo", "occasion": "congratulations", "photo": "sea"}
        for number, more in ((1, bravo), (2, {})):
            verdict = house.take(order(number, **more), {"sea": picture(2400, 2400)})
            assert verdict.order is not None, verdict.findings
        house.run_steps()
        gather(house, SCOPE, DAY)
        house.run_steps()
        (batch,) = house.store.batches(SCOPE)
        made = {}
        for item in batch.files:
            for name in (CARD, ENVELOPE):
                if item.name.endswith(name):
                    made[name] = folder / name
                    made[name].write_bytes(house.artifacts.get(SCOPE, item.sha256))
        assert set(made) == {CARD, ENVELOPE}, batch.held
        yield made
    finally:
        house.close()
        house.store.close()


@pytest.fixture
def written(tmp_path: Path) -> Iterator[object]:
    def write(data: bytes) -> Path:
        path = tmp_path / "file.pdf"
        path.write_bytes(data)
        return path

    yield write


BOTH = pytest.mark.parametrize("name", [CARD, ENVELOPE])


@BOTH
def test_archivists_find_nothing_about_fonts_and_colours(finished: dict[str, Path], name: str) -> None:
    assert archive_rules(finished[name].read_bytes()) == []


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (broken(content(b"", Font=unembedded)), "6.2.11.4.1"),
        (broken(content(b"1 0 0 rg 50 50 9 9 re f")), "6.2.4.3"),
        (broken(lambda pdf: pdf.Root.__delitem__("/OutputIntents")), "6.2.4.3"),
    ],
    ids=["font", "RGB", "no intent"],
)
def test_archivists_see_what_is_wrong(data: bytes, rule: str) -> None:
    assert archive_rules(saved(make())) == []
    found = archive_rules(data)
    assert any(rule in line for line in found), found
    assert not look(data).ok


@BOTH
def test_qpdf_finds_the_syntax_clean(finished: dict[str, Path], name: str) -> None:
    code, told = syntax(finished[name])
    assert code == 0 and "No syntax or stream encoding errors found" in told


def test_qpdf_sees_a_file_that_was_cut_off(written) -> None:  # type: ignore[no-untyped-def]
    data = saved(make())[:-2000]
    assert syntax(written(data))[0] != 0
    assert not look(data).ok


@BOTH
def test_poppler_finds_every_font_embedded(finished: dict[str, Path], name: str) -> None:
    found = fonts(finished[name])
    assert found and all(found.values()), found


def test_poppler_sees_a_font_that_is_not(written) -> None:  # type: ignore[no-untyped-def]
    assert fonts(written(broken(content(b"", Font=unembedded))))["Helvetica"] is False


def test_poppler_finds_tagged_photos_sharp_enough(finished: dict[str, Path]) -> None:
    found = pictures(finished[CARD])
    assert len(found) == 1
    for kind, colour, across, upwards in found:
        assert (kind, colour) == ("image", "icc") and min(across, upwards) >= 298
    assert pictures(finished[ENVELOPE]) == []


def test_poppler_sees_untagged_and_coarse_photos(written) -> None:  # type: ignore[no-untyped-def]
    def spoil(pdf: object) -> None:
        content(b"q 350 0 0 500 10 10 cm /Photo Do Q")(pdf)  # type: ignore[arg-type]
        image("ColorSpace", Name.DeviceRGB)(pdf)  # type: ignore[arg-type]

    data = broken(spoil)
    found = pictures(written(data))
    assert ("image", "rgb", 185, 86) in found, found
    assert look(data).codes() == ("colour.rgb", "image.ppi.low")


@pytest.mark.parametrize(
    ("name", "pages", "media", "trim"),
    [(CARD, 4, (0, 0, 738, 522), (9, 9, 729, 513)), (ENVELOPE, 2, (0, 0, 522, 378), (0, 0, 522, 378))],
)
def test_poppler_finds_the_boxes_on_every_page(
    finished: dict[str, Path], name: str, pages: int, media: tuple[float, ...], trim: tuple[float, ...]
) -> None:
    found = boxes(finished[name])
    assert len(found) == pages
    for page in found:
        assert page["MediaBox"] == page["BleedBox"] == page["CropBox"] == media and page["TrimBox"] == trim


def test_poppler_sees_a_page_without_trim(written) -> None:  # type: ignore[no-untyped-def]
    found = boxes(written(broken(lambda pdf: pdf.pages[2].obj.__delitem__("/TrimBox"))))
    assert [page["TrimBox"] == (9, 9, 369, 513) for page in found] == [True, True, False, True]


@BOTH
def test_ghostscript_finds_no_more_ink_than_the_press_takes(
    finished: dict[str, Path], name: str, tmp_path: Path
) -> None:
    most = heaviest(finished[name], tmp_path)
    assert 90 < most <= 300.5


def test_ghostscript_sees_four_full_inks(written, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    data = broken(content(b"1 1 1 1 k 50 50 40 40 re f"))
    assert heaviest(written(data), tmp_path) == pytest.approx(400, abs=0.5)
    assert look(data).codes() == ("ink.total",)


def merged_with(stamp: Stamp, one: Fragment, record: Record | None) -> bytes:
    """A file of hand-made pieces, as the merge writes it."""
    sink = io.BytesIO()
    merge = Merge(sink, shared(), stamp)
    merge.add(one, numbered(1), record)
    merge.finish()
    return sink.getvalue()


@pytest.mark.parametrize("kind", ["records", "X-1a"])
def test_strangers_accept_records_and_x1a(kind: str, written, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    if kind == "records":
        data = merged_with(replace(STAMP, records=True), fragment(), Record({"Sequence": 1, "Zip": "02116"}))
        assert b"/DPartRoot" in data
    else:
        data = merged_with(X1A, plates(), None)
        assert data.startswith(b"%PDF-1.4")
    path = written(data)
    assert archive_rules(data) == []
    assert syntax(path)[0] == 0
    assert all(fonts(path).values()) and fonts(path)
    colours = {colour for what, colour, _, _ in pictures(path) if what == "image"}
    assert colours == {"icc" if kind == "records" else "cmyk"}
    assert heaviest(path, tmp_path) <= 300.5
