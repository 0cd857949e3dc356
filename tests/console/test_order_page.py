"""The page of one order: its life, its proof, what is done to it by whom, and what is never done by it."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from httpx import Response
from PIL import Image

from cardpipe.console import order_proof
from cardpipe.model.event import Event
from cardpipe.model.order import Scope
from cardpipe.model.stored import StoredOrder
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from cardpipe.pipeline.explain import explain
from cardpipe.pipeline.gather import eject
from tests.console.conftest import Browse, Browser, browser
from tests.console.floor import LATER, SCOPE, an_order, employ, take
from tests.pipeline.shopfloor import House

COMPOSED, HELD, TWIN, SECOND, BATCHED = "CRM-01000", "CRM-02000", "CRM-02001", "CRM-02001-again", "CRM-00001"


def of(house: House, reference: str) -> StoredOrder:
    return house.store.order(SCOPE, reference)


def path(house: House, reference: str, *more: str) -> str:
    return "/".join(("/orders", of(house, reference).id, *more))


def log(house: House, reference: str) -> list[Event]:
    return house.store.events(SCOPE, of(house, reference).id)


def audited(house: House, action: str) -> list[Any]:
    return [entry for entry in house.store.audited(SCOPE.tenant, 200) if entry.action == action]


@pytest.fixture
def operator(browse: Browse) -> Browser:
    return browse(Role.OPERATOR)


# looking
def test_its_life_has_the_reasons_that_explain_gives(seeded: House, operator: Browser) -> None:
    text = operator.get(path(seeded, BATCHED)).text
    told = explain(seeded, SCOPE, of(seeded, BATCHED))
    assert len(told) > 6
    assert all(f'<code class="soft">{decision.code}</code>' in text for decision in told)
    assert text.count("lies in a print file that is not handed over yet") >= 1


def test_it_tells_what_was_ordered_and_where_the_piece_lies(seeded: House, operator: Browser) -> None:
    stored = of(seeded, BATCHED)
    batch = seeded.store.batches_of(SCOPE, [stored.id])[0]
    text = operator.get(path(seeded, BATCHED)).text
    for said in ("Nguyễn Thị Hằng 1", "1 Main St", "85702", "Thank you for the garden", "12 Birch St", batch.name,
                 f"no. {stored.pieces[0].seq}", stored.id, stored.pieces[0].id):  # fmt: skip
        assert said in text, said
    codes = re.findall(r"<code>(CP1\w{4}\d{6}[OIE])</code>", text)
    assert [code[-1] for code in codes] == ["O", "I", "E"] and len({code[:-1] for code in codes}) == 1
    assert f'src="/orders/{stored.id}/photo/main"' in text and "Dear {first_name}" in text


def test_a_piece_leads_to_its_order(seeded: House, operator: Browser) -> None:
    stored = of(seeded, BATCHED)
    answer = operator.get(f"/orders/{stored.pieces[0].id}")
    assert answer.status_code == 303 and answer.headers["location"] == f"/orders/{stored.id}"


def test_a_reference_is_no_address(seeded: House, operator: Browser) -> None:
    assert operator.get(f"/orders/{BATCHED}").status_code == 404
    take(seeded, {**an_order(4000), "reference": "ord_0000000000000000000000000a"}, day=LATER)
    assert operator.get("/orders/ord_0000000000000000000000000a").status_code == 404


def test_a_refused_row_says_that_it_is_none(seeded: House, operator: Browser) -> None:
    (row,) = seeded.store.refused_rows(SCOPE, "")[0]
    answer = operator.get(f"/orders/{row.id}")
    assert answer.status_code == 200 and "no order yet" in answer.text and "/stuck" in answer.text
    assert operator.get(f"/orders/{row.id}/edit").status_code == 422


def test_the_page_is_quick(seeded: House, operator: Browser) -> None:
    operator.get(path(seeded, BATCHED))
    best = 9.0
    for _ in range(4):
        began = time.monotonic()
        assert operator.get(path(seeded, BATCHED)).status_code == 200
        best = min(best, time.monotonic() - began)
    assert best < 0.3, best


# walls
def test_another_tenants_order_is_nowhere(seeded: House, operator: Browser, browse: Browse) -> None:
    seeded.store.set_tenant(Tenant(name="other"), "test")
    (theirs,) = take(seeded, {**an_order(1), "reference": "THEIRS"}, scope=Scope("other", "live"))
    seeded.run_steps()
    piece = seeded.store.order(Scope("other", "live"), theirs).pieces[0]
    boss = browse(Role.ADMINISTRATOR)
    for client in (operator, boss):
        for key in (theirs, piece.id):
            for more in ("", "/now", "/edit", "/hold", "/resume", "/allow", "/cancel", "/approve", "/again",
                         "/proof/inside", "/photo/main", "/signature"):  # fmt: skip
                answer = client.get(f"/orders/{key}{more}")
                assert answer.status_code == 404 and "Nguyễn" not in answer.text, (key, more, answer.status_code)
        for more in ("edit", "fit", "hold", "cancel", "again"):
            assert client.send_form(f"/orders/{theirs}/{more}", {"reason": "x"}).status_code == 404, more
    assert seeded.store.order(Scope("other", "live"), theirs).state == "accepted"
    employ(seeded, "olga", Role.OPERATOR, ("other",))
    olga = browser(seeded, "olga")
    assert olga.get(f"/orders/{theirs}").status_code == 200
    assert olga.get(path(seeded, BATCHED)).status_code == 404


def test_a_viewer_looks_and_does_nothing(seeded: House, browse: Browse) -> None:
    viewer = browse(Role.VIEWER)
    text = viewer.get(path(seeded, COMPOSED)).text
    assert "an operator may" in text and f'href="{path(seeded, COMPOSED, "edit")}"' not in text
    for more in ("edit", "fit", "hold", "resume", "allow", "cancel", "approve", "again", "erase"):
        assert viewer.send_form(path(seeded, COMPOSED, more), {"reason": "why"}).status_code == 403, more
    assert of(seeded, COMPOSED).state == "accepted" and of(seeded, COMPOSED).held is None


def test_an_operator_does_not_erase(seeded: House, operator: Browser) -> None:
    assert operator.get(path(seeded, COMPOSED, "erase")).status_code == 403
    assert operator.send_form(path(seeded, COMPOSED, "erase"), {"typed": COMPOSED}).status_code == 403


def test_hostile_names_and_words_are_only_words(seeded: House, operator: Browser) -> None:
    bad = {**an_order(0), "reference": "'><svg onload=a>", "metadata": {"<b>key</b>": "<i>value</i>"}}
    bad["recipient"] = {**bad["recipient"], "name": "</textarea><script>x()</script>", "street": '1 "onfocus=x'}
    bad["message"] = "Dear </textarea><script>y()</script> & you,\n\nJune"
    (made,) = take(seeded, bad, day=LATER)
    for more in ("", "/edit", "/hold", "/cancel"):
        text = operator.get(f"/orders/{made}{more}").text
        for said in ("<script>x()", "<script>y()", "<svg onload", "<i>value", "<b>key", '"1 "onfocus'):
            assert said not in text, (more, said)
    assert "&lt;script&gt;x()" in operator.get(f"/orders/{made}").text


def test_no_address_on_the_page_names_anybody(seeded: House, operator: Browser) -> None:
    for reference, more in (
        (BATCHED, ""),
        (COMPOSED, ""),
        (COMPOSED, "/edit"),
        (SECOND, "/allow"),
        (COMPOSED, "/hold"),
    ):
        text = operator.get(path(seeded, reference) + more).text
        addresses = re.findall(r'(?:href|action|src|data-plain|data-guided|hx-get|hx-post)="([^"]*)"', text)
        assert len(addresses) > 10
        for at in addresses:
            assert not re.search(r"CRM|Nguy|Zo|ukasz|Main|Tucson|857", at), at


# the proof
def read(answer: Response) -> tuple[int, int]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    return Image.open(io.BytesIO(answer.content)).size


def test_each_page_of_the_proof_with_and_without_guides(seeded: House, operator: Browser) -> None:
    plain = read(operator.get(path(seeded, BATCHED, "proof", "outside")))
    assert plain == (1100, 770), "10 by 7 inches at 110 ppi, cut at the trim"
    assert read(operator.get(path(seeded, BATCHED, "proof", "inside"))) == plain
    assert read(operator.get(path(seeded, BATCHED, "proof", "envelope"))) == (798, 578)
    assert read(operator.get(path(seeded, BATCHED, "proof", "outside") + "?guides=1")) == (1128, 798), "with its bleed"
    assert read(operator.get(path(seeded, BATCHED, "proof", "inside") + "?ppi=144")) == (1440, 1008)


@pytest.mark.parametrize("asked", ["ppi=151", "ppi=0", "ppi=x", "ppi=nan", "ppi=1e9", "ppi=-5"])
def test_nobody_prints_from_a_proof(seeded: House, operator: Browser, asked: str) -> None:
    answer = operator.get(path(seeded, BATCHED, "proof", "inside") + f"?{asked}")
    assert answer.status_code == 422 and "150" in answer.text


def test_a_proof_is_kept_by_its_reader_alone_and_known_by_its_tag(seeded: House, operator: Browser) -> None:
    at = path(seeded, BATCHED, "proof", "inside")
    first = operator.get(at)
    assert first.headers["cache-control"] == "private, no-cache"
    again = operator.get(at, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    tags = {operator.get(f"{at}{more}").headers["etag"] for more in ("", "?guides=1", "?ppi=100")}
    tags.add(operator.get(path(seeded, BATCHED, "proof", "envelope")).headers["etag"])
    tags.add(operator.get(path(seeded, COMPOSED, "proof", "inside")).headers["etag"])
    assert len(tags) == 5


def test_no_proof_before_it_is_composed_and_none_of_other_pages(seeded: House, operator: Browser) -> None:
    assert operator.get(path(seeded, HELD, "proof", "inside")).status_code == 409
    assert operator.get(path(seeded, BATCHED, "proof", "back")).status_code == 404
    assert operator.get(path(seeded, BATCHED, "photo", "nobody")).status_code == 404
    assert operator.get(path(seeded, BATCHED, "signature")).status_code == 404


def test_a_photo_is_shown_as_it_was_sent(seeded: House, operator: Browser) -> None:
    wide, tall = read(operator.get(path(seeded, BATCHED, "photo", "main")))
    assert wide == 480 and abs(wide / tall - 1501 / 1100) < 0.01, "whole, not as it is cropped"


def test_what_was_drawn_is_kept_up_to_a_number_and_a_while() -> None:
    kept = order_proof.Kept(2)
    for name in "abc":
        kept.put(name, name.encode())
    assert [kept.get(name) for name in "abc"] == [None, b"b", b"c"]
    over = order_proof.Kept(2, seconds=-1)
    over.put("a", b"a")
    assert over.get("a") is None


# acts
def test_hold_and_resume_with_reasons(seeded: House, operator: Browser) -> None:
    at = path(seeded, COMPOSED)
    assert operator.send_form(f"{at}/hold", {"reason": "  "}).status_code == 422
    assert operator.send_form(f"{at}/hold", {"reason": "x" * 201}).status_code == 422
    assert of(seeded, COMPOSED).held is None
    answer = operator.send_form(f"{at}/hold", {"reason": "is she still there?"})
    assert answer.status_code == 303 and answer.headers["location"] == at
    assert (of(seeded, COMPOSED).held, of(seeded, COMPOSED).held_code) == ("is she still there?", "operator")
    assert operator.send_form(f"{at}/hold", {"reason": "once more"}).status_code == 409
    assert "is she still there?" in operator.get(f"{at}/resume").text
    assert operator.send_form(f"{at}/resume", {"reason": "she is"}).status_code == 303
    assert of(seeded, COMPOSED).held is None
    held, resumed = audited(seeded, "order.held"), audited(seeded, "order.resumed")
    assert [entry.actor for entry in held + resumed] == ["user:the-operator"] * 2
    assert held[0].subject == of(seeded, COMPOSED).id and "there" not in str(held + resumed)


def test_an_operator_ends_an_operators_hold(seeded: House, operator: Browser) -> None:
    assert operator.send_form(path(seeded, HELD, "resume"), {"reason": "the address came"}).status_code == 303
    seeded.run_steps()
    assert of(seeded, HELD).pieces[0].state == "composed"


def test_a_piece_that_is_held_by_itself_is_resumed(seeded: House, operator: Browser) -> None:
    piece = of(seeded, COMPOSED).pieces[0]
    seeded.store.hold(SCOPE, piece.id, "the ink is off", actor="user:floor")
    assert "its piece is held" in operator.get(path(seeded, COMPOSED)).text
    assert "the ink is off" in operator.get(path(seeded, COMPOSED, "resume")).text
    assert operator.send_form(path(seeded, COMPOSED, "resume"), {"reason": "it is not"}).status_code == 303
    assert of(seeded, COMPOSED).pieces[0].held is None


def test_a_second_card_goes_on_only_when_somebody_says_so(seeded: House, operator: Browser) -> None:
    text = operator.get(path(seeded, SECOND, "allow")).text
    assert f'href="{path(seeded, TWIN)}"' in text and text.count("Nguyễn Thị Hằng 2001") >= 2
    assert operator.send_form(path(seeded, SECOND, "resume"), {"reason": "go"}).status_code == 409
    assert operator.send_form(path(seeded, SECOND, "allow"), {"reason": "both"}).status_code == 422
    assert of(seeded, SECOND).held is not None
    said = {"reason": "two parties", "allow_duplicate": "yes"}
    assert operator.send_form(path(seeded, SECOND, "allow"), said).status_code == 303
    assert of(seeded, SECOND).held is None
    (entry,) = audited(seeded, "order.duplicate_allowed")
    assert entry.detail["duplicate_of"] == of(seeded, TWIN).id
    assert operator.send_form(path(seeded, TWIN, "allow"), said).status_code == 409


def test_cancel_asks_first_and_is_for_good(seeded: House, operator: Browser) -> None:
    assert "1 card to Zoë Łukasz 1000" in operator.get(path(seeded, COMPOSED, "cancel")).text
    assert operator.send_form(path(seeded, COMPOSED, "cancel")).status_code == 422
    assert operator.send_form(path(seeded, COMPOSED, "cancel"), {"reason": "moved away"}).status_code == 303
    assert of(seeded, COMPOSED).state == "cancelled" and len(audited(seeded, "order.cancelled")) == 1
    assert "moved away" in operator.get(path(seeded, COMPOSED)).text
    assert operator.send_form(path(seeded, COMPOSED, "cancel"), {"reason": "again"}).status_code == 409


def test_a_piece_that_was_ejected_is_mended_or_composed_again(seeded: House, operator: Browser) -> None:
    stored = of(seeded, BATCHED)
    batch = seeded.store.batches_of(SCOPE, [stored.id])[0]
    eject(seeded, SCOPE, batch.name, [stored.pieces[0].seq or 0], "she moved", "floor")
    text = operator.get(path(seeded, BATCHED)).text
    assert "needs attention" in text and 'id="act-edit"' in text and 'id="act-again"' in text
    assert operator.get(path(seeded, BATCHED, "edit")).status_code == 200
    assert operator.send_form(path(seeded, BATCHED, "again"), {"reason": "she did not"}).status_code == 303
    seeded.run_steps()
    assert of(seeded, BATCHED).pieces[0].state == "composed"


def test_nothing_is_done_to_an_order_in_a_print_file(seeded: House, operator: Browser) -> None:
    text = operator.get(path(seeded, BATCHED)).text
    assert "Nothing more" in text
    for act in ("hold", "cancel", "again", "approve", "allow", "resume"):
        said = {"reason": "why", "proof": "sha256:" + "0" * 64, "allow_duplicate": "yes"}
        answer = operator.send_form(path(seeded, BATCHED, act), said)
        assert answer.status_code == 409, act
    assert operator.get(path(seeded, BATCHED, "edit")).status_code == 409
    assert of(seeded, BATCHED).pieces[0].state == "batched"


def test_just_the_proof_that_was_seen_is_approved(seeded: House, operator: Browser) -> None:
    take(seeded, {**an_order(0), "reference": "ASKS", "approval": "required"}, day=LATER)
    seeded.run_steps()
    proof = of(seeded, "ASKS").pieces[0].composed.proof  # type: ignore[union-attr]
    assert "needs approval" in operator.get(path(seeded, "ASKS")).text
    assert f'name="proof" value="{proof}"' in operator.get(path(seeded, "ASKS", "approve")).text
    assert operator.send_form(path(seeded, "ASKS", "approve"), {"proof": "sha256:" + "0" * 64}).status_code == 409
    assert operator.send_form(path(seeded, "ASKS", "approve")).status_code == 422
    assert of(seeded, "ASKS").approved is None
    assert operator.send_form(path(seeded, "ASKS", "approve"), {"proof": proof}).status_code == 303
    assert of(seeded, "ASKS").approved == proof and audited(seeded, "order.approved")[0].detail["proof"] == proof
    assert "proof approved" in operator.get(path(seeded, "ASKS")).text


def test_composed_again_it_is_the_same_card(seeded: House, operator: Browser) -> None:
    before = of(seeded, COMPOSED).pieces[0].composed
    assert operator.send_form(path(seeded, COMPOSED, "again"), {"reason": "let me see"}).status_code == 303
    assert of(seeded, COMPOSED).pieces[0].state == "waiting"
    assert "Waits for a worker" in operator.get(path(seeded, COMPOSED)).text
    seeded.run_steps()
    assert before is not None and of(seeded, COMPOSED).pieces[0].composed == before
    assert audited(seeded, "order.again")[0].detail["piece"] == of(seeded, COMPOSED).pieces[0].id


def test_an_administrator_erases_with_a_typed_word(seeded: House, operator: Browser, browse: Browse) -> None:
    boss = browse(Role.ADMINISTRATOR)
    at = path(seeded, COMPOSED)
    assert boss.send_form(f"{at}/erase", {"typed": COMPOSED}).status_code == 409, "its card is still to be mailed"
    assert operator.send_form(f"{at}/cancel", {"reason": "asked to"}).status_code == 303
    assert boss.send_form(f"{at}/erase", {"typed": "crm-01000"}).status_code == 422
    assert of(seeded, COMPOSED).erased_at is None
    assert boss.send_form(f"{at}/erase", {"typed": COMPOSED}).status_code == 303
    text = boss.get(at).text
    assert of(seeded, COMPOSED).erased_at and "Zoë" not in text and "Thank you for the garden" not in text
    assert "erased" in text and boss.get(f"{at}/proof/inside").status_code == 409
    assert "Zoë Łukasz 1000" not in boss.get("/orders").text
    assert len(audited(seeded, "order.erased")) == 1


def test_by_htmx_a_refusal_goes_into_the_page(seeded: House, operator: Browser) -> None:
    answer = operator.send_form(path(seeded, COMPOSED, "hold"), {"reason": ""}, headers={"hx-request": "true"})
    assert answer.status_code == 422 and answer.headers["hx-retarget"] == "#told" and "<html" not in answer.text
    now = operator.get(path(seeded, COMPOSED, "now"), headers={"hx-request": "true"})
    assert "<html" not in now.text and "What may still be done" in now.text and 'hx-swap-oob="true"' in now.text


def test_the_page_renews_itself_only_where_something_changed(seeded: House, operator: Browser) -> None:
    text = operator.get(path(seeded, COMPOSED)).text
    (renewed,) = re.findall(r'hx-get="(/orders/[^"]+/now[^"]+)"', text)
    assert operator.get(renewed).status_code == 204
    seeded.store.hold(SCOPE, of(seeded, COMPOSED).id, "wait", actor="user:floor")
    answer = operator.get(renewed)
    assert answer.status_code == 200 and "Held: wait." in answer.text
    assert renewed not in answer.text, "from now on it asks for what comes after"


def test_a_test_order_says_that_it_is_never_printed(seeded: House, operator: Browser) -> None:
    scope = Scope("local", "test")
    (made,) = take(seeded, {**an_order(0), "reference": "TRY"}, scope=scope)
    seeded.run_steps()
    assert operator.get(f"/orders/{made}").status_code == 404, "one looks at live orders, or at those of test keys"
    operator.send_form("/turn", {"tenant": "local", "mode": "test"})
    assert "never printed" in operator.get(f"/orders/{made}").text
    assert read(operator.get(f"/orders/{made}/proof/inside")) == (1100, 770)
