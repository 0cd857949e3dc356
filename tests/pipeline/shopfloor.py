"""A whole shop on real files (SQLite, artifacts, darkroom), its steps run in this process; orders and pictures for it."""

from __future__ import annotations

import datetime as dt
import io
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cardpipe.catalog.fonts import Fonts, load_fonts
from cardpipe.catalog.shelf import Catalog
from cardpipe.darkroom import LimitedDarkroom
from cardpipe.model.batch import Batch
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState
from cardpipe.pipeline import compose, duties, erase, impose, intake, release, spoil, tell
from cardpipe.pipeline.accept import Verdict, accept
from cardpipe.pipeline.gather import gather
from cardpipe.wiring import Shop

SCOPE = Scope("local", "live")
DAY = "2026-12-01"
OURS = Path(__file__).resolve().parents[2] / "fonts"


@cache
def picture(width: int, height: int, kind: str = "JPEG") -> bytes:
    """A picture with detail: a gradient with rings."""
    y, x = np.mgrid[0:height, 0:width]
    rings = (np.sin(np.hypot(x - width / 2, y - height / 2) / 9) * 60 + 128).astype(np.uint8)
    pixels = np.dstack([rings, (x * 255 // width).astype(np.uint8), (y * 255 // height).astype(np.uint8)])
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, quality=88)
    return out.getvalue()


def order(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An order that is accepted as it stands."""
    return {
        "reference": f"R-{number}",
        "occasion": "thank-you",
        "design": "thank-you-fern",
        "recipient": {
            "name": f"Zoë Łukasz {number}", "street": f"{number} Main St", "city": "Tucson", "state": "AZ",
            "postcode": "85705", "country": "US",
        },
        "sender": {"name": "June Abara", "street": "12 Birch St", "city": "Portland", "state": "OR", "postcode": "97201"},
        "message": "Dear {first_name},\n\nThank you for the garden with the lights on.\n\nJune",
        **changes,
    }  # fmt: skip


STEPS = {
    "compose": compose.run, "impose": impose.run, "release": release.run, "remake": spoil.run, "import": intake.read,
    "accept": intake.judge, "close": duties.close, "erase": erase.run, "events": tell.run,
}  # fmt: skip


class FrozenClock:
    """Moves only when it is told to."""

    def __init__(self, moment: dt.datetime) -> None:
        self.moment = moment

    def now(self) -> dt.datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += dt.timedelta(**by)


@cache
def _darkroom() -> LimitedDarkroom:
    """One for all tests of this process: each picture is a child of its own there, and starting one takes longer."""
    return LimitedDarkroom()


@cache
def _fonts(folder: Path) -> Fonts:
    """Read, measured and thinned once for all tests of this process, as a worker does for all its orders."""
    return load_fonts(folder)


class House(Shop):
    """A shop with the two things that tests do all the time."""

    @cached_property
    def catalog(self) -> Catalog:
        made: Catalog = Shop.catalog.func(self)
        if self.settings.fonts == OURS:
            made.fonts = _fonts(OURS)
        return made

    @cached_property
    def darkroom(self) -> LimitedDarkroom:
        return _darkroom()

    def close(self) -> None:
        self.__dict__.pop("darkroom", None)  # others go on using it
        super().close()

    def take(self, data: dict[str, Any], pictures: dict[str, bytes] | None = None, scope: Scope = SCOPE) -> Verdict:
        """Accept an order whose pictures are given by name."""
        return accept(self, scope, data, lambda ref, where: (pictures or {})[ref], DAY)

    def run_steps(self) -> int:
        """Do every step that is due, in this process."""
        done = 0
        while due := self.store.due_steps(1000, 0.0):
            for step_id, kind in due:
                STEPS[kind](self, step_id)
                done += 1
        return done

    def printed(self, *orders: dict[str, Any], pictures: dict[str, bytes] | None = None) -> list[Batch]:
        """Batches of these orders, imposed."""
        for one in orders:
            verdict = self.take(one, pictures)
            assert verdict.order is not None, verdict.findings
        self.run_steps()
        gather(self, SCOPE, DAY)
        self.run_steps()
        batches = self.store.batches(SCOPE)
        assert batches and all(b.state is BatchState.IMPOSED for b in batches), [(b.held, b.state) for b in batches]
        return batches

    def files(self, batch: Batch) -> dict[str, bytes]:
        """A batch's finished files by the last part of their names."""
        return {f.name.removeprefix(batch.name + "_"): self.artifacts.get(SCOPE, f.sha256) for f in batch.files}
