"""What a network and a server do to a bucket: cut lines, killed servers, refusals, silence, forks, large streams."""

from __future__ import annotations

import http.server
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from artifact_contract import SCOPE, sha256

from cardpipe.model.errors import Unavailable
from cardpipe.storage.bucket import BucketArtifacts
from tests.storage.s3server import KEYS, S3, Line, require

pytestmark = pytest.mark.usefixtures("aws_keys")


@pytest.mark.parametrize("size", [1_000_000, 21_000_000])
def test_what_is_there_is_not_sent_again(s3, prefix, tmp_path, size):
    line, data = Line(s3.port), os.urandom(size)
    try:
        shelf = BucketArtifacts(s3.url(prefix, line.port), tmp_path)
        digest = shelf.put(SCOPE, data)
        assert size < line.sent < size + 20_000
        before = line.sent
        assert shelf.put(SCOPE, data) == digest
        with shelf.write(SCOPE) as artifact:
            artifact.write(data)
        assert line.sent - before < 5_000
    finally:
        line.close()


@pytest.mark.parametrize("size", [6_000_000, 41_000_000], ids=["in one", "in parts"])
def test_a_line_that_is_cut_while_sending(s3, prefix, tmp_path, size):
    data = os.urandom(size)
    line = Line(s3.port, after=size // 2, then=lambda: line.close())
    shelf = BucketArtifacts(s3.url(prefix, line.port), tmp_path, patience=3)
    with pytest.raises(Unavailable, match="could not be written"), shelf.write(SCOPE) as artifact:
        artifact.write(data)
    assert line.cut and line.sent < size
    assert artifact.digest == ""
    assert s3.keys(prefix) == []
    assert len(s3.unfinished(prefix)) == (size > 10_000_000), "what the lifecycle rule is for"
    near = BucketArtifacts(s3.url(prefix), tmp_path)
    assert not near.has(SCOPE, sha256(data))
    assert near.get(SCOPE, near.put(SCOPE, data)) == data


@pytest.mark.parametrize("size", [6_000_000, 41_000_000], ids=["in one", "in parts"])
def test_a_server_that_is_killed_while_we_send(tmp_path, size):
    require()
    server = S3(tmp_path / "log")
    data = os.urandom(size)
    line = Line(server.port, after=size // 2, then=server.kill)
    try:
        shelf = BucketArtifacts(server.url("shop", line.port), tmp_path, patience=3)
        kept = shelf.put(SCOPE, b"before")
        began = time.monotonic()
        with pytest.raises(Unavailable, match="could not be written"):
            shelf.put(SCOPE, data)
        assert server.process.poll() is not None and time.monotonic() - began < 30
        for ask in (shelf.get, shelf.open, shelf.has, shelf.delete):
            with pytest.raises(Unavailable, match="did not answer"):
                ask(SCOPE, kept)
        for ask in (lambda: list(shelf.digests(SCOPE)), shelf.sweep, lambda: shelf.take_upload(SCOPE, "u", 9)):
            with pytest.raises(Unavailable):
                ask()
    finally:
        server.kill()
        line.close()


def test_a_line_that_is_cut_while_reading(s3, prefix, tmp_path):
    data = os.urandom(30_000_000)
    digest = BucketArtifacts(s3.url(prefix), tmp_path).put(SCOPE, data)
    line = Line(s3.port)
    shelf = BucketArtifacts(s3.url(prefix, line.port), tmp_path, patience=3)
    assert shelf.has(SCOPE, digest)
    threading.Timer(0.05, line.close).start()
    with pytest.raises(Unavailable, match="could not be"):
        for _ in range(1000):  # somewhere in one of them
            shelf.open(SCOPE, digest).close()
    assert BucketArtifacts(s3.url(prefix), tmp_path).get(SCOPE, digest) == data


class _Answers(http.server.BaseHTTPRequestHandler):
    """A server in trouble: what it answers stands in ``script``, by method; else 404 to HEAD and 200."""

    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, "If-None-Match" in self.headers, len(body)))  # type: ignore[attr-defined]
        status, words = self.server.script(self.command, self.headers)  # type: ignore[attr-defined]
        answer = f"<Error><Code>{words}</Code><Message>{KEYS['AWS_ACCESS_KEY_ID']}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", "0" if self.command == "HEAD" else str(len(answer)))
        self.send_header("ETag", '"x"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _any

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def trouble() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _at(server, patience=3.0, **more):
    return BucketArtifacts(f"s3://cards/shop?endpoint=http://127.0.0.1:{server.server_port}", patience=patience, **more)


@pytest.mark.parametrize(
    ("status", "words", "tries"),
    [(503, "SlowDown", 5), (500, "InternalError", 5), (403, "AccessDenied", 1), (401, "InvalidAccessKeyId", 1), (404, "NoSuchBucket", 1)],
)  # fmt: skip
def test_what_a_server_refuses_is_tried_again_later(trouble, status, words, tries, caplog):
    caplog.set_level(logging.DEBUG)
    trouble.script = lambda method, headers: (404, "NoSuchKey") if method == "HEAD" else (status, words)
    shelf, began = _at(trouble), time.monotonic()
    for ask in (lambda: shelf.put(SCOPE, b"a card"), lambda: shelf.get(SCOPE, "a" * 64)):
        trouble.seen.clear()
        with pytest.raises(Unavailable) as told:
            ask()
        said = str(told.value)
        assert words in said
        assert sum(method != "HEAD" for method, _, _ in trouble.seen) == tries
        for secret in (*KEYS.values(), "Signature", "127.0.0.1"):
            assert secret not in said and secret not in caplog.text
        assert told.value.__cause__ is None
    assert time.monotonic() - began < 15


def test_a_server_without_conditions_still_keeps(trouble):
    def script(method, headers):
        if method == "HEAD":
            return 404, "NoSuchKey"
        return (501, "NotImplemented") if headers.get("If-None-Match") else (200, "fine")

    trouble.script = script
    shelf = _at(trouble)
    assert shelf.put(SCOPE, b"a card") == sha256(b"a card")
    assert trouble.seen[-1] == ("PUT", False, 6)
    trouble.seen.clear()
    shelf.put(SCOPE, b"another")
    assert trouble.seen == [("HEAD", False, 0), ("PUT", False, 7)]  # it is not asked again


def test_another_who_is_faster_is_no_trouble(trouble):
    trouble.script = lambda method, headers: (404, "NoSuchKey") if method == "HEAD" else (412, "PreconditionFailed")
    assert _at(trouble).put(SCOPE, b"a card") == sha256(b"a card")
    assert trouble.seen == [("HEAD", False, 0), ("PUT", True, 6)]


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, began = silent.getsockname()[1], time.monotonic()
        shelf = BucketArtifacts(f"s3://cards?endpoint=http://127.0.0.1:{port}", patience=1)
        with pytest.raises(Unavailable, match="did not answer"):
            shelf.put(SCOPE, b"a card")
        assert time.monotonic() - began < 6


_PUTS = """
import os, sys
from cardpipe.storage.bucket import BucketArtifacts
from cardpipe.model.order import Scope
shelf = BucketArtifacts(sys.argv[1])
print("ready", flush=True); sys.stdin.readline()
print(" ".join(shelf.put(Scope("acme"), bytes([n]) * 300_000) for n in range(20)))
"""


def test_two_processes_that_put_the_same_bytes(s3, prefix):
    shelf = BucketArtifacts(s3.url(prefix))
    pair = [
        subprocess.Popen([sys.executable, "-c", _PUTS, s3.url(prefix)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    assert [one.stdout.readline() for one in pair] == ["ready\n"] * 2
    for one in pair:
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=60)[0].split() for one in pair]
    assert told[0] == told[1] == [sha256(bytes([n]) * 300_000) for n in range(20)]
    assert sorted(shelf.digests(SCOPE)) == sorted(told[0])
    assert all(shelf.get(SCOPE, digest) == bytes([n]) * 300_000 for n, digest in enumerate(told[0]))


_FLAT = """
import hashlib, os, resource, sys
from pathlib import Path
from cardpipe.storage.bucket import BucketArtifacts
from cardpipe.model.order import Scope
shelf, scope = BucketArtifacts(sys.argv[1], Path(sys.argv[2])), Scope("acme")
shelf.get(scope, shelf.put(scope, os.urandom(8 << 20)))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before, block = peak(), os.urandom(1 << 20)
with shelf.write(scope) as artifact:
    for _ in range(int(sys.argv[3])):
        artifact.write(block)
written = peak()
with shelf.open(scope, artifact.digest) as file:
    assert hashlib.file_digest(file, "sha256").hexdigest() == artifact.digest and file.tell() == artifact.size
print(artifact.size, written - before, peak() - before)
"""


def test_64_megabytes_in_flat_memory(s3, prefix, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _FLAT, s3.url(prefix), str(tmp_path), "64"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    size, written, read = map(int, done.stdout.split())
    assert size == 64 << 20
    assert written < 45_000_000 and read < 60_000_000, f"{written / 1e6:.0f} MB to write, {read / 1e6:.0f} MB to read"


_FORKS = """
import os, sys
from cardpipe.model.errors import Bug
from cardpipe.storage.bucket import BucketArtifacts
from cardpipe.model.order import Scope
shelf, scope = BucketArtifacts(sys.argv[1]), Scope("acme")
def child(do):
    if not (pid := os.fork()):
        try: do(); os._exit(0)
        except Bug: os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
work = lambda: shelf.get(scope, shelf.put(scope, b"a card"))
first = [child(work), child(work)]
work()
print(*first, child(work), child(lambda: BucketArtifacts(sys.argv[1]).has(scope, "a" * 64)))
"""


def test_a_fork_before_the_first_call_works_and_one_after_it_is_told(s3, prefix):
    """Made before the fork is fine, as a Celery worker does it; used before it would wait for ever."""
    done = subprocess.run([sys.executable, "-c", _FORKS, s3.url(prefix)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0", "0", "9", "9"], done.stderr
