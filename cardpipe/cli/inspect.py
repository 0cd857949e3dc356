"""``cardpipe preflight``: any PDF, judged by the standard that it claims and with the limits of this shop's press."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cardpipe.cli import show
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Level, error
from cardpipe.preflight import claim, paper
from cardpipe.preflight.inspector import inspect
from cardpipe.preflight.profile import THREE_MM, Loosened, Profile
from cardpipe.wiring import shop

_BARE = Loosened(Level.WARNING, "an envelope is printed without bleed, and a file does not say whether it is one")


def preflight(file: Path, as_json: bool, report: Path | None = None) -> None:
    """Print the report, and write it as one page to ``report``; exit 2 when it holds an error.

    A file that claims neither PDF/X-4 nor PDF/X-1a is judged as what the press takes.
    """
    house = shop()
    limits = Profile.for_press(house.catalog.press(house.press), trim=None, bleed=THREE_MM, pages_per_piece=None)
    try:
        with file.open("rb") as source:
            said = claim.read(source)
            profile = replace(limits, standard=said.standard or limits.standard, records=said.records or None)
            if said.imposed:
                profile = replace(profile, imposed=True, bleed=0.0)
            elif said.bare:
                profile = replace(profile, loosened={**profile.loosened, "page.bleed": _BARE})
            found = inspect(source, profile, name=file.name)
    except OSError as problem:
        raise _refused(file, problem, "cannot be read", "give a readable PDF") from None
    if report is not None:
        page = paper.to_pdf({file.name: found}, file.stem, house.catalog.printed().data)
        try:
            report.write_bytes(page)
        except OSError as problem:
            raise _refused(report, problem, "cannot be written", "name a file in a folder that is there") from None
    show.data(found.as_dict(), as_json, found.to_text())
    if not found.ok:
        raise SystemExit(Refused.exit_code)


def _refused(path: Path, problem: OSError, otherwise: str, remedy: str) -> Refused:
    what = problem.strerror or otherwise
    code = "file.unreadable" if otherwise == "cannot be read" else "file.unwritable"
    return Refused(f"{path}: {what}", [error(code, str(path), what, remedy)])
