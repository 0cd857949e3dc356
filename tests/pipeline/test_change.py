"""Until its piece lies in a batch an order may be another one; what was approved is what is printed."""

from __future__ import annotations

from typing import Any

import pytest
from shopfloor import DAY, SCOPE, House, order, picture

from cardpipe.model.errors import Conflict, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.pipeline.change import approve, change, merged
from cardpipe.pipeline.explain import actions, explain
from cardpipe.pipeline.gather import gather


def no_pictures(ref: str, where: str) -> bytes:
    raise AssertionError(f"{where} was asked for")


def stored(house: House, key: str = "R-1") -> StoredOrder:
    return house.store.order(SCOPE, key)


def changed(house: House, patch: dict[str, Any], revision: int = 1) -> Any:
    return change(house, SCOPE, "R-1", patch, revision, no_pictures, "key:test")


def codes(findings: Any) -> list[str]:
    return [finding.code for finding in findings]


def test_a_change_is_a_new_revision_composed_anew(house: House) -> None:
    house.take(order())
    house.run_steps()
    before = stored(house).pieces[0]
    verdict = changed(house, {"message": "Dear {first_name},\n\nanother word entirely.\n\nJune"})
    assert verdict.fresh and verdict.order is not None and verdict.order.revision == 2
    assert verdict.order.pieces[0].state is PieceState.WAITING and verdict.order.pieces[0].id == before.id
    house.run_steps()
    after = stored(house).pieces[0]
    assert before.composed and after.composed and after.composed.card != before.composed.card
    assert after.composed.envelope == before.composed.envelope, "the address did not change, nor did its seed"
    assert "another word" in after.spec["message"]


def test_changing_back_gives_the_same_card_again(house: House) -> None:
    house.take(order())
    house.run_steps()
    first = stored(house).pieces[0].composed
    changed(house, {"ink": "sepia"})
    house.run_steps()
    changed(house, {"ink": None}, 2)
    house.run_steps()
    assert stored(house).pieces[0].composed == first and stored(house).revision == 3


def test_a_patch_that_changes_nothing_is_no_revision(house: House) -> None:
    house.take(order())
    verdict = changed(house, {"message": order()["message"], "hand": None})
    assert verdict.order is not None and not verdict.fresh and stored(house).revision == 1


def test_what_cannot_be_printed_changes_nothing(house: House) -> None:
    house.take(order())
    verdict = changed(house, {"recipient": {"city": None}, "message": "x" * 3000, "hand": "no-such-hand"})
    assert verdict.order is None and stored(house).revision == 1
    assert {"order.hand"} < set(codes(verdict.findings)), "all at once"
    assert codes(changed(house, {"reference": "R-2"}).findings) == ["order.reference.fixed"]


def test_somebody_was_faster(house: House) -> None:
    house.take(order())
    changed(house, {"ink": "sepia"})
    with pytest.raises(Conflict) as caught:
        changed(house, {"ink": "plum"}, 1)
    assert codes(caught.value.findings) == ["order.revision"] and stored(house).revision == 2


def test_too_late_is_said(house: House) -> None:
    house.printed(order())
    with pytest.raises(Conflict) as caught:
        changed(house, {"ink": "sepia"})
    assert codes(caught.value.findings) == ["order.change.too_late"]


def test_the_mail_date_stays_unless_it_is_changed(house: House) -> None:
    house.take(order())
    assert changed(house, {"ink": "sepia"}).order.mail_on == DAY
    later = changed(house, {"mail_on": "2026-12-10"}, 2).order
    assert (later.mail_on, later.pieces[0].mail_on) == ("2026-12-10", "2026-12-10")
    assert changed(house, {"arrive_by": "2026-12-30"}, 3).order.arrive_by == "2026-12-30", "takes the mail date's place"


def test_one_way_of_naming_a_photo_takes_the_place_of_another() -> None:
    assert merged({"photo": "sha256:a", "photos": {}}, {"photos": {"main": "sha256:b"}}) == {
        "photos": {"main": "sha256:b"}
    }
    assert merged({"metadata": {"a": "1", "b": "2"}}, {"metadata": {"a": None, "c": "3"}}) == {
        "metadata": {"b": "2", "c": "3"}
    }


def test_a_changed_photo_belongs_to_the_changed_order(house: House) -> None:
    one, two = picture(1800, 1400), picture(1800, 1401)
    data = order(occasion="job-completed", design="job-well-done", photos={"before": "a", "after": "b"})
    verdict = house.take(data, {"a": one, "b": two})
    assert verdict.order is not None, verdict.findings
    digest = house.artifacts.put(SCOPE, picture(1800, 1402))
    made = changed(house, {"photos": {"after": f"sha256:{digest}"}})
    assert made.order is not None, made.findings
    assert made.order.pieces[0].spec["photos"]["after"] == digest


