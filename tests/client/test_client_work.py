"""The client against the whole thing: ``cardpipe serve`` with its workers, and webhooks that it really sends."""

from __future__ import annotations

import csv
import hmac
import io
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from standardwebhooks import Webhook

from cardpipe.client import Cardpipe, Failed, verify_webhook
from tests.client.conftest import MakeOrder
from tests.client.shopfront import Served, serving, until
from tests.delivery.receiver import Asked, Receiver, answer

HEADER = ("Order", "Name", "Street", "City", "State", "ZIP", "Words")
FIELDS = ("reference", "recipient.name", "recipient.street", "recipient.city", "recipient.state", "recipient.postcode",
          "message")  # fmt: skip
COLUMNS = {
    "columns": dict(zip(HEADER, FIELDS, strict=True)),
    "defaults": {
        "occasion": "thank-you", "design": "thank-you-fern", "sender.name": "Bo Lind", "sender.city": "Salem",
        "sender.street": "1 Main Street", "sender.state": "OR", "sender.postcode": "97301",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def crm() -> Iterator[Receiver]:
    """A CRM's own server."""
    made = Receiver()
    made.routes["/told"] = answer(204)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, crm: Receiver) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("work") / "data"
    with serving(data, CARDPIPE_OUTBOUND_ALLOW=f"127.0.0.1:{crm.port}", CARDPIPE_WORKERS="2") as found:
        found.cardpipe("tenant", "set", "local", "--rate", "100000")
        yield found


@pytest.fixture(scope="module")
def cards(served: Served) -> Iterator[Cardpipe]:
    with Cardpipe(served.url, served.key) as made:
        yield made


def test_a_proof_as_soon_as_there_is_one(cards: Cardpipe, order: MakeOrder, tmp_path: Path) -> None:
    told = cards.order(order("W-1"))
    proof = cards.wait_for_proof(told["id"])
    proof.save(tmp_path / "proof.png")
    with Image.open(tmp_path / "proof.png") as picture:
        assert picture.format == "PNG" and picture.width > 400
    assert proof.digest == cards.get("W-1")["proof"]["digest"]
    assert cards.proof("W-1", side="envelope").png != proof.png
    assert "png" not in repr(proof), "a card's picture is nothing for a log"


def test_nobody_waits_for_a_proof_that_will_never_be(cards: Cardpipe, order: MakeOrder) -> None:
    cards.order(order("W-2"))
    cards.cancel("W-2", "a trial")
    begun = time.monotonic()
    with pytest.raises(Failed, match="cancelled"):
        cards.wait_for_proof("W-2")
    with pytest.raises(Failed) as caught:
        cards.wait_for_proof("W-nowhere")
    assert caught.value.status == 404 and time.monotonic() - begun < 5


def test_what_stands_still_is_waited_for_no_longer_than_asked(cards: Cardpipe, order: MakeOrder) -> None:
    asked = order("W-5")
    cards.wait_for_proof(cards.order(asked)["id"])
    second = cards.order({**asked, "reference": "W-6"})
    assert second["held"]["code"] == "order.duplicate"
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"within 1 s: held as a likely duplicate"):
        cards.wait_for_proof("W-6", seconds=1)
    assert time.monotonic() - begun < 3


def test_a_proof_is_approved_by_its_digest(cards: Cardpipe, order: MakeOrder) -> None:
    cards.order(order("W-7", approval="required"))
    first = cards.wait_for_proof("W-7")
    cards.change("W-7", {"message": "Dear {first_name}, thank you for both lamps."})
    second = cards.wait_for_proof("W-7")
    assert second.digest != first.digest and second.png != first.png
    with pytest.raises(Failed) as caught:
        cards.approve("W-7", first.digest)
    assert (caught.value.status, caught.value.code) == (409, "proof.other")
    assert cards.approve("W-7", second.digest)["approved"] == second.digest


def row(number: int, **changes: str) -> dict[str, str]:
    """One line of a CRM's export."""
    cells = (
        f"I-{number:03d}",
        f"Ida Holm {number}",
        f"{number} Elm St",
        "Tucson",
        "AZ",
        "85705",
        "Dear {first_name}, hello.",
    )
    return {**dict(zip(HEADER, cells, strict=True)), **changes}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, HEADER)
        table.writeheader()
        table.writerows(rows)
    return path


