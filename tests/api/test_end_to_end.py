"""``cardpipe serve`` as a process of its own, with real workers: picture, order, batch, files, checksums."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shlex
import shutil
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

from cardpipe.model.errors import Refused

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
    with (data / "serve.log").open("wb") as log:
        process = subprocess.Popen([*CLI, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)

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
        client.post("/v1/orders", json=order(f"crm-{number}", mail_on=DAY, **change)).raise_for_status()
    for number in range(1, 4):
        until(f"composing crm-{number}", partial(composed, client, f"crm-{number}"))
    subprocess.run(
        [*CLI, "batch", "close", "--mail-on", DAY], env=environment, check=True, capture_output=True, timeout=120
    )
    batches = client.get("/v1/batches", params={"mail_on": DAY}).raise_for_status().json()["batches"]
    assert sum(batch["pieces"] for batch in batches) == 3
    batch = max(batches, key=lambda batch: batch["pieces"])
    early = client.get(batch["files"][0]["href"])
    assert early.status_code == 409 and early.json()["findings"][0]["code"] == "batch.not_released"
    released = Path(environment["CARDPIPE_DATA"]) / "released"
    subprocess.run(
        [*CLI, "batch", "release", batch["name"], "--out", str(released)], env=environment, check=True,
        capture_output=True, timeout=120,
    )  # fmt: skip
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
    line.request("GET", f"/v1/batches/{served.batch['name']}/files/{name}")
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
    late = served.client.post("/v1/orders/crm-1/cancel", json={"reason": "too late"})
    assert late.status_code == 409 and late.json()["findings"], late.text


def test_the_api_and_the_export_give_the_same_bytes(served: Served, tmp_path: Path) -> None:
    name = served.batch["name"]
    done = subprocess.run([*CLI, "batch", "export", name, "--out", str(tmp_path)], env=served.environment,
                          capture_output=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    for file in served.batch["files"]:
        assert hashlib.sha256((tmp_path / name / file["name"]).read_bytes()).hexdigest() == file["sha256"]


def test_the_requests_of_the_readme(
    served: Served, order: Callable[..., dict[str, Any]], jpeg: bytes, tmp_path: Path
) -> None:
    """As they stand there, by curl, one after the other."""
    if shutil.which("curl") is None:
        assert os.environ.get("CARDPIPE_TEST_REQUIRE") != "all", "curl is missing"
        pytest.skip("curl is missing")
    (tmp_path / "anna.jpg").write_bytes(jpeg)
    digest = "sha256:" + hashlib.sha256(jpeg).hexdigest()
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    lines = [line[2:] for line in readme.splitlines() if line.startswith("$ curl ")]
    assert len(lines) >= 3
    reference = lines[-1].rpartition("/")[2]
    photos = {"design": "home-row", "occasion": "new-home", "photos": {"home": digest}}
    (tmp_path / "order.json").write_text(json.dumps(order(reference, **photos)))
    for line in lines:
        words = shlex.split(line.replace("http://127.0.0.1:8000", str(served.client.base_url).rstrip("/")))
        done = subprocess.run(
            [words[0], "-sS", "--fail-with-body", *words[1:]], cwd=tmp_path, capture_output=True, timeout=60
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        assert digest.encode() in done.stdout or json.loads(done.stdout)["reference"] == reference


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


def test_no_other_address_is_listened_on_without_keys(tmp_path: Path) -> None:
    environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path)}
    command = [*CLI, "serve", "--host", "0.0.0.0", "--port", str(free_port())]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=20)
    assert done.returncode == Refused.exit_code and b"no keys" in done.stderr, done.stderr
