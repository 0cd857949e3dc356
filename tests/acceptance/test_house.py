"""A day at the house, by the command line alone: eject, release, verify, a jam, scans, and the books closed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import DAY, Cardpipe, order, write

from cardpipe.model.batch import match_code
from tests import starting


@pytest.fixture(scope="module")
def imposed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A data folder with a batch of five pieces, and what was said of it."""
    place = tmp_path_factory.mktemp("imposed")
    environment = {**os.environ, "CARDPIPE_DATA": str(place / "data")}
    orders = write(place / "o.ndjson", *(order(n) for n in range(1, 6)))
    said = starting.run(["order", "submit", str(orders), "--mail-on", DAY], environment, place, 240)
    assert said.returncode == 0, said.stderr
    closed = starting.run(["batch", "close", "--mail-on", DAY, "--json"], environment, place, 240)
    (made,) = json.loads(closed.stdout)["batches"]
    return place / "data", made


@pytest.fixture
def batch(imposed: tuple[Path, dict[str, object]], tmp_path: Path) -> dict[str, object]:
    """Five pieces, imposed, in the test's own data folder."""
    shutil.copytree(imposed[0], tmp_path / "data")
    return dict(imposed[1])


def codes(tmp_path: Path, name: str, *seqs: int) -> Path:
    path = tmp_path / name
    path.write_text("".join(f"{match_code(1, seq, 'E')}\n" for seq in seqs))
    return path


def test_a_day_at_the_house(cardpipe: Cardpipe, batch: dict[str, object], tmp_path: Path) -> None:
    first, out = str(batch["name"]), tmp_path / "house"
    assert cardpipe("batch", "eject", first, "9", "--reason", "no such").code == 2
    ejected = cardpipe("batch", "eject", first, "2", "--reason", "the photo shows somebody else", "--json")
    assert ejected.code == 0 and ejected.data["state"] == "imposed", ejected.words
    name = ejected.data["name"]
    assert name.endswith("_0004pc_v2") and cardpipe("batch", "show", first).code == 2
    assert cardpipe("order", "show", "R-0002", "--json").data["pieces"][0]["state"] == "needs_attention"
    assert cardpipe("batch", "spoil", name, "1", "--reason", "too early").code == 3
    assert cardpipe("batch", "release", name, "--out", out).code == 0
    assert cardpipe("batch", "release", name, "--out", out).code == 0, "the same again changes nothing"
    assert cardpipe("batch", "release", name, "--out", tmp_path / "elsewhere").code == 3
    assert cardpipe("batch", "eject", name, "1", "--reason", "too late").code == 3
    assert cardpipe("batch", "verify", out / name).code == 0
    (out / f"{name}.ack").write_text("thank you")
    assert "thank you" in cardpipe("batch", "replies", name).out

    spoiled = cardpipe("batch", "spoil", name, "2-3", "--reason", "jammed", "--json")
    assert spoiled.code == 0 and spoiled.data["pieces"] == [2, 3], spoiled.words
    assert cardpipe("batch", "verify", out / f"{name}_R01").code == 0
    scans = codes(tmp_path, "inserted.txt", 1, 2, 3, 4)
    assert cardpipe("batch", "reconcile", name, scans, "--stage", "inserted", "--json").data["inserted"] == 4
    again = cardpipe("batch", "reconcile", name, scans, "--stage", "inserted", "--json")
    assert again.code == 0 and "before" in again.data["result"]
    twice = cardpipe("batch", "reconcile", name, codes(tmp_path, "twice.txt", 4), "--stage", "inserted")
    assert twice.code == 3 and "scan.inserted_twice" in twice.words
    assert cardpipe("batch", "show", name, "--json").data["held"]
    assert cardpipe("batch", "resume", name, "--reason", "it was scanned twice, by hand").code == 0
    assert cardpipe("batch", "withdraw", name, "4", "--reason", "the customer called").code == 0
    assert cardpipe("batch", "mark", name, "mailed", "1-2").code == 0
    early = cardpipe("batch", "settle", name)
    assert early.code == 3 and "3" in early.words
    assert cardpipe("batch", "mark", name, "mailed").code == 0
    settled = cardpipe("batch", "settle", name, "--json").data
    assert (settled["gathered"], settled["withdrawn"], settled["mailed"], settled["missing"]) == (5, 2, 3, [])
    shown = cardpipe("batch", "show", name, "--json").data
    assert shown["state"] == "settled" and [remake["run"] for remake in shown["remakes"]] == [1]
    told = cardpipe("order", "show", "R-0001", "--json").data
    assert told["pieces"][0]["state"] == "mailed"
    moves = [e["to"] for e in told["events"] if e["kind"] == "piece"]
    assert moves[:5] == ["waiting", "composing", "composed", "batched", "released"] and moves[-1] == "mailed", moves


