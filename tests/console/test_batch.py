"""The page of a batch and what is done with it: who may, what is asked first, what is written down."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest

from cardpipe.console import acts
from cardpipe.console import batch as page
from cardpipe.lettershop.mailing import Mailing
from cardpipe.model.batch import Batch, match_code
from cardpipe.model.errors import Refused
from cardpipe.model.event import Event
from cardpipe.model.order import Scope
from cardpipe.model.scan import Stage
from cardpipe.model.status import BatchState
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role
from cardpipe.pipeline import track
from cardpipe.pipeline.gather import gather
from tests.console.conftest import Browse, Browser, browser
from tests.console.floor import DAY, SCOPE, an_order, employ, take
from tests.pipeline.shopfloor import House


def text(html: str) -> str:
    """What a person reads of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def act(browser: Browser, batch: Batch, name: str, **fields: str) -> str:
    """Do it; where one is led."""
    answer = browser.send_form(f"/batches/{batch.name}/do/{name}", fields)
    assert answer.status_code == 303, text(answer.text)
    return str(answer.headers["location"])


def now(house: House, batch: Batch) -> Batch:
    return house.store.batch(SCOPE, batch.id)


def audited(house: House) -> list[str]:
    """What stands in the audit log, newest first."""
    return [entry.action for entry in house.store.audited("local", 50)]


def release(house: House, browser: Browser, batch: Batch) -> Batch:
    """To whoever fetches the files."""
    act(browser, batch, "release", way="download", count=str(batch.pieces))
    house.run_steps()
    return now(house, batch)


def test_the_page_says_what_it_is_and_what_comes_next(seeded: House, browse: Browse, batch: Batch) -> None:
    answer = browse(Role.OPERATOR).get(f"/batches/{batch.name}")
    said = text(answer.text)
    assert answer.status_code == 200 and "Ready to be released" in said
    assert answer.text.count("button-primary") == 1
    for file in batch.files:
        assert file.name in said and file.sha256 in said
    assert (
        f"{batch.pieces} gathered = equals 0 handed to post + plus 0 taken out + plus {batch.pieces} still to go"
        in said
    )
    assert "Files written and proved" in said


