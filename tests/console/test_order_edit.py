"""Editing an order: until the cut-off, by the revision that was looked at; what was typed is never lost."""

from __future__ import annotations

import html
import io
import json
import math
import re
from typing import Any

import pytest
from httpx import Response
from PIL import Image, ImageDraw

from cardpipe.model.stored import StoredOrder
from cardpipe.model.user import Role
from cardpipe.pipeline.change import change
from tests.console.conftest import Browse, Browser
from tests.console.floor import LATER, SCOPE, an_order, take
from tests.pipeline.shopfloor import House, picture

PLAIN, PHOTO, SIGNED = "CRM-01002", "CRM-01000", "SIGNED"


def of(house: House, reference: str) -> StoredOrder:
    return house.store.order(SCOPE, reference)


def at(house: House, reference: str, more: str = "edit") -> str:
    return f"/orders/{of(house, reference).id}/{more}"


def fields(answer: Response) -> dict[str, str]:
    """What the form would send as it stands."""
    text = answer.text
    found = {}
    for tag in re.findall(r"<input [^>]*>", text):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and value and 'type="checkbox"' not in tag and name[1] not in ("csrf", "text"):
            found[name[1]] = html.unescape(value[1])
    for name, body in re.findall(r'<select id="[^"]+" name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r"<option selected>([^<]+)<", body)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    for name, body in re.findall(r'<textarea id="[^"]+" name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.S):
        found[name] = html.unescape(body)
    return found


def edited(house: House, client: Browser, reference: str, files: Any = None, **typed: str) -> Response:
    """Open the form, type, save."""
    sent = {**fields(client.get(at(house, reference))), **typed}
    more = {"files": files} if files else {}
    return client.send_form(at(house, reference), sent, **more)


def elsewhere(house: House, reference: str, **patch: Any) -> None:
    """The CRM changes it meanwhile."""
    now = of(house, reference)
    verdict = change(house, SCOPE, now.id, patch, now.revision, lambda ref, where: b"", "key:crm")
    assert verdict.fresh, verdict.findings


def signature() -> bytes:
    """A line of ink on paper, as somebody signs."""
    paper = Image.new("RGB", (1200, 420), (247, 245, 240))
    points = [(120 + step * 4, 210 + round(110 * math.sin(step / 9) * math.cos(step / 31))) for step in range(240)]
    ImageDraw.Draw(paper).line(points, fill=(25, 32, 70), width=10)
    out = io.BytesIO()
    paper.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def operator(browse: Browse) -> Browser:
    return browse(Role.OPERATOR)


def test_the_form_shows_the_order_as_it_is_stored(seeded: House, operator: Browser) -> None:
    shown, stored = fields(operator.get(at(seeded, PHOTO))), of(seeded, PHOTO)
    assert (
        shown["recipient.name"] == "Zoë Łukasz 1000"
        and shown["recipient.postcode"] == stored.request["recipient"]["postcode"]
    )
    assert shown["message"] == stored.request["message"] and shown["mail_on"] == LATER and shown["revision"] == "1"
    assert json.loads(shown["seen"])["sender.name"] == "June Abara"


def test_saved_as_it_stands_nothing_changes(seeded: House, operator: Browser) -> None:
    for reference in (PLAIN, PHOTO):
        sent = {**fields(operator.get(at(seeded, reference)))}
        sent["message"] = sent["message"].replace("\n", "\r\n")  # as browsers send it
        answer = operator.send_form(at(seeded, reference), sent)
        assert answer.status_code == 303 and of(seeded, reference).revision == 1


