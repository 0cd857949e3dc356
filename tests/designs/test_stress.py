"""The stress pack: every design against the worst that people send. Each fits, or is refused with the code that says
why; nothing is clipped, shrunk below its least or left out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cardpipe.catalog.designs import DesignFolder
from cardpipe.model.errors import Refused
from cardpipe.model.finding import has_errors
from cardpipe.pipeline import compose
from cardpipe.pipeline.accept import accept
from cardpipe.pipeline.specimen import MAIL_ON, SCOPE, TERMS, Bench
from cardpipe.prepress import placeholder
from cardpipe.prepress.fragment import Fragment
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

NAMES = sorted(file.parent.name for file in (Path(__file__).resolve().parents[2] / "designs").glob("*/design.toml"))
ADDRESS = {"street": "12 Alder Lane", "city": "Springfield", "state": "IL", "postcode": "62701"}
SENDER = {"name": "June Abara", "street": "1 Harbor Street", "city": "Salem", "state": "MA", "postcode": "01970"}
WORDS = "Dear {first_name},\n\nthank you for the soup, the saw and the Saturday.\n\nJune"
SENTENCE = "We still talk about the evening on the porch, the moths, and your story of the goat. "


def photo(width: int, height: int, mode: str = "RGB") -> bytes:
    """A picture with something everywhere, as JPEG."""
    out = io.BytesIO()
    soft = Image.radial_gradient("L").resize((width, height))
    Image.merge("RGB", (soft, soft.transpose(Image.Transpose.FLIP_LEFT_RIGHT), soft.rotate(180))).convert(mode).save(
        out, "JPEG", quality=85
    )
    return out.getvalue()


def blank(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True)
class Case:
    """One bad day. ``fits``: it must; ``refused``: the codes of which at least one must be told if it is refused; with
    both it may do either."""

    name: str
    message: str = WORDS
    recipient: dict[str, Any] = field(default_factory=dict)
    fits: bool = True
    refused: frozenset[str] = frozenset()
    photo: tuple[int, int, str] = (2400, 2400, "RGB")
    photos: bool = True
    signature: str = "good"
    more: dict[str, Any] = field(default_factory=dict)


def codes(*names: str) -> frozenset[str]:
    return frozenset(names)


LONG = codes("message.too_long")
CASES = [
    Case("a long name", "Dear {name},\n\nhello.", {"name": "Bartholomew Featherstonehaugh-Cholmondeley III"}),
    Case("five hundred characters", (SENTENCE * 6)[:500], refused=LONG),
    Case("four thousand characters", (SENTENCE * 60)[:3990], fits=False, refused=LONG),
    Case("Vietnamese", "Dear {name},\n\nHạnh phúc! LỆ.", {"name": "Nguyễn Thị Ánh Tuyết Đặng"}),
    Case("Polish and Czech", "Dear {name},\n\nŻółć.", {"name": "Łukasz and Šárka Křížková-Wąsowicz"}),
    Case("Greek and Russian", "Dear {name},\n\nΕυχαριστώ, спасибо.", {"name": "Ελένη Юрьевна"}),
    Case("emoji", "Dear {first_name},\n\n🎉❤️ you 👨‍👩‍👧‍👦 🎂🇺🇸 👍🏽"),
    Case("an upright photo", photo=(1500, 4200, "RGB")),
    Case("a panorama", photo=(6000, 1400, "RGB"), refused=codes("photo.resolution.low")),
    Case("a thumbnail", photo=(120, 90, "RGB"), refused=codes("photo.resolution.low")),
    Case("a grey photo", photo=(2400, 2400, "L")),
    Case("a photo in four inks", photo=(2400, 2400, "CMYK")),
    Case("no photo", photos=False, refused=codes("photo.missing")),
    Case("no signature", signature=""),
    Case("a signature that is blank", signature="blank", refused=codes("signature.no_ink")),
    Case("a word of ninety letters", "Dear {first_name},\n\n" + "Donaudampfschiff" * 6, refused=codes("message.word_too_wide")),
    Case("one letter", "J"),
    Case("eighty lines", "\n".join("Oh." for _ in range(80)), fits=False, refused=LONG),
    Case("capitals", WORDS.upper().replace("{FIRST_NAME}", "{name}"), refused=LONG),
    Case("right to left", "Dear {first_name},\n\nשלום", fits=False, refused=codes("message.right_to_left")),
    Case("Chinese", "Dear {first_name},\n\n谢谢你", fits=False, refused=codes("message.glyph_missing")),
    Case("nothing", "  \n ", fits=False, refused=codes("order.invalid")),
    Case("a merge field that is none", "Dear {nickname},\n\nhello.", fits=False, refused=codes("message.field")),
    Case("six lines of address", refused=codes("envelope.address.wide"), recipient={
        "name": "Dr. Anneliese von Hohenlohe-Waldenburg-Schillingsfürst", "company": "Gesellschaft für angewandte Kartenkunde",
        "street": "14728 Northwest Frederick Douglass Memorial Boulevard", "street2": "Building 4, Apartment 1207",
    }),
]  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(Settings(data=tmp_path_factory.mktemp("stress")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def pictures() -> dict[tuple[int, int, str], bytes]:
    return {case.photo: photo(*case.photo) for case in CASES}


def tried(house: Shop, source: DesignFolder, case: Case, picture: bytes) -> tuple[Fragment | None, set[str]]:
    """The card, or the codes of its refusal."""
    design = source.design
    order: dict[str, Any] = {
        "reference": case.name, "occasion": design.occasions[0], "design": design.name, "sender": SENDER,
        "recipient": {"name": "Marisol Vega", **ADDRESS, **case.recipient}, "message": case.message,
        "photos": {frame.photo: "photo" for frame in design.photos} if case.photos else {}, **case.more,
    }  # fmt: skip
    if case.signature and design.one("signature") is not None:
        order["signature"] = case.signature
    held = {"photo": picture, "good": placeholder.signature(), "blank": blank(1200, 400)}
    bench = Bench(house)
    try:
        verdict = accept(bench, SCOPE, order, lambda ref, where: held[ref], MAIL_ON, TERMS)
        if verdict.order is None:
            return None, {finding.code for finding in verdict.findings}
        made = compose.make(bench, verdict.order.pieces[0])
        assert not has_errors(made.findings)
        return Fragment(io.BytesIO(bench.artifacts.get(SCOPE, made.card))), set()
    except Refused as problem:
        return None, {finding.code for finding in problem.findings}


@pytest.mark.parametrize("name", NAMES)
def test_the_worst_fits_or_is_refused_by_its_code(
    house: Shop, pictures: dict[tuple[int, int, str], bytes], name: str
) -> None:
    source, wrong, fitted = house.catalog.design(name), [], 0
    for case in CASES:
        card, told = tried(house, source, case, pictures[case.photo])
        fitted += card is not None
        if (card is None and not told & case.refused) or (card is not None and not case.fits):
            wrong.append((case.name, sorted(told) or "was composed"))
        if card is not None:
            assert len(card.pages) == 2
    assert wrong == [], wrong
    assert fitted >= len(CASES) // 2
