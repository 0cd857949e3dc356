"""What somebody let pass: it holds for just what was looked at, and loosens nothing for any other card."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from cardpipe.lettershop import duplicate
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Level, error
from cardpipe.model.intake import Row, RowState
from cardpipe.model.status import BatchState, PieceState
from cardpipe.pipeline import intake
from cardpipe.pipeline.change import change
from cardpipe.pipeline.gather import gather
from cardpipe.pipeline.mapping import Columns
from cardpipe.pipeline.mend import mend
from cardpipe.pipeline.override import COARSE, JUDGEMENT, give, given, offered, place
from cardpipe.pipeline.pinned import least_ppi
from cardpipe.prepress.card import LEAST_PPI
from tests.pipeline.shopfloor import DAY, SCOPE, House, order, picture

WHERE = "photos.main"
SMALL, TINY = (450, 600), (120, 160)  # pixels of a panel of some 5 x 7 in: 85 and 23 ppi


def bravo(number: int, **changes: object) -> dict[str, object]:
    """An order with a photo that fills a panel."""
    return order(number, design="congratulations-bravo", occasion="congratulations", **changes)


def zipped(house: House, *orders: dict[str, object], photo: tuple[int, int] = SMALL) -> list[Row]:
    """Rows of an import whose photo lies in its ZIP, judged."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("orders.ndjson", "\n".join(json.dumps({**one, "photo": "a.jpg"}) for one in orders))
        made.writestr("a.jpg", picture(*photo))
    source = house.artifacts.put(SCOPE, out.getvalue())
    imported = intake.take_in(house, SCOPE, "a.zip", source, Columns(), {"mail_on": DAY}, dry_run=False, actor="key:t")
    house.run_steps()
    return house.store.rows(SCOPE, imported.id, None, 0, 100)


def let_pass(house: House, row: Row, code: str = COARSE) -> Row:
    """The row once it was judged again with an override of that finding."""
    found = offered(house, row)
    looked = [digest for each, digest in found.items() if each.code == code]
    mend(house, row, {}, "user:opal", give(house, found, looked, "it is the only one they have", "user:opal"))
    house.run_steps()
    judged = house.store.row(SCOPE, row.id)
    assert judged is not None
    return judged


def codes(findings: object, level: Level) -> list[str]:
    return [each.code for each in findings if each.level is level]  # type: ignore[attr-defined]


def test_a_coarse_photo_that_was_let_pass_is_printed_in_a_batch_of_its_own(house: House) -> None:
    (row,) = zipped(house, bravo(1))
    assert row.state is RowState.REFUSED and codes(row.findings, Level.ERROR) == [COARSE]
    assert let_pass(house, row).state is RowState.ACCEPTED
    strict = house.take(bravo(2, photo="sharp"), {"sharp": picture(1600, 2200)})
    assert strict.order is not None
    house.run_steps()
    gather(house, SCOPE, DAY)
    house.run_steps()
    stored = house.store.order(SCOPE, "R-1")
    assert COARSE in codes(stored.findings, Level.WARNING)
    batches = {batch.id: batch for batch in house.store.batches(SCOPE)}
    assert len(batches) == 2, "no other card's photo is checked more loosely for it"
    assert {batch.state for batch in batches.values()} == {BatchState.IMPOSED}
    ours, other = (house.store.order(SCOPE, key).pieces[0] for key in ("R-1", "R-2"))
    assert ours.batch_id != other.batch_id
    assert ours.spec["press"]["photo_minimum_ppi"] == LEAST_PPI < other.spec["press"]["photo_minimum_ppi"]
    assert "overrides" not in other.spec and "photo_minimum_ppi" not in other.spec
    assert [(each.by, each.note) for each in given(stored)] == [("user:opal", "it is the only one they have")]


def test_it_ends_with_the_photo_and_with_the_design_and_survives_another_address(house: House) -> None:
    (row,) = zipped(house, bravo(1))
    let_pass(house, row)
    stored = house.store.order(SCOPE, "R-1")
    street = change(house, SCOPE, "R-1", {"recipient": {"street": "9 Oak St"}}, stored.revision, _none, "user:opal")
    assert street.order is not None, street.findings
    assert given(street.order) == given(stored)
    smaller = f"sha256:{house.artifacts.put(SCOPE, picture(440, 580))}"
    photo = change(house, SCOPE, "R-1", {"photo": smaller}, street.order.revision, _none, "user:opal")
    assert photo.order is None and COARSE in codes(photo.findings, Level.ERROR)
    design = {"design": next(name for name in house.catalog.designs() if _has_photo(house, name))}
    other = change(house, SCOPE, "R-1", design, street.order.revision, _none, "user:opal")
    assert other.order is None and COARSE in codes(other.findings, Level.ERROR)


