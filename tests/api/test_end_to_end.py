"""``cardpipe serve`` as a process of its own, with real workers: picture, order, batch, files, checksums."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import card

from cardpipe.storage.store import SqlStore
from tests import starting

DAY = "2026-12-01"
CLI = [sys.executable, "-m", "cardpipe.cli.main"]


@dataclass
class Served:
    """A data folder that is served, with one batch of three cards."""

    client: httpx.Client
    environment: dict[str, str]
    data: Path
    process: subprocess.Popen[bytes]
    batch: dict[str, Any]


def until(what: str, check: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {seconds:g} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, jpeg: bytes, order: Callable[..., dict[str, Any]]
) -> Iterator[Served]:
    data, port = tmp_path_factory.mktemp("served"), free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CARDPIPE_")}
    environment |= {"CARDPIPE_DATA": str(data), "CARDPIPE_WORKERS": "1"}
    made = starting.run(["key", "new", "--scope", "admin", "--label", "a test's"], environment, data, 60)
    assert made.returncode == 0, made.stderr
    headers = {"authorization": f"Bearer {made.stdout.strip()}"}
    with (data / "serve.log").open("wb") as log:
        process = subprocess.Popen([*CLI, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False, headers=headers)

    def ready() -> bool:
        assert process.poll() is None, (data / "serve.log").read_text()
        try:
            return client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        until("readiness", ready)
        batch = print_three(client, environment, jpeg, order)
        yield Served(client, environment, data, process, batch)
    finally:
        client.close()
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


def print_three(
    client: httpx.Client, environment: dict[str, str], jpeg: bytes, order: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    """Three orders, one with a photo, through the API; the cut-off by the command line."""
    photo = client.post("/v1/pictures", content=jpeg).raise_for_status().json()["picture"]
    changes: list[dict[str, Any]] = [{}, {}, {"design": "home-row", "occasion": "new-home", "photos": {"home": photo}}]
    for number, change in enumerate(changes, 1):
        client.post("/v1/orders", json=card(order, f"crm-{number}", mail_on=DAY, **change)).raise_for_status()
    for number in range(1, 4):
        until(f"composing crm-{number}", partial(composed, client, f"crm-{number}"))
    at = Path(environment["CARDPIPE_DATA"])
    assert starting.run(["batch", "close", "--mail-on", DAY], environment, at, 120).returncode == 0
    batches = client.get("/v1/batches", params={"mail_on": DAY}).raise_for_status().json()["batches"]
    assert sum(batch["pieces"] for batch in batches) == 3
    batch = max(batches, key=lambda batch: batch["pieces"])
    early = client.get(batch["files"][0]["href"])
    assert early.status_code == 409 and early.json()["findings"][0]["code"] == "batch.not_released"
    words = ["batch", "release", batch["name"], "--out", str(at / "released")]
    assert starting.run(words, environment, at, 120).returncode == 0
    return dict(client.get(f"/v1/batches/{batch['name']}").raise_for_status().json())


def composed(client: httpx.Client, reference: str) -> bool:
    return bool(client.get(f"/v1/orders/{reference}").json()["pieces"][0]["state"] == "composed")


def test_files_are_what_the_batch_says(served: Served) -> None:
    assert served.batch["state"] == "released" and served.batch["files"]
    assert served.client.get(f"/v1/batches/{served.batch['name']}").json() == served.batch
    sums: dict[str, str] = {}
    found: dict[str, str] = {}
    for file in served.batch["files"]:
        answer = served.client.get(file["href"])
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert int(answer.headers["content-length"]) == len(answer.content) == file["size"]
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert file["name"] in answer.headers["content-disposition"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        found[file["name"]] = file["sha256"]
        if file["name"].endswith("SHA256SUMS"):
            sums = {name: digest for digest, name in (line.split(None, 1) for line in answer.text.splitlines())}
        if file["name"].endswith("CARD.pdf"):
            assert answer.content.startswith(b"%PDF-") and answer.headers["content-type"] == "application/pdf"
    assert len(sums) >= 4, "the batch brings its own checksums"
    assert {name.lstrip("*"): digest for name, digest in sums.items()}.items() <= found.items()


def test_downloads_are_written_down(served: Served) -> None:
    file = served.batch["files"][0]
    assert served.client.get(file["href"]).status_code == 200
    store = SqlStore(f"sqlite:///{served.data / 'cardpipe.db'}")
    done = [entry for entry in store.audited("local", 100) if entry.action == "download"]
    store.close()
    assert done and done[0].subject == served.batch["id"] and done[0].actor.startswith("key:")
    assert (done[0].detail["file"], done[0].detail["batch"]) == (file["name"], served.batch["name"])


def test_head_and_unchanged(served: Served) -> None:
    file = served.batch["files"][0]
    head = served.client.head(file["href"])
    assert head.status_code == 200 and head.content == b""
    assert int(head.headers["content-length"]) == file["size"] and head.headers["etag"] == f'"{file["sha256"]}"'
    unchanged = served.client.get(file["href"], headers={"if-none-match": head.headers["etag"]})
    assert unchanged.status_code == 304 and unchanged.content == b""


@pytest.mark.parametrize(
    "name",
    ["../../../cardpipe.db", "..%2f..%2f..%2fcardpipe.db", "..", ".", "%2e%2e", "cardpipe.db", "%00", "a%0d%0aX-Evil:1",
     "..%5c..%5ccardpipe.db", "%2fetc%2fpasswd", ""],
)  # fmt: skip
def test_only_listed_names_are_given_out(served: Served, name: str) -> None:
    url = served.client.base_url
    line = http.client.HTTPConnection(url.host, url.port)  # sends the path as it is
    key = served.client.headers["authorization"]
    line.request("GET", f"/v1/batches/{served.batch['name']}/files/{name}", headers={"authorization": key})
    answer = line.getresponse()
    assert answer.status == 404 and answer.getheader("x-evil") is None
    assert b"SQLite" not in answer.read()


def test_digests_and_other_batches_are_no_names(served: Served) -> None:
    file = served.batch["files"][0]
    for path in (f"/v1/batches/{served.batch['name']}/files/{file['sha256']}", f"/v1/batches/nope/files/{file['name']}",
                 "/v1/batches/nope", f"/v1/batches/{served.batch['name']}/files/"):  # fmt: skip
        assert served.client.get(path).status_code == 404


def test_an_order_tells_its_batch_in_words(served: Served) -> None:
    told = served.client.get("/v1/orders/crm-1").json()
    piece = told["pieces"][0]
    assert (piece["state"], piece["shown"]) == ("released", "at the print and mail house")
    assert piece["seq"] >= 1 and served.client.get(f"/v1/batches/{piece['batch']}").status_code == 200
    assert told["shown"] == "at the print and mail house"
    late = served.client.post("/v1/orders/crm-1/cancel", json={"reason": "too late"})
    assert late.status_code == 409 and late.json()["findings"], late.text
    change = served.client.patch("/v1/orders/crm-1", json={"ink": "black"}, headers={"if-match": told["etag"]})
    assert change.status_code == 409 and change.json()["code"] == "order.change.too_late", change.text
    hold = served.client.post("/v1/orders/crm-1/hold", json={"reason": "too late"})
    assert hold.status_code == 409 and hold.json()["code"] == "order.hold.too_late", hold.text
    proof = served.client.get("/v1/orders/crm-1/proof")
    assert proof.status_code == 200 and proof.headers["proof-digest"] == told["proof"]["digest"]
    events = served.client.get("/v1/events").json()["events"]
    mine = [event["type"] for event in events if event["data"]["reference"] == "crm-1"]
    assert mine == ["order.accepted", "piece.composed", "piece.batched", "piece.released"]
    assert {event["data"]["batch"] for event in events if event["type"] == "piece.released"} >= {served.batch["name"]}


def test_the_api_and_the_export_give_the_same_bytes(served: Served, tmp_path: Path) -> None:
    name = served.batch["name"]
    done = starting.run(["batch", "export", name, "--out", str(tmp_path)], served.environment, tmp_path, 60)
    assert done.returncode == 0, done.stderr
    for file in served.batch["files"]:
        assert hashlib.sha256((tmp_path / name / file["name"]).read_bytes()).hexdigest() == file["sha256"]


def test_a_file_that_was_damaged_on_the_disk_breaks_off(served: Served) -> None:
    file = max(served.batch["files"], key=lambda file: file["size"])
    digest = file["sha256"]
    path = served.data / "artifacts" / "local" / "live" / digest[:2] / digest
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            served.client.get(file["href"])
    finally:
        path.write_bytes(good)
    assert served.client.get(file["href"]).content == good


def test_sigterm_ends_all_that_was_started(served: Served) -> None:
    """Last of those with the server: nothing of it is left."""
    pids = children(served.process.pid)
    assert len(pids) >= 3, "supervisor, worker and dispatcher"
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(40)
    until("the end of every child", lambda: not any(alive(pid) for pid in pids), 20)


def children(pid: int) -> list[int]:
    """Every process below this one, however deep."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
