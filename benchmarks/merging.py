"""Merging recorded fragments, in a process of its own whose memory is its own, against ``cat`` of the same bytes.

The recorded pieces are used again and again under other sequence numbers. So that no picture is taken for one that was
already written, each use gives the pictures' keys another name.

Twice: into a plain file against ``cat``; and as the store of artifacts keeps it, with its SHA-256, against ``cat`` and
a SHA-256 of what it wrote. The match codes are drawn and the numbers set in both, as always.

``cat`` copies the finished file, which lies in memory as it was just written; and, beside it, the fragments that the
merge reads, one file a piece: what their opening and reading alone cost.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

from clocks import Clocked, laid, settled

from cardpipe.lettershop.barcode import match_code_marks
from cardpipe.model.batch import match_code
from cardpipe.prepress.fragment import Fragment, FragmentPage
from cardpipe.prepress.merge import Merge, Shared
from cardpipe.prepress.page import Mark, Slot
from cardpipe.prepress.pdf import art_parts
from cardpipe.prepress.typeset import Face
from cardpipe.prepress.xmp import Stamp
from cardpipe.settings import Settings
from cardpipe.storage.artifacts import FolderWriter
from cardpipe.wiring import Shop

ROOT = Path(__file__).resolve().parent.parent
_CHUNK = 1 << 16  # the merge hands over larger blocks, and these go straight to the file


def memory_mb(which: str) -> float:
    """This process' memory: ``VmRSS`` now, ``VmHWM`` at its peak."""
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith(which))
    return int(line.split()[1]) / 1024


def shared(shop: Shop, design: str) -> Shared:
    """What a batch of one design shares."""
    source, printed = shop.catalog.design(design), shop.catalog.printed()
    art = {source.digests[name]: data for name, data in source.files.items()}
    icc = shop.catalog.profile("sRGB.icc")
    press = shop.catalog.profile(shop.catalog.press(shop.press).profile)
    return Shared(
        lambda digest: art_parts(art[digest], source.format.media, "art"),
        lambda _: (printed.face.font, "Arimo"),
        lambda digest: press if digest == "0" * 64 else icc,
    )


class _Plain:
    """A file that is only written."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write


def one_file(
    shop: Shop, shared: Shared, task: dict[str, Any], files: list[Path], first: int, pieces: int, target: Path
) -> None:
    """The print file of these pieces."""
    stamp = Stamp("bench", "2026-12-01", "0" * 64, "CGATS TR 006", "GRACoL", "DuplexFlipShortEdge")
    face = shop.catalog.printed().face
    with target.open("wb", buffering=_CHUNK) as out:
        sink = FolderWriter(out) if task["digest"] else _Plain(out)
        merge = Merge(sink, shared, stamp)
        for seq in range(first, first + pieces):
            with files[seq % len(files)].open("rb") as source:
                _add(merge, source, seq, f"{seq % 10000:04d}/{pieces:04d}", face)
        merge.finish()
        out.flush()
        if task["sync"]:
            os.fsync(out.fileno())


def _add(merge: Merge, source: BinaryIO, seq: int, number: str, face: Face) -> None:
    """One piece; its pictures under other names, as if they were of its own."""
    code = match_code(1, seq, "O")

    def fill(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
        return match_code_marks(slot, code, number, face) if slot.name == "match_code" else ()

    fragment = Fragment(source)
    for entry in fragment.objects:
        if "key" in entry:
            entry["key"] = f"{entry['key']}:{seq}"
    merge.add(fragment, fill)


def child(task: dict[str, Any]) -> dict[str, Any]:
    """Merge in this process, file by file; what it took."""
    shop = Shop(Settings(data=Path(task["data"]), designs=ROOT / "designs", fonts=ROOT / "fonts", database_url=""))
    with closing(shop):
        leaned_on = shared(shop, task["design"])  # as impose makes it: once a batch
        files, target = [Path(name) for name in task["fragments"]], Path(task["target"])
        one_file(shop, leaned_on, {**task, "sync": False}, files, 1, 2, target)  # a worker that merges lives for days
        each = sum(file.stat().st_size for file in files) / len(files)
        laid(target, each * min(task["pieces"], task["per_file"]))
        settled()
        before = memory_mb("VmRSS:")
        clock, size = Clocked(), 0
        for first in range(1, task["pieces"] + 1, task["per_file"]):
            target.unlink(missing_ok=True)  # beside the clock: emptying a large file takes its time
            with clock.running():
                count = min(task["per_file"], task["pieces"] + 1 - first)
                one_file(shop, leaned_on, task, files, first, count, target)
            size += target.stat().st_size
        return {
            "cpu_s": sum(clock.cpu) / 1e3,
            "wall_s": sum(clock.wall) / 1e3,
            "bytes": size,
            "before_mb": before,
            "peak_mb": memory_mb("VmHWM:"),
        }


def ask(what: str, task: dict[str, Any], program: Path | None = None) -> dict[str, Any]:
    """Have this benchmark's own child do something; its answer. The merge's child is this file alone, so that its
    memory is not that of the photo's libraries."""
    command = [sys.executable, str(program or Path(__file__).with_name("bench.py")), "--child", what]
    places = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, input=json.dumps(task).encode(), stdout=subprocess.PIPE, check=True, env=places)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def cat(sources: Sequence[Path], target: Path, size: int, *, sync: bool, digest: bool) -> dict[str, float]:
    """``cat`` of the same bytes: the files again and again until as much was written as the merge wrote."""
    cpu = wall = 0.0
    for _ in range(max(1, round(size / sum(source.stat().st_size for source in sources)))):
        target.unlink(missing_ok=True)
        with target.open("wb") as out:
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(["cat", *map(str, sources)], stdout=out, check=True)
            own = time.process_time()
            if digest:
                with target.open("rb") as copy:
                    hashlib.file_digest(copy, "sha256")
            if sync:
                os.fsync(out.fileno())
            cpu += time.process_time() - own
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall += time.perf_counter() - start
        cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": wall}