def test_what_nobody_can_print_is_let_pass_by_nobody(house: House) -> None:
    (row,) = zipped(house, bravo(1), photo=TINY)
    again = let_pass(house, row)
    assert again.state is RowState.REFUSED
    assert codes(again.findings, Level.ERROR) == ["photo.resolution.unprintable"]
    assert offered(house, again) == {}
    with pytest.raises(Refused) as told:
        give(house, offered(house, again), [row.findings[0].code], "please", "user:opal")
    assert told.value.findings[0].code == "override.gone"


def test_only_what_is_a_matter_of_judgement_is_offered(house: House) -> None:
    rows = zipped(house, bravo(1, message="Dear 漢字"), photo=(1600, 2200))
    assert rows[0].state is RowState.REFUSED and codes(rows[0].findings, Level.ERROR)
    assert offered(house, rows[0]) == {}
    assert not [
        code for code in JUDGEMENT if code.split(".")[0] in ("message", "hand", "picture", "carrier", "envelope")
    ]


def test_a_zip_code_newer_than_the_list(house: House) -> None:
    who = {**order(1)["recipient"], "state": "NY"}
    table = io.StringIO()
    plain = order(1, recipient=who)
    flat = {**{k: v for k, v in plain.items() if not isinstance(v, dict)},
            **{f"{p}.{k}": v for p in ("recipient", "sender") for k, v in plain[p].items()}}  # fmt: skip
    writer = csv.DictWriter(table, flat)
    writer.writeheader()
    writer.writerow(flat)
    source = house.artifacts.put(SCOPE, table.getvalue().encode())
    imported = intake.take_in(house, SCOPE, "a.csv", source, Columns(), {"mail_on": DAY}, dry_run=False, actor="key:t")
    house.run_steps()
    (row,) = house.store.rows(SCOPE, imported.id, None, 0, 10)
    assert codes(row.findings, Level.ERROR) == ["address.postcode.contradicts"], row.findings
    accepted = let_pass(house, row, "address.postcode.contradicts")
    assert accepted.state is RowState.ACCEPTED, accepted.findings
    stored = house.store.order(SCOPE, "R-1")
    assert "photo_minimum_ppi" not in stored.pieces[0].spec
    moved = change(house, SCOPE, "R-1", {"recipient": {"state": "NJ"}}, stored.revision, _none, "user:opal")
    assert moved.order is None and codes(moved.findings, Level.ERROR) == ["address.postcode.contradicts"]


def test_a_postcode_at_home_stands_and_one_abroad_may_be_let_pass(house: House) -> None:
    bad = error("address.postcode.pattern", "recipient.postcode", "is none")
    abroad = {"name": "Ana", "street": "1 Rua A", "city": "Porto", "postcode": "4000", "country": "PT"}
    for who, may in ((order(1)["recipient"], False), (abroad, True)):
        row = Row("ord_x", SCOPE, None, 1, "R-1", RowState.REFUSED, order(1, recipient=who), (), (bad,), "")
        assert bool(offered(house, row)) is may
    assert place(error("x", "line 12 recipient.state", "")) == "recipient.state"
    assert place(error("x", "message", "")) == "message"


def test_an_edit_that_is_refused_says_what_may_be_let_pass(house: House) -> None:
    strict = house.take(bravo(1, photo="sharp"), {"sharp": picture(1600, 2200)})
    assert strict.order is not None
    small = {"photo": f"sha256:{house.artifacts.put(SCOPE, picture(*SMALL))}"}
    refused = change(house, SCOPE, "R-1", small, 1, _none, "user:opal")
    assert refused.order is None
    assert [each.code for each in refused.offers] == [COARSE]
    overrides = tuple(give(house, refused.offers, list(refused.offers.values()), "they know", "user:opal"))
    other = {"photo": f"sha256:{house.artifacts.put(SCOPE, picture(451, 600))}"}
    assert change(house, SCOPE, "R-1", other, 1, _none, "user:opal", overrides).order is None, "of another photo"
    made = change(house, SCOPE, "R-1", small, 1, _none, "user:opal", overrides)
    assert made.order is not None and made.order.revision == 2, made.findings
    house.run_steps()
    composed = house.store.order(SCOPE, "R-1")
    assert composed.pieces[0].state is PieceState.COMPOSED, composed.pieces[0].findings
    same = change(house, SCOPE, "R-1", {}, 2, _none, "user:opal", overrides)
    assert not same.fresh, "given twice it is given once"


