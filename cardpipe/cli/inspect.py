"""``cardpipe preflight``: any PDF, judged as the press would."""

from __future__ import annotations

from pathlib import Path

from cardpipe.cli import show
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.preflight.inspector import inspect
from cardpipe.preflight.profile import Profile
from cardpipe.wiring import shop


def preflight(file: Path, as_json: bool) -> None:
    """Print the report; exit 2 when it holds an error."""
    press = shop().catalog.press(shop().press)
    profile = Profile(
        name=press.name, ppi_error=press.photo_minimum_ppi, ppi_warning=press.photo_ppi, max_ink=press.max_ink
    )
    try:
        with file.open("rb") as source:
            report = inspect(source, profile)
    except OSError as problem:
        what = problem.strerror or "cannot be read"
        raise Refused(f"{file}: {what}", [error("file.unreadable", str(file), what, "give a readable PDF")]) from None
    show.data(report.as_dict(), as_json, report.to_text())
    if not report.ok:
        raise SystemExit(Refused.exit_code)
