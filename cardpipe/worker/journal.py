"""What the processes write down: one JSON line a remark, to stderr. A journal that cannot be written ends nobody.

A full disk fills the log as well. Whoever died of that would be the next fault; so the line is lost instead. No key and
no secret is written down, wherever in a line it came from.
"""

from __future__ import annotations

import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog

from cardpipe.model.apikey import redacted
from cardpipe.model.webhook import PREFIX

#: A webhook's secret anywhere in a text, also one cut short.
_SECRET = re.compile(re.escape(PREFIX) + r"[0-9A-Za-z+/=_-]{4,}")


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
            mask_line,
        ],
        logger_factory=_careful,
        cache_logger_on_first_use=False,
    )


def mask_line(logger: Any, method: str, line: str | bytes | MutableMapping[str, Any]) -> str:
    """The last processor: the whole line as it will be written, names and values and what objects say of themselves,
    with API keys and webhook secrets masked. The line stays JSON, and ASCII."""
    return masked(str(line)).replace("…", "\\u2026")


def masked(text: str) -> str:
    """A text without keys and secrets."""
    return _SECRET.sub(f"{PREFIX}…", redacted(text))


def _careful(*names: Any) -> _Careful:
    return _Careful()
