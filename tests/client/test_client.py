"""The client against a real server, over good lines and bad ones."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cardpipe.api.limits import LOOK_SECONDS
from cardpipe.api.problem import FULL_SECONDS
from cardpipe.client import Cardpipe, Failed, Unreachable
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key
from tests.client.conftest import MakeClient, MakeLine, MakeOrder
from tests.client.line import Line
from tests.client.shopfront import free_port

HEIC = Path(__file__).parents[1] / "demo" / "photos" / "grey-cat.heic"


def test_it_brings_nothing_of_the_program_along() -> None:
    code = "import sys, cardpipe.client; print(*(name for name in sys.modules if name.startswith('cardpipe')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["cardpipe", "cardpipe.client"]


def test_an_order_with_its_photo(cards: Cardpipe, order: MakeOrder) -> None:
    photo = cards.upload(HEIC)
    assert photo == cards.upload(HEIC.read_bytes()) and photo.startswith("sha256:")
    told = cards.order(order("C-1", occasion="new-home", design="home-row", photo=photo))
    assert told["state"] == "accepted" and told["reference"] == "C-1"
    assert cards.get("C-1")["id"] == cards.get(told["id"])["id"] == told["id"]
    assert [action["name"] for action in cards.actions("C-1") if action["allowed"]][:1] == ["change"]
    assert cards.explain("C-1")[0]["subject"] == told["id"]


def test_the_same_order_again_is_the_same_order(cards: Cardpipe, order: MakeOrder) -> None:
    asked = order("C-2")
    first = cards.order(asked, idempotency_key="two")
    assert cards.order(asked, idempotency_key="two") == first
    assert cards.order(asked)["id"] == first["id"], "by its reference alone"
    with pytest.raises(Failed) as caught:
        cards.order({**asked, "message": "Something else."}, idempotency_key="two")
    assert (caught.value.status, caught.value.code) == (409, "idempotency_key_reused")
    assert {finding.where for finding in caught.value.findings} == {"message"}


@pytest.mark.parametrize("fates", [("before",), ("after",), ("halfway",), ("after", "before", "halfway", "after")])
def test_what_was_not_answered_is_sent_again_under_the_same_key(
    client: MakeClient, broken: MakeLine, order: MakeOrder, house: Shop, fates: tuple[str, ...]
) -> None:
    line, reference = broken(*fates), f"C-lost-{'-'.join(fates)}"
    told = client(line.url).order(order(reference))
    assert told["reference"] == reference and told["state"] == "accepted"
    heard = len(fates) - fates.count("before") + 1
    keys = line.keys()
    assert len(keys) == heard and len(set(keys)) == 1
    assert len([one for one in client().orders() if one["reference"] == reference]) == 1


def test_two_calls_have_two_keys(client: MakeClient, broken: MakeLine, order: MakeOrder) -> None:
    line = broken()
    for number in range(2):
        client(line.url).order(order(f"C-key-{number}"))
    assert len(set(line.keys())) == 2


def test_after_all_tries_it_says_so_and_the_order_may_be_sent_later(
    client: MakeClient, broken: MakeLine, order: MakeOrder
) -> None:
    asked, line = order("C-later"), broken("after", "after", "after")
    with pytest.raises(Unreachable, match="after 3 of 3 tries"):
        client(line.url, tries=3).order(asked)
    assert client(line.url).order(asked)["state"] == "accepted"
    assert len([one for one in client().orders() if one["reference"] == "C-later"]) == 1


def test_it_waits_longer_from_try_to_try(client: MakeClient) -> None:
    waits: list[float] = []
    with pytest.raises(Unreachable, match="ConnectError"):
        client(f"http://127.0.0.1:{free_port()}", tries=4, sleep=waits.append).get("X")
    assert len(waits) == 3 and all(low <= wait <= 2 * low for wait, low in zip(waits, (0.25, 0.5, 1), strict=True))


def test_a_change_that_was_not_answered_is_made_once(client: MakeClient, broken: MakeLine, order: MakeOrder) -> None:
    before = client().order(order("C-change"))
    once = {"message": "Dear {first_name}, once."}
    line = broken("after PATCH")
    told = client(line.url).change("C-change", once)
    assert line.requests("PATCH") == 3 and line.requests("GET") == 2, "lost, told that it is over, looked, found made"
    assert told["revision"] == before["revision"] + 1, "the second try found nothing to change"
    with pytest.raises(Unreachable, match="get it and look"):
        client(broken("after PATCH").url).change("C-change", {"message": "Twice."}, told["etag"])
    assert client().get("C-change")["revision"] == told["revision"] + 1


def test_an_etag_that_is_over(cards: Cardpipe, order: MakeOrder) -> None:
    seen = cards.order(order("C-etag"))
    cards.change("C-etag", {"message": "Dear {first_name}, another one."}, seen["etag"])
    with pytest.raises(Failed) as caught:
        cards.change("C-etag", {"message": "Dear {first_name}, too late."}, seen["etag"])
    assert (caught.value.status, caught.value.code, caught.value.unsure) == (412, "order.revision", False)
    assert cards.change("C-etag", {"message": "As it stands."})["revision"] == cards.get("C-etag")["revision"] == 3


def test_a_webhook_is_never_added_twice(client: MakeClient, broken: MakeLine) -> None:
    url = "https://crm.example/cards"
    line = broken("after")
    with pytest.raises(Unreachable, match="after 1 of 5 tries"):
        client(line.url).add_webhook(url, ["order.accepted"])
    (added,) = client().webhooks()
    assert line.requests("POST") == 1 and added["url"] == url
    with pytest.raises(Unreachable):
        client(broken("after").url).rotate_webhook(added["id"])
    client().drop_webhook(added["id"])
    client().drop_webhook(added["id"])
    assert client().webhooks() == []


def test_a_webhook_is_added_once_somebody_listens(client: MakeClient, port: int) -> None:
    """Nobody can have heard what was never sent."""
    place = free_port()
    lines: list[Line] = []

    def listen(seconds: float) -> None:
        lines.append(Line(port, at=place))

    told = client(f"http://127.0.0.1:{place}", sleep=listen).add_webhook("https://crm.example/late")
    assert told["secret"].startswith("whsec_") and len(lines) == 1
    lines[0].close()
    client().drop_webhook(told["id"])


def test_everything_that_is_wrong_comes_at_once(cards: Cardpipe, order: MakeOrder) -> None:
    asked = order("C-wrong", design="nowhere", colour="red", mail_on="soon")
    asked["recipient"].pop("city")
    with pytest.raises(Failed) as caught:
        cards.order(asked)
    problem = caught.value
    assert problem.status == 422 and problem.code == problem.findings[0].code and problem.request_id
    assert {"colour", "mail_on"} <= {finding.where for finding in problem.findings}
    assert all(finding.level == "error" and finding.remedy for finding in problem.findings)
    assert all(finding.code in str(problem) and finding.remedy in str(problem) for finding in problem.findings)
    with pytest.raises(Failed) as caught:
        cards.get("C-wrong")
    assert caught.value.status == 404, "nothing was stored"


def test_a_picture_that_is_too_large_is_refused_and_not_sent_again(client: MakeClient, broken: MakeLine) -> None:
    line = broken()
    with pytest.raises(Failed) as caught:
        client(line.url).upload(b"\xff\xd8\xff" + bytes(26_000_000))
    assert caught.value.status == 413 and line.requests("POST") == 1


def test_lists_come_page_by_page(client: MakeClient, broken: MakeLine, order: MakeOrder) -> None:
    for number in range(5):
        client().order(order(f"C-page-{number}", metadata={"campaign": "pages", "n": str(number)}))
    line = broken()
    pages = client(line.url).orders({"campaign": "pages"}, limit=2)
    assert next(pages)["reference"] == "C-page-4" and line.requests("GET") == 1, "newest first, and no page too early"
    assert [one["reference"] for one in pages] == [f"C-page-{number}" for number in (3, 2, 1, 0)]
    assert line.requests("GET") == 3
    (one,) = client().orders({"campaign": "pages", "n": "3"}, state="accepted", held=False, occasion="thank-you")
    assert one["reference"] == "C-page-3"
    assert list(client().orders({"campaign": "none"})) == []
    assert list(client().orders(import_="imp_none")) == []


def test_events_page_by_page_and_from_where_one_stopped(cards: Cardpipe, house: Shop, order: MakeOrder) -> None:
    begin = ""
    for event in cards.events():
        begin = event["cursor"]
    for number in range(60):
        cards.order(order(f"C-event-{number}"))
        cards.cancel(f"C-event-{number}", "so that there are more than a page of events")
    told = list(cards.events(begin))
    types = [event["type"] for event in told if event["data"]["reference"].startswith("C-event-")]
    assert types.count("order.accepted") == types.count("order.cancelled") == 60 and len(told) > 100
    assert len({event["id"] for event in told}) == len(told), "none twice where nobody stopped"
    for stopped in (0, 57, 99, 100, 111, len(told) - 1):
        rest = [event["id"] for event in cards.events(told[stopped]["cursor"])]
        expected = [event["id"] for event in told[stopped + 1 :]]
        assert rest[len(rest) - len(expected) :] == expected and len(rest) <= len(expected) + 100
    assert list(cards.events(told[-1]["cursor"])) == []
    only = list(cards.events(begin, ["order.cancelled"]))
    assert {event["type"] for event in only} == {"order.cancelled"} and len(only) == 60


@pytest.mark.parametrize("reference", ["a/b c", "..", ".", "50% off?#", "x/cancel", "a//b", "%2e%2e"])
def test_any_reference_is_found_again(cards: Cardpipe, order: MakeOrder, reference: str) -> None:
    told = cards.order(order(reference))
    assert cards.get(reference)["id"] == told["id"]
    assert cards.cancel(reference, "a trial")["state"] == "cancelled"


def test_hold_resume_approve_erase(cards: Cardpipe, order: MakeOrder) -> None:
    asked = order("C-held", approval="required")
    cards.order(asked)
    assert cards.hold("C-held", "asking for the date")["held"]["code"] == "crm"
    assert cards.resume("C-held", "it is right")["held"] is None
    with pytest.raises(Failed) as caught:
        cards.approve("C-held", "sha256:" + 64 * "0")
    assert caught.value.status == 409
    second = cards.order({**asked, "reference": "C-second"})
    assert second["held"]["code"] == "order.duplicate"
    with pytest.raises(Failed):
        cards.resume("C-second", "never mind")
    assert cards.resume("C-second", "twins", allow_duplicate=True)["held"] is None
    cards.cancel("C-second", "after all")
    assert cards.erase("C-second")["erased_at"]


def test_whether_it_fits(cards: Cardpipe) -> None:
    assert cards.fit("Dear friend, thank you.", design="thank-you-fern")["fits"] is True
    told = cards.fit("Dear 猫,\n\nthank you.", design="thank-you-fern")
    assert told["fits"] is False and [(each["character"], each["line"]) for each in told["missing"]] == [("猫", 1)]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Shop, str]]:
    """A shop of its own that one order fills; its address."""
    with (
        closing(Shop(Settings(data=tmp_path / "small", backlog=1))) as house,
        listening(house, "127.0.0.1") as port,
    ):
        yield house, f"http://127.0.0.1:{port}"


def test_a_full_shop_is_asked_again_when_it_says(client: MakeClient, small: tuple[Shop, str], order: MakeOrder) -> None:
    house, url = small
    text = new_key(house)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        client(url, text).cancel("S-1", "makes room")
        time.sleep(LOOK_SECONDS)

    client(url, text).order(order("S-1"))
    time.sleep(LOOK_SECONDS)
    with pytest.raises(Unreachable, match="503"):
        client(url, text, tries=1).order(order("S-2"))
    assert client(url, text, sleep=sleep).order(order("S-3"))["state"] == "accepted"
    assert waits == [float(FULL_SECONDS)]


def test_a_key_that_asks_too_often_waits_as_long_as_it_is_told(
    client: MakeClient, house: Shop, order: MakeOrder
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    text = new_key(house, "hasty")
    house.store.set_tenant(house.store.tenant("hasty").model_copy(update={"rate": 60}), "test")
    hasty = client(text=text, sleep=sleep)
    begun = time.monotonic()
    for _ in range(12):
        assert list(hasty.orders()) == []
    assert waits and all(1.0 <= wait <= 2.0 for wait in waits) and time.monotonic() - begun >= 1.0
    with pytest.raises(Failed) as caught:
        for _ in range(12):
            list(client(text=text, tries=1).orders())
    assert (caught.value.status, caught.value.code) == (429, "rate.limit")


def test_nobody_sleeps_until_midnight(client: MakeClient, house: Shop, order: MakeOrder) -> None:
    text = new_key(house, "daily")
    house.store.set_tenant(house.store.tenant("daily").model_copy(update={"daily_limit": 1}), "test")
    waits: list[float] = []
    daily = client(text=text, sleep=waits.append)
    daily.order(order("D-1"))
    with pytest.raises(Failed) as caught:
        daily.order(order("D-2"))
    assert (caught.value.status, caught.value.code) == (429, "tenant.daily_limit")
    assert waits == [], "the answer asked for hours"


def test_what_can_never_be_sent(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.delenv("CARDPIPE_KEY", raising=False)
    with pytest.raises(ValueError, match="CARDPIPE_KEY"):
        Cardpipe("https://cards.example")
    for address in ("cards.example", "localhost:8000", "ftp://cards.example", ""):
        with pytest.raises(ValueError, match="address"):
            Cardpipe(address, key)
    monkeypatch.setenv("CARDPIPE_KEY", key + "\n")
    with Cardpipe("https://cards.example") as cards, pytest.raises(ValueError, match="empty"):
        cards.get("")


def test_a_key_is_needed_and_never_shown(client: MakeClient, key: str) -> None:
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    with pytest.raises(Failed) as caught:
        client(text=wrong).get("C-1")
    assert (caught.value.status, caught.value.code) == (401, "key.unknown")
    assert wrong[12:] not in str(caught.value) and wrong[12:] not in repr(vars(client(text=wrong)))