def test_a_file_of_fifty_with_two_to_mend(cards: Cardpipe, tmp_path: Path) -> None:
    rows = [row(number) for number in range(1, 51)]
    rows[6]["City"], rows[30]["Words"] = "", "Dear {nobody}, hello."
    path = write(tmp_path / "export.csv", rows)
    trial = cards.wait_for_import(cards.import_file(path, COLUMNS, dry_run=True)["id"])
    assert trial["dry_run"] and trial["counts"] == {**trial["counts"], "accepted": 48, "refused": 2}
    assert list(cards.orders(import_=trial["id"])) == [], "nothing was ordered"
    taken = cards.import_file(path, COLUMNS)
    assert cards.import_file(path, COLUMNS)["id"] == taken["id"], "the same file is the same import"
    done = cards.wait_for_import(taken["id"])
    assert (done["state"], done["rows"]) == ("finished", 50) and taken["id"] != trial["id"]
    assert (done["counts"]["accepted"], done["counts"]["refused"]) == (48, 2)
    assert len(list(cards.orders(import_=taken["id"]))) == 48

    out = io.BytesIO()
    cards.failed_rows(taken["id"], out)
    failed = list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"))))
    assert [each["Order"] for each in failed] == ["I-007", "I-031"]
    assert all(each["cardpipe_problem"] and each["cardpipe_remedy"] for each in failed)
    failed[0]["City"], failed[1]["Words"] = "Tucson", "Dear {first_name}, hello."
    mended = write(tmp_path / "mended.csv", [{name: each[name] for name in HEADER} for each in failed])
    again = cards.wait_for_import(cards.import_file(mended, COLUMNS)["id"])
    assert again["counts"]["accepted"] == 2 and again["counts"].get("refused", 0) == 0
    assert cards.get("I-007")["state"] == cards.get("I-031")["state"] == "accepted"


@dataclass
class Told:
    """What a CRM was told, verified."""

    secret: str
    messages: list[Asked]

    def read(self, secret: str = "") -> list[dict[str, Any]]:
        return [verify_webhook(secret or self.secret, dict(each.headers), each.body) for each in self.messages]


def test_what_is_told_and_who_may_say_it(cards: Cardpipe, crm: Receiver, order: MakeOrder) -> None:
    added = cards.add_webhook(crm.url("/told"), ["order.accepted", "order.cancelled"])
    secret = str(added["secret"])
    cards.order(order("W-8"))
    cards.cancel("W-8", "a trial")
    until("two messages", lambda: len(crm.asked) >= 2)
    told = Told(secret, list(crm.asked))
    assert [(each["type"], each["data"]["reference"]) for each in told.read()] == [
        ("order.accepted", "W-8"), ("order.cancelled", "W-8"),
    ]  # fmt: skip
    first = told.messages[0]
    headers = {name.lower(): value for name, value in first.headers.items()}
    assert Webhook(secret).verify(first.body, headers), "and the reference library says so, too"
    known = {event["id"] for event in cards.events(types=["order.accepted"])}
    assert told.read()[0]["data"]["event"] in known

    assert verify_webhook(secret, {name.upper(): value for name, value in headers.items()}, first.body)
    sent = float(headers["webhook-timestamp"])
    assert verify_webhook(secret, headers, first.body, now=sent + 299)
    for now in (sent + 301, sent - 301):
        with pytest.raises(ValueError, match="five minutes"):
            verify_webhook(secret, headers, first.body, now=now)
    other = f"{headers['webhook-signature'][:-3]}AA="
    wrong = [
        (secret, headers, first.body.replace(b"accepted", b"rejected")), (secret, headers, b""),
        (secret, headers, first.body + b" "), (secret, {**headers, "webhook-id": "msg_other"}, first.body),
        (secret, {**headers, "webhook-timestamp": str(int(sent) + 1)}, first.body),
        (secret, {**headers, "webhook-signature": other}, first.body),
        (secret, {**headers, "webhook-signature": headers["webhook-signature"].removeprefix("v1,")}, first.body),
        (secret, {**headers, "webhook-signature": "v1,"}, first.body),
        (secret, {**headers, "webhook-signature": "ü"}, first.body),
        (secret, {**headers, "webhook-timestamp": "nan"}, first.body),
        (secret, {name: value for name, value in headers.items() if name != "webhook-signature"}, first.body),
        ("whsec_" + 43 * "A" + "=", headers, first.body),
    ]  # fmt: skip
    for each in wrong:
        with pytest.raises(ValueError):
            verify_webhook(*each, now=sent)

    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + first.body
    forged = b64encode(hmac.digest(b"", content, "sha256")).decode()
    for empty in ("", "whsec_"):  # a setting that was forgotten must not believe everybody
        with pytest.raises(ValueError, match="secret"):
            verify_webhook(empty, {**headers, "webhook-signature": f"v1,{forged}"}, first.body, now=sent)

    rotated = str(cards.rotate_webhook(added["id"])["secret"])
    cards.order(order("W-9"))
    until("a third message", lambda: len(crm.asked) >= 3)
    third = Told(rotated, crm.asked[2:])
    assert third.read() == third.read(secret), "for a day both secrets are good"
    with pytest.raises(ValueError):
        told.read(rotated)
    cards.drop_webhook(added["id"])


def test_many_threads_share_one_client(cards: Cardpipe, order: MakeOrder) -> None:
    asked, told = order("W-10"), []

    def send() -> None:
        told.append(cards.order(asked)["id"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8 and len(set(told)) == 1
