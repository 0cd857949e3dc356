"""The benchmark: how fast, how heavy, how hungry; each beside the limit that the same run measures.

    python benchmarks/bench.py [--full] [--json | --markdown] [--strict]

The short way takes some four minutes on two cores; ``--full`` composes 300 pieces instead of 60, closes a batch of
10,000 and lets the peers make 1,000 and 10,000 pieces where they have time and memory for it. ``--peers`` is the
contest alone. Times are the processor's unless "wall" is said: a neighbour on the machine changes them less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("VIPS_CONCURRENCY", "1")  # pieces per second and *core*
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import closing
import composing
import contest
import material
import merging
import parts
import targets
from targets import Row

from cardpipe.pipeline import compose

_CHILDREN = {"merge": merging.child, "prepare": closing.prepare, "close": closing.close}


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def measure(folder: Path, *, full: bool) -> tuple[list[Row], list[contest.Result]]:
    """Everything, in a folder that is thrown away afterwards; and the peers once more, for a table of their own."""
    data, out = folder / "data", folder / "out"
    out.mkdir()
    count, extra = (300, 40) if full else (60, 12)
    _say("making two photos of 12 megapixels")
    given = material.pictures()
    with material.opened_shop(data) as shop:
        _say(f"accepting {count} orders")
        start = time.perf_counter()
        pieces = material.accepted(shop, count, given)
        speed = count / (time.perf_counter() - start)
        rows = [Row("Accept, photo and signature judged in process", "accept", speed, "orders/s wall")]
        plain = material.accepted(shop, extra, given, with_photo=False)
        _say(f"composing {count} pieces in alternation with the limit")
        told, made = composing.run(shop, pieces, given, through_child=count // 6)
        own = composing.rows_of_their_own(shop, given, 12 if full else 4)
        rows += targets.compose_rows(told, own, composing.photo_bytes(shop, given))
        small = [compose.make(shop, piece) for piece in plain]
        with_photo = list(merging.fragments(shop, [one.card for one in made]))
        without = list(merging.fragments(shop, [one.card for one in small]))
    rows += _merges(data, out, with_photo, without)
    for size in (1000, 10_000) if full else (1000,):
        rows += targets.close_rows([_closed(data, size, pieces, made)])
    shutil.rmtree(data)  # the peers' photos need the room
    results = against_peers(folder, given, full=full)
    return rows + contest.rows(results), results


def against_peers(folder: Path, given: dict[str, bytes], *, full: bool) -> list[contest.Result]:
    """Cardpipe and what a user would otherwise pick, in turn. A peer that would take longer than ``patience`` seconds
    of processor time at one size, or half of the machine's memory, is not run there, and the table says so."""
    folder = folder / "peers"
    folder.mkdir()
    with material.opened_shop(folder / "data") as shop:
        made = parts.record(shop, folder / "parts", given)
    references = [material.order(number)["reference"] for number in range(len(made))]
    composed = [(one.card, one.envelope) for one in made]
    patience = 90 if full else 12
    told = contest.Contest(folder / "parts", folder / "data", references, composed, patience)
    plan = [("ready", 100, 1), ("ready", 1000, 1), ("whole", 8, 1)]
    if full:
        plan = [("ready", 100, 3), ("ready", 1000, 1), ("ready", 10_000, 1), ("whole", 100, 1), ("whole", 1000, 1),
                ("whole", 10_000, 1)]  # fmt: skip
    results = []
    for result in contest.rounds(told, plan):
        _say(f"{result.who}: {result.count} pieces {result.way}: {result.note or f'{result.per_second:.1f} a second'}")
        results.append(result)
    return results


def _merges(data: Path, out: Path, with_photo: list[str], without: list[str]) -> list[Row]:
    rows = []
    for kind, design, files, per_file, plan in (
        ("photo cards in files of 500", material.WITH_PHOTO, with_photo, 500,
         [(100, 3, "plain"), (1000, 3, "plain"), (10_000, 1, "plain"), (1000, 2, "stored"), (1000, 1, "synced")]),
        ("cards without a photo in one file", material.WITHOUT, without, 1_000_000,
         [(100, 3, "plain"), (1000, 3, "plain"), (10_000, 1, "plain")]),
    ):  # fmt: skip
        told = []
        for size, tries, way in plan:
            _say(f"merging {size} {kind}, {way}")
            task = {"data": str(data), "design": design, "fragments": files, "pieces": size, "per_file": per_file,
                    "digest": way != "plain", "sync": way == "synced"}  # fmt: skip
            told.append(merging.compared(out, task, tries))
        rows += targets.merge_rows(told, kind)
    return rows


def _closed(data: Path, size: int, pieces: list[Any], made: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A mail date of its own for each size."""
    _say(f"closing a batch of {size}")
    task = {
        "data": str(data), "pieces": size, "mail_on": f"2026-11-{20 if size > 1000 else 10}",
        "references": [piece.reference for piece in pieces], "composed": [(one.card, one.envelope) for one in made],
    }  # fmt: skip
    merging.ask("prepare", task)
    gathered = merging.ask("close", {**task, "step": "gather"})
    return gathered, merging.ask("close", {**task, "step": "impose"})


def machine() -> str:
    """What it was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "cores")
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}"


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--full", action="store_true", help="300 pieces composed, a batch of 10,000 closed")
    parser.add_argument("--json", action="store_true", help="the same figures as JSON")
    parser.add_argument("--markdown", action="store_true", help="the same figures as tables in Markdown")
    parser.add_argument("--peers", action="store_true", help="only cardpipe beside what a user would otherwise pick")
    parser.add_argument("--strict", action="store_true", help="exit code 1 where a target is not met")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder on the same disk)")
    parser.add_argument("--child", choices=_CHILDREN, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        json.dump(_CHILDREN[asked.child](json.load(sys.stdin)), sys.stdout)
        return 0
    folder = Path(tempfile.mkdtemp(prefix="cardpipe-bench-", dir=asked.folder))
    start = time.monotonic()
    try:
        if asked.peers:
            results = against_peers(folder, material.pictures(), full=asked.full)
            rows = contest.rows(results)
        else:
            rows, results = measure(folder, full=asked.full)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if asked.markdown:
        print(contest.judged(rows) + "\n\n" + contest.markdown(results))
    else:
        print(json.dumps([row.as_dict() for row in rows], indent=1) if asked.json else targets.table(rows))
    _say(f"took {time.monotonic() - start:.0f} s on {machine()}")
    return 1 if asked.strict and any(row.met is False for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
