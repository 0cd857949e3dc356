"""What the shop floor saw: one scan of a piece, and the rules by which scans contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cardpipe.model.finding import Finding, error

_MATCH_CODE = re.compile(r"^CP1([0-9A-Z]{4})(\d{6})([OIE])$")


class Stage(StrEnum):
    """What happened to a piece after its batch was released."""

    PRINTED = "printed"
    INSERTED = "inserted"
    SPOILED = "spoiled"
    MAILED = "mailed"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Scan:
    """One piece seen at one stage. ``seq`` is its number in the batch."""

    seq: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class Tally:
    """A batch in numbers. It may be settled when ``missing`` is empty: mailed + withdrawn = gathered.

    ``spoiled`` counts pieces that were ruined at least once, ``remade`` those for which new files were made;
    ``missing`` names by sequence number what is neither mailed nor withdrawn."""

    gathered: int
    pieces: int
    withdrawn: int
    printed: int
    inserted: int
    spoiled: int
    remade: int
    mailed: int
    returned: int
    missing: tuple[int, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain data."""
        return {name: list(value) if isinstance(value := getattr(self, name), tuple) else value
                for name in self.__slots__}  # fmt: skip


def read_code(code: str) -> tuple[str, int, str] | None:
    """The batch (4 characters, base 36), the sequence number and the role of a match code; None for another text."""
    match = _MATCH_CODE.match(code.strip().upper())
    return (match.group(1), int(match.group(2)), match.group(3)) if match else None


def after(before: Stage | None, stage: Stage) -> Stage:
    """The newest stage of a piece that was at ``before`` and is seen at ``stage``. A press list that comes late does
    not take an insertion back, or a second one would pass for the first."""
    return before if before is Stage.INSERTED and stage is Stage.PRINTED else stage


def spoken(numbers: Iterable[int]) -> str:
    """Numbers as a person writes them: ``1-4, 7, 9-10``."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def judge(
    last: Mapping[int, Stage],
    new: Iterable[Scan],
    known: frozenset[int],
    remade: frozenset[int] = frozenset(),
    unmade: frozenset[int] = frozenset(),
) -> list[Finding]:
    """All that contradicts: a piece that is not in the batch; one seen inserted twice with no spoil in between; one
    handed to post although it was spoiled and not made again; one seen after it was handed to post.

    ``last`` is the newest stage of each piece (see :func:`after`), ``known`` the numbers in the batch, ``remade`` those
    whose newest spoil was made again, ``unmade`` those that wait for a remake.
    """
    now, again = dict(last), set(remade)
    findings: list[Finding] = []
    for scan in new:
        if scan.seq not in known:
            findings.append(
                error("scan.unknown", f"piece {scan.seq}", "is not in this batch, or was withdrawn from it",
                      "find the envelope and take it out of the mail; look up its match code")
            )  # fmt: skip
            continue
        before = now.get(scan.seq)
        spoiled = scan.seq in unmade or (before is Stage.SPOILED and scan.seq not in again)
        if (finding := _contradiction(before, scan, spoiled)) is not None:
            findings.append(finding)
        if scan.stage is Stage.SPOILED:
            again.discard(scan.seq)
        now[scan.seq] = after(before, scan.stage)
    return findings


def _contradiction(before: Stage | None, scan: Scan, spoiled: bool) -> Finding | None:
    where, stage = f"piece {scan.seq}", scan.stage
    if before is Stage.RETURNED or (before is Stage.MAILED and stage is not Stage.RETURNED):
        if before is stage:  # said once more: two lists that overlap
            return None
        return error("scan.after_mailing", where, f"was seen {stage} after it was handed to post",
                     "find out which of the two is wrong; a second card must not be mailed")  # fmt: skip
    if stage is Stage.RETURNED and before is not Stage.MAILED:
        return error("scan.returned_early", where, "came back although it was never handed to post",
                     "mark the batch handed to post first")  # fmt: skip
    if stage is Stage.INSERTED and before is Stage.INSERTED:
        return error("scan.inserted_twice", where, "was seen inserted twice, and was not spoiled in between",
                     "stop the inserter: two envelopes carry one code; find both before any is mailed")  # fmt: skip
    if stage is Stage.MAILED and spoiled:
        return error("scan.spoiled_not_remade", where, "was handed to post although it was spoiled and not made again",
                     "find the envelope and look what is in it; have the card made again, or withdraw it")  # fmt: skip
    return None