def test_broken_folders_do_not_verify(cardpipe: Cardpipe, batch: dict[str, object], tmp_path: Path) -> None:
    name = str(batch["name"])
    assert cardpipe("batch", "release", name, "--out", tmp_path / "house").code == 0
    folder = tmp_path / "house" / name
    (folder / f"{name}_CARD.pdf").write_bytes(b"%PDF-1.6 but not for long")
    broken = cardpipe("batch", "verify", folder, "--json")
    assert broken.code == 2 and [f["code"] for f in broken.data["findings"]] == ["verify.file.changed"]
    (folder / f"{name}.done").write_text(json.dumps({"name": name, "files": [{"name": "../../data/cardpipe.db"}]}))
    assert cardpipe("batch", "verify", folder).code == 2
    (folder / f"{name}.done").unlink()
    assert cardpipe("batch", "verify", folder).code == 2
    assert cardpipe("batch", "verify", tmp_path / "nowhere").code == 2


def test_a_release_that_is_killed_leaves_nothing_half_delivered(
    cardpipe: Cardpipe, batch: dict[str, object], tmp_path: Path
) -> None:
    name, out = str(batch["name"]), tmp_path / "house"
    environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path / "data"), "CARDPIPE_LEASE_SECONDS": "2"}
    command = [sys.executable, "-m", "cardpipe.cli.main", "batch", "release", name, "--out", str(out)]
    for delay in (None, 0.9, 1.3, 1.7):
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            if delay is None:  # in the midst of it, however quick the machine is
                while not list(out.rglob("*")) and running.poll() is None:
                    time.sleep(0.002)
            else:
                time.sleep(delay)
            running.send_signal(signal.SIGKILL)
        done = list(out.rglob("*.done"))
        if not done:
            continue
        assert cardpipe("batch", "verify", out / name).code == 0, "where .done lies, all of it lies"
    until = time.monotonic() + 60
    while (last := cardpipe("batch", "release", name, "--out", out, CARDPIPE_LEASE_SECONDS="2")).code == 4:
        assert time.monotonic() < until, last.words
        time.sleep(0.5)
    assert last.code == 0, last.words
    assert cardpipe("batch", "verify", out / name).code == 0
    assert [path.name for path in (out / name).iterdir() if path.name.startswith(".")] == []


def test_release_and_spoil_beside_a_worker_that_is_faster(
    cardpipe: Cardpipe, batch: dict[str, object], tmp_path: Path
) -> None:
    name, out = str(batch["name"]), tmp_path / "house"
    environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-m", "cardpipe.cli.main", "worker"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as worker:
        status = tmp_path / "data" / "supervisor.json"
        until = time.monotonic() + 30
        while not status.exists() and time.monotonic() < until:
            time.sleep(0.1)
        for words in (
            ("release", name, "--out", out), ("spoil", name, "1", "--reason", "a"), ("spoil", name, "1-2", "--reason", "b"),
        ):  # fmt: skip
            done = cardpipe("batch", *words)
            assert done.code == 0, done.words
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    for folder in (name, f"{name}_R01", f"{name}_R02"):
        assert cardpipe("batch", "verify", out / folder).code == 0