def test_address_and_words_are_changed_and_proved_anew(seeded: House, operator: Browser) -> None:
    before = of(seeded, PLAIN).pieces[0].composed
    answer = edited(seeded, operator, PLAIN, **{
        "recipient.street": "77 Oak Ave", "message": "Dear {first_name},\r\n\r\nSee you in June.\r\n\r\nJ.", "hand": "caveat", "ink": "plum",
        "mail_on": "2026-12-09",
    })  # fmt: skip
    assert answer.status_code == 303 and answer.headers["location"] == f"/orders/{of(seeded, PLAIN).id}"
    now = of(seeded, PLAIN)
    assert now.revision == 2 and now.mail_on == "2026-12-09"
    assert now.request["recipient"]["street"] == "77 Oak Ave" and now.request["recipient"]["city"] == "Tucson"
    assert now.request["message"] == "Dear {first_name},\n\nSee you in June.\n\nJ."
    assert (now.request["hand"], now.request["ink"]) == ("caveat", "plum")
    page = operator.get(f"/orders/{now.id}").text
    assert "The proof is being made" in page and "data-live hx-get" in page
    seeded.run_steps()
    after = of(seeded, PLAIN).pieces[0].composed
    assert before and after and before.proof != after.proof
    assert "77 Oak Ave" in operator.get(f"/orders/{now.id}").text
    (entry,) = [e for e in seeded.store.audited("local", 50) if e.action == "order.changed"]
    assert entry.actor == "user:the-operator" and entry.detail["revision"] == 2
    assert entry.detail["fields"] == ["hand", "ink", "mail_on", "message", "recipient"] and "Oak" not in str(entry)


def test_back_to_the_designs_own_hand(seeded: House, operator: Browser) -> None:
    assert edited(seeded, operator, PLAIN, hand="caveat").status_code == 303
    assert edited(seeded, operator, PLAIN, hand="").status_code == 303
    assert of(seeded, PLAIN).request["hand"] is None and of(seeded, PLAIN).revision == 3


def test_every_finding_stands_beside_its_field_and_all_that_was_typed_is_kept(seeded: House, operator: Browser) -> None:
    typed = {
        "recipient.state": "ZZ", "recipient.postcode": "1", "message": "Dear {nobody}, 他 <b>hello</b>", "ink": "gold",
        "recipient.name": "Somebody & Else",
    }  # fmt: skip
    answer = edited(seeded, operator, PLAIN, **typed)
    assert answer.status_code == 422 and of(seeded, PLAIN).revision == 1
    kept = fields(answer)
    for name in ("recipient.state", "recipient.postcode", "message", "recipient.name"):
        assert kept[name] == typed[name], name
        if name != "recipient.name":
            assert f'id="found-{name}"' in answer.text, name
    assert 'id="found-ink"' in answer.text and "<b>hello" not in answer.text
    assert answer.text.count('aria-invalid="true"') >= 4
    mended = {**kept, "recipient.state": "AZ", "recipient.postcode": "85701", "message": "Dear you", "ink": ""}
    assert operator.send_form(at(seeded, PLAIN), mended).status_code == 303
    assert of(seeded, PLAIN).request["recipient"]["name"] == "Somebody & Else"


def test_a_conflict_shows_both_and_loses_nothing(seeded: House, operator: Browser) -> None:
    mine = fields(operator.get(at(seeded, PLAIN)))
    mine |= {"recipient.street": "1 Mine St", "message": "Mine, all of it"}
    elsewhere(seeded, PLAIN, recipient={"street": "9 Theirs Rd", "city": "Phoenix"}, hand="caveat")
    answer = operator.send_form(at(seeded, PLAIN), mine)
    assert answer.status_code == 409 and of(seeded, PLAIN).revision == 2
    assert "key:crm" in answer.text and "revision 2" in answer.text
    now = fields(answer)
    assert now["recipient.street"] == "1 Mine St" and now["message"] == "Mine, all of it"
    assert now["recipient.city"] == "Phoenix" and now["hand"] == "caveat", "what nobody touched here is theirs"
    assert 'id="other-recipient.street"' in answer.text and "9 Theirs Rd" in answer.text
    assert 'id="other-message"' not in answer.text and now["revision"] == "2"
    assert operator.send_form(at(seeded, PLAIN), now).status_code == 303
    stored = of(seeded, PLAIN).request
    assert stored["recipient"]["street"] == "1 Mine St" and stored["recipient"]["city"] == "Phoenix"
    assert stored["hand"] == "caveat" and stored["message"] == "Mine, all of it"


