"""The tasks: each takes a step's id, may run twice, and leaves every decision to the step's lease."""

from __future__ import annotations

from cardpipe.pipeline import compose as composing
from cardpipe.pipeline import duties, intake
from cardpipe.pipeline import erase as erasing
from cardpipe.pipeline import impose as imposing
from cardpipe.pipeline import release as releasing
from cardpipe.pipeline import spoil as spoiling
from cardpipe.pipeline import tell as telling
from cardpipe.wiring import shop
from cardpipe.worker.app import app

#: Gigabytes, or ten thousand rows: by the hour and not by the minute.
_LONG = {"time_limit": 7200, "soft_time_limit": 7000}


@app.task(name="cardpipe.import", **_LONG)  # type: ignore[untyped-decorator]
def import_(step_id: str) -> None:
    """One file of orders, turned into rows."""
    intake.read(shop(), step_id)


@app.task(name="cardpipe.accept", **_LONG)  # type: ignore[untyped-decorator]
def accept(step_id: str) -> None:
    """A chunk of rows, each of which becomes an order or is refused."""
    intake.judge(shop(), step_id)


@app.task(name="cardpipe.compose")  # type: ignore[untyped-decorator]
def compose(step_id: str) -> None:
    """One piece's card and envelope."""
    composing.run(shop(), step_id)


@app.task(name="cardpipe.close", **_LONG)  # type: ignore[untyped-decorator]
def close(step_id: str) -> None:
    """A tenant's cut-off."""
    duties.close(shop(), step_id)


@app.task(name="cardpipe.impose", **_LONG)  # type: ignore[untyped-decorator]
def impose(step_id: str) -> None:
    """One batch's print files."""
    imposing.run(shop(), step_id)


@app.task(name="cardpipe.release", **_LONG)  # type: ignore[untyped-decorator]
def release(step_id: str) -> None:
    """A hand-over whose beginner died: finished here."""
    releasing.run(shop(), step_id)


@app.task(name="cardpipe.remake", **_LONG)  # type: ignore[untyped-decorator]
def remake(step_id: str) -> None:
    """Spoiled pieces made again, where their beginner died."""
    spoiling.run(shop(), step_id)


@app.task(name="cardpipe.events")  # type: ignore[untyped-decorator]
def events(step_id: str) -> None:
    """What one endpoint is to be told."""
    telling.run(shop(), step_id)


@app.task(name="cardpipe.erase", **_LONG)  # type: ignore[untyped-decorator]
def erase(step_id: str) -> None:
    """What a tenant need not keep any more."""
    erasing.run(shop(), step_id)
