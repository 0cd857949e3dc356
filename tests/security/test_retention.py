"""When its time is over, what is personal is gone from every file below the data folder, whatever it is called: asked of
a shop that is served, through its real doors, with another tenant beside it that keeps what is its own.

What lies in the folder that the batch was released to is the print house's by then, and not ours to erase: the contract
with that house has to say when it does. The same goes for backups, which end with the operator's own rotation.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.delivery.receiver import Receiver, answer
from tests.security import planted
from tests.security.serving import Served, serving, until
from tests.security.stocked import table

#: Lets a file say by how much the clocks of the served shop are ahead.
CLOCKWORK = Path(__file__).parents[1] / "faults" / "tampering"
DAY = "2026-12-01"
#: Of the other tenant's customer; in none of the planted words, nor they in them.
OTHERS = ("Theodolinda", "Brackenridge")
#: The whole postcode, as it is written and as the envelope's bars carry it.
POSTCODE = ("97201-8347", "972018347")
NEEDLES = [*planted.spelled(), *(text.encode() for text in (*POSTCODE, planted.PHOTOGRAPHER, "secret-gate"))]


@dataclass
class Past:
    """A shop before and after the erasure."""

    served: Served
    client: httpx.Client
    tester: httpx.Client
    other: httpx.Client
    delivered: Path
    pictures: list[bytes]
    first: httpx.Response
    asked: dict[str, Any]
    packed: bytes
    imported: str = ""
    before: dict[str, set[bytes]] = field(default_factory=dict)
    artifacts: dict[str, set[str]] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)

    def kept(self) -> dict[str, set[str]]:
        """Artifacts by tenant."""
        found: dict[str, set[str]] = {}
        for path in planted.files(self.served.data / "artifacts"):
            found.setdefault(path.relative_to(self.served.data / "artifacts").parts[0], set()).add(path.name)
        return found


def order(reference: str, number: int, **changes: Any) -> dict[str, Any]:
    made = planted.asked(
        reference, number, mail_on=DAY, metadata={"note": f"by the secret-gate of {planted.SURNAME}"}, **changes
    )
    made["recipient"]["postcode"] = POSTCODE[0]
    return made


def archive() -> tuple[bytes, bytes]:
    """A ZIP of three orders, the last of which is refused, and the photo in it."""
    photo = planted.photo(seed=21)
    rows = [order(f"zip-{n}", 20 + n, photos={"home": f"{planted.SURNAME}.jpg"}) for n in range(3)]
    rows[2]["message"] += " {nothing}"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        made.writestr("orders.csv", table(*rows))
        made.writestr(f"{planted.SURNAME}.jpg", photo)
    return out.getvalue(), photo


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("kept")
    (folder / "tmp").mkdir()
    receiver = Receiver()
    receiver.routes = {"/takes": answer(204)}
    clock = folder / "clock"
    settings = {
        "CARDPIPE_OUTBOUND_ALLOW": f"127.0.0.1:{receiver.port}", "TMPDIR": str(folder / "tmp"), "DRILL_CLOCK": str(clock),
        "PYTHONPATH": os.pathsep.join([str(CLOCKWORK), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    with serving(folder, **settings) as served:
        keys = [served.key("--scope", "admin", "--tenant", tenant, "--mode", mode) for tenant, mode in
                (("local", "live"), ("local", "test"), ("other", "live"))]  # fmt: skip
        with served.client(keys[0]) as client, served.client(keys[1]) as tester, served.client(keys[2]) as other:
            found = mailed(served, client, tester, other, folder / "delivered", receiver)
            found.before = planted.found_below(served.data, NEEDLES)
            found.artifacts = found.kept()
            found.log = client.get("/v1/orders/one/events").json()["events"]
            served.command("tenant", "set", "local", "--retention-days", "0")
            clock.write_text(str(2 * 86_400))  # an upload waits a day for its order, in any case
            references = ["one", "zip-0", "zip-1"]
            until("erasing", lambda: all(client.get(f"/v1/orders/{name}").json()["erased_at"] for name in references))
            until("erasing of what was tried", lambda: tester.get("/v1/orders/tried").json()["erased_at"])
            until("scrubbing", lambda: not planted.found_below(served.data, NEEDLES), 45)
            yield found
    receiver.stop()


def mailed(
    served: Served, client: httpx.Client, tester: httpx.Client, other: httpx.Client, delivered: Path, receiver: Receiver
) -> Past:
    """Orders of every kind, printed, handed over and mailed."""
    client.post("/v1/webhooks", json={"url": receiver.url("/takes")}).raise_for_status()
    photo, signature, unused = planted.photo(), planted.signature(), planted.photo(seed=33)
    digests = [
        client.post("/v1/pictures", params={"use": use}, content=data).raise_for_status().json()["picture"]
        for use, data in (("photo", photo), ("signature", signature), ("photo", unused))
    ]
    shown = {"photos": {"home": digests[0]}, "signature": digests[1]}
    asked = order("one", 1, **shown)
    first = client.post("/v1/orders", json=asked, headers={"idempotency-key": "one"}).raise_for_status()
    tester.post("/v1/orders", json=order("tried", 1)).raise_for_status()
    theirs = planted.asked("theirs", 1, mail_on=DAY)
    theirs["recipient"]["name"], theirs["recipient"]["street"] = f"{OTHERS[0]} Smith", f"5 {OTHERS[1]} Road"
    theirs["sender"]["name"], theirs["message"] = "Ann Hill", f"Dear {{first_name}}, greetings to {OTHERS[1]} Road."
    other.post("/v1/orders", json=theirs).raise_for_status()
    packed, inside = archive()
    named, key = {"name": f"{planted.SURNAME}.zip"}, {"idempotency-key": "all"}
    sent = client.post("/v1/imports", params=named, content=packed, headers=key).raise_for_status().json()
    pictures = [photo, signature, unused, inside]
    past = Past(served, client, tester, other, delivered, pictures, first, asked, packed, sent["id"])

    def composed(by: httpx.Client, name: str) -> bool:
        told = by.get(f"/v1/orders/{name}")
        return (
            told.status_code == 200 and bool(told.json()["pieces"]) and told.json()["pieces"][0]["state"] == "composed"
        )

    wanted = [(client, name) for name in ("one", "zip-0", "zip-1")] + [(tester, "tried"), (other, "theirs")]
    until("composing", lambda: all(composed(*each) for each in wanted))
    client.get("/v1/orders/one/proof").raise_for_status()
    served.command("batch", "close", "--mail-on", DAY)
    for batch in client.get("/v1/batches").json()["batches"]:
        served.command("batch", "release", batch["name"], "--out", str(delivered))
        for file in client.get(f"/v1/batches/{batch['name']}").json()["files"]:
            client.get(file["href"]).raise_for_status()
        served.command("batch", "mark", batch["name"], "mailed")
    states = [client.get(f"/v1/orders/{name}").json()["pieces"][0]["state"] for name in ("one", "zip-0", "zip-1")]
    assert states == ["mailed"] * 3
    until("telling", lambda: any(b"piece.mailed" in asked.body for asked in receiver.asked))
    return past


def pieces(pictures: list[bytes]) -> list[bytes]:
    return [piece for data in pictures for piece in planted.slices(data, 25)]


def test_it_was_there_before(past: Past) -> None:
    """Words, pictures and what was made of them."""
    assert "cardpipe.db" in {name.partition("-")[0] for name in past.before} and any(
        "artifacts" in name for name in past.before
    )
    found = {word.lower() for hits in past.before.values() for word in hits}
    assert {word.lower().encode() for word in planted.WORDS} <= found and POSTCODE[0].encode() in found
    assert len(past.artifacts["local"] - past.artifacts["other"]) > 20


def test_no_file_has_a_word_of_it(past: Past) -> None:
    """Database, its write-ahead log, artifacts, logs, queue, what lies in between; and the folder for passing files."""
    looked = [path.relative_to(past.served.data) for path in planted.files(past.served.data)]
    assert planted.found_below(past.served.data, NEEDLES) == {}
    assert {"cardpipe.db", "cardpipe.db-wal"} <= {path.name for path in looked}
    assert {"logs", "artifacts", "queue"} <= {
        path.parts[0] for path in past.served.data.rglob("*") for path in [path.relative_to(past.served.data)]
    }
    assert planted.found_below(past.served.log.parent / "tmp", NEEDLES) == {}
    assert planted.said_in(past.served.log.read_bytes(), [*planted.WORDS, *POSTCODE]) == []


def test_no_file_has_a_piece_of_its_pictures(past: Past) -> None:
    """Photo, signature, an upload that nobody used, and the photo in the ZIP; nor is anything left that was made of them:
    what this tenant keeps is what the other one has as well, art, fonts and profiles of the same design."""
    assert planted.found_below(past.served.data, pieces(past.pictures)) == {}
    assert planted.found_below(past.served.log.parent / "tmp", pieces(past.pictures)) == {}
    left = past.kept()
    assert left["local"] <= left["other"], sorted(left["local"] - left["other"])


def test_what_is_said_of_it_goes_on_without_it(past: Past) -> None:
    """Its states, its log, its counts; the same request under its key is still the same request."""
    for name in ("one", "zip-0", "zip-1"):
        told = past.client.get(f"/v1/orders/{name}")
        shown = told.json()
        assert shown["pieces"][0]["state"] == "mailed" and shown["metadata"] == {} and shown["erased_at"]
        for end in ("", "/events", "/explain", "/actions"):
            assert planted.said_in(past.client.get(f"/v1/orders/{name}{end}").content) == []
    log = past.client.get("/v1/orders/one/events").json()["events"]
    assert log[: len(past.log)] == past.log and len(past.log) >= 6
    again = past.client.post("/v1/orders", json=past.asked, headers={"idempotency-key": "one"})
    assert again.headers["idempotent-replayed"] == "true" and again.json()["id"] == past.first.json()["id"]
    assert (
        planted.said_in(again.content) == []
        and b"secret-gate" in past.first.content
        and b"secret-gate" not in again.content
    )
    changed = past.client.post(
        "/v1/orders", json={**past.asked, "message": "Other words."}, headers={"idempotency-key": "one"}
    )
    assert changed.status_code == 409 and changed.json()["code"] == "idempotency_key_reused"
    key = {"idempotency-key": "all"}
    again = past.client.post("/v1/imports", params={"name": "again.zip"}, content=past.packed, headers=key)
    assert again.status_code == 202 and again.headers["idempotent-replayed"] == "true"
    assert again.json()["id"] == past.imported and again.json()["counts"]["accepted"] == 2
    changed = past.client.post("/v1/imports", params={"name": "again.csv"}, content=table(past.asked), headers=key)
    assert changed.status_code == 409 and changed.json()["code"] == "idempotency_key_reused"
    assert past.client.get("/v1/orders/one/proof").status_code == 409
    told = past.client.get(f"/v1/imports/{past.imported}").json()
    assert told["counts"]["accepted"] == 2 and told["counts"]["refused"] == 1
    assert planted.said_in(past.client.get(f"/v1/imports/{past.imported}/failed.csv").content) == []
    batch = past.client.get("/v1/batches").json()["batches"][0]
    assert batch["pieces"] >= 1 and batch["files"] == []
    assert len(past.client.get("/v1/events?limit=100").json()["events"]) > 10


def test_the_other_tenant_has_all_that_it_had(past: Past) -> None:
    assert past.kept()["other"] == past.artifacts["other"]
    assert set(planted.found_below(past.served.data, planted.spelled(OTHERS)))
    shown = past.other.get("/v1/orders/theirs").json()
    assert shown["erased_at"] is None and shown["pieces"][0]["state"] == "composed" and shown["metadata"]
    assert past.other.get("/v1/orders/theirs/proof").status_code == 200


def test_the_house_has_what_it_was_given(past: Past) -> None:
    """It is not ours: nothing is taken back out of a delivered folder, and nobody may think so."""
    assert planted.found_below(past.delivered, planted.spelled())