def test_after_the_cut_off_what_was_typed_is_shown_and_nothing_is_saved(seeded: House, operator: Browser) -> None:
    from cardpipe.pipeline.gather import gather

    mine = {**fields(operator.get(at(seeded, PLAIN))), "recipient.street": "1 Late St"}
    gather(seeded, SCOPE, LATER)
    answer = operator.send_form(at(seeded, PLAIN), mine)
    assert answer.status_code == 409 and "order.change.too_late" in answer.text and "1 Late St" in answer.text
    assert of(seeded, PLAIN).request["recipient"]["street"] != "1 Late St"


def test_how_it_will_stand_is_told_while_it_is_written(seeded: House, operator: Browser) -> None:
    heads = {"hx-request": "true"}
    said = {"hand": "caveat", "recipient.name": "Ana Bell", "sender.name": "June"}
    good = operator.send_form(
        at(seeded, PLAIN, "fit"), {**said, "message": "Dear {first_name},\r\n\r\nhello"}, headers=heads
    )
    assert (
        good.status_code == 200
        and "It fits" in good.text
        and "<li>Dear Ana,</li>" in good.text
        and "<html" not in good.text
    )
    bad = operator.send_form(at(seeded, PLAIN, "fit"), {**said, "message": "Dear 他"}, headers=heads)
    assert "U+4ED6" in bad.text and "line 1, column 6" in bad.text
    long = operator.send_form(at(seeded, PLAIN, "fit"), {**said, "message": "many words " * 300}, headers=heads)
    assert "It does not fit" in long.text
    empty = operator.send_form(at(seeded, PLAIN, "fit"), {**said, "message": ""}, headers=heads)
    assert empty.status_code == 200 and "finding-error" in empty.text
    assert of(seeded, PLAIN).revision == 1


def test_without_scripts_a_button_tries_the_words(seeded: House, operator: Browser) -> None:
    answer = edited(seeded, operator, PLAIN, message="Dear <i>you</i>", do="try")
    assert answer.status_code == 200 and "It fits" in answer.text and of(seeded, PLAIN).revision == 1
    assert fields(answer)["message"] == "Dear <i>you</i>" and "<i>you" not in answer.text


def test_where_the_eye_rests(seeded: House, operator: Browser) -> None:
    for sent, stored in ((("25", "80.5"), [0.25, 0.805]), (("", ""), None)):
        answer = edited(seeded, operator, PHOTO, **{"focus.main.x": sent[0], "focus.main.y": sent[1]})
        assert answer.status_code == 303, answer.text
        assert of(seeded, PHOTO).request["photo_focus"] == stored
    for wrong in (("25", ""), ("101", "5"), ("a", "b"), ("nan", "1")):
        answer = edited(seeded, operator, PHOTO, **{"focus.main.x": wrong[0], "focus.main.y": wrong[1]})
        assert answer.status_code == 422 and "photo.focus" in answer.text, wrong


def test_another_photo_is_judged_kept_and_printed(seeded: House, operator: Browser) -> None:
    before = of(seeded, PHOTO).request["photo"]
    new = picture(1700, 1300)
    answer = edited(seeded, operator, PHOTO, files={"photo.main": ("her.jpg", new, "image/jpeg")})
    assert answer.status_code == 303, answer.text
    stored = of(seeded, PHOTO)
    assert stored.request["photo"] != before and seeded.artifacts.get(SCOPE, stored.request["photo"][7:]) == new
    seeded.run_steps()
    assert of(seeded, PHOTO).pieces[0].state == "composed"


def test_a_bad_photo_is_refused_beside_its_field(seeded: House, operator: Browser) -> None:
    for data, code in ((b"<svg onload=x>", "photo.format"), (picture(1500, 1100)[:9000], "photo.truncated"),
                       (picture(200, 200), "photo.resolution.low")):  # fmt: skip
        answer = edited(
            seeded, operator, PHOTO, files={"photo.main": ("x.jpg", data, "image/jpeg")}, message="kept words"
        )
        assert answer.status_code == 422 and code in answer.text and 'id="found-photo.main"' in answer.text, code
        assert fields(answer)["message"] == "kept words"
    assert of(seeded, PHOTO).revision == 1


