"""Closing a batch: gather, and what impose does beside the merge (prove, inspect, papers). Each step runs in a process
of its own, so that its memory is its own. The pieces lean on recorded fragments."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import material
from clocks import Clocked, Clocks, wrapped
from merging import memory_mb

from cardpipe.lettershop import proving
from cardpipe.pipeline import gather, impose, paperwork, writing
from cardpipe.ports import NewOrder
from cardpipe.prepress.merge import Merge
from cardpipe.wiring import Shop

_AT_ONCE = 500
_STAGES = [
    (Merge, "add", "merge"), (Merge, "finish", "merge"), (proving, "prove", "prove"), (writing, "inspect", "preflight"),
    (paperwork, "row", "rows"), (paperwork, "write", "papers"),
]  # fmt: skip


def prepare(task: dict[str, Any]) -> dict[str, Any]:
    """Store ``pieces`` orders, all composed already: copies of the recorded ones under other references."""
    with material.opened_shop(Path(task["data"])) as shop:
        patterns = [_pattern(shop, reference) for reference in task["references"]]
        start = time.perf_counter()
        for first in range(0, task["pieces"], _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, task["pieces"]))
            shop.store.add_orders([_copy(patterns[n % len(patterns)], n, task["mail_on"]) for n in numbers])
        spent = time.perf_counter() - start
    # what composing would have written, in one statement: composing has a row of its own
    with sqlite3.connect(Path(task["data"]) / "cardpipe.db") as base:
        for place, (card, envelope) in enumerate(task["composed"]):
            base.execute(
                "UPDATE pieces SET state = 'composed', card = ?, envelope = ?, card_bytes = 650000, "
                "envelope_bytes = 1200 WHERE mail_on = ? AND state = 'waiting' AND reference LIKE ?",
                (card, envelope, task["mail_on"], f"%-{place:03d}"),
            )
    base.close()
    return {"stored_a_second": task["pieces"] / spent}


def _pattern(shop: Shop, reference: str) -> NewOrder:
    stored = shop.store.order(shop.scope, reference)
    piece = stored.pieces[0]
    return NewOrder(
        shop.scope, reference, stored.request_digest, stored.request, piece.spec, stored.occasion, stored.design,
        stored.mail_on, piece.group, piece.sort_key,
    )  # fmt: skip


def _copy(pattern: NewOrder, number: int, mail_on: str) -> NewOrder:
    place = int(pattern.reference.rpartition("-")[2])
    reference = f"copy-{mail_on}-{number:05d}-{place:03d}"
    return replace(pattern, reference=reference, mail_on=mail_on, sort_key=f"{pattern.sort_key}{number:05d}")


def close(task: dict[str, Any]) -> dict[str, Any]:
    """Gather a mail date and impose its batches, one after the other; what each stage took."""
    with material.opened_shop(Path(task["data"])) as shop:
        _ = shop.store, shop.catalog.printed().face
        before = memory_mb("VmRSS:")
        clocks: Clocks = defaultdict(Clocked)
        if task["step"] == "gather":
            with clocks["gather"].running():
                batches = gather.gather(shop, shop.scope, task["mail_on"])
        else:
            batches, made = shop.store.batches(shop.scope, task["mail_on"]), []
            with ExitStack() as stack:
                for place, name, stage in _STAGES:
                    stack.enter_context(patch.object(place, name, wrapped(clocks[stage], getattr(place, name))))
                with clocks["impose"].running():
                    for batch in batches:
                        made += impose.make(shop, batch).files
            for file in made:
                if file.size > 1 << 20:
                    with shop.artifacts.open(shop.scope, file.sha256) as source:
                        Path(source.name).unlink()
        return {
            "pieces": sum(batch.pieces for batch in batches),
            "cpu_ms": {name: sum(clock.cpu) for name, clock in clocks.items()},
            "wall_ms": {name: sum(clock.wall) for name, clock in clocks.items()},
            "before_mb": before,
            "peak_mb": memory_mb("VmHWM:"),
        }
