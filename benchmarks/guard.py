"""The guard: fails when a ratio fell by more than a quarter of what ``ratios.json`` holds.

    python benchmarks/guard.py [--renew]

Ratios, not times: each is of two things done in turn on the same machine, the median of several pairs. What seems to
have fallen is measured once more, longer, and the better of the two counts: a neighbour is not a fault. About a minute
on two cores; the peer is the reportlab canvas, which cardpipe itself depends on. ``--renew`` writes what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("VIPS_CONCURRENCY", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import composing
import contest
import material
import merging
import parts

from cardpipe.pipeline import compose

RATIOS = Path(__file__).with_name("ratios.json")
FALL = 0.25
_PEER = "one reportlab canvas"
_PLAIN = {"per_file": 1_000_000, "digest": False, "sync": False}


class Subject:
    """A shop with a few composed pieces, and each ratio by its name, higher always better; ``effort`` is how often a
    pair is repeated."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._out = folder, folder / "out"
        self._out.mkdir()
        self.given = material.pictures()
        with material.opened_shop(folder / "data") as shop:
            self.made = parts.record(shop, folder / "parts", self.given)
            plain = [compose.make(shop, one) for one in material.accepted(shop, 4, self.given, with_photo=False)]
            self.with_photo = list(merging.fragments(shop, [one.card for one in self.made]))
            self.without = list(merging.fragments(shop, [one.card for one in plain]))
        references = [material.order(number)["reference"] for number in range(len(self.made))]
        self.contest = contest.Contest(
            folder / "parts", folder / "data", references, [(one.card, one.envelope) for one in self.made], 60
        )

    def share_of_limit(self, effort: int) -> float:
        """Compose beside the photo alone."""
        with material.opened_shop(self.folder / "data") as shop:
            scope = shop.scope
            pieces = [
                shop.store.order(scope, material.order(n % 4)["reference"]).pieces[0] for n in range(2 + 5 * effort)
            ]
            return float(composing.run(shop, pieces, self.given, through_child=1)[0]["share_of_limit"])

    def share_of_cat(self, effort: int) -> float:
        """Merging photo cards beside ``cat`` of the same bytes."""
        task = self._task(self.with_photo, material.WITH_PHOTO, 300)
        return float(merging.compared(self._out, task, effort)["share_of_cat"])

    def steadiness(self, effort: int) -> float:
        """Pieces a second at 4,000 against those at 1,000: falls where time grows faster than pieces."""
        return median(self._time_a_piece(1000) / self._time_a_piece(4000) for _ in range(effort))

    def _time_a_piece(self, pieces: int) -> float:
        task = self._task(self.without, material.WITHOUT, pieces)
        made = merging.ask("merge", {**task, "target": str(self._out / "merged.pdf")}, Path(merging.__file__))
        return float(made["cpu_s"]) / pieces

    def ready_parts(self, effort: int) -> float:
        """Merging from ready parts beside one reportlab canvas."""
        return self.contest.run(_PEER, "ready", 200, effort)[1].ratio

    def whole_piece(self, effort: int) -> float:
        """A whole piece beside one reportlab canvas with Pillow's Lanczos."""
        return self.contest.run(_PEER, "whole", 5, effort)[1].ratio

    def _task(self, files: list[str], design: str, pieces: int) -> dict[str, Any]:
        return {**_PLAIN, "data": str(self.folder / "data"), "design": design, "fragments": files, "pieces": pieces}


NAMES = ("share_of_limit", "share_of_cat", "steadiness", "ready_parts", "whole_piece")


def judge(wanted: dict[str, float], measure: Callable[[str, int], float]) -> tuple[dict[str, float], list[str]]:
    """The ratios, and the names of those that fell even when they were measured once more."""
    found = {name: measure(name, 3) for name in NAMES}
    for name in fallen(wanted, found):
        found[name] = max(found[name], measure(name, 5))
    return found, fallen(wanted, found)


def fallen(wanted: dict[str, float], found: dict[str, float]) -> list[str]:
    """Names of the ratios that are more than a quarter below what is wanted; one that is not wanted has fallen too."""
    return [name for name, value in found.items() if value < (1 - FALL) * wanted.get(name, float("inf"))]


def table(wanted: dict[str, float], found: dict[str, float]) -> str:
    """One line a ratio."""
    lines = [f"{'ratio':<16} {'measured':>9} {'committed':>10} {'least':>7}"]
    low = fallen(wanted, found)
    for name, value in found.items():
        held = wanted.get(name)
        least = "" if held is None else f"{(1 - FALL) * held:7.2f}"
        verdict = "FELL" if name in low else "held"
        lines.append(f"{name:<16} {value:9.2f} {'none' if held is None else f'{held:.2f}':>10} {least:>7} {verdict}")
    return "\n".join(lines)


def main() -> int:
    """Measure, compare, judge."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--renew", action="store_true", help="write ratios.json from this run")
    renew = parser.parse_args().renew
    wanted: dict[str, float] = json.loads(RATIOS.read_text()) if RATIOS.exists() else {}
    folder, start = Path(tempfile.mkdtemp(prefix="cardpipe-guard-")), time.monotonic()

    def measure(name: str, effort: int) -> float:
        value = float(getattr(subject, name)(effort))
        print(f"{time.monotonic() - start:4.0f} s  {name} {value:.2f}", file=sys.stderr, flush=True)
        return value

    try:
        subject = Subject(folder)
        found, low = judge(wanted, measure) if not renew else ({name: measure(name, 5) for name in NAMES}, [])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if renew:
        RATIOS.write_text(json.dumps({name: round(value, 2) for name, value in found.items()}, indent=2) + "\n")
        return 0
    print(table(wanted, found))
    if low:
        print(f"more than a quarter below benchmarks/ratios.json, twice: {', '.join(low)}")
    return 1 if low else 0


if __name__ == "__main__":
    raise SystemExit(main())
