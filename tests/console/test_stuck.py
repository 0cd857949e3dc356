"""Stuck: every reason leads to what stands behind it, and a person gets it going again, many at once."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pytest
from PIL import Image

from cardpipe.console import stuck, stuckacts
from cardpipe.model.batch import Batch
from cardpipe.model.intake import Row, RowState
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.model.stored import StoredOrder
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from tests.console.conftest import Browse
from tests.console.floor import LATER, SCOPE, an_order, import_csv, take
from tests.pipeline.shopfloor import House, picture


@pytest.fixture
def ejected(seeded: House, batch: Batch) -> list[StoredOrder]:
    """Two orders whose pieces were taken out of the batch."""
    seeded.store.eject(SCOPE, batch.id, [1, 2], "the wrong insert", "user:x")
    return seeded.store.stuck_orders(SCOPE, "attention", "piece.ejected")[0]


def a_row(house: House, code: str) -> Row:
    """The oldest row that was refused for that."""
    return house.store.refused_rows(SCOPE, code)[0][0]


def zipped(house: House, *photos: bytes) -> None:
    """Orders with these photos, handed in as a ZIP and judged."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        rows = []
        for number, photo in enumerate(photos):
            made.writestr(f"{number}.jpg", photo)
            rows.append(
                json.dumps({**an_order(1 + 3 * number), "reference": f"ZIP-{number}", "photo": f"{number}.jpg"})
            )
        made.writestr("orders.ndjson", "\n".join(rows))
    import_csv(house, "photos.zip", out.getvalue())
    house.run_steps()


def actions(house: House, tenant: str = "local") -> list[tuple[str, str]]:
    """(action, subject) of the audit log, oldest first, without those of logging in."""
    return [(entry.action, entry.subject) for entry in reversed(house.store.audited(tenant, 50))]


# looking
def test_each_reason_leads_to_what_stands_behind_it(seeded: House, browse: Browse, ejected: list[StoredOrder]) -> None:
    viewer = browse(Role.VIEWER)
    html = viewer.get("/stuck").text
    links = [link.replace("&amp;", "&") for link in re.findall(r'<td><a href="(/stuck/[^"]+)"', html)]
    assert len(links) == len([each for each in seeded.store.stuck(SCOPE) if each.kind != "batch"]) == 4
    for link in links:
        page = viewer.get(link).text
        assert 'class="card trouble"' in page, link
    behind = viewer.get("/stuck/attention?code=piece.ejected").text
    assert all(order.reference in behind for order in ejected)
    assert behind.count('class="card trouble"') == 2


def test_a_finding_is_said_with_its_remedy(seeded: House, browse: Browse) -> None:
    html = browse().get("/stuck/refused?code=address.state.unknown").text
    found = a_row(seeded, "address.state.unknown").findings[0]
    assert found.message in html and found.remedy in html and "BAD-1" in html


def test_a_viewer_looks_and_cannot_act(seeded: House, browse: Browse, ejected: list[StoredOrder]) -> None:
    viewer, row = browse(Role.VIEWER), a_row(seeded, "address.state.unknown")
    page = viewer.get("/stuck/attention?code=piece.ejected").text
    assert 'name="chosen"' not in page and 'name="act"' not in page
    assert 'name="field:' not in viewer.get(f"/stuck/rows/{row.id}").text
    for path in ("/stuck/attention/act", f"/stuck/rows/{row.id}", "/stuck/twins/ord_x"):
        assert viewer.send_form(path, {"act": "again", "chosen": ejected[0].id}).status_code == 403
    assert seeded.store.order(SCOPE, ejected[0].id).pieces[0].state is PieceState.NEEDS_ATTENTION


