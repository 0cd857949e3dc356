"""Cardpipe and its peers in turn, each in a process of its own so that its memory is its own: pieces a second and core
(processor time, child processes included), peak memory, bytes a piece.

Twice: from ready parts (cardpipe merges fragments; a peer is given the same photo, signature and lines), and a whole
piece, its photo included (cardpipe composes and merges; a peer uses Pillow's Lanczos). Every peer's file is looked
into: as many pages of the same sizes, the photo at the same pixels and place, the same words.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import peers
from clocks import emptied, laid, settled

OURS = "cardpipe"
_LEAST = {"ready": 5.0, "whole": 3.0}
_BARE_MB = 80  # of a Python that has loaded a peer and made nothing yet


@dataclass(slots=True)
class Result:
    """One contestant at one size. ``ratio`` is how many times cardpipe's pieces a second are of its own, measured in
    turn with it; ``note`` says why there are no figures."""

    who: str
    way: str
    count: int
    per_second: float = 0.0
    peak_mb: float = 0.0
    kb: float = 0.0
    kb_beside_photo: float = 0.0
    ratio: float = 0.0
    note: str = ""
    ratios: list[float] = field(default_factory=list)


def child(task: dict[str, Any]) -> dict[str, Any]:
    """Make the cards in this process; what it took. The first two pieces are for warming up."""
    target = Path(task["target"])
    first = target.with_name(f"first-{target.name}")
    told: dict[str, Any] = {}
    if task["who"] == OURS:
        import ours

        work = ours.Work({**task, "target": str(first)})
        make = work.merge if task["way"] == "ready" else work.whole
        make(2)
        work.aim(target)
        emptied(work.targets[0])
        settled()
        start = time.process_time()
        make(task["count"])
        told["cpu_s"] = time.process_time() - start
        told["bytes"] = sum(path.stat().st_size for path in work.targets)
        work.close()
    else:
        parts, peer = peers.Parts(Path(task["folder"]), task["way"] == "whole"), peers.PEERS[task["who"]][0]
        if task["who"] == "headless Chromium":
            crowd = _Crowd()
            parts.hook = crowd.hook
            emptied(target)
            peer(parts, task["count"], target)
            told |= {"cpu_s": crowd.cpu_s, "peak_mb": crowd.peak_mb}
        else:
            peer(parts, 2, first)
            emptied(target)
            settled()
            start = time.process_time()
            peer(parts, task["count"], target)
            told["cpu_s"] = time.process_time() - start
        told["bytes"] = target.stat().st_size
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return {"peak_mb": int(line.split()[1]) / 1024, **told}


class _Crowd:
    """This process and all that it started: their processor time, and their memory without what they share."""

    def __init__(self) -> None:
        self.cpu_s = self.peak_mb = 0.0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def hook(self, moment: str) -> None:
        if moment == "start":
            self._watch.start()
            self.cpu_s = -self._spent()
        else:
            self.cpu_s += self._spent()
            self._over.set()
            self._watch.join()

    def _spent(self) -> float:
        return sum(sum(one.cpu_times()[:2]) for one in _family())

    def _look(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, sum(one.memory_full_info().pss for one in _family()) / 1e6)
            if self._over.wait(0.7):
                return


def _family() -> list[Any]:
    import psutil

    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def _ask(task: dict[str, Any], patience: float) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__], input=json.dumps(task).encode(), capture_output=True,
                          timeout=patience, check=False)  # fmt: skip
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(words[-1] if words else f"ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


class Contest:
    """The contestants, the parts, and how long (in seconds of processor time) one measurement may take."""

    def __init__(self, folder: Path, data: Path, references: list[str], composed: list[Any], patience: float) -> None:
        self.folder, self.patience = folder, patience
        self._task = {"folder": str(folder), "data": str(data), "references": references, "composed": composed}
        self._ready = 0
        told = json.loads((folder / "parts.json").read_text())
        self._photo_kb = median(
            (folder / f"ready-{at}.jpg").stat().st_size / 1e3 for at in range(len(told["pieces"]))
        )  # fmt: skip
        self.rates: dict[tuple[str, str], float] = {}
        self._weights: dict[tuple[str, str], float] = {}  # MB a piece

    def run(self, who: str, way: str, count: int, tries: int = 1, *, eager: bool = False) -> tuple[Result, Result]:
        """A peer, each time after cardpipe; cardpipe's result and its own. One who would need longer than ``patience``
        (``eager``: than five times that) or more than half of the machine's memory is not run."""
        mine, its = Result(OURS, way, count), Result(who, way, count)
        its.note = peers.missing(who) or self._unfit(who, way, count, self.patience * (5 if eager else 1))
        if its.note:
            return mine, its
        if way == "ready":
            self._photos(count)
        try:
            pairs = [(self._one(OURS, way, count), self._one(who, way, count)) for _ in range(tries)]
        except (RuntimeError, subprocess.TimeoutExpired) as problem:
            its.note = f"failed: {str(problem)[:90]}"
            return mine, its
        for place, result in enumerate((mine, its)):
            self._note(result, [pair[place] for pair in pairs])
        its.ratios = [theirs["cpu_s"] / own["cpu_s"] for own, theirs in pairs]
        its.ratio, mine.ratio = median(its.ratios), 1.0
        self.rates[who, way] = its.per_second
        self._weights[who, way] = (its.peak_mb - _BARE_MB) / count
        return mine, its

    def alone(self, way: str, count: int) -> Result:
        """Cardpipe's result at a size at which no peer could be run."""
        mine = Result(OURS, way, count, ratio=1.0)
        self._note(mine, [self._one(OURS, way, count)])
        return mine

    def _note(self, result: Result, told: list[dict[str, Any]]) -> None:
        result.per_second = median(result.count / each["cpu_s"] for each in told)
        result.peak_mb = max(each["peak_mb"] for each in told)
        result.kb = told[0]["bytes"] / result.count / 1e3
        result.kb_beside_photo = result.kb - self._photo_kb

    def _unfit(self, who: str, way: str, count: int, patience: float) -> str:
        if not (rate := self.rates.get((who, way))):
            return ""
        needed, heavy = count / rate, self._weights[who, way] * count / 1e3
        if heavy > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2e9:
            return f"not run: would need {heavy:.0f} GB of memory"
        if needed > patience:
            return "not run: would take " + (f"{needed / 60:.0f} min" if needed > 90 else f"{needed:.0f} s")
        return ""

    def _one(self, who: str, way: str, count: int) -> dict[str, Any]:
        target = self.folder / f"{'ours' if who == OURS else 'peer'}.pdf"
        written = target.with_suffix(".cards.pdf") if who == OURS else target
        laid(written, count * self._photo_kb * 1100)
        told = _ask({**self._task, "who": who, "way": way, "count": count, "target": str(target)}, self.patience * 8)
        if who != OURS:
            import inspecting

            inspecting.inspect(target, self.folder, count)
        return told

    def best_so_far(self, way: str) -> str | None:
        """The fastest peer of this way at the size before."""
        known = {who: rate for (who, kind), rate in self.rates.items() if kind == way}
        return max(known, key=lambda who: known[who], default=None)

    def _photos(self, count: int) -> None:
        """Each piece's photo as a file of its own bytes: a comment tells it from the others."""
        ready = [path.read_bytes() for path in sorted(self.folder.glob("ready-*.jpg"))]
        for number in range(self._ready, count):
            data, words = ready[number % len(ready)], b"%08d" % number
            told = data[:2] + b"\xff\xfe" + struct.pack(">H", len(words) + 2) + words + data[2:]
            (self.folder / f"photo-{number}.jpg").write_bytes(told)
        self._ready = max(self._ready, count)


