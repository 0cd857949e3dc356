"""What a shop costs that has nothing to do: memory by PSS (what processes share is counted once), and processor time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cardpipe.worker import forked
from cardpipe.worker.child import Child, begun
from cardpipe.worker.dispatch import IDLE_SECONDS, Dispatcher
from cardpipe.worker.stirring import Folder, stamp
from tests.client.shopfront import free_port, until
from tests.faults.harm import command_line, descendants, runs

MOST_MB, MOST_SHARE = 250, 0.03  # a hundredth where nobody else works; here others do
STILL, MEASURED = 3.0, 10.0


def _pss(pid: int) -> float:
    rows = dict(line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return int(rows["Pss"].split()[0]) * 1024 / 1e6


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_idle_shop_is_cheap_and_ends_whole(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARDPIPE_")}
    environment |= {"CARDPIPE_DATA": str(tmp_path / "data"), "CARDPIPE_WORKERS": "2"}
    command = [sys.executable, "-m", "cardpipe.cli.main", "serve", "--port", str(free_port())]
    with (tmp_path / "log").open("wb") as log:
        serve = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:

        def begun() -> list[int]:
            told = [command_line(pid) for pid in descendants(serve.pid)]
            return told if sum("begin crew" in line for line in told) == 3 else []  # a main one and two who work

        until("the workers", begun)
        told = begun()
        assert sum("begin supervise" in line for line in told) == 1
        assert sum("begin dispatch" in line for line in told) == 1
        everybody = [serve.pid, *descendants(serve.pid)]
        for _ in range(3):  # it may still be starting, where others keep the machine busy
            time.sleep(STILL)
            before = {pid: _seconds(pid) for pid in everybody}
            time.sleep(MEASURED)
            share = sum(_seconds(pid) - before[pid] for pid in everybody) / MEASURED
            if share < MOST_SHARE:
                break
        memory = {pid: _pss(pid) for pid in everybody}
        assert len(memory) == 6
        assert sum(memory.values()) < MOST_MB, memory
        assert share < MOST_SHARE
    finally:
        serve.send_signal(signal.SIGTERM)
        serve.wait(60)
    until("the end of all", lambda: not any(runs(pid) for pid in everybody))


def test_a_fork_has_none_of_its_parents_files_and_dies_with_it(tmp_path):
    """Held by a child that was forked, a lock on the data folder would outlive the supervisor."""
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from cardpipe.worker import begin, forked; from cardpipe.worker.child import Child, begun\n"
        "from cardpipe.worker.lock import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1])); lock.take(); begin.load('dispatch')\n"
        "c = Child('dispatcher', begun('dispatch'), dict(os.environ, CARDPIPE_DATA=sys.argv[1]), Path(sys.argv[1], 'log'),\n"
        "          lambda: None); c.start(); print(c.pid, type(c._process).__name__, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    pid, kind = parent.stdout.readline().decode().split()
    assert kind == "Forked"
    until("its name", lambda: "cardpipe.worker.begin dispatch" in command_line(int(pid)))
    until("its database", lambda: (tmp_path / "cardpipe.db-wal").exists())
    opened = {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}  # noqa: PTH115
    assert not any("lock" in name for name in opened), opened
    parent.kill()
    parent.wait()
    until("its end", lambda: not runs(int(pid)))


def test_what_is_loaded_before_a_fork_can_be_forked():
    """libvips hangs for ever in a fork of who had used it; and a library's own threads would be missing there."""
    code = (
        "import sys; from cardpipe.worker import begin, forked; begin.load('supervise')\n"
        "from cardpipe.wiring import shop; shop().catalog.fonts\n"
        "print(forked.single(), sorted({'pyvips', 'cv2', 'obstore', 'alembic'} & set(sys.modules)), 'numpy' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert told.stdout.strip() == "True [] True"


def test_a_process_with_threads_is_not_forked(tmp_path, monkeypatch):
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert not forked.single()
        child = Child("dispatcher", begun("dispatch"), {**os.environ, "CARDPIPE_DATA": str(tmp_path)}, tmp_path / "log",
                      lambda: pytest.fail("nothing is closed where nothing is forked"))  # fmt: skip
        child.start()
        assert isinstance(child._process, subprocess.Popen)
        child.kill()
    finally:
        over.set()
        thread.join()


def test_a_folder_tells_when_something_is_put_there_even_after_it_was_removed(tmp_path):
    there = tmp_path / "queue"
    there.mkdir()
    stirring = Folder(there, 0.02)
    for _ in range(2):
        stirring.watch()
        begun_at = time.monotonic()
        timer = threading.Timer(0.3, lambda there=there: (there / "x").write_text(""))
        timer.start()
        while not (there / "x").exists():
            stirring.wait(20)
            stirring.watch()
        assert 0.2 < time.monotonic() - begun_at < 10
        timer.join()
        (there / "x").unlink()
        there.rmdir()
        there.mkdir()  # often with the number that the old one had
    stirring.close()
    begun_at = time.monotonic()
    stirring.wait(20)  # not watched: it is a short sleep, and whoever waits looks for himself
    assert time.monotonic() - begun_at < 10


class _Looks:
    def __init__(self) -> None:
        self.looks = 0

    def due_steps(self, window: int, seconds: float) -> list[tuple[str, str]]:
        self.looks += 1
        return []


@pytest.mark.parametrize("written", [False, True])
def test_a_dispatcher_looks_often_only_where_somebody_writes(tmp_path, written):
    file, stop, store = tmp_path / "db-wal", threading.Event(), _Looks()
    file.write_text("")
    dispatcher = Dispatcher(store, lambda kind, step, seconds: None, 16, 20, stamp=lambda: stamp(file))
    thread = threading.Thread(target=dispatcher.run, args=(stop,))
    thread.start()
    for _ in range(20):
        if written:
            with file.open("a") as open_file:
                open_file.write("x")
        time.sleep(IDLE_SECONDS)
    stop.set()
    thread.join(10)
    assert (store.looks >= 6) is written
    assert store.looks >= 2, "time alone makes steps due too"
