"""One remark of an inspection: level, code, message, remedy, where."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters. An error stops the order, the piece or the batch; the others do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """What an inspection saw.

    ``code`` is eternal and machine-readable (``photo.resolution.low``); ``where`` names the field
    (``photos.main``, ``recipient.city``) or the place (``page 3``); ``message`` says what is wrong, with numbers;
    ``remedy`` says what to do about it. Neither ever quotes a whole message or address: findings travel to logs.
    """

    level: Level
    code: str
    where: str
    message: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON-ready text."""
        return {key: str(value) for key, value in asdict(self).items()}

    @staticmethod
    def from_dict(data: dict[str, str]) -> Finding:
        """The inverse of :meth:`as_dict`."""
        return Finding(Level(data["level"]), data["code"], data["where"], data["message"], data.get("remedy", ""))


def error(code: str, where: str, message: str, remedy: str = "") -> Finding:
    """A finding that stops what it was found on."""
    return Finding(Level.ERROR, code, where, message, remedy)


def warning(code: str, where: str, message: str, remedy: str = "") -> Finding:
    """A finding that somebody should read, and that stops nothing."""
    return Finding(Level.WARNING, code, where, message, remedy)


def note(code: str, where: str, message: str, remedy: str = "") -> Finding:
    """A finding for the record."""
    return Finding(Level.NOTE, code, where, message, remedy)


def has_errors(findings: list[Finding] | tuple[Finding, ...]) -> bool:
    """Whether any of them stops the work."""
    return any(finding.level is Level.ERROR for finding in findings)
