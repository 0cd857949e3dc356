"""Artifacts: durable before they are named, whole or not there, and never silently changed."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.errors import Bug, Unavailable
from cardpipe.model.order import Scope
from cardpipe.storage import artifacts as module
from cardpipe.storage.artifacts import FolderArtifacts

SCOPE = Scope("acme", "live")


@pytest.fixture
def shelf(tmp_path):
    return FolderArtifacts(tmp_path / "artifacts")


def _left(shelf):
    """What lies below the root besides whole artifacts."""
    return [path for path in shelf.root.rglob("*") if path.is_file() and len(path.name) != 64]


def test_bytes_come_back_by_their_sha256(shelf):
    digest = shelf.put(SCOPE, b"a card")
    assert digest == hashlib.sha256(b"a card").hexdigest()
    assert shelf.get(SCOPE, digest) == b"a card"
    assert shelf.has(SCOPE, digest)
    with shelf.open(SCOPE, digest) as file:
        assert file.read(2) == b"a "
    assert (shelf.root / "acme" / "live" / digest[:2] / digest).is_file()
    assert shelf.put(SCOPE, b"a card") == digest


def test_tenants_and_modes_share_nothing(shelf):
    digest = shelf.put(SCOPE, b"a card")
    for other in (Scope("other", "live"), Scope("acme", "test")):
        assert not shelf.has(other, digest)
        with pytest.raises(Bug, match=digest):
            shelf.get(other, digest)


def test_a_stream_knows_its_digest_and_size_at_the_end(shelf):
    with shelf.write(SCOPE) as artifact:
        for number in range(300):
            artifact.write(bytes([number % 256]) * 10_000)
            assert artifact.tell() == (number + 1) * 10_000
    assert artifact.size == 3_000_000
    assert hashlib.sha256(shelf.get(SCOPE, artifact.digest)).hexdigest() == artifact.digest
    assert _left(shelf) == []


def test_a_stream_that_fails_leaves_nothing(shelf):
    with pytest.raises(ZeroDivisionError), shelf.write(SCOPE) as artifact:
        artifact.write(b"x" * 5_000_000)
        raise ZeroDivisionError
    assert artifact.digest == ""
    assert _left(shelf) == []
    assert list(shelf.root.rglob("?" * 64)) == []


def test_synced_then_renamed_then_the_folder_synced(shelf, monkeypatch):
    seen = []
    sync, replace = os.fsync, module.Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda handle: (seen.append(str(Path(f"/proc/self/fd/{handle}").readlink())), sync(handle))
    )
    monkeypatch.setattr(module.Path, "replace", lambda one, two: (seen.append("rename"), replace(one, two))[1])
    digest = shelf.put(SCOPE, b"a card")
    folder = str(shelf.root / "acme" / "live" / digest[:2])
    at = seen.index("rename")
    assert ".part-" in seen[at - 1 - seen[:at][::-1].index(next(path for path in seen[:at][::-1] if ".part-" in path))]
    assert seen[at + 1 :] == [folder]
    for above in (shelf.root, shelf.root / "acme", shelf.root / "acme" / "live"):
        assert str(above) in seen[:at]  # each new folder's name is durable in the one above
    seen.clear()
    shelf.put(SCOPE, b"a card")
    assert seen == [folder]  # nothing is written twice; but what another began may not be durable yet


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("where", ["write", "fsync", "rename"])
def test_a_full_or_failing_disk_leaves_nothing_and_is_tried_again(shelf, monkeypatch, code, where):
    def fail(*args):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        if where == "write":
            patch.setattr(module.FolderWriter, "write", fail)
        elif where == "fsync":
            patch.setattr(module, "_sync", fail)
            shelf.root.joinpath("acme", "live").mkdir(parents=True)
        else:
            patch.setattr(module.Path, "replace", fail)
        with pytest.raises(Unavailable, match=os.strerror(code)):
            shelf.put(SCOPE, b"a card")
        assert _left(shelf) == []
    assert shelf.get(SCOPE, shelf.put(SCOPE, b"a card")) == b"a card"


def _write_with_a_limit(shelf, results):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        shelf.put(SCOPE, b"x" * 5_000_000)
    except Unavailable:
        results.put("unavailable")


def test_the_kernel_itself_refuses_more_bytes(shelf):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_write_with_a_limit, args=(shelf, results))
    child.start()
    assert results.get(timeout=30) == "unavailable"
    child.join(30)
    assert _left(shelf) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=False).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        shelf = FolderArtifacts(small / "artifacts")
        kept = shelf.put(SCOPE, b"k" * 300_000)
        for _ in range(3):
            with pytest.raises(Unavailable):
                shelf.put(SCOPE, os.urandom(2_000_000))
            assert _left(shelf) == []
        assert shelf.get(SCOPE, kept) == b"k" * 300_000
        assert shelf.get(SCOPE, shelf.put(SCOPE, b"n" * 300_000)) == b"n" * 300_000
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("damage", [b"", b"a cArd", b"a card and more"])
def test_changed_bytes_are_noticed_and_named(shelf, damage):
    digest = shelf.put(SCOPE, b"a card")
    (shelf.root / "acme" / "live" / digest[:2] / digest).write_bytes(damage)
    with pytest.raises(Bug, match=digest):
        shelf.get(SCOPE, digest)


@given(st.text(max_size=70))
def test_no_name_leads_out_of_the_folder(tmp_path_factory, name):
    shelf = FolderArtifacts(tmp_path_factory.getbasetemp() / "names")
    for scope, digest in ((Scope(name, "live"), "a" * 64), (Scope("acme", name), "a" * 64), (SCOPE, name)):
        try:
            path = shelf._path(scope, digest)
        except Bug:
            continue
        assert path.resolve().relative_to(shelf.root.resolve()).parts[:2] == tuple(scope)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "A", "-a", "a\n", "a" * 65, "ä", "a\0"])
def test_names_that_are_refused(shelf, name):
    with pytest.raises(Bug):
        shelf.put(Scope(name, "live"), b"x")
    with pytest.raises(Bug):
        shelf.put(Scope("acme", name), b"x")
    with pytest.raises(Bug):
        shelf.get(SCOPE, name)


def test_a_sweep_takes_what_the_dead_left_and_nothing_else(shelf, tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from cardpipe.storage.artifacts import FolderArtifacts as F\n"
        "from cardpipe.model.order import Scope\n"
        "with F(Path(sys.argv[1])).write(Scope('acme')) as a: a.write(b'x' * 2_000_000); print('go', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(shelf.root)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"go\n"
    kept = shelf.put(SCOPE, b"a card")
    assert shelf.sweep() == 0
    child.kill()
    child.wait()
    assert len(_left(shelf)) == 1
    assert shelf.sweep() == 1
    assert _left(shelf) == []
    assert shelf.get(SCOPE, kept) == b"a card"


def test_many_writers_of_the_same_bytes(shelf):
    data = os.urandom(1_000_000)
    threads = [threading.Thread(target=shelf.put, args=(SCOPE, data)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shelf.get(SCOPE, hashlib.sha256(data).hexdigest()) == data
    assert _left(shelf) == []
