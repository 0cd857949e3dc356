"""Cut-offs and erasures: done once, by whoever comes first, also late; and nothing personal is left afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from shopfloor import DAY, SCOPE, FrozenClock, House, order, picture

from cardpipe.lettershop.calendar import Calendar
from cardpipe.model.errors import Conflict
from cardpipe.model.order import Scope
from cardpipe.model.scan import Scan, Stage
from cardpipe.model.status import PieceState
from cardpipe.model.tenant import Tenant
from cardpipe.pipeline import accept, compose, erase, impose
from cardpipe.pipeline.accept import prepare
from cardpipe.pipeline.cancel import cancel
from cardpipe.pipeline.duties import Reminder, last_cut_off
from cardpipe.pipeline.explain import actions, explain
from cardpipe.pipeline.gather import gather
from cardpipe.pipeline.release import release

UTC = dt.UTC
WORDS = "Dear {first_name},\n\nthank you for the quokka.\n\nJune"


@pytest.fixture
def clocked(make_house: Callable[[str], House]) -> House:
    """A shop on the morning of a Tuesday."""
    house = make_house("clocked")
    house.clock = FrozenClock(dt.datetime(2026, 12, 1, 14, 0, tzinfo=UTC))  # type: ignore[assignment]
    return house


def terms(house: House, **changes: object) -> None:
    house.store.set_tenant(Tenant.model_validate({"name": "local", "zone": "America/New_York", **changes}), "user:x")


def pass_time(house: House, **by: float) -> None:
    house.clock.forward(**by)  # type: ignore[attr-defined]


def test_the_last_cut_off_that_passed() -> None:
    posts = Calendar()
    tenant = Tenant.model_validate({"name": "a", "zone": "America/New_York", "cut_off": "17:00"})

    def last(*moment: int) -> str | None:
        found = last_cut_off(tenant, dt.datetime(*moment, tzinfo=UTC), posts)  # type: ignore[misc]
        return found[0].isoformat() if found else None

    assert last(2026, 12, 1, 21, 59) == "2026-11-30" and last(2026, 12, 1, 22, 0) == "2026-12-01"
    assert last(2026, 12, 6, 12, 0) == "2026-12-04", "a Sunday"
    assert last_cut_off(Tenant(name="a"), dt.datetime(2026, 12, 1, tzinfo=UTC), posts) is None


def test_a_day_closes_by_itself_once(clocked: House) -> None:
    terms(clocked, cut_off="17:00")
    reminders = [Reminder(clocked) for _ in range(3)]
    clocked.take(order())
    clocked.run_steps()
    before = sum(reminder.turn() for reminder in reminders)
    clocked.run_steps()
    assert before == 3 and clocked.store.batches(SCOPE) == [], "yesterday's, which had nothing, and two for rubbish"
    pass_time(clocked, hours=8, minutes=1)
    assert sum(reminder.turn() for reminder in reminders) == 1, "three dispatchers, one row"
    clocked.run_steps()
    assert [batch.pieces for batch in clocked.store.batches(SCOPE)] == [1]
    assert next((duty.due, duty.state) for duty in clocked.store.duties(SCOPE, "close")) == (DAY, "done")
    pass_time(clocked, minutes=5)
    assert sum(Reminder(clocked).turn() for _ in range(2)) == 0, "also not by one that was just started"


@pytest.mark.parametrize(
    ("mail_on", "days", "until"),
    [("2026-12-02", 0, "2026-12-02T22:00:00Z"), ("2026-12-06", 0, "2026-12-07T22:00:00Z"),
     ("2026-12-01", 1, "2026-12-02T22:00:00Z"), ("2026-12-01", 5, "2026-12-07T22:00:00Z")],
)  # fmt: skip
def test_until_when_an_order_may_be_changed(clocked: House, mail_on: str, days: int, until: str) -> None:
    """Its own cut-off; that of the next working day where it has none, or where nobody closed its day."""
    clocked.take(order(mail_on=mail_on))
    clocked.run_steps()
    stored = clocked.store.order(SCOPE, "R-1")
    assert {action.until for action in actions(clocked, SCOPE, stored)} == {None}, "the operator closes the day"
    terms(clocked, cut_off="17:00")
    pass_time(clocked, days=days)
    told = {action.name: action.until for action in actions(clocked, SCOPE, stored)}
    assert (told["change"], told["cancel"], told["proof"]) == (until, until, None)
    assert until in explain(clocked, SCOPE, stored)[-1].message


@pytest.mark.one_machine
def test_a_cut_off_waits_for_what_came_in_time(clocked: House) -> None:
    terms(clocked, cut_off="17:00")
    clocked.take(order())
    pass_time(clocked, hours=8, minutes=1)
    Reminder(clocked).turn()
    due = {kind: step for step, kind in clocked.store.due_steps(100, 0.0)}
    from cardpipe.pipeline import duties

    duties.close(clocked, due["close"])
    assert clocked.store.batches(SCOPE) == [], "the piece is still to be composed"
    clocked.run_steps()
    pass_time(clocked, seconds=20)
    clocked.run_steps()
    assert [batch.pieces for batch in clocked.store.batches(SCOPE)] == [1]


def test_a_cut_off_does_not_wait_for_ever(clocked: House) -> None:
    terms(clocked, cut_off="17:00")
    clocked.take(order(1))
    clocked.run_steps()
    clocked.take(order(2))
    pass_time(clocked, hours=8, minutes=25)
    Reminder(clocked).turn()
    due = {kind: step for step, kind in clocked.store.due_steps(100, 0.0)}
    from cardpipe.pipeline import duties

    duties.close(clocked, due["close"])
    assert [batch.pieces for batch in clocked.store.batches(SCOPE)] == [1]
    assert "1 orders were not composed in time" in clocked.store.duties(SCOPE, "close")[0].result


def mailed(house: House, tmp_path: Path, *numbers: int, photo: bytes = b"") -> None:
    """Orders whose cards were printed, handed over and mailed."""
    for number in numbers:
        given = {"occasion": "job-completed", "design": "job-well-done", "photos": {"before": "p", "after": "p"}}
        verdict = house.take(order(number, message=WORDS, **(given if photo else {})), {"p": photo})
        assert verdict.order is not None, verdict.findings
    house.run_steps()
    for batch in gather(house, SCOPE, DAY):
        house.run_steps()
        release(house, SCOPE, batch.id, f"file://{tmp_path / 'house'}")
        scans = [Scan(seq, Stage.MAILED) for seq in range(1, batch.pieces + 1)]
        house.store.record(SCOPE, batch.id, scans, "test", "d" * 63 + str(batch.of_day), "user:x")


def planted(house: House) -> dict[str, list[str]]:
    """Where in the data folder the recipients' name and street still stand, as bytes."""
    found: dict[str, list[str]] = {}
    for word in ("Łukasz", "Lukasz", "Main St", "MAIN ST", "quokka"):
        for path in house.settings.data.rglob("*"):
            if path.is_file() and word.encode() in path.read_bytes():
                found.setdefault(word, []).append(str(path.relative_to(house.settings.data)))
    return found


