"""All checks in the order of the report, and the two codes that reading itself can give."""

from __future__ import annotations

from cardpipe.preflight import check_file, check_ink, check_object, check_page
from cardpipe.preflight.check import Check
from cardpipe.preflight.profile import Profile

DAMAGED = "pdf.damaged"
"""The file, or a part of it, cannot be read."""

EXCESS = "pdf.excess"
"""The file asks for more memory or work than any honest one."""

MISSING = "content.missing"
"""A content stream uses a name that its resources do not have."""

CHECKS: tuple[Check, ...] = tuple(
    value
    for module in (check_file, check_page, check_object, check_ink)
    for value in vars(module).values()
    if isinstance(value, Check)
)

BY_SUBJECT: dict[str, tuple[Check, ...]] = {}
for _check in CHECKS:
    BY_SUBJECT[_check.of] = (*BY_SUBJECT.get(_check.of, ()), _check)

BY_CODE = {check.code: check for check in CHECKS}


FIRM = frozenset((DAMAGED, EXCESS, MISSING, "pdf.encrypted"))
"""Codes that no press may loosen: behind each of them lies content that nobody looked at."""


def refuse_unknown(profile: Profile) -> None:
    """Raises ValueError for a loosened check that is firm, or that does not exist (a slip is no rule)."""
    firm = sorted(set(profile.loosened) & FIRM)
    if firm:
        raise ValueError(f"profile {profile.name} loosens what no press may loosen: {', '.join(firm)}")
    unknown = sorted(set(profile.loosened) - set(BY_CODE))
    if unknown:
        raise ValueError(f"profile {profile.name} loosens unknown checks: {', '.join(unknown)}")