def compared(folder: Path, task: dict[str, Any], tries: int) -> dict[str, Any]:
    """Merge and ``cat`` in alternation; medians."""
    target, copy = folder / "merged.pdf", folder / "copy.pdf"
    rows: list[tuple[dict[str, Any], dict[str, float]]] = []
    apart: list[float] = []  # of cat of the fragments
    fragments = [Path(task["fragments"][at % len(task["fragments"])]) for at in range(min(task["per_file"], 500))]
    for _ in range(tries):
        made = ask("merge", {**task, "target": str(target)}, Path(__file__))
        laid(copy, target.stat().st_size)
        rows.append((made, cat([target], copy, made["bytes"], sync=task["sync"], digest=task["digest"])))
        reading = cat(fragments, copy, made["bytes"], sync=task["sync"], digest=task["digest"])
        apart.append(reading["cpu_s"] / made["cpu_s"])
    copy.unlink(missing_ok=True)
    pieces = task["pieces"]
    return {
        "pieces": pieces,
        "sync": task["sync"],
        "digest": task["digest"],
        "per_second_and_core": pieces / median(made["cpu_s"] for made, _ in rows),
        "per_second": pieces / median(made["wall_s"] for made, _ in rows),
        "ms_a_piece": 1e3 * median(made["cpu_s"] for made, _ in rows) / pieces,
        "mb_a_second": median(made["bytes"] / made["wall_s"] for made, _ in rows) / 1e6,
        "bytes": rows[0][0]["bytes"],
        "share_of_cat": median(other["cpu_s"] / made["cpu_s"] for made, other in rows),
        "share_of_cat_of_fragments": median(apart),
        "share_of_cat_wall": median(other["wall_s"] / made["wall_s"] for made, other in rows),
        "before_mb": max(made["before_mb"] for made, _ in rows),
        "peak_mb": max(made["peak_mb"] for made, _ in rows),
    }


def fragments(shop: Shop, digests: list[str]) -> Iterator[str]:
    """Where stored fragments lie."""
    for digest in digests:
        with shop.artifacts.open(shop.scope, digest) as file:
            yield str(file.name)


if __name__ == "__main__":
    json.dump(child(json.load(sys.stdin)), sys.stdout)