@pytest.mark.one_machine
def test_what_is_personal_goes_when_its_time_is_over(clocked: House, tmp_path: Path) -> None:
    terms(clocked, retention_days=30)
    photo = picture(1900, 1500)
    mailed(clocked, tmp_path, 1, 2, photo=photo)
    assert planted(clocked), "it is there before"
    files = sum(1 for _ in clocked.artifacts.digests(SCOPE))
    for days, erased in ((29, False), (2, True)):
        pass_time(clocked, days=days)
        Reminder(clocked).turn()
        clocked.run_steps()
        one = clocked.store.order(SCOPE, "R-1")
        assert (one.erased_at is not None) is erased
    assert planted(clocked) == {}
    assert one.request == {} and one.pieces[0].state is PieceState.MAILED and one.reference == "R-1"
    assert sum(1 for _ in clocked.artifacts.digests(SCOPE)) < files - 4, "photo, fragments and batch files are gone"
    batch = clocked.store.batches(SCOPE)[0]
    assert batch.files == () and batch.pieces == 2, "the counts stay"


@pytest.mark.one_machine
def test_what_a_worker_made_in_vain_is_not_kept(clocked: House) -> None:
    """It dies with the fragments put; the order is cancelled before another one makes the same."""
    terms(clocked, retention_days=1)
    clocked.take(order(message=WORDS))
    before = set(clocked.artifacts.digests(SCOPE))
    made = compose.make(clocked, clocked.store.order(SCOPE, "R-1").pieces[0])
    cancel(clocked, SCOPE, "R-1", "no more")
    assert set(clocked.artifacts.digests(SCOPE)) >= {made.card, made.envelope}
    pass_time(clocked, days=3)
    Reminder(clocked).turn()
    clocked.run_steps()
    assert not {made.card, made.envelope} & set(clocked.artifacts.digests(SCOPE)) and made.card not in before
    assert planted(clocked) == {}


