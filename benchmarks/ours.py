"""Cardpipe's part in the contest: the card's and the envelope's print file of the same pieces, from stored fragments or
from the orders."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import merging

from cardpipe.lettershop.barcode import match_code_marks
from cardpipe.model.batch import match_code
from cardpipe.prepress.fragment import Fragment, FragmentPage
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.page import Mark, Slot
from cardpipe.prepress.xmp import Stamp
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

ROOT = Path(__file__).resolve().parent.parent


class Work:
    """An open shop and the task's pieces."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._open = ExitStack()
        folder = Path(task["data"])
        if task["way"] == "ready":  # as the merge's own process: without the libraries of the photo
            self._shop = Shop(Settings(data=folder, designs=ROOT / "designs", fonts=ROOT / "fonts", database_url=""))
            self._open.callback(self._shop.close)
        else:
            import material

            self._shop = self._open.enter_context(material.opened_shop(folder))
        self._references, self._composed = task["references"], task["composed"]
        self.targets: list[Path] = []
        self.aim(Path(task["target"]))
        self._stored: dict[str, Path] = {}

    def aim(self, target: Path) -> None:
        """Where the print files are written from now on: beside that name."""
        self.targets = [target.with_suffix(".cards.pdf"), target.with_suffix(".envelopes.pdf")]

    def close(self) -> None:
        """Close the shop."""
        self._open.close()

    def merge(self, count: int) -> None:
        """Both print files of that many pieces, from the fragments of the composed ones."""
        self._write([self._composed[number % len(self._composed)] for number in range(count)])

    def whole(self, count: int) -> None:
        """Compose that many pieces, each as if no other carried its photo or its words, and merge them."""
        from cardpipe.pipeline import compose, pinned

        made = []
        for number in range(count):
            pinned.forget()
            reference = self._references[number % len(self._references)]
            composed = compose.make(self._shop, self._shop.store.order(self._shop.scope, reference).pieces[0])
            made.append((composed.card, composed.envelope))
        self._write(made)

    def _write(self, pieces: list[Any]) -> None:
        shared = merging.shared(self._shop, "congratulations-bravo")
        face = self._shop.catalog.printed().face
        for side, target in enumerate(self.targets):
            stamp = Stamp("bench", "2026-12-01", "0" * 64, "CGATS TR 006", "GRACoL", "Simplex")
            with target.open("wb", buffering=1 << 16) as out:
                merge = Merge(out, shared, stamp)
                for seq, digests in enumerate(pieces, 1):
                    self._add(merge, digests[side], seq, len(pieces), face)
                merge.finish()

    def _add(self, merge: Merge, digest: str, seq: int, pieces: int, face: Any) -> None:
        def fill(page: FragmentPage, slot: Slot) -> tuple[Mark, ...]:
            if slot.name != "match_code":
                return ()
            return match_code_marks(slot, match_code(1, seq, "O"), f"{seq % 10000:04d}/{pieces % 10000:04d}", face)

        with self._shop.artifacts.open(self._shop.scope, digest) as source:
            fragment = Fragment(source)
            for entry in fragment.objects:
                if entry.get("key", "").startswith("jpeg:"):  # the photo is each piece's own, as the peers' are
                    entry["key"] = f"{entry['key']}:{seq}"
            merge.add(fragment, fill)
