"""A whole house in processes of its own, ways to harm it, and a proof that reads the finished files as a stranger would.

Nothing is stood in for: real orders, the real pipeline, a real supervisor with Celery workers, on the filesystem
transport or on a Redis-protocol server. Only processes below the supervisor that a test started are ever killed.
"""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import zxingcpp
from PIL import Image

from cardpipe.model.batch import Batch, match_code
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState, PieceState
from cardpipe.pipeline import compose
from cardpipe.pipeline.accept import accept
from cardpipe.pipeline.gather import gather
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

SCOPE = Scope("local", "live")
DAY = "2026-12-01"


def photo(seed: int) -> bytes:
    """A small JPEG that is like no other."""
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 32, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((1280, 1600)).save(out, "JPEG", quality=70)
    return out.getvalue()


def order(number: int) -> dict[str, Any]:
    """Every third order has a photo, so that there are decoders to kill as well."""
    design = {"design": "thank-you-fern", "occasion": "thank-you"}
    if number % 3 == 0:
        design = {"design": "congratulations-bravo", "occasion": "congratulations", "photo": f"photo-{number}"}
    return {
        "reference": f"R-{number:04d}",
        "recipient": {
            "name": f"Reader Number{number:04d}", "street": f"{number} Main St", "city": "Tucson", "state": "AZ",
            "postcode": f"{85701 + number % 50}", "country": "US",
        },
        "sender": {"name": "June Abara", "street": "12 Birch St", "city": "Portland", "state": "OR", "postcode": "97201"},
        "message": f"Dear {{first_name}},\n\nThank you for evening number {number}.\n\nJune",
        **design,
    }  # fmt: skip