def test_a_photo_has_not_to_be_chosen_twice(seeded: House, operator: Browser) -> None:
    files = {"photo.main": ("x.jpg", picture(1800, 1400), "image/jpeg")}
    answer = edited(seeded, operator, PHOTO, files=files, **{"recipient.state": "ZZ"})
    assert answer.status_code == 422
    again = fields(answer)
    assert again["kept.photo.main"].startswith("sha256:")
    assert operator.send_form(at(seeded, PHOTO), {**again, "recipient.state": "AZ"}).status_code == 303
    assert of(seeded, PHOTO).request["photo"] == again["kept.photo.main"]


def test_a_signature_comes_and_goes(seeded: House, operator: Browser) -> None:
    files = {"signature": ("june.png", signature(), "image/png")}
    answer = edited(seeded, operator, PLAIN, files=files)
    assert answer.status_code == 303, re.findall(r"<code>[^<]+</code>", answer.text)
    assert of(seeded, PLAIN).request["signature"].startswith("sha256:")
    assert operator.get(f"/orders/{of(seeded, PLAIN).id}/signature").status_code == 200
    seeded.run_steps()
    assert of(seeded, PLAIN).pieces[0].state == "composed"
    assert edited(seeded, operator, PLAIN, unsigned="yes").status_code == 303
    assert of(seeded, PLAIN).request["signature"] is None


def test_an_order_with_photos_by_name(seeded: House, operator: Browser) -> None:
    named = {**an_order(1), "reference": "NAMED", "photos": {"main": "photo-1"}, "photos_focus": {"main": [0.5, 0.2]}}
    del named["photo"]
    take(seeded, named, day=LATER)
    shown = fields(operator.get(at(seeded, "NAMED")))
    assert (shown["focus.main.x"], shown["focus.main.y"]) == ("50", "20")
    assert edited(seeded, operator, "NAMED", **{"focus.main.x": "10"}).status_code == 303
    assert of(seeded, "NAMED").request["photos_focus"] == {"main": [0.1, 0.2]}
    files = {"photo.main": ("x.jpg", picture(1800, 1400), "image/jpeg")}
    assert edited(seeded, operator, "NAMED", files=files).status_code == 303
    assert of(seeded, "NAMED").request["photos"]["main"].startswith("sha256:")
    assert not of(seeded, "NAMED").request["photos_focus"], "it was said of the other picture"


@pytest.mark.parametrize("seen", ["", "[]", "{", '{"message": 5}', "null"])
def test_a_form_that_was_tampered_with_changes_nothing_else(seeded: House, operator: Browser, seen: str) -> None:
    sent = {**fields(operator.get(at(seeded, PLAIN))), "seen": seen, "recipient.street": "5 New St"}
    answer = operator.send_form(at(seeded, PLAIN), sent)
    assert answer.status_code == 303
    assert of(seeded, PLAIN).request["recipient"]["street"] == "5 New St"
    assert operator.send_form(at(seeded, PLAIN), {**sent, "revision": "x"}).status_code == 409


def test_no_path_is_taken_for_a_photo(seeded: House, operator: Browser) -> None:
    for ref in ("/etc/passwd", "sha256:" + "0" * 64):
        answer = edited(seeded, operator, PHOTO, **{"kept.photo.main": ref})
        assert answer.status_code in (303, 422) and of(seeded, PHOTO).revision == 1


def test_of_two_photos_one_is_replaced(seeded: House, operator: Browser) -> None:
    two = {**an_order(1), "reference": "TWO", "design": "job-well-done", "occasion": "job-completed"}
    del two["photo"]
    two |= {
        "photos": {"before": "photo-1", "after": "photo-2"},
        "photos_focus": {"before": [0.2, 0.3], "after": [0.6, 0.7]},
    }
    take(seeded, two, day=LATER)
    first = of(seeded, "TWO").request["photos"]
    assert fields(operator.get(at(seeded, "TWO")))["focus.after.x"] == "60"
    files = {"photo.after": ("x.jpg", picture(1900, 1500), "image/jpeg")}
    assert edited(seeded, operator, "TWO", files=files).status_code == 303
    now = of(seeded, "TWO").request
    assert now["photos"]["before"] == first["before"] and now["photos"]["after"] != first["after"]
    assert now["photos_focus"] == {"before": [0.2, 0.3]}, "what was said of the old picture is not said of the new one"
