"""All checks in the order of the report, and which of them a standard asks for."""

from __future__ import annotations

from cardpipe.preflight import check_file, check_ink, check_object, check_page, check_record, check_x1a
from cardpipe.preflight.check import Check

CHECKS: tuple[Check, ...] = tuple(
    value
    for module in (check_file, check_x1a, check_record, check_page, check_object, check_ink)
    for value in vars(module).values()
    if isinstance(value, Check)
)

BY_CODE = {check.code: check for check in CHECKS}


def of_standard(standard: str, subjects: frozenset[str] | None = None) -> dict[str, tuple[Check, ...]]:
    """The checks of one standard by what they look at; of all subjects, or of some only."""
    found: dict[str, tuple[Check, ...]] = {}
    for check in CHECKS:
        if check.only in ("", standard) and (subjects is None or check.of in subjects):
            found[check.of] = (*found.get(check.of, ()), check)
    return found
