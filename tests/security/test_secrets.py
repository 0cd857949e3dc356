"""Nothing personal, no key and no secret is written down or told where it need not be: planted words and secrets, a shop
that is served, used and abused, and a look at every place where it could have let one slip."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from cardpipe.storage.store import SqlStore
from tests.delivery.receiver import Receiver, answer
from tests.security import planted
from tests.security.serving import Served, serving, until
from tests.security.stocked import table

SECRET = "canary-of-the-house-5f0e7d61c2b94a83"
PASSPHRASE = "canary-of-the-key-8d1f"
S3_KEY, S3_SECRET = "AKIACANARYCANARY7Q2X", "canary+of/the+bucket/3kq9XvB2mZ8r"
#: What must stand nowhere at all, by name; keys and webhooks' secrets come to it as they are made.
HIDDEN = {"the secret": SECRET, "the passphrase": PASSPHRASE, "the S3 key": S3_KEY, "the S3 secret": S3_SECRET}
DAY = "2026-12-01"


@dataclass
class Used:
    """A shop after a bad day: what it said to its callers, and what it holds."""

    served: Served
    hidden: dict[str, str]
    problems: list[httpx.Response] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)
    posted: list[bytes] = field(default_factory=list)


def ssh_key(path: Path) -> Path:
    """A private key that PASSPHRASE opens."""
    form = serialization.PrivateFormat.OpenSSH
    lock = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    path.write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(serialization.Encoding.PEM, form, lock))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    folder = tmp_path_factory.mktemp("leaky")
    receiver = Receiver()
    receiver.routes = {
        "/fails": lambda handler: answer(500, str(handler.headers).encode())(handler),
        "/gone": answer(410),
    }
    pins = folder / "known_hosts"
    pins.write_text("[127.0.0.1]:9 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ\n")
    settings = {
        "CARDPIPE_SECRET": SECRET, "CARDPIPE_SFTP_PASSPHRASE": PASSPHRASE, "CARDPIPE_SFTP_KEY": str(ssh_key(folder / "id")),
        "CARDPIPE_SFTP_KNOWN_HOSTS": str(pins), "AWS_ACCESS_KEY_ID": S3_KEY, "AWS_SECRET_ACCESS_KEY": S3_SECRET,
        "CARDPIPE_OUTBOUND_ALLOW": f"127.0.0.1:{receiver.port}", "PLANTED": " ".join(planted.WORDS),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "tampering"), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    with serving(folder, **settings) as served:
        key = served.key("--scope", "admin", "--label", "a test's")
        shop = Used(served, {**HIDDEN, "the key": key})
        with served.client(key) as client:
            work(shop, client, receiver)
            misuse(shop, client, key)
            shop.answers += [client.get(path) for path in ("/metrics", "/v1/events", "/v1/webhooks", "/v1/imports")]
            for hook in client.get("/v1/webhooks").json()["webhooks"]:
                shop.answers.append(client.get(f"/v1/webhooks/{hook['id']}/deliveries"))
        yield shop
    receiver.stop()


def work(shop: Used, client: httpx.Client, receiver: Receiver) -> None:
    """Orders, an import, a batch on its way, endpoints that fail; one order that meets a bug of the worker."""
    for path in ("/fails", "/gone"):
        made = client.post("/v1/webhooks", json={"url": receiver.url(path)}).raise_for_status().json()
        again = client.post(f"/v1/webhooks/{made['id']}/rotate").raise_for_status().json()
        shop.hidden |= {f"the secret of {path}": made["secret"], f"the next one of {path}": again["secret"]}
    pictures = {
        use: client.post("/v1/pictures", params={"use": use}, content=data).raise_for_status().json()["picture"]
        for use, data in (("photo", planted.photo()), ("signature", planted.signature()))
    }
    shown = {"photos": {"home": pictures["photo"]}, "signature": pictures["signature"], "mail_on": DAY}
    for number, name in enumerate(("good", "faulty", "cancelled")):
        sent = {"idempotency-key": f"key-{number}"}
        client.post("/v1/orders", json=planted.asked(name, number, **shown), headers=sent).raise_for_status()
    client.post("/v1/orders/cancelled/cancel", json={"reason": "no more"}).raise_for_status()
    rows = [planted.asked(f"row-{n}", 10 + n, message=f"Oh {planted.WORD}") for n in range(3)]
    rows[1]["recipient"]["postcode"] = "none"
    rows[2]["message"] += " {nothing}"
    imported = client.post("/v1/imports", params={"name": f"{planted.SURNAME}.csv"}, content=table(*rows)).json()
    until("the import", lambda: client.get(f"/v1/imports/{imported['id']}").json()["state"] == "finished")
    shop.answers += [client.get(f"/v1/imports/{imported['id']}/rows"), client.get("/v1/orders?limit=100")]
    until("composing", lambda: client.get("/v1/orders/good").json()["pieces"][0]["state"] == "composed")
    until("the worker's bug", lambda: b'"event": "bug"' in (shop.served.data / "logs" / "worker.log").read_bytes())
    shop.answers += [client.get(f"/v1/orders/faulty/{end}") for end in ("events", "actions")]
    shop.answers += [client.get("/v1/orders/good/explain"), client.get("/v1/orders/faulty")]
    shop.served.command("batch", "close", "--mail-on", DAY)
    batch = client.get("/v1/batches", params={"mail_on": DAY}).json()["batches"][0]
    shop.answers.append(client.get(f"/v1/batches/{batch['name']}"))
    shop.served.command("batch", "release", batch["name"], "--to", "sftp://print@127.0.0.1:9/in", code=4)
    shop.served.environment["CARDPIPE_SFTP_PASSPHRASE"] = f"{PASSPHRASE}-not"
    shop.served.command("batch", "release", batch["name"], "--to", "sftp://print@127.0.0.1:9/in", code=2)
    shop.served.environment["CARDPIPE_SFTP_PASSPHRASE"] = PASSPHRASE
    for words in (
        ("batch", "show", batch["name"]),
        ("order", "show", "good"),
        ("audit", "list"),
        ("tenant", "list"),
        ("key", "list"),
    ):
        shop.served.command(*words)
    until("two answers", lambda: len(receiver.asked) >= 4)
    shop.posted = [asked.body for asked in receiver.asked]


def misuse(shop: Used, client: httpx.Client, key: str) -> None:
    """What goes wrong on the caller's side, and once on ours."""
    bad = planted.asked("bad", message=f"Dear {{first_name}}, \u6f22 {planted.WORD}")
    bad["recipient"]["postcode"] = "9"
    shop.problems += [
        client.get("/v1/orders/faulty/explain"),
        client.get(f"/v1/orders/{planted.NAME}%20{planted.SURNAME}"),
        client.get(f"/v1/orders/{key}"),
        client.get("/v1/orders", params={"q": key, "state": planted.NAME}),
        client.post("/v1/orders", json=bad),
        client.post("/v1/orders", json={**planted.asked("typed"), "recipient": f"{planted.NAME}, {planted.STREET}"}),
        client.post("/v1/orders", json={**planted.asked("good"), "message": planted.WORD}),
        client.post("/v1/orders", content=json.dumps(planted.asked("cut"))[:-40], headers={"content-type": "application/json"}),
        client.post("/v1/orders", content=f"{planted.NAME} {planted.STREET}", headers={"content-type": "text/plain"}),
        client.post("/v1/pictures", content=f"{planted.NAME} {planted.STREET}".encode() * 20),
        client.post("/v1/imports", params={"name": f"{planted.NAME}.docx"}, content=b"x"),
        client.post("/v1/imports/preview", params={"name": "a.csv"}, content=f"{planted.NAME};{planted.STREET}\n".encode()),
        client.post("/v1/webhooks", json={"url": f"https://user:{SECRET}@localhost/{planted.NAME}"}),
        client.get("/v1/tenant", headers={"authorization": f"Bearer {key[:-1]}"}),
        client.get("/v1/tenant", headers={"authorization": f"Basic {base64.b64encode(f'{key}x:'.encode()).decode()}"}),
        client.request(planted.NAME.upper(), "/v1/orders"),
        client.get("/v1/orders", headers={"origin": f"https://{planted.SURNAME}.example"}),
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", shop.served.port)) as line:
        line.sendall(f"GET /v1/{key} {planted.NAME}\r\n{SECRET}\r\n\r\n".encode())
        line.settimeout(5)
        line.recv(1000)


def test_the_day_was_bad_enough(used: Used) -> None:
    """Else nothing was tried: the bugs were met, in the API and in a worker; and somebody wrote about them."""
    statuses = [problem.status_code for problem in used.problems]
    assert statuses.count(500) == 1 and {401, 403, 404, 405, 409, 415, 422} <= set(statuses), statuses
    assert [each.status_code for each in used.answers] == [200] * len(used.answers)
    logged = {path.name: path.read_text() for path in planted.files(used.served.data / "logs")}
    assert '"event": "bug"' in logged["worker.log"] and "RuntimeError" in logged["worker.log"]
    assert "request_failed" in used.served.log.read_text() and "/v1/orders" in used.served.log.read_text()
    assert len(used.posted) >= 4 and len(used.hidden) == 9 and len(used.served.said) > 10


def test_no_log_has_any_of_it(used: Used) -> None:
    needles = [*planted.spelled(), *(text.encode() for text in used.hidden.values())]
    assert planted.found_below(used.served.data / "logs", needles) == {}
    found = planted.said_in(used.served.log.read_bytes(), [*planted.WORDS, *used.hidden.values()])
    assert found == [], used.served.log.read_text()[-3000:]


def test_secrets_stand_nowhere_and_names_where_they_must(used: Used) -> None:
    """A name: in the database and in the artifacts. A key: as a digest. A secret: not at all."""
    found = planted.found_below(used.served.data, [text.encode() for text in used.hidden.values()])
    assert found == {}
    named = planted.found_below(used.served.data, planted.spelled())
    assert named and {name.split("/")[0].partition("-")[0] for name in named} == {"cardpipe.db", "artifacts"}, named


def test_no_answer_tells_it(used: Used) -> None:
    """Refusals, failures, numbers, events, deliveries with the words of a receiver that repeats all it hears; an import
    is shown under the name that its own file had."""
    for told in used.problems + used.answers:
        text = told.text.replace(f"{planted.SURNAME}.csv", "") if "/v1/imports" in told.url.path else told.text
        found = planted.said_in(text + str(told.headers), [*planted.WORDS, *used.hidden.values()])
        assert found == [], (told.request.method, told.url.path, found, told.text)
    for body in used.posted:
        assert planted.said_in(body, [*planted.WORDS, *used.hidden.values()]) == [], body


def test_no_command_prints_it(used: Used) -> None:
    for text in used.served.said:
        assert planted.said_in(text, [*planted.WORDS, *used.hidden.values()]) == [], text


def test_names_stand_in_few_tables(used: Used) -> None:
    """Also of what no door shows: neither in events, the audit log, messages, steps, duties nor kept answers."""
    store = SqlStore(f"sqlite:///{used.served.data / 'cardpipe.db'}")
    with store.db.reading() as tx:
        names = [row["name"] for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: [dict(row) for row in tx.all(f"SELECT * FROM {name}")] for name in names}
    store.close()
    named = {name for name in names if planted.said_in(json.dumps(rows[name], default=str))}
    assert named == {"orders", "pieces", "intake", "imports"}
    assert all(rows[name] for name in ("events", "audit", "deliveries", "answers", "requests", "steps", "uploads"))
