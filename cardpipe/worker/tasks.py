"""The tasks: each takes a step's id, may run twice, and leaves every decision to the step's lease."""

from __future__ import annotations

from cardpipe.pipeline import compose as composing
from cardpipe.pipeline import impose as imposing
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
