"""Events to a CRM's own server: sent once, and what was answered is written down. How they are signed, and when each is
tried again, stands in ``model.webhook``.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from cardpipe.delivery.answers import clean
from cardpipe.delivery.reach import target_of
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.outbox import Answer
from cardpipe.model.webhook import LONGEST_WAIT

if TYPE_CHECKING:  # an HTTP library is heavy, and signing needs none
    from cardpipe.delivery.guarded import Limits, Reach

SECONDS = 15.0
MOST_BYTES = 4096
MOST_CHARACTERS = 500


def post(url: str, headers: Mapping[str, str], body: bytes, *, allow: frozenset[str] = frozenset()) -> Answer:
    """One try, of at most 15 seconds; redirects are not followed. Never raises for what the receiver did or is."""
    from cardpipe.delivery.guarded import Limits, Reach

    return send(url, headers, body, Limits(MOST_BYTES, read=SECONDS, wall=SECONDS, whole=False), Reach(allow))


def send(url: str, headers: Mapping[str, str], body: bytes, limits: Limits, reach: Reach) -> Answer:
    """The same within other limits."""
    from cardpipe.delivery.guarded import call

    began = time.monotonic()
    said = {"content-type": "application/json"} | {name.lower(): value for name, value in headers.items()}
    try:
        target = target_of(url, "url", allow=reach.allow, http=reach.http)
        got = call(target, "url", limits, reach, headers=said, method="POST", body=body)
    except (Refused, Unavailable) as problem:
        words = "; ".join(finding.message for finding in problem.findings)
        return Answer(None, words[:MOST_CHARACTERS], time.monotonic() - began)
    words = " ".join(clean(got.body).split())[:MOST_CHARACTERS]
    if 300 <= got.status < 400:
        words = "redirects are not followed: enter the final URL"
    elif got.headers.get("content-encoding", "identity").lower() != "identity":
        words = "an answer in another encoding than was asked for"
    return Answer(got.status, words, time.monotonic() - began, _wait(got.headers.get("retry-after", "")))


def _wait(text: str) -> float | None:
    """Retry-After in seconds (RFC 9110 10.2.3: a number, or a date)."""
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return min(float(text), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return min(max(0.0, until.timestamp() - time.time()), LONGEST_WAIT)
