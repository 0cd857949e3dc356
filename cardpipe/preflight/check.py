"""What a check is: a small generator with an eternal id, a level, a clause, a remedy and a rationale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cardpipe.model.finding import Level
from cardpipe.preflight.codes import CODES
from cardpipe.preflight.profile import Profile

SUBJECTS = (
    "file",
    "packet",
    "intent",
    "records",
    "part",
    "page",
    "annotation",
    "stream",
    "font",
    "image",
    "form",
    "gstate",
    "space",
    "placement",
    "paint",
    "stroke",
    "mark",
    "registration",
    "hint",
)
"""What checks look at; an inspection counts how many of each it has seen."""


@dataclass(slots=True)
class View:
    """What a check may know besides its subject. ``memory`` is for checks that compare one subject with another."""

    profile: Profile
    expected_pages: int | None = None
    expected_records: int | None = None
    pieces: int | None = None
    memory: dict[str, Any] = field(default_factory=dict)


Body = Callable[[Any, View], Iterable[str]]
When = Callable[[Any, View], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. ``code`` is eternal: a check that changes its meaning gets a new one. ``only`` names the one standard
    that asks for it, where not all do. Calling it yields messages."""

    code: str
    of: str
    level: Level
    clause: str
    remedy: str
    rationale: str
    body: Body
    when: When | None = None
    only: str = ""

    def concerns(self, subject: Any, view: View) -> bool:
        """Whether the check has anything to say about this subject; what it does not concern is not counted."""
        return self.when is None or self.when(subject, view)

    def __call__(self, subject: Any, view: View) -> Iterator[str]:
        yield from self.body(subject, view)


def check(
    code: str,
    of: str,
    clause: str,
    remedy: str,
    level: Level = Level.ERROR,
    when: When | None = None,
    only: str = "",
) -> Callable[[Body], Check]:
    """Make a check of a generator of messages. Its docstring is the rationale, and a check without one is refused."""
    if of not in SUBJECTS:
        raise ValueError(f"check {code}: {of!r} is no subject; known are {', '.join(SUBJECTS)}")

    if code not in CODES:
        raise ValueError(f"check {code} is not among the ids of preflight.codes; write it there, for ever")

    def register(body: Body) -> Check:
        rationale = " ".join((body.__doc__ or "").split())
        if not rationale:
            raise ValueError(f"check {code} needs a rationale as its docstring")
        return Check(code, of, level, clause, remedy, rationale, body, when, only)

    return register