@pytest.mark.one_machine
def test_what_died_before_anybody_named_it_is_not_kept(clocked: House) -> None:
    """The files of a batch that was being written, and the photo of an order that was being taken."""
    terms(clocked, retention_days=300)
    clocked.take(order(message=WORDS))
    clocked.run_steps()
    (batch,) = gather(clocked, SCOPE, DAY)
    written = {file.sha256 for file in impose.make(clocked, batch).files}
    given = {"occasion": "job-completed", "design": "job-well-done", "photos": {"before": "p", "after": "p"}}
    photo = picture(1900, 1500)
    taken = prepare(clocked, SCOPE, order(2, **given), lambda ref, where: photo, accept.terms(clocked, SCOPE, DAY))
    taken.lay_down(clocked, SCOPE)
    mine = written | set(taken.own)
    assert len(written) > 5 and taken.own and mine <= set(clocked.artifacts.digests(SCOPE))
    needed = set(clocked.artifacts.digests(SCOPE)) - mine
    for days, left in ((1, mine), (2, set())):
        pass_time(clocked, days=days)
        erase.remove_rubbish(clocked, SCOPE)
        assert set(clocked.artifacts.digests(SCOPE)) == needed | left, "and what the shop needs stays"
    assert impose.make(clocked, batch).files, "the next worker makes them once more"


def test_the_same_order_again_after_its_erasure_is_still_the_same(clocked: House, tmp_path: Path) -> None:
    mailed(clocked, tmp_path, 1)
    erase.erase(clocked, SCOPE, "R-1", "user:x")
    again = clocked.take(order(1, message=WORDS))
    assert again.order is not None and not again.fresh
    other = clocked.take(order(1, message="Other words, entirely.\n\nJune"))
    assert other.order is None and [finding.code for finding in other.findings] == ["order.reference_reused"]
    double = clocked.take(order(1, reference="R-1b"))
    assert double.order is not None and double.order.held_code == "order.duplicate", "the keyed hash stays"


def test_a_photo_that_another_order_needs_stays(clocked: House, tmp_path: Path) -> None:
    photo = picture(1900, 1500)
    mailed(clocked, tmp_path, 1, photo=photo)
    given = {"occasion": "job-completed", "design": "job-well-done", "photos": {"before": "p", "after": "p"}}
    assert clocked.take(order(2, **given), {"p": photo}).order is not None
    erase.erase(clocked, SCOPE, "R-1", "user:x")
    clocked.run_steps()
    assert clocked.store.order(SCOPE, "R-2").pieces[0].state is PieceState.COMPOSED


def test_a_card_that_is_still_to_be_mailed_is_not_erased(clocked: House) -> None:
    clocked.take(order())
    with pytest.raises(Conflict) as caught:
        erase.erase(clocked, SCOPE, "R-1", "user:x")
    assert [finding.code for finding in caught.value.findings] == ["order.erase.too_early"]
    cancel(clocked, SCOPE, "R-1", "no more")
    assert erase.erase(clocked, SCOPE, "R-1", "user:x").erased_at


@pytest.mark.one_machine
def test_test_orders_end_with_the_retention(clocked: House) -> None:
    terms(clocked, retention_days=7)
    scope = Scope("local", "test")
    clocked.take(order(message=WORDS), scope=scope)
    clocked.run_steps()
    assert "quokka" in planted(clocked)
    pass_time(clocked, days=8)
    Reminder(clocked).turn()
    clocked.run_steps()
    assert clocked.store.order(scope, "R-1").erased_at and planted(clocked) == {}
