"""What the processes write down: one JSON line a remark, to stderr. A journal that cannot be written ends nobody.

A full disk fills the log as well. Whoever died of that would be the next fault; so the line is lost instead.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import structlog


class _Careful:
    """Writes to stderr if that is possible."""

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError):  # no room; or stderr is closed already
            sys.stderr.write(message + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = log = fatal = failure = err = warn = msg


def open_journal() -> None:
    """Set up the journal of this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(default=str),
        ],
        logger_factory=_careful,
        cache_logger_on_first_use=False,
    )


def _careful(*names: Any) -> _Careful:
    return _Careful()
