"""The tasks: each takes a step's id, may run twice, and leaves every decision to the step's lease."""

from __future__ import annotations

from cardpipe.pipeline import compose as composing
from cardpipe.pipeline import impose as imposing
from cardpipe.pipeline import release as releasing
from cardpipe.pipeline import spoil as spoiling
from cardpipe.wiring import shop
from cardpipe.worker.app import app


@app.task(name="cardpipe.compose")  # type: ignore[untyped-decorator]
def compose(step_id: str) -> None:
    """One piece's card and envelope."""
    composing.run(shop(), step_id)


@app.task(name="cardpipe.impose", time_limit=7200, soft_time_limit=7000)  # type: ignore[untyped-decorator]
def impose(step_id: str) -> None:
    """One batch's print files: gigabytes, so by the hour and not by the minute."""
    imposing.run(shop(), step_id)


@app.task(name="cardpipe.release", time_limit=7200, soft_time_limit=7000)  # type: ignore[untyped-decorator]
def release(step_id: str) -> None:
    """A hand-over whose beginner died: finished here."""
    releasing.run(shop(), step_id)


@app.task(name="cardpipe.remake", time_limit=7200, soft_time_limit=7000)  # type: ignore[untyped-decorator]
def remake(step_id: str) -> None:
    """Spoiled pieces made again, where their beginner died."""
    spoiling.run(shop(), step_id)
