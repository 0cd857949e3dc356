"""A command that was forked is what it would have been by itself: nobody could tell the two apart by what they do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import starting

#: Read by Python before anything else, as the bugs that other tests plant are.
LOOKING = """
import os, sys, time
print("ours:", sorted(name for name in sys.modules if name.split(".")[0] == "cardpipe"), flush=True)
print("at:", os.getcwd(), os.environ.get("MARK"), os.environ.get("ELSEWHERE"), file=sys.stderr, flush=True)
time.sleep(float(os.environ.get("SLEEP", 0)))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "sitecustomize.py").write_text(LOOKING)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARDPIPE_")}
    data = tmp_path / "Zoë's data"
    return {**kept, "PYTHONPATH": str(tmp_path), "CARDPIPE_DATA": str(data), "MARK": "ñ 漢"}


@pytest.mark.parametrize(
    ("words", "code"), [(["order", "columns"], 0), (["order", "show", "none"], 2), (["no-such-command"], 2)]
)
def test_both_say_and_do_the_same(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.setenv("ELSEWHERE", "of the test alone")
    forked = starting.run(words, environment, tmp_path, 120)
    command = [sys.executable, "-m", "cardpipe.cli.main", *words]
    begun = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (begun.returncode, begun.stdout, begun.stderr)
    assert forked.returncode == code
    assert forked.stdout.startswith("ours: []\n"), "it loads all of cardpipe itself"
    assert forked.stderr.startswith(f"at: {tmp_path} ñ 漢 None\n")


def test_who_takes_too_long_is_killed_and_heard(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as late:
        starting.run(["order", "columns"], {**environment, "SLEEP": "600"}, tmp_path, 3)
    assert "reference" not in late.value.stdout, "it was killed in its sleep"
    assert starting.run(["order", "columns"], environment, tmp_path, 120).returncode == 0, "and others go on"
