"""Accept: every finding at once, or stored with every input pinned; the same order twice is one order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.lettershop.mailing import Insert, Mailing
from cardpipe.model.finding import Level
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.pipeline import compose
from cardpipe.pipeline.accept import Verdict
from cardpipe.pipeline.cancel import cancel
from cardpipe.pipeline.gather import gather
from cardpipe.settings import Settings


def codes(verdict: object) -> list[str]:
    return sorted(f.code for f in verdict.findings if f.level == "error")  # type: ignore[attr-defined]


def test_a_good_order_waits_with_its_inputs_pinned(house: House) -> None:
    verdict = house.take(order())
    assert verdict.order is not None and verdict.fresh and verdict.findings == ()
    (piece,) = house.store.pieces_of(SCOPE, [verdict.order.id])
    spec = piece.spec
    assert piece.state is PieceState.WAITING and spec["message"].startswith("Dear Zoë,") and spec["mail_on"] == DAY
    pinned = [*spec["design"]["files"].values(), *(f["file"] for f in spec["hand"]["faces"]), spec["printed"]["file"]]
    assert len(pinned) >= 5 and all(house.artifacts.has(SCOPE, digest) for digest in pinned)


def test_the_same_order_again_is_the_same_order(house: House) -> None:
    first, again = house.take(order()), house.take(order())
    assert first.order and again.order and first.order.id == again.order.id and not again.fresh


def test_another_order_under_an_old_reference_is_a_finding(house: House) -> None:
    house.take(order())
    verdict = house.take(order(message="Something else entirely, from June"))
    assert verdict.order is None and codes(verdict) == ["order.reference_reused"]
    assert "message" in verdict.findings[-1].message


def test_tenants_and_modes_do_not_share_references(house: House) -> None:
    ids = {
        house.take(order(), scope=scope).order.id  # type: ignore[union-attr]
        for scope in (SCOPE, Scope("other", "live"), Scope("local", "test"))
    }
    assert len(ids) == 3


def test_everything_wrong_is_said_at_once(house: House) -> None:
    bad = order(
        recipient={"name": "No City", "street": "1 Main St", "postcode": "85705", "state": "AZ"},
        message="Dear {nickname}, ...",
        ink="invisible",
        hand="no-such-hand",
        photo="photo.jpg",
    )
    found = codes(house.take(bad, {"photo.jpg": picture(600, 400)}))
    assert set(found) >= {"address.city.missing", "message.field", "order.ink", "order.hand", "photo.no_frame"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"colour": "red"}, "order.unknown_field"),
        ({"design": "no-such-design"}, "design.unknown"),
        ({"design": None, "occasion": "coronation"}, "design.occasion"),
        ({"message": "x" * 4001}, "order.too_long"),
        ({"message": "a long letter " * 220}, "message.too_long"),
        ({"message": "Dear 🜁 friend"}, "message.glyph_missing"),
        ({"message": "Dear {first_name"}, "message.braces"),
        ({"mail_on": "tomorrow"}, "order.invalid"),
        ({"reference": ""}, "order.invalid"),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_one_code(house: House, change: dict[str, object], code: str) -> None:
    verdict = house.take(order(**change))
    assert verdict.order is None and codes(verdict) == [code]
    assert all(f.message and f.where for f in verdict.findings)
    assert house.store.due_steps(10, 0.0) == []


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF", "photo.format"),
        ("bomb", bytes.fromhex("47494638396132023a01f0010000000000ffffff21f90401000001002c00000000ffff01040000"), "photo.format"),
        ("empty", b"", "photo.format"),
        ("small", picture(500, 400), "photo.resolution.low"),
        ("cut", picture(2400, 1800)[:60_000], "photo.truncated"),
    ],
)  # fmt: skip
def test_a_picture_that_cannot_be_printed_is_refused(house: House, name: str, data: bytes, code: str) -> None:
    bad = order(design="congratulations-bravo", occasion="congratulations", photo=name)
    verdict = house.take(bad, {name: data})
    assert verdict.order is None and codes(verdict) == [code]


def test_a_required_photo_must_be_there(house: House) -> None:
    assert codes(house.take(order(design="congratulations-bravo", occasion="congratulations"))) == ["photo.missing"]


def test_a_design_that_changes_later_does_not_change_an_accepted_card(
    make_house: Callable[[str], House], tmp_path: Path
) -> None:
    designs = tmp_path / "designs"
    shutil.copytree(Settings().designs, designs, ignore=shutil.ignore_patterns("_studio"))
    first = make_house("one")
    first.settings = first.settings.model_copy(update={"designs": designs})
    verdict = first.take(order())
    assert verdict.order is not None
    (designs / "thank-you-fern" / "outside.pdf").write_bytes((designs / "birthday-meadow" / "outside.pdf").read_bytes())
    first.run_steps()
    untouched = make_house("two")
    other = untouched.take(order())
    untouched.run_steps()
    assert other.order is not None
    (here,) = first.store.pieces_of(SCOPE, [verdict.order.id])
    (there,) = untouched.store.pieces_of(SCOPE, [other.order.id])
    assert here.composed is not None and here.composed == there.composed


def test_a_cancelled_order_is_never_gathered(house: House) -> None:
    kept, gone = house.take(order(1)), house.take(order(2))
    assert kept.order and gone.order
    cancel(house, SCOPE, "R-2", "the customer changed her mind")
    house.run_steps()
    (batch,) = gather(house, SCOPE, DAY)
    assert batch.pieces == 1 and [p.reference for p in house.store.members(batch.id)] == ["R-1"]
    assert gather(house, SCOPE, DAY) == []


def test_findings_never_quote_the_message(house: House) -> None:
    secret = "the diagnosis of Tuesday"
    verdict = house.take(order(message=secret + " {nope} " + "and more words " * 200))
    told = " ".join(f.message + f.remedy for f in verdict.findings)
    assert verdict.order is None and "diagnosis" not in told


# the shop's own way of posting

INSERTS = """
[price-list]
title = "Price list"
weight_g = 4.5
thickness_mm = 0.1
size = ["100mm", "140mm"]

