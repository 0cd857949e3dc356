"""Where a failure happened, for logs: never its words, which may quote an address or a message."""

from __future__ import annotations

import traceback
from pathlib import Path


def place(failure: BaseException) -> str:
    """Kind and place of a failure: the last line of ours that it came through."""
    steps = traceback.extract_tb(failure.__traceback__)
    last = next((step for step in reversed(steps) if "cardpipe" in step.filename), steps[-1] if steps else None)
    return type(failure).__name__ + (f" at {Path(last.filename).name}:{last.lineno}" if last else "")