def test_the_other_photo_of_a_card_is_checked_as_strictly_as_ever(house: House) -> None:
    """Of two photos one was let pass; the press that the card is pinned to asks for less, compose does not."""
    name = next(name for name in house.catalog.designs() if len(house.catalog.design(name).design.photos) == 2)
    design = house.catalog.design(name).design
    first, second = (frame.photo for frame in design.photos)
    photos = {"small": picture(*SMALL), "sharp": picture(2400, 2400)}
    two = order(1, design=name, occasion=design.occasions[0], photos={first: "small", second: "sharp"})
    for each, data in photos.items():
        two["photos"] = {key: f"sha256:{house.artifacts.put(SCOPE, data)}" if ref == each else ref
                         for key, ref in two["photos"].items()}  # fmt: skip
    row = _by_itself(house, two)
    assert let_pass(house, row).state is RowState.ACCEPTED
    spec = house.store.order(SCOPE, "R-1").pieces[0].spec
    assert (least_ppi(spec, first), least_ppi(spec, second)) == (LEAST_PPI, 150)
    assert spec["press"]["photo_minimum_ppi"] == LEAST_PPI
    both = order(2, design=name, occasion=design.occasions[0], photos={first: two["photos"][first],
                                                                       second: two["photos"][first]})  # fmt: skip
    asked = _by_itself(house, both)
    one = {each: digest for each, digest in offered(house, asked).items() if place(each) == f"photos.{first}"}
    mend(house, asked, {}, "user:opal", give(house, one, list(one.values()), "just this", "user:opal"))
    house.run_steps()
    judged = house.store.row(SCOPE, asked.id)
    assert judged is not None and judged.state is RowState.REFUSED
    assert [each.where for each in judged.findings if each.level is Level.ERROR] == [f"photos.{second}"]


def test_two_photos_that_were_let_pass_do_not_change_places(house: House) -> None:
    """Each was looked at where it stands."""
    name = next(name for name in house.catalog.designs() if len(house.catalog.design(name).design.photos) == 2)
    design = house.catalog.design(name).design
    first, second = (frame.photo for frame in design.photos)
    one, other = (f"sha256:{house.artifacts.put(SCOPE, picture(*size))}" for size in (SMALL, (440, 580)))
    row = _by_itself(house, order(1, design=name, occasion=design.occasions[0], photos={first: one, second: other}))
    assert let_pass(house, row).state is RowState.ACCEPTED
    stored = house.store.order(SCOPE, "R-1")
    assert len(given(stored)) == 2
    turned = {"photos": {first: other, second: one}}
    refused = change(house, SCOPE, "R-1", turned, stored.revision, _none, "user:opal")
    assert refused.order is None and codes(refused.findings, Level.ERROR) == [COARSE, COARSE]


def test_a_day_far_from_the_mail_date(house: House) -> None:
    far = order(1, occasion_date="2025-11-01")
    rows = _by_itself(house, far)
    assert codes(rows.findings, Level.ERROR) == ["order.occasion_date.far"]
    assert duplicate.FARTHEST < 395
    assert let_pass(house, rows, "order.occasion_date.far").state is RowState.ACCEPTED


def _by_itself(house: House, request: dict[str, object]) -> Row:
    source = house.artifacts.put(SCOPE, json.dumps(request).encode())
    made = intake.take_in(house, SCOPE, "a.ndjson", source, Columns(), {"mail_on": DAY}, dry_run=False, actor="key:t")
    house.run_steps()
    (row,) = house.store.rows(SCOPE, made.id, None, 0, 10)
    return row


def _has_photo(house: House, name: str) -> bool:
    design = house.catalog.design(name).design
    return name != "congratulations-bravo" and [frame.photo for frame in design.photos] == ["main"]


def _none(ref: str, where: str) -> bytes:
    raise Refused("no digest", [error("picture.not_uploaded", where, "is none")])