def test_page_by_page(
    seeded: House, browse: Browse, ejected: list[StoredOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck.items_of, "__defaults__", ("", 1))
    first = browse().get("/stuck/attention?code=piece.ejected").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None and "2 pieces" in first
    second = browse().get(following[1].replace("&amp;", "&")).text
    assert ejected[0].reference in first and ejected[1].reference in second
    assert ejected[1].reference not in first and 'rel="next"' not in second


def test_nothing_of_another_tenant_is_seen(seeded: House, browse: Browse) -> None:
    row = a_row(seeded, "address.state.unknown")
    twin = seeded.store.stuck_orders(SCOPE, "held", stuck.DUPLICATE)[0][0]
    seeded.store.set_tenant(Tenant(name="acme"), "test")
    other = browse(Role.OPERATOR, ("acme",))
    assert "Nothing is stuck" in other.get("/stuck").text
    assert other.get(f"/stuck/rows/{row.id}").status_code == 404
    assert other.get(f"/stuck/twins/{twin.id}").status_code == 404
    assert other.get(f"/stuck/photos/{row.id}/0").status_code == 404
    assert other.send_form(f"/stuck/rows/{row.id}", {"field:recipient.state": "AZ"}).status_code == 404


def test_a_kind_that_is_none_is_not_found(seeded: House, browse: Browse) -> None:
    assert browse().get("/stuck/lost").status_code == 404
    assert browse().get("/stuck/batch?code=operator").status_code == 404


# compose again, cancel, resume
def test_many_are_composed_again_at_once(seeded: House, browse: Browse, ejected: list[StoredOrder]) -> None:
    data = {"code": "piece.ejected", "act": "again", "chosen": [order.id for order in ejected]}
    answer = browse().send_form("/stuck/attention/act", data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/stuck")
    states = {seeded.store.order(SCOPE, order.id).pieces[0].state for order in ejected}
    assert states == {PieceState.WAITING}
    assert actions(seeded)[-2:] == [("piece.again", order.pieces[0].id) for order in ejected]


def test_a_result_says_which_did_not_go_and_why(seeded: House, browse: Browse, ejected: list[StoredOrder]) -> None:
    seeded.store.again(SCOPE, ejected[0].pieces[0].id, "somebody was faster")
    data = {"code": "piece.ejected", "act": "again", "chosen": [order.id for order in ejected] + ["ord_unknown"]}
    answer = browse().send_form("/stuck/attention/act", data)
    said = re.sub(r"\s+", " ", answer.text)
    assert answer.status_code == 200
    assert "1 piece composed again. 2 pieces did not go." in said
    assert "It needs no attention any more." in said and ejected[0].reference in said
    assert "ord_unknown" in said


def test_cancelling_asks_first_and_says_how_many(seeded: House, browse: Browse, ejected: list[StoredOrder]) -> None:
    operator = browse()
    data: dict[str, Any] = {"code": "piece.ejected", "act": "cancel", "chosen": [order.id for order in ejected]}
    assert operator.send_form("/stuck/attention/act", data).status_code == 422  # why?
    data["reason"] = "the customer moved"
    asked = operator.send_form("/stuck/attention/act", data)
    assert asked.status_code == 200 and "Cancel 2 pieces?" in asked.text
    assert {seeded.store.order(SCOPE, order.id).state for order in ejected} == {"accepted"}
    assert operator.send_form("/stuck/attention/act", {**data, "sure": "yes"}).status_code == 303
    assert {seeded.store.order(SCOPE, order.id).state for order in ejected} == {"cancelled"}
    assert actions(seeded)[-2:] == [("order.cancelled", order.id) for order in ejected]


def test_all_of_a_reason_asks_first(seeded: House, browse: Browse, ejected: list[StoredOrder], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    data: dict[str, Any] = {"code": "piece.ejected", "act": "again", "all": "yes"}
    asked = browse().send_form("/stuck/attention/act", data)
    assert "Compose again 2 pieces?" in asked.text
    monkeypatch.setattr(stuckacts, "MOST", 1)
    asked = browse().send_form("/stuck/attention/act", data)
    assert "Compose again 1 piece?" in asked.text and "1 go at once" in asked.text


def test_nothing_chosen_or_another_act_is_refused(seeded: House, browse: Browse, ejected: list[StoredOrder]) -> None:
    operator = browse()
    assert operator.send_form("/stuck/attention/act", {"act": "again"}).status_code == 422
    wrong = {"act": "resume", "chosen": ejected[0].id, "reason": "x"}
    assert operator.send_form("/stuck/attention/act", wrong).status_code == 422
    assert operator.send_form("/stuck/lost/act", {"act": "again", "chosen": "x"}).status_code == 422


def test_a_held_order_goes_on_for_a_reason(seeded: House, browse: Browse) -> None:
    held = seeded.store.stuck_orders(SCOPE, "held", "operator")[0][0]
    data = {"code": "operator", "act": "resume", "chosen": held.id}
    assert browse().send_form("/stuck/held/act", data).status_code == 422
    assert browse().send_form("/stuck/held/act", {**data, "reason": "the address is right"}).status_code == 303
    assert seeded.store.order(SCOPE, held.id).held is None
    assert actions(seeded)[-1] == ("order.resumed", held.id)


def test_a_piece_held_by_itself_goes_on(seeded: House, browse: Browse) -> None:
    (order,) = take(seeded, an_order(5000), day=LATER)
    piece = seeded.store.order(SCOPE, order).pieces[0]
    seeded.store.hold(SCOPE, piece.id, "look at this one", actor="user:x")
    page = browse().get("/stuck/held?code=piece").text
    assert "look at this one" in page
    done = browse().send_form(
        "/stuck/held/act", {"code": "piece", "act": "resume", "chosen": order, "reason": "looked"}
    )
    assert done.status_code == 303
    assert seeded.store.order(SCOPE, order).pieces[0].held is None
    assert actions(seeded)[-1] == ("piece.resumed", piece.id)


# two that look alike
@pytest.fixture
def twin(seeded: House) -> StoredOrder:
    """An order that is held as a second card."""
    return seeded.store.stuck_orders(SCOPE, "held", stuck.DUPLICATE)[0][0]


def test_both_are_shown_side_by_side(seeded: House, browse: Browse, twin: StoredOrder) -> None:
    assert twin.duplicate_of is not None
    other = seeded.store.order(SCOPE, twin.duplicate_of)
    page = browse(Role.VIEWER).get(f"/stuck/twins/{twin.id}").text
    assert twin.reference in page and other.reference in page
    assert "They differ in: reference" in page
    assert 'name="allow_duplicate"' not in page


def test_a_second_card_is_allowed_only_when_it_is_said(seeded: House, browse: Browse, twin: StoredOrder) -> None:
    operator = browse()
    bulk = {"code": stuck.DUPLICATE, "act": "resume", "chosen": twin.id, "reason": "on"}
    assert "would go on beside another one" in operator.send_form("/stuck/held/act", bulk).text
    path, data = f"/stuck/twins/{twin.id}", {"act": "allow", "reason": "two cards for two parties"}
    assert operator.send_form(path, data).status_code == 422
    assert seeded.store.order(SCOPE, twin.id).held is not None
    assert operator.send_form(path, {**data, "allow_duplicate": "yes"}).status_code == 303
    assert seeded.store.order(SCOPE, twin.id).held is None
    assert actions(seeded)[-1] == ("order.duplicate_allowed", twin.id)


def test_or_it_is_cancelled(seeded: House, browse: Browse, twin: StoredOrder) -> None:
    done = browse().send_form(f"/stuck/twins/{twin.id}", {"act": "cancel", "reason": "sent twice"})
    assert done.status_code == 303
    assert seeded.store.order(SCOPE, twin.id).state == "cancelled"
    assert actions(seeded)[-1] == ("order.cancelled", twin.id)


# rows
def test_a_row_is_mended_in_place_and_becomes_an_order(seeded: House, browse: Browse) -> None:
    row, operator = a_row(seeded, "address.state.unknown"), browse()
    form = operator.get(f"/stuck/rows/{row.id}").text
    asked = re.findall(r'name="field:([^"]+)"', form.partition("<details")[0])
    assert asked == ["recipient.state"]
    assert operator.send_form(f"/stuck/rows/{row.id}", {"field:recipient.state": "AZ"}).status_code == 303
    assert "A worker judges it" in operator.get(f"/stuck/rows/{row.id}").text
    assert actions(seeded)[-1] == ("row.mended", row.id)
    seeded.run_steps()
    assert seeded.store.order(SCOPE, row.id).request["recipient"]["state"] == "AZ"
    assert "It is an order now." in operator.get(f"/stuck/rows/{row.id}").text
    late = operator.send_form(f"/stuck/rows/{row.id}", {"field:recipient.state": "TX"})
    assert late.status_code == 409


def test_what_is_no_order_yet_comes_back_as_it_was_typed(seeded: House, browse: Browse) -> None:
    row = a_row(seeded, "address.state.unknown")
    data = {"field:recipient.state": "AZ", "field:mail_on": "soon", "field:message": ""}
    answer = browse().send_form(f"/stuck/rows/{row.id}", data)
    assert answer.status_code == 422 and "It is as it was" in answer.text
    assert 'value="soon"' in answer.text and 'value="AZ"' in answer.text
    assert "mail_on" in answer.text and "message" in answer.text
    assert seeded.store.row(SCOPE, row.id) == row


def test_htmx_gets_the_row_alone_and_it_looks_again_by_itself(seeded: House, browse: Browse) -> None:
    row, operator = a_row(seeded, "address.state.unknown"), browse()
    heads = {"hx-request": "true"}
    part = operator.get(f"/stuck/rows/{row.id}", headers=heads).text
    assert "<html" not in part and part.strip().startswith("<li") and "every 1500ms" not in part
    sent = operator.send_form(f"/stuck/rows/{row.id}", {"field:recipient.state": "AZ"}, headers=heads)
    assert sent.status_code == 200 and 'hx-trigger="every 1500ms"' in sent.text
    seeded.run_steps()
    assert "every 1500ms" not in operator.get(f"/stuck/rows/{row.id}", headers=heads).text


def test_refused_rows_are_withdrawn_after_a_question(seeded: House, browse: Browse) -> None:
    row, operator = a_row(seeded, "address.state.unknown"), browse()
    asked = {"code": "address.state.unknown", "act": "cancel", "chosen": row.id}
    assert operator.send_form("/stuck/refused/act", asked).status_code == 422, "why?"
    asked["reason"] = "she moved"
    assert "Cancel 1 row?" in operator.send_form("/stuck/refused/act", asked).text
    assert seeded.store.row(SCOPE, row.id).state is RowState.REFUSED
    done = operator.send_form("/stuck/refused/act", {**asked, "sure": "yes"})
    assert done.status_code == 303
    assert seeded.store.row(SCOPE, row.id).state is RowState.DROPPED
    assert actions(seeded)[-1] == ("row.withdrawn", row.id)
    assert not seeded.store.refused_rows(SCOPE, "")[0]


def test_rows_are_judged_again_as_they_stand(seeded: House, browse: Browse) -> None:
    row = a_row(seeded, "address.state.unknown")
    done = browse().send_form("/stuck/refused/act", {"code": "address.state.unknown", "act": "judge", "chosen": row.id})
    assert done.status_code == 303
    found = seeded.store.row(SCOPE, row.id)
    assert found is not None and found.state == "received"
    assert actions(seeded)[-1] == ("row.judged_again", row.id)


def test_a_coarse_photo_is_shown_with_its_trouble_and_changed_for_another(seeded: House, browse: Browse) -> None:
    zipped(seeded, picture(420, 300), picture(300, 420))
    row, operator = a_row(seeded, "photo.resolution.low"), browse()
    page = operator.get("/stuck/refused?code=photo.resolution.low").text
    assert f'src="/stuck/photos/{row.id}/0?look=trouble"' in page
    drawn = operator.get(f"/stuck/photos/{row.id}/0?look=trouble")
    small = operator.get(f"/stuck/photos/{row.id}/0")
    assert drawn.headers["content-type"] == small.headers["content-type"] == "image/jpeg"
    assert drawn.headers["cache-control"] == "no-store"
    assert max(Image.open(io.BytesIO(drawn.content)).size) > 700
    assert max(Image.open(io.BytesIO(small.content)).size) <= 260
    bad = operator.send_form(f"/stuck/rows/{row.id}", files={"photo": ("x.jpg", b"no picture", "image/jpeg")})
    assert bad.status_code == 422 and "It is as it was" in bad.text
    sent = operator.send_form(f"/stuck/rows/{row.id}", files={"photo": ("x.jpg", picture(1900, 2000), "image/jpeg")})
    assert sent.status_code == 303
    seeded.run_steps()
    assert seeded.store.order(SCOPE, row.id).request["photo"].startswith("sha256:")


def test_there_is_no_photo_where_there_is_none(seeded: House, browse: Browse, ejected: list[StoredOrder]) -> None:
    operator, row = browse(), a_row(seeded, "address.state.unknown")
    assert operator.get(f"/stuck/photos/{row.id}/0").status_code == 404
    assert operator.get("/stuck/photos/pce_unknown/0").status_code == 404
    assert operator.get(f"/stuck/photos/{ejected[0].pieces[0].id}/7").status_code == 404


def test_a_test_keys_orders_are_stuck_by_themselves(seeded: House, browse: Browse) -> None:
    assert seeded.store.stuck(Scope("local", "test")) == []
    browser = browse()
    browser.send_form("/turn", {"mode": "test"})
    assert "Nothing is stuck" in browser.get("/stuck").text