[brochure]
title = "Brochure"
weight_g = 20
thickness_mm = 0.6
size = ["100mm", "140mm"]

[brick]
title = "Sample"
weight_g = 90
thickness_mm = 7
size = ["220mm", "140mm"]
"""
MAILING = """
postage = "meter"
address_style = "mixed"
endorsement = "RETURN SERVICE REQUESTED"
"""


@pytest.fixture
def posting(make_house: Callable[[str], House], tmp_path: Path) -> Callable[..., House]:
    def make(name: str, mailing: str = MAILING) -> House:
        folder = tmp_path / f"shop-{name}"
        folder.mkdir()
        (folder / "inserts.toml").write_text(INSERTS)
        (folder / "mailing.toml").write_text(mailing)
        house = make_house(name)
        house.settings = house.settings.model_copy(update={"shop": folder})
        return house

    return make


def spec_of(house: House, verdict: Verdict) -> dict[str, Any]:
    assert verdict.order is not None, verdict.findings
    (piece,) = house.store.pieces_of(SCOPE, [verdict.order.id])
    return piece.spec


def group_of(house: House, verdict: Verdict) -> str:
    assert verdict.order is not None, verdict.findings
    (piece,) = house.store.pieces_of(SCOPE, [verdict.order.id])
    return piece.group


def test_an_order_is_posted_plainly_unless_the_shop_says_more(house: House) -> None:
    spec = spec_of(house, house.take(order()))
    assert spec["mailing"]["postage"] == "stamp" and spec["mailing"]["address_style"] == "ocr"
    assert (spec["inserts"], spec["seed"], spec["v"]) == ([], False, 2)


def test_the_way_of_posting_and_the_inserts_are_pinned(posting: Callable[..., House]) -> None:
    house = posting("one")
    verdict = house.take(order(inserts=["price-list"], seed=True))
    spec = spec_of(house, verdict)
    assert Mailing.model_validate(spec["mailing"]) == house.catalog.mailing()
    assert [Insert.model_validate(insert) for insert in spec["inserts"]] == [house.catalog.insert("price-list")]
    assert spec["seed"] is True and verdict.findings == ()
    assert json.loads(json.dumps(spec)) == spec, "as it is stored"


def test_one_batch_has_one_way_of_posting(posting: Callable[..., House], house: House) -> None:
    plain, mixed, same = house, posting("mixed"), posting("same")
    stamped = posting("stamped", MAILING.replace("meter", "stamp"))
    groups = {
        "plain": group_of(plain, plain.take(order())),
        "mixed": group_of(mixed, mixed.take(order())),
        "the same": group_of(same, same.take(order(2, inserts=["price-list"]))),
        "stamped": group_of(stamped, stamped.take(order())),
    }
    assert groups["mixed"] == groups["the same"] and len(set(groups.values())) == 3


def test_an_unknown_insert_names_those_that_there_are(posting: Callable[..., House], house: House) -> None:
    verdict = posting("one").take(order(inserts=["price-lst", "nonsense", "brochure", "brochure"]))
    assert verdict.order is None
    found = [f for f in verdict.findings if f.level == "error"]
    assert [f.code for f in found] == ["insert.unknown", "insert.unknown", "order.insert_doubled"]
    assert "did you mean 'price-list'" in found[0].remedy and "brick, brochure, price-list" in found[1].remedy
    assert codes(house.take(order(inserts=["price-list"]))) == ["insert.unknown"]


def test_inserts_that_make_it_dear_are_told_with_the_price(posting: Callable[..., House]) -> None:
    verdict = posting("one").take(order(inserts=["brochure"]))
    (found,) = verdict.findings
    assert verdict.order is not None and (found.code, found.level) == ("carrier.weight.step", "warning")
    assert "39.7 g with 1 inserts" in found.message and "USD" in found.message and "metered" in found.message
    assert verdict.order.findings == verdict.findings, "kept with the order"


def test_inserts_that_make_it_no_letter_refuse_the_order(posting: Callable[..., House]) -> None:
    verdict = posting("one").take(order(inserts=["brick"]))
    assert codes(verdict) == ["carrier.insert.large", "carrier.thickness.thick", "carrier.weight.heavy"]


def test_a_wrong_way_of_posting_is_found_before_anything_is_stored(posting: Callable[..., House]) -> None:
    wide = (
        MAILING.replace("meter", "permit")
        + '[permit]\nmail_class = "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"\noffice = "X Y"\nnumber = "1"\n'
    )
    verdict = posting("one", wide.replace("RETURN SERVICE REQUESTED", "PLEASE RETURN")).take(order())
    assert codes(verdict) == ["indicia.wide", "mailing.endorsement"]


def test_an_address_all_by_hand_is_warned_of(posting: Callable[..., House]) -> None:
    verdict = posting("one", MAILING.replace("mixed", "script")).take(order())
    assert verdict.order is not None and [f.code for f in verdict.findings] == ["envelope.style.script"]


def test_an_order_from_before_this_was_pinned_still_composes(posting: Callable[..., House]) -> None:
    house = posting("one")
    verdict = house.take(order(inserts=["price-list"]))
    assert verdict.order is not None
    house.run_steps()
    (piece,) = house.store.pieces_of(SCOPE, [verdict.order.id])
    assert piece.composed is not None
    spec = {key: value for key, value in piece.spec.items() if key not in ("mailing", "inserts", "seed")}
    old = compose.make(house, replace(piece, spec={**spec, "v": 1}))
    assert old.card == piece.composed.card and old.envelope != piece.composed.envelope, "posted plainly, as it was"


def test_a_return_address_abroad_is_refused(house: House) -> None:
    """A card that cannot be delivered must be able to come back."""
    sender = {"name": "Jürgen Müller", "street": "Hauptstr. 5", "city": "Köln", "postcode": "50667", "country": "DE"}
    verdict = house.take(order(1, sender=sender))
    assert verdict.order is None
    assert [(f.code, f.where) for f in verdict.findings if f.level is Level.ERROR] == [
        ("address.return.foreign", "sender.country")
    ]
    island = {"name": "Ana", "street": "1 Calle Sol", "city": "San Juan", "postcode": "00901", "country": "PR"}
    assert house.take(order(2, sender=island)).order is not None