def rounds(contest: Contest, plan: list[tuple[str, int, int]]) -> Iterator[Result]:
    """All peers by the plan of (way, pieces, tries); cardpipe's median before its peers at each size. Where none
    has the patience, the best of the size before is run alone; where none can, cardpipe merges alone."""
    for way, count, tries in plan:
        told = [contest.run(who, way, count, tries) for who in peers.PEERS]
        if not any(its.per_second for _, its in told) and (known := contest.best_so_far(way)):
            place = list(peers.PEERS).index(known)
            told[place] = contest.run(known, way, count, eager=True)
        own = [mine for mine, _ in told if mine.per_second]
        if own:
            yield Result(OURS, way, count, median(one.per_second for one in own), max(one.peak_mb for one in own),
                         own[0].kb, own[0].kb_beside_photo, 1.0)  # fmt: skip
        elif way == "ready":
            yield contest.alone(way, count)
        yield from (its for _, its in told)


def best(results: list[Result], way: str, count: int) -> Result | None:
    """The fastest peer of one comparison."""
    some = [one for one in results if (one.way, one.count) == (way, count) and one.who != OURS and one.per_second]
    return max(some, key=lambda one: one.per_second, default=None)


def rows(results: list[Result]) -> list[Any]:
    """As rows of the benchmark's table, each comparison with its target."""
    from targets import Row

    made = []
    for way, count in dict.fromkeys((one.way, one.count) for one in results):
        what = "from ready parts" if way == "ready" else "whole, photo included"
        section = f"Peers, {count:,} pieces {what} (card and envelope; × is cardpipe's speed over its)"
        for one in (one for one in results if (one.way, one.count) == (way, count)):
            if not one.per_second:
                made.append(Row(section, one.who, 0.0, "pieces/s/core", remark=one.note))
                continue
            weight = f"{one.kb:.0f} kB a piece, {one.kb_beside_photo:.0f} beside the photo"
            remark = f"× {one.ratio:.2f}  peak {one.peak_mb:.0f} MB  {weight}"
            made.append(Row(section, one.who, one.per_second, "pieces/s/core", remark=remark))
        if top := best(results, way, count):
            made.append(Row(section, f"cardpipe : the best peer ({top.who})"[:46], top.ratio, "", least=_LEAST[way]))
    return made


def markdown(results: list[Result]) -> str:
    """The table of the README."""
    lines = ["| pieces | tool | pieces/s and core | cardpipe is × as fast | peak memory | a piece | beside its photo |",
             "|---|---|--:|--:|--:|--:|--:|"]  # fmt: skip
    for one in results:
        what = f"{one.count:,} {'from ready parts' if one.way == 'ready' else 'whole, photo included'}"
        if not one.per_second:
            lines.append(f"| {what} | {one.who} | {one.note} | | | | |")
            continue
        speed = f"{one.per_second:,.0f}" if one.per_second >= 100 else f"{one.per_second:.1f}"
        weight = f"{one.peak_mb:,.0f} MB | {one.kb:,.0f} kB | {one.kb_beside_photo:,.0f} kB"
        lines.append(f"| {what} | {one.who} | {speed} | {one.ratio:.1f} | {weight} |")
    return "\n".join(lines)


def judged(rows: list[Any]) -> str:
    """What has a target, as a table of the README."""
    lines = ["| | measured | target | |", "|---|--:|--:|---|"]
    for row in (row for row in rows if row.met is not None):
        goal = f"≥ {row.least:g}" if row.least is not None else f"≤ {row.most:g}"
        what, verdict = f"{row.section.partition(' (')[0]}: {row.name.strip()}", "met" if row.met else "**not met**"
        lines.append(f"| {what} | {row.value:.2f} {row.unit} | {goal} | {verdict} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(child(json.load(sys.stdin))))
