"""Accept: every finding at once, or stored with every input pinned; the same order twice is one order."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
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
