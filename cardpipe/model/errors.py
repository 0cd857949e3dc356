"""The four errors. Each owns its HTTP status and its exit code, and says whether trying again can help.

Whoever raises one gives the sentence that a person reads; the class docstring is the default sentence.
"""

from __future__ import annotations

from cardpipe.model.finding import Finding


class CardpipeError(Exception):
    """Something went wrong."""

    status = 500
    exit_code = 70
    retried = False

    def __init__(self, message: str = "", findings: tuple[Finding, ...] | list[Finding] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class Refused(CardpipeError):
    """The input cannot be used as it is; mend what the findings name and submit it again."""

    status = 422
    exit_code = 2


class Conflict(CardpipeError):
    """The input contradicts what is already stored; look at the stored one and decide which is right."""

    status = 409
    exit_code = 3


class Unavailable(CardpipeError):
    """Something outside did not answer or has no room; nothing was lost, and the same call may be made again."""

    status = 503
    exit_code = 4
    retried = True


class Bug(CardpipeError):
    """cardpipe contradicted itself; please report this with the text above. Nothing was printed."""
