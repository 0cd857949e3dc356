"""Artifacts: durable before they are named, whole or not there, and never silently changed."""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from artifact_contract import SCOPE, ArtifactContract
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.errors import Bug, Unavailable
from cardpipe.model.order import Scope
from cardpipe.storage import artifacts as module
from cardpipe.storage.artifacts import FolderArtifacts


@pytest.fixture
def shelf(tmp_path):
    return FolderArtifacts(tmp_path / "artifacts")


def _left(shelf):
    """What lies below the root besides whole artifacts."""
    return [path for path in shelf.root.rglob("*") if path.is_file() and len(path.name) != 64]


class TestFolder(ArtifactContract):
    @pytest.fixture
    def shelf(self, tmp_path):
        return FolderArtifacts(tmp_path / "artifacts")

    def damage(self, shelf, scope, digest, data):
        (shelf.root / scope.tenant / scope.mode / digest[:2] / digest).write_bytes(data)

    @pytest.fixture(autouse=True)
    def _nothing_else_lies_there(self, shelf):
        yield
        assert _left(shelf) == []


def test_where_it_lies(shelf):
    digest = shelf.put(SCOPE, b"a card")
    assert (shelf.root / "acme" / "live" / digest[:2] / digest).is_file()


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


@given(st.text(max_size=70))
def test_no_name_leads_out_of_the_folder(tmp_path_factory, name):
    shelf = FolderArtifacts(tmp_path_factory.getbasetemp() / "names")
    for scope, digest in ((Scope(name, "live"), "a" * 64), (Scope("acme", name), "a" * 64), (SCOPE, name)):
        try:
            path = shelf._path(scope, digest)
        except Bug:
            continue
        assert path.resolve().relative_to(shelf.root.resolve()).parts[:2] == tuple(scope)


def test_what_is_deleted_stays_deleted_after_a_power_cut(shelf, monkeypatch):
    digest = shelf.put(SCOPE, b"a card")
    seen, sync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (seen.append(str(Path(f"/proc/self/fd/{handle}").readlink())), sync(handle))
    )
    folder = str(shelf.root / "acme" / "live" / digest[:2])
    for there in (True, False):  # the second time as well: who removed it may have been stopped before the sync
        assert shelf.delete(SCOPE, digest) is there
        assert seen.pop() == folder and seen == []


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS, errno.EACCES])
def test_a_disk_that_lets_nothing_be_removed_or_listed(shelf, monkeypatch, code):
    digest = shelf.put(SCOPE, b"a card")

    def fail(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module.Path, "unlink", fail)
    monkeypatch.setattr(module.Path, "iterdir", fail)
    with pytest.raises(Unavailable, match="could not be removed"):
        shelf.delete(SCOPE, digest)
    with pytest.raises(Unavailable, match="could not be listed"):
        list(shelf.digests(SCOPE))
    assert shelf.has(SCOPE, digest)


def test_only_whole_artifacts_are_told(shelf):
    digest = shelf.put(SCOPE, b"a card")
    place = shelf.root / "acme" / "live"
    for stray in (".part-12", "ab/short", f"{digest[:2]}/{'0' * 63}", f"00/{'f' * 64}", f"abc/{'a' * 64}"):
        (place / stray).parent.mkdir(exist_ok=True)
        (place / stray).write_bytes(b"")
    assert list(shelf.digests(SCOPE)) == [digest]


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