def test_fetched_photos_stay_those_that_were_fetched(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies behind a URL by now may be another picture."""
    shown = iter([picture(1800, 1400), picture(1800, 1401)])
    monkeypatch.setattr(house, "fetch_picture", lambda url, where: next(shown))
    urls = {"before": "https://p.example/1", "after": "https://p.example/2"}
    verdict = house.take(order(occasion="job-completed", design="job-well-done", photo_urls=urls))
    assert verdict.order is not None, verdict.findings
    before = verdict.order.pieces[0].spec["photos"]
    monkeypatch.setattr(house, "fetch_picture", lambda url, where: pytest.fail("it was fetched again"))
    made = changed(house, {"ink": "sepia"})
    assert made.order is not None, made.findings
    assert made.order.pieces[0].spec["photos"] == before
    refused = changed(house, {"photo_url": "https://p.example/3"}, 2)
    assert refused.order is None and codes(refused.findings) == ["picture.url_change"]


def test_a_photo_that_cannot_be_fetched_refuses_its_order_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the command line, where nobody comes back later."""

    def away(url: str, where: str) -> bytes:
        raise Unavailable("away", [error("url.unavailable", where, "did not answer", "try again")])

    monkeypatch.setattr(house, "fetch_picture", away)
    verdict = house.take(order(occasion="just-because", design="home-row", photo_url="https://p.example/1"))
    assert verdict.order is None and codes(verdict.findings) == ["url.unavailable"]


def test_nothing_is_printed_before_its_proof_is_approved(house: House) -> None:
    house.take(order(approval="required"))
    house.take(order(2))
    house.run_steps()
    assert [batch.pieces for batch in gather(house, SCOPE, DAY)] == [1]
    composed = stored(house).pieces[0].composed
    assert composed is not None
    with pytest.raises(Conflict) as caught:
        approve(house, SCOPE, "R-1", "sha256:" + 64 * "0", "key:test")
    assert codes(caught.value.findings) == ["proof.other"]
    with pytest.raises(Refused):
        approve(house, SCOPE, "R-1", composed.card, "key:test")
    approve(house, SCOPE, "R-1", composed.proof, "key:test")
    assert [batch.pieces for batch in gather(house, SCOPE, DAY)] == [1]


def test_an_approval_ends_with_the_revision_it_was_given_to(house: House) -> None:
    house.take(order(approval="required"))
    house.run_steps()
    composed = stored(house).pieces[0].composed
    assert composed is not None
    approve(house, SCOPE, "R-1", composed.proof, "key:test")
    changed(house, {"ink": "sepia"})
    house.run_steps()
    assert stored(house).approved is None and gather(house, SCOPE, DAY) == []
    waits = {decision.code for decision in explain(house, SCOPE, stored(house))}
    assert {"waits.approval", "order.changed", "order.approved"} <= waits


def test_a_test_order_never_comes_into_a_batch(house: House) -> None:
    scope = Scope("local", "test")
    verdict = house.take(order(), scope=scope)
    assert verdict.order is not None
    house.run_steps()
    with pytest.raises(Refused) as caught:
        gather(house, scope, DAY)
    assert codes(caught.value.findings) == ["batch.test_mode"]
    assert house.store.order(scope, "R-1").pieces[0].state is PieceState.COMPOSED
    assert explain(house, scope, house.store.order(scope, "R-1"))[-1].code == "waits.nothing"


def test_what_may_be_done_follows_the_life_of_an_order(house: House) -> None:
    def may(key: str = "R-1") -> set[str]:
        return {action.name for action in actions(house, SCOPE, stored(house, key)) if action.allowed}

    house.take(order())
    assert may() == {"change", "cancel", "hold"}
    house.run_steps()
    assert may() == {"change", "cancel", "hold", "proof"}
    house.store.hold(SCOPE, stored(house).id, "somebody asked", "crm")
    assert may() == {"change", "cancel", "proof", "resume"}
    house.store.resume(SCOPE, stored(house).id, "no more")
    house.store.hold(SCOPE, stored(house).id, "a stop of the shop's own")
    assert "resume" not in may(), "what the operator holds, the operator resumes"
    house.store.resume(SCOPE, stored(house).id, "mended")
    gather(house, SCOPE, DAY)
    assert may() == {"proof"}
    late = next(action for action in actions(house, SCOPE, stored(house)) if action.name == "cancel")
    assert "in a print file" in late.why


def test_every_decision_is_told_with_its_code(house: House) -> None:
    house.take(order())
    house.run_steps()
    told = [decision.code for decision in explain(house, SCOPE, stored(house))]
    assert told[0] == "order.accepted" and "schedule.next" in told and "piece.composed" in told
    assert told[-1] == "waits.cut_off"
    text = " ".join(decision.message for decision in explain(house, SCOPE, stored(house)))
    assert "Łukasz" not in text and "Main St" not in text, "decisions name nobody"


def test_a_second_card_is_held_and_goes_on_only_by_name(house: House) -> None:
    first = house.take(order())
    second = house.take(order(reference="R-1b", message="Dear {first_name},\n\nagain, and in other words.\n\nJune"))
    assert first.order and second.order and second.order.held_code == "order.duplicate"
    assert second.order.duplicate_of == first.order.id
    house.run_steps()
    assert [batch.pieces for batch in gather(house, SCOPE, DAY)] == [1]
    with pytest.raises(Conflict) as caught:
        house.store.resume(SCOPE, second.order.id, "a mistake")
    assert codes(caught.value.findings) == ["order.duplicate"]
    allowed = {action.name for action in actions(house, SCOPE, stored(house, "R-1b")) if action.allowed}
    assert "allow_duplicate" in allowed
    house.store.allow_duplicate(SCOPE, second.order.id, "she has two reasons", "key:test")
    house.run_steps()
    assert [batch.pieces for batch in gather(house, SCOPE, DAY)] == [1]
    told = {decision.code for decision in explain(house, SCOPE, stored(house, "R-1b"))}
    assert {"order.held", "order.duplicate_allowed"} <= told


def test_a_card_to_ourselves_is_no_duplicate(house: House) -> None:
    for number in (1, 2):
        verdict = house.take(order(reference=f"S-{number}", seed=True))
        assert verdict.order is not None and verdict.order.held is None