def test_a_page_renews_itself_when_its_batch_changed(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    whole = operator.get(f"/batches/{batch.name}").text
    (again,) = re.findall(r'hx-get="([^"]+)"', whole)
    assert operator.get(again, headers={"hx-request": "true"}).status_code == 204
    act(operator, batch, "hold", reason="the paper is damp")
    part = operator.get(again, headers={"hx-request": "true"})
    assert part.status_code == 200 and part.text.lstrip().startswith('<div id="batch"') and "damp" in part.text


def test_a_viewer_sees_it_and_can_do_nothing(seeded: House, browse: Browse, batch: Batch) -> None:
    viewer = browse(Role.VIEWER)
    shown = viewer.get(f"/batches/{batch.name}")
    assert shown.status_code == 200 and "/do/" not in shown.text and "/zip" not in shown.text
    assert viewer.get(f"/batches/{batch.name}/do/hold").status_code == 403
    assert viewer.send_form(f"/batches/{batch.name}/do/hold", {"reason": "no"}).status_code == 403
    assert now(seeded, batch).held is None


def test_nobody_sees_another_tenants_batch(seeded: House, browse: Browse, batch: Batch) -> None:
    seeded.store.set_tenant(Tenant(name="other"), "test")
    stranger = browse(Role.ADMINISTRATOR, tenants=("other",))
    member = next(iter(seeded.store.members(batch.id)))
    for path in ("", "/pieces", "/do/hold", "/scan", f"/papers/{batch.name}_TICKET.pdf"):
        assert stranger.get(f"/batches/{batch.name}{path}").status_code == 404, path
    assert stranger.get(f"/pictures/{member.id}/outside").status_code == 404
    assert stranger.send_form(f"/batches/{batch.name}/do/hold", {"reason": "mine"}).status_code == 404
    assert stranger.send_form(f"/batches/{batch.id}/zip").status_code == 404
    assert now(seeded, batch).held is None


def test_hold_and_resume_ask_why(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    assert operator.send_form(f"/batches/{batch.name}/do/hold").status_code == 422
    act(operator, batch, "hold", reason="the paper is damp")
    assert now(seeded, batch).held == "the paper is damp"
    shown = text(operator.get(f"/batches/{batch.name}").text)
    assert "Held the paper is damp" in shown and "Resume…" in shown
    assert operator.get(f"/batches/{batch.name}/do/release").status_code == 409
    act(operator, batch, "resume", reason="new paper came")
    assert now(seeded, batch).held is None
    assert audited(seeded)[:2] == ["batch.resume", "batch.hold"]
    log = seeded.store.events(SCOPE, batch.id)
    assert [event.detail.get("by") for event in log[-2:]] == ["user:the-operator"] * 2


def test_ejected_pieces_leave_and_the_rest_is_a_new_revision(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    asked = operator.get(f"/batches/{batch.name}/do/eject?seq=1&seq=3")
    assert "Eject pieces: 2 of" in text(asked.text) and ">1, 3</textarea>" in asked.text
    assert act(operator, batch, "eject", pieces="1, 3", reason="blurred").endswith("_v2")
    later = now(seeded, batch)
    assert (later.revision, later.pieces) == (2, batch.pieces - 2)
    stale = operator.get(f"/batches/{batch.name}")
    assert stale.status_code == 404 and "v2 now" in text(stale.text)
    seeded.run_steps()
    shown = text(operator.get(f"/batches/{later.name}").text)
    assert "Ejected Piece 1, 3: blurred" in shown and f"+ plus 2 taken out + plus {later.pieces} still to go" in shown
    assert audited(seeded)[0] == "batch.eject"


def test_an_eject_of_what_is_not_there_does_nothing(seeded: House, browse: Browse, batch: Batch) -> None:
    answer = browse().send_form(f"/batches/{batch.name}/do/eject", {"pieces": "1, 900-901", "reason": "?"})
    assert answer.status_code == 422 and "piece 900" in text(answer.text) and "piece 901" in text(answer.text)
    assert now(seeded, batch) == batch


def test_a_release_is_confirmed_with_its_number(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    assert f"Release {batch.pieces} pieces?" in text(operator.get(f"/batches/{batch.name}/do/release").text)
    wrong = operator.send_form(f"/batches/{batch.name}/do/release", {"way": "download", "count": "999"})
    assert wrong.status_code == 409 and now(seeded, batch).target is None
    act(operator, batch, "release", way="download", count=str(batch.pieces))
    assert now(seeded, batch).target == "download:" and now(seeded, batch).state is BatchState.IMPOSED
    assert "Being made" in text(operator.get(f"/batches/{batch.name}").text)
    assert operator.get(f"/batches/{batch.name}/do/eject").status_code == 409
    act(operator, batch, "unrelease", reason="one more look")
    assert now(seeded, batch).target is None
    assert release(seeded, operator, batch).state is BatchState.RELEASED
    shown = operator.get(f"/batches/{batch.name}").text
    assert "Fetch its files" in text(shown) and shown.count("button-primary") >= 1
    assert audited(seeded)[0] == "release"


def test_a_release_to_the_shops_place(seeded: House, browse: Browse, batch: Batch, tmp_path: object) -> None:
    place = f"file://{tmp_path}/house"
    seeded.settings = seeded.settings.model_copy(update={"delivery": place})
    operator = browse()
    assert f"Hand {batch.pieces} pieces to {place}" in text(operator.get(f"/batches/{batch.name}/do/release").text)
    act(operator, batch, "release", way="house:", count=str(batch.pieces))
    seeded.run_steps()
    assert now(seeded, batch).state is BatchState.RELEASED
    assert "Answers of the house None yet" in text(operator.get(f"/batches/{batch.name}").text).replace(
        "Ask the house again ", ""
    )
    answer = seeded.settings.data.parent / "house" / f"{batch.name}.nak"
    answer.write_text("the envelopes are upside down")
    act(operator, batch, "replies")
    shown = text(operator.get(f"/batches/{batch.name}").text)
    assert "the envelopes are upside down" in shown and now(seeded, batch).held is not None


def test_from_the_press_to_the_post_and_the_books_closed(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    released = release(seeded, operator, batch)
    act(operator, released, "spoil", pieces=f"2, {match_code(batch.number, 4, 'O')}", reason="smeared")
    assert [remake.seqs for remake in seeded.store.remakes(SCOPE, batch.id)] == [(2, 4)]
    shown = text(operator.get(f"/batches/{batch.name}").text)
    assert "Remake R01 being made" in shown and "Piece 2, 4: smeared" in shown
    seeded.run_steps()
    (remake,) = seeded.store.remakes(SCOPE, batch.id)
    shown = text(operator.get(f"/batches/{batch.name}").text)
    assert remake.made and all(file.sha256 in shown for file in remake.files)
    act(operator, released, "withdraw", pieces="1", reason="asked by the customer")
    act(operator, released, "printed", which="some", pieces="2-3")
    assert now(seeded, batch).state is BatchState.RELEASED
    act(operator, released, "printed", which="all")
    assert now(seeded, batch).state is BatchState.PRINTED
    act(operator, released, "mailed", which="all")
    assert now(seeded, batch).state is BatchState.MAILED
    act(operator, released, "returned", pieces="3")
    act(operator, released, "settle")
    assert now(seeded, batch).state is BatchState.SETTLED
    tally = seeded.store.tally(SCOPE, batch.id)
    assert (tally.gathered, tally.mailed, tally.withdrawn) == (batch.pieces, batch.pieces - 1, 1)
    shown = text(operator.get(f"/batches/{batch.name}").text)
    assert "Settled Everything is accounted for" in shown and "1 came back" in shown
    assert audited(seeded)[:4] == ["batch.settle", "batch.returned", "batch.mailed", "batch.printed"]


def test_what_was_erased_is_shown_as_erased(seeded: House, browse: Browse, batch: Batch) -> None:
    operator = browse()
    released = release(seeded, operator, batch)
    pieces = list(seeded.store.members(batch.id))
    seen = operator.get(f"/pictures/{pieces[0].id}/outside")
    assert seen.status_code == 200
    act(operator, released, "mailed", which="all")
    seeded.store.erase_order(SCOPE, pieces[0].order_id, "test", "0" * 64)
    again = operator.get(f"/pictures/{pieces[0].id}/outside", headers={"if-none-match": seen.headers["etag"]})
    assert again.status_code == 422 and "erased" in text(again.text)  # although it is kept in memory
    for path in ("", "/pieces"):
        shown = operator.get(f"/batches/{batch.name}{path}")
        assert shown.status_code == 200 and "erased" in text(shown.text)
    for piece in pieces[1:]:
        seeded.store.erase_order(SCOPE, piece.order_id, "test", "0" * 64)
    assert operator.get(f"/batches/{batch.name}").status_code == 200
    assert "Its files were erased" in text(operator.send_form(f"/batches/{batch.name}/zip").text)


def test_codes_of_another_batch_are_no_pieces(batch: Batch) -> None:
    assert acts.seqs(f"7 {match_code(batch.number, 3, 'E')}, 1-2", batch) == [1, 2, 3, 7]
    with pytest.raises(Refused) as refused:
        acts.seqs(match_code(batch.number + 1, 3, "E"), batch)
    assert [finding.code for finding in refused.value.findings] == ["scan.other_batch"]
    with pytest.raises(Refused):
        acts.seqs("three", batch)


def test_lists_of_scans_are_one_line(seeded: House, browse: Browse, batch: Batch) -> None:
    release(seeded, browse(), batch)
    for seq in (1, 2, 3):
        track.mark(seeded, SCOPE, batch.name, Stage.PRINTED, [seq], "june")
    lines = page.story(seeded.store.events(SCOPE, batch.id), [])
    assert [line.what for line in lines if "Scanned" in line.what] == ["Scanned 3 pieces"]
    assert lines[-1].what == "Gathered" and lines[0].who == "june"


def test_every_kind_of_event_has_words() -> None:
    scope = Scope("t", "live")
    told = [
        Event(scope, "2026-11-22T00:00:00", "batch", "b", "x", "x", reason, {"numbers": [1, 2], "why": "w"})
        for reason in ("gathered", "imposed", "released", "ejected", "the house refused a delivery", "resequenced")
    ]
    lines = page.story(told, [])
    assert len(lines) == len(told) and all(line.what for line in lines)
    assert [line.what for line in lines if line.bad] == ["The house refused a delivery"]


def test_the_houses_presort_is_fetched_and_taken(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.catalog, "mailing", lambda: Mailing(presort="first", mailer_id="123456", service="270"))
    take(shop, an_order(0), an_order(3))
    shop.run_steps()
    (batch,) = gather(shop, SCOPE, DAY)
    employ(shop, "june", Role.OPERATOR)
    operator = browser(shop, "june")
    shown = text(operator.get(f"/batches/{batch.name}").text)
    assert "Waits for the presort" in shown and "Fetch the list" in shown
    sent = operator.send_form(f"/batches/{batch.name}/presort")
    listed = list(csv.DictReader(io.StringIO(sent.text)))
    assert len(listed) == 2 and "attachment" in sent.headers["content-disposition"]
    head = "record,sequence,imb_tracking\n"
    rows = [f"{one['record']},{2 - place},00270123456{place:09d}\n" for place, one in enumerate(listed)]
    at = f"/batches/{batch.name}/do/presort"
    short = operator.send_form(at, files={"file": ("back.csv", (head + rows[0]).encode(), "text/csv")})
    assert short.status_code == 422 and now(shop, batch).held is not None
    back = operator.send_form(at, files={"file": ("back.csv", (head + "".join(rows)).encode(), "text/csv")})
    assert back.status_code == 303 and now(shop, batch).held is None
    assert [piece.id for piece in shop.store.members(batch.id)] == [one["record"] for one in reversed(listed)]
    assert audited(shop)[:2] == ["batch.presort", "batch.presort_list"]
