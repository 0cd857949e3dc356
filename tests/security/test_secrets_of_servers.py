"""What stands between us and other servers, passwords and keys, is in no sentence about them: not when they do not
answer, not when they repeat what they were sent, and not when the database refuses a row with a name in it."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key
from tests.security import planted

CANARY, S3_KEY = "canary-of-a-server-41c8", "AKIACANARYCANARY7Q2X"
ADDRESSES = {
    "nobody answers": {
        "CARDPIPE_DATABASE_URL": f"postgresql://cards:{CANARY}@127.0.0.1:1/cards",
        "CARDPIPE_BROKER_URL": f"redis://:{CANARY}@127.0.0.1:1/0",
    },
    "none is an address": {
        "CARDPIPE_DATABASE_URL": f"postgresql+nothing://cards:{CANARY}@127.0.0.1:x/cards",
        "CARDPIPE_BROKER_URL": f"redis://:{CANARY}@127.0.0.1:x/0",
    },
    "with what may not be there": {
        "CARDPIPE_ARTIFACTS_URL": f"s3://user:{CANARY}@bucket/prefix", "CARDPIPE_DELIVERY": f"sftp://u:{CANARY}@house/in",
        "CARDPIPE_OUTBOUND_ALLOW": CANARY,
    },
}  # fmt: skip


@pytest.mark.parametrize("case", ADDRESSES)
@pytest.mark.parametrize("command", [("doctor",), ("order", "show", "nobody", "--json")])
def test_a_password_in_an_address_is_not_repeated(tmp_path: Path, case: str, command: tuple[str, ...]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CARDPIPE_", "AWS_"))}
    environment |= {
        "CARDPIPE_DATA": str(tmp_path),
        "CARDPIPE_SECRET": f"{CANARY}-of-the-house-itself-1234",
        **ADDRESSES[case],
    }
    done = subprocess.run(
        [sys.executable, "-m", "cardpipe.cli.main", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode != 0
    assert CANARY not in done.stdout + done.stderr, done.stdout + done.stderr


class Quoting(http.server.BaseHTTPRequestHandler):
    """An S3 server that denies everything, and says what it was sent."""

    def answered(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        said = (
            f"<Error><Code>AccessDenied</Code><AWSAccessKeyId>{S3_KEY}</AWSAccessKeyId><Message>{CANARY} {self.headers}"
        )
        body = f"{said}</Message></Error>".encode()
        self.send_response(403)
        self.send_header("content-type", "application/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.server.asked.append(str(self.headers))  # type: ignore[attr-defined]

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answered

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def quoting(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quoting)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    yield server
    server.shutdown()
    server.server_close()


def test_a_bucket_that_repeats_our_keys_is_not_repeated(
    tmp_path: Path, quoting: http.server.ThreadingHTTPServer
) -> None:
    address = f"s3://cards/here?endpoint=http://127.0.0.1:{quoting.server_port}&region=us-east-1"
    house = Shop(Settings(data=tmp_path, artifacts_url=address))
    with capture_logs() as logged, listening(house, "127.0.0.1") as port:
        headers = {"authorization": f"Bearer {new_key(house, 'local', 'live', 'admin')}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90, trust_env=False, headers=headers) as client:
            answers = [
                client.post("/v1/pictures", content=planted.photo()),
                client.post("/v1/imports", params={"name": "o.csv"}, content=b"reference\nx\n"),
                client.post("/v1/orders", json=planted.asked("bucket")),
                client.get("/readyz"),
            ]
    house.close()
    house.store.close()
    assert [answer.status_code for answer in answers] == [503] * 4, [answer.text for answer in answers]
    assert any(S3_KEY in headers for headers in quoting.asked), "it was asked, with our key's name"  # type: ignore[attr-defined]
    assert any(entry["event"] == "not_ready" for entry in logged)
    for told in [*(answer.text + str(answer.headers) for answer in answers), *map(str, logged)]:
        assert planted.said_in(told, [S3_KEY, CANARY, *planted.WORDS]) == [], told


def test_a_row_that_the_database_refuses_is_not_repeated(tmp_path: Path) -> None:
    """Its parameters are names and addresses; errors of the database end in logs and on terminals."""
    store = Shop(Settings(data=tmp_path)).store
    with pytest.raises(sa.exc.IntegrityError) as caught, store.db.writing() as tx:
        tx.run(
            "INSERT INTO orders (tenant, mode, id, request) VALUES (:t, 'live', 'x', :said)",
            t="local",
            said=str(planted.asked("x")),
        )
    store.close()
    told = "".join(traceback.format_exception(caught.value))
    assert "INSERT INTO orders" in told and planted.said_in(told) == []
