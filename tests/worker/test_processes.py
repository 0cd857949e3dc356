"""Locks, children, the folder of hints, and how the Celery app is set up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from kombu import Connection

from cardpipe.model.errors import Conflict
from cardpipe.settings import Settings
from cardpipe.storage.turns import QUEUE_OF
from cardpipe.worker import folder
from cardpipe.worker.app import broker, make_app
from cardpipe.worker.child import Child
from cardpipe.worker.lock import FolderLock, holder
from cardpipe.worker.supervise import _environment


def _until(told, seconds=10.0):
    end = time.monotonic() + seconds
    while not told() and time.monotonic() < end:
        time.sleep(0.01)
    return told()


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_supervisor_a_folder(tmp_path):
    assert holder(tmp_path) is None
    lock = FolderLock(tmp_path)
    lock.take()
    assert holder(tmp_path) == os.getpid()
    with pytest.raises(Conflict, match=str(os.getpid())):
        FolderLock(tmp_path).take()
    lock.release()
    assert holder(tmp_path) is None
    FolderLock(tmp_path / "not" / "there" / "yet").take()


def test_the_kernel_lets_go_of_a_dead_ones_lock(tmp_path):
    code = "import sys, time; from pathlib import Path; from cardpipe.worker.lock import FolderLock\n"
    code += "l = FolderLock(Path(sys.argv[1])); l.take(); print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    assert holder(tmp_path) == other.pid
    other.kill()
    other.wait()
    assert holder(tmp_path) is None


# a child that starts a child of its own, and says both numbers
TWO = "import os, subprocess, sys, time; p = subprocess.Popen(['sleep', '60']); print(os.getpid(), p.pid, flush=True); time.sleep(60)"


def _numbers(log):
    assert _until(lambda: log.exists() and log.read_text().endswith("\n"))
    return [int(word) for word in log.read_text().split()[-2:]]


def test_a_child_is_started_again_and_nothing_of_the_old_one_is_left(tmp_path):
    log, died = tmp_path / "logs" / "child.log", []
    child = Child("two", [sys.executable, "-c", TWO], os.environ, log)
    child.start()
    first, below = _numbers(log)
    assert first == child.pid
    os.kill(first, signal.SIGKILL)
    assert _until(lambda: (child.tend(lambda: died.append(1)), child.pid not in (None, first))[1])
    assert died == [1]
    assert _until(lambda: not _runs(below))
    child.kill()
    assert not child.alive
    assert child.starts == 2


def test_a_child_that_keeps_dying_is_started_slower_and_slower(tmp_path):
    child = Child("brief", [sys.executable, "-c", "pass"], os.environ, tmp_path / "log")
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        child.tend(lambda: None)
        time.sleep(0.01)
    child.kill()
    assert 3 <= child.starts <= 5


def test_children_die_with_their_supervisor_however_it_dies(tmp_path):
    log = tmp_path / "child.log"
    code = (
        "import os, sys, time; from pathlib import Path; from cardpipe.worker.child import Child\n"
        "c = Child('sleeper', ['sleep', '60'], os.environ, Path(sys.argv[1])); c.start(); print(c.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code, str(log)], stdout=subprocess.PIPE)
    pid = int(supervisor.stdout.readline())
    assert _runs(pid)
    supervisor.kill()
    supervisor.wait()
    assert _until(lambda: not _runs(pid))


@pytest.fixture
def channel(tmp_path):
    folder.install()
    options = broker(Settings(data=tmp_path))["broker_transport_options"]
    with Connection("filesystem://", transport_options=options) as connection:
        yield connection.channel(), tmp_path / "queue"


def test_hints_arrive_in_order_each_once(channel):
    channel, queue = channel
    for number in range(20):
        channel._put("compose", {"n": number})
        channel._put("impose", {"n": -number})
    assert channel._size("compose") == 20
    assert sorted(channel._get("compose")["n"] for _ in range(20)) == list(range(20))
    with pytest.raises(folder.Empty):
        channel._get("compose")
    assert channel._size("impose") == 20
    assert folder.sweep(queue) == 20


def test_rubbish_and_an_emptied_folder_kill_nobody(channel):
    channel, queue = channel
    (queue / "000_rubbish.compose.msg").write_bytes(b"\x80 not json")
    (queue / "001_empty.compose.msg").write_bytes(b"")
    channel._put("compose", {"n": 1})
    assert channel._get("compose") == {"n": 1}
    for path in sorted(queue.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    queue.rmdir()
    with pytest.raises(folder.Empty):
        channel._get("compose")
    channel._put("compose", {"n": 2})
    assert channel._get("compose") == {"n": 2}


def test_a_reader_never_sees_half_a_hint(channel):
    channel, _ = channel
    stop, wrong, got = threading.Event(), [], []

    def read():
        while not stop.is_set() or channel._size("compose"):
            try:
                got.append(channel._get("compose")["n"])
            except folder.Empty:
                continue
            except Exception as problem:
                wrong.append(problem)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(500):
        channel._put("compose", {"n": number, "filling": "x" * 2000})
    stop.set()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert sorted(got) == list(range(500))


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:6379/3"])
def test_nothing_depends_on_a_message(tmp_path, url):
    conf = make_app(Settings(data=tmp_path, broker_url=url)).conf
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == "json"
    assert conf.result_backend is None
    assert not conf.task_acks_late
    assert not conf.task_create_missing_queues
    assert not conf.task_publish_retry
    assert conf.worker_prefetch_multiplier == 1
    assert 0 < conf.task_soft_time_limit < conf.task_time_limit
    assert conf.worker_max_tasks_per_child
    assert conf.worker_max_memory_per_child
    options = conf.broker_transport_options
    assert options["socket_timeout"] == 10 if url else options["polling_interval"] <= 0.1


def test_tasks_take_a_steps_id_and_nothing_else():
    from cardpipe.worker import tasks

    named = sorted(name for name in tasks.app.tasks if name.startswith("cardpipe."))
    assert named == sorted(f"cardpipe.{kind}" for kind in QUEUE_OF), "one task a kind of step"
    with pytest.raises(TypeError):
        tasks.compose.apply_async(({"id": "stp_x"}, "more"))


def test_the_children_read_the_same_settings(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    full = {
        "shop": tmp_path / "shop",
        "sftp_key": tmp_path / "key",
        "sftp_passphrase": "open sesame",
        "press": "digital-labels",
    }
    for given in ({}, full):
        config = Settings(data=tmp_path / "data", **given)
        with monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("CARDPIPE_")]:
                patched.delenv(name)
            for name, value in _environment(config).items():
                patched.setenv(name, value)
            assert Settings() == config


def test_a_worker_loads_nothing_of_celerys_command_line() -> None:
    """Its shell with a prompt would be a third of the time that a worker takes to start."""
    code = "import sys, cardpipe.worker.crew; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"celery", "cardpipe", "pikepdf"} <= set(loaded)
    assert not {"click_repl", "prompt_toolkit", "click_didyoumean"} & set(loaded)