class House:
    """A data folder, its supervisor's process, and everything below it."""

    def __init__(self, data: Path, **settings: Any) -> None:
        given = {"lease_seconds": 3.0, "hint_seconds": 2.0, "workers": 2, **settings}
        self.settings = Settings(data=data, **given)
        self.shop = Shop(self.settings)
        self.environment = {**os.environ, "CARDPIPE_DATA": str(data)}
        self.environment |= {f"CARDPIPE_{name.upper()}": str(value) for name, value in given.items()}
        self.process: subprocess.Popen[bytes] | None = None
        self.references: list[str] = []

    # what a customer and an operator do
    def take(self, *numbers: int) -> None:
        for number in numbers:
            verdict = accept(self.shop, SCOPE, order(number), lambda name, where: photo(int(name[6:])), DAY)
            assert verdict.order is not None, verdict.findings
            self.references.append(verdict.order.reference)

    @property
    def order_ids(self) -> list[str]:
        return [self.shop.store.order(SCOPE, reference).id for reference in self.references]

    def states(self) -> Counter[str]:
        return Counter(self.shop.store.piece_states(SCOPE, self.order_ids))

    def gather(self) -> list[Batch]:
        return gather(self.shop, SCOPE, DAY)

    def imposed(self) -> bool:
        return all(batch.state is BatchState.IMPOSED for batch in self.shop.store.batches(SCOPE))

    # the processes
    def start(self) -> None:
        log = (self.settings.data / "supervisor.log").open("ab")
        command = [sys.executable, "-m", "cardpipe.worker.begin", "supervise"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        log.close()

    def stop(self) -> None:
        if self.process is not None:
            below = self.below()
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            self.process.kill()
            self.process.wait()
            assert until(lambda: not any(map(runs, below)), 10), "somebody outlived the supervisor"
            self.process = None

    def below(self) -> list[int]:
        """Everything that the supervisor started, however deep."""
        return descendants(self.process.pid) if self.process else []

    def find(self, *words: str) -> list[int]:
        return [pid for pid in self.below() if all(word in command_line(pid) for word in words)]

    def workers(self) -> list[int]:
        """The main process of the pool, then its children."""
        found = self.find("cardpipe.worker.begin", "crew")
        return sorted(found, key=lambda pid: parent(pid) != (self.process.pid if self.process else 0))

    # ways to harm it
    def kill(self, pids: list[int]) -> bool:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(pids)

    def kill_worker(self) -> bool:
        return self.kill(self.workers()[:1])

    def kill_pool_child(self) -> bool:
        return self.kill(self.workers()[1:2])

    def kill_pool(self) -> bool:
        return self.kill(self.workers()[1:])

    def kill_dispatcher(self) -> bool:
        return self.kill(self.find("cardpipe.worker.begin", "dispatch"))

    def kill_supervisor(self) -> bool:
        if self.process is None:
            return False
        below = self.below()
        self.process.kill()
        self.process.wait()
        assert until(lambda: not any(map(runs, below)), 10), "somebody outlived the supervisor"
        self.start()
        return True

    def empty_queue(self) -> bool:
        shutil.rmtree(self.settings.data / "queue", ignore_errors=True)
        return True

    def deliver_everything_twice(self) -> bool:
        """Tasks for steps that are done, held, or already hinted."""
        from cardpipe.storage.turns import QUEUE_OF
        from cardpipe.worker.app import make_app

        with self.shop.store.db.reading() as tx:
            steps = tx.all("SELECT id, kind FROM steps")
        with make_app(self.settings) as app:
            for step in steps:
                app.send_task(f"cardpipe.{step['kind']}", (step["id"],), queue=QUEUE_OF[step["kind"]], expires=20)
        return bool(steps)

    def harm(
        self, ways: list[Callable[[], bool]], seconds: float, rng: random.Random, done: Callable[[], bool],
        each: bool = True, least: int = 0,
    ) -> Counter:  # fmt: skip
        """One harm after the other, each kind in turn in any order, until done or the time is over; with ``each``, not
        before each was done once, which takes longer on a busy machine, and never before ``least`` were done, however
        quick the shop is."""
        begun, counted, turn = time.monotonic(), Counter(), []

        def over() -> bool:
            late = time.monotonic() - begun
            missing = counted.total() < least or (each and not all(counted[way.__name__] for way in ways))
            return late > seconds + 90 or (not missing and (late > seconds or done()))

        while not over():
            turn = turn or rng.sample(ways, len(ways))
            way = turn.pop()
            counted[way.__name__] += until(way, 20)  # somebody who was just killed has to come back first
            time.sleep(rng.uniform(0.3, 1.6))
        return counted


def until(told: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not told():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(root: int) -> list[int]:
    parents = {int(path.name): parent(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found = [root]
    for pid in found:
        found += [child for child, above in parents.items() if above == pid]
    return found[1:]


def prove(house: House) -> int:
    """Read every finished file: each accepted order is printed on exactly one card with its envelope, and each page
    says so itself. The number of pages that were read."""
    seen: Counter[str] = Counter()
    pages_read = 0
    store, artifacts = house.shop.store, house.shop.artifacts
    for batch in store.batches(SCOPE):
        files = {file.name: artifacts.get(SCOPE, file.sha256) for file in batch.files}
        documents = {name: pdfium.PdfDocument(data) for name, data in files.items() if name.endswith(".pdf")}
        rows = list(csv.DictReader(io.StringIO(files[f"{batch.name}_MANIFEST.csv"].decode())))
        members = list(store.members(batch.id))
        assert [row["reference"] for row in rows] == [piece.reference for piece in members]
        claimed: Counter[tuple[str, int]] = Counter()
        for row, piece in zip(rows, members, strict=True):
            seen[row["reference"]] += 1
            number = int(row["reference"][2:])
            first, last, envelope = (int(row[n]) for n in ("card_page_first", "card_page_last", "envelope_page"))
            assert last == first + 1
            for name, page, role in [
                (row["card_file"], first, "O"), (row["card_file"], last, ""), (row["envelope_file"], envelope, "E")
            ]:  # fmt: skip
                claimed[name, page] += 1
                code = [match_code(batch.number, piece.seq or 0, role)] if role else []  # the inside shows no code
                assert codes(documents[name][page - 1]) == code
                pages_read += 1
            again = compose.make(house.shop, piece)  # whatever happened to its worker, the parts are this order's
            assert piece.composed is not None
            assert (again.card, again.envelope) == (piece.composed.card, piece.composed.envelope)
            text = documents[row["envelope_file"]][envelope - 1].get_textpage().get_text_bounded()
            assert f"NUMBER{number:04d}" in text.upper(), "another reader's envelope"
        assert set(claimed.values()) == {1}
        printed = {name for name, _ in claimed}
        assert sum(len(documents[name]) for name in printed) == sum(claimed.values()), "a page that no manifest knows"
    assert seen == Counter(house.references), "lost, or printed twice"
    assert house.states() == {PieceState.BATCHED: len(house.references)}
    return pages_read


def codes(page: Any) -> list[str]:
    pixels = page.render(scale=200 / 72).to_numpy()[:, :, :3]
    return [found.text for found in zxingcpp.read_barcodes(np.ascontiguousarray(pixels))]
