"""``cardpipe design watch``: a line for each save, whatever was saved, until Ctrl-C."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardpipe.cli import watching
from cardpipe.model.errors import Refused
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

SECONDS = 90


class Watch:
    """The command in a process of its own, and its lines."""

    def __init__(self, tmp: Path) -> None:
        env = {**os.environ, "CARDPIPE_DATA": str(tmp / "data"), "CARDPIPE_DESIGNS": str(tmp / "designs")}
        command = [sys.executable, "-m", "cardpipe.cli.main", "design"]
        subprocess.run(
            [*command, "new", "fern", "--format", "A2"], env=env, check=True, capture_output=True, timeout=SECONDS
        )
        self.process = subprocess.Popen(
            [*command, "watch", "fern", "--out", str(tmp / "seen")], env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # what a shell begins with & is deaf to it, and so is what that begins
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self) -> str:
        return self._lines.get(timeout=SECONDS)

    def quiet(self) -> bool:
        try:
            self._lines.get(timeout=2)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(tmp_path)
    yield watch
    watch.process.kill()
    watch.process.communicate()


def test_each_save_is_answered_until_it_is_stopped(seen: Watch, tmp_path: Path) -> None:
    folder = tmp_path / "designs" / "fern"
    first = seen.line()
    assert "fern  can be printed" in first and "4 pictures" in first
    assert {path.name for path in (tmp_path / "seen" / "fern").iterdir()} == {
        "outside.png", "inside.png", "short.png", "long.png",
    }  # fmt: skip
    assert seen.quiet(), "nothing was saved"
    whole = (folder / "outside.svg").read_text()
    (folder / "outside.svg").write_text(whole[: len(whole) // 2])
    assert "1 error: svg.unreadable at outside.svg line" in seen.line()
    (folder / "outside.svg").write_text(whole.replace("#e8917e", "#ff0000"))
    assert "svg.colour at outside.svg line" in seen.line()
    toml = (folder / "design.toml").read_bytes()
    (folder / "design.toml").write_bytes(b"\xff\0[")
    assert "design.toml.unreadable" in seen.line()
    (folder / "outside.svg").unlink()
    (folder / "design.toml").write_bytes(toml)
    assert "design.art.missing" in seen.line()
    (folder / "outside.svg").write_text(whole)
    assert "can be printed" in seen.line()
    (folder / "thumbnail.png").write_bytes(b"")
    assert seen.quiet(), "what proofing writes is no save"
    seen.process.send_signal(signal.SIGINT)
    _, told = seen.process.communicate(timeout=SECONDS)
    assert seen.process.returncode == 0
    assert "no longer watching" in told and "Traceback" not in told


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = Shop(Settings(data=tmp_path / "data", designs=tmp_path / "designs"))
    monkeypatch.setattr(watching, "shop", lambda: house)
    with pytest.raises(Refused, match="no folder"):
        watching.watch("fern", tmp_path)


def test_a_turn_survives_what_nobody_thought_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = Shop(Settings(data=tmp_path / "data", designs=tmp_path / "designs"))
    monkeypatch.setattr(watching.designs, "proofs_of", lambda *_, **__: 1 / 0)
    assert "not drawn (ZeroDivisionError)" in watching.turn(house, "fern", tmp_path)
