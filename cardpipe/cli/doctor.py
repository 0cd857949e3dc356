"""``cardpipe doctor``: can I print today? One line a check, each with what to do where all is not well.

It looks and changes nothing: a data folder that is not there yet is not made, a database is not migrated. What is
looked at outside of the program (disk, database, queue, clock) stands in ``premises``.
"""

from __future__ import annotations

import difflib
import os
import struct
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from cardpipe.cli import show
from cardpipe.cli.premises import ERROR, OK, WARNING, Found, Premises
from cardpipe.model.errors import CardpipeError, Refused, Unavailable
from cardpipe.model.finding import has_errors
from cardpipe.settings import Settings, settings

if TYPE_CHECKING:
    from cardpipe.wiring import Shop


@dataclass(frozen=True, slots=True)
class Check:
    """What one look found. ``remedy`` says what to do about it, and is empty where all is well."""

    name: str
    level: str
    message: str
    remedy: str = ""


def examine(as_json: bool) -> None:
    """Look at everything; exit 4 where something must be mended before anything can be printed."""
    checks = look()
    errors = [check for check in checks if check.level == ERROR]
    wide = max(len(check.name) for check in checks)
    lines = [
        f"{check.level:<8} {check.name:<{wide}}  {check.message}" + (f"  → {check.remedy}" if check.remedy else "")
        for check in checks
    ]
    lines.append("cardpipe can print" if not errors else f"cardpipe cannot print: {', '.join(c.name for c in errors)}")
    show.data({"ready": not errors, "checks": [asdict(check) for check in checks]}, as_json, "\n".join(lines))
    if errors:
        raise SystemExit(Unavailable.exit_code)


def look() -> list[Check]:
    """Every check of this process's settings. Without settings that can be read there is nothing more to look at."""
    try:
        config = settings()
    except Refused as problem:
        wrong = "; ".join(f"{finding.where}: {finding.message}" for finding in problem.findings)
        return [_check("python", _python), Check("settings", ERROR, wrong, "mend or unset these environment variables")]
    from cardpipe.wiring import Shop

    house = Shop(config)
    premises = Premises(house)
    checks: dict[str, Callable[[], Found]] = {
        "python": _python,
        "settings": _settings,
        **premises.checks,
        "fonts": partial(_fonts, house),
        "designs": partial(_designs, house),
        "press": partial(_press, house),
        "mailing": partial(_mailing, house),
        "delivery": partial(_delivery, house),
        "houses": partial(_houses, house),
        "darkroom": partial(_darkroom, house),
        "celery": partial(_celery, config),
    }
    try:
        return [_check(name, check) for name, check in checks.items()]
    finally:
        premises.close()
        house.close()


def _check(name: str, check: Callable[[], Found]) -> Check:
    """One check; whatever it raises is its finding. A foreign error's words may hold a password: its kind is told."""
    try:
        return Check(name, *check())
    except CardpipeError as problem:
        first = problem.findings[0] if problem.findings else None
        more = f" ({first.where}: {first.message})" if first else ""
        return Check(name, ERROR, f"{problem}{more}", first.remedy if first else "")
    except OSError as problem:
        what = problem.strerror or type(problem).__name__
        return Check(name, ERROR, f"{what}: {problem.filename or 'no file named'}", "mend this first")
    except Exception as problem:
        return Check(name, ERROR, f"failed with {type(problem).__name__}", "install cardpipe anew: make setup")


def _python() -> Found:
    return OK, f"{'.'.join(map(str, sys.version_info[:3]))}, {os.cpu_count()} processors", ""


def _settings() -> Found:
    known = {f"CARDPIPE_{name.upper()}" for name in Settings.model_fields}
    given = sorted(name for name in os.environ if name.upper().startswith("CARDPIPE_"))
    strange = [name for name in given if name.upper() not in known and not name.startswith("CARDPIPE_TEST_")]
    if strange:
        near = difflib.get_close_matches(strange[0].upper(), known, 1)
        return WARNING, f"no setting is called {', '.join(strange)}", f"did you mean {near[0]}?" if near else "unset it"
    return OK, f"from the environment: {', '.join(given) or 'nothing, all as it comes'}", ""


def _fonts(house: Shop) -> Found:
    house.catalog.printed()
    return OK, f"{len(house.catalog.fonts.folders)} fonts, of which hands: {', '.join(house.catalog.hands())}", ""


def _designs(house: Shop) -> Found:
    names, bad = house.catalog.designs(), []
    for name in names:
        try:
            house.catalog.hand(house.catalog.design(name).design.hand)
        except CardpipeError as problem:
            bad.append(f"{name}: {problem.findings[0].message if problem.findings else problem}")
    if bad:
        return ERROR, f"{len(bad)} of {len(names)} cannot be used: {'; '.join(bad)}", "run 'cardpipe design check'"
    if not names:
        return (
            ERROR,
            f"there are none in {house.settings.designs}",
            "set CARDPIPE_DESIGNS to the folder that holds them",
        )
    return OK, f"{len(names)} load", ""


def _press(house: Shop) -> Found:
    press, carrier = house.catalog.press(house.press), house.catalog.carrier(house.carrier)
    profile = house.catalog.profile(press.profile)
    if profile[36:40] != b"acsp":
        return ERROR, f"{press.profile} is no ICC profile", "install cardpipe anew: make setup"
    return OK, f"press {press.name} with {press.profile}, carrier {carrier.name}", ""


def _mailing(house: Shop) -> Found:
    mailing, carrier = house.catalog.mailing(), house.catalog.carrier(house.carrier)
    findings = carrier.judge_mailing(mailing)
    told = f"{carrier.title}: {mailing.postage}, addresses {mailing.address_style}, presort {mailing.presort}"
    if not findings:
        return OK, told, ""
    level = ERROR if has_errors(findings) else WARNING
    return level, f"{told}; {findings[0].where}: {findings[0].message}", findings[0].remedy


def _delivery(house: Shop) -> Found:
    """Whether the place can be understood; nobody is called."""
    if not house.settings.delivery:
        return OK, "no place is set: 'batch release' asks for --out or --to", ""
    return _reachable(house, house.settings.delivery)


def _houses(house: Shop) -> Found:
    """Whether each house's place can be understood, and the post takes what it prints; nobody is called."""
    told, carrier = [], house.catalog.carrier(house.carrier)
    for each in house.catalog.houses():
        level, what, remedy = _reachable(house, each.delivery) if each.delivery else (OK, "files are fetched", "")
        if level is not OK:
            return level, f"{each.name}: {what}", remedy
        if findings := carrier.judge_mailing(each.mailing, f"houses.toml {each.name}.mailing") if each.mailing else []:
            level = ERROR if has_errors(findings) else WARNING
            return level, f"{findings[0].where}: {findings[0].message}", findings[0].remedy
        told.append(f"{each.name} on {each.press}: {what}")
    return OK, "; ".join(told) or "one, which prints everything", ""


def _reachable(house: Shop, place: str) -> Found:
    address = house.delivery(place).address
    needed = {
        "CARDPIPE_SFTP_KEY": house.settings.sftp_key,
        "CARDPIPE_SFTP_KNOWN_HOSTS": house.settings.sftp_known_hosts,
    }
    wrong = [name for name, path in needed.items() if path is None or not path.is_file()]
    if address.startswith("sftp:") and wrong:
        return ERROR, f"{address} needs {' and '.join(wrong)}", "name the files: our private key, the house's host keys"
    return OK, address, ""


def _darkroom(house: Shop) -> Found:
    from cardpipe.prepress.photo import PhotoOrder

    began = time.monotonic()
    made = house.darkroom.develop(_tiny_picture(), PhotoOrder(7.2, 7.2, min_ppi=72))
    if not made.jpeg.startswith(b"\xff\xd8\xff"):
        return ERROR, "gave no JPEG", "install cardpipe anew: make setup"
    return OK, f"started and developed a picture in {time.monotonic() - began:.1f} s", ""


def _celery(config: Settings) -> Found:
    if not config.data.is_dir():  # importing the app makes the queue's folder
        import_module("cardpipe.worker.folder")
        return OK, "its transport was imported", ""
    app = import_module("cardpipe.worker.app")
    return OK, f"imported, queues {', '.join(app.QUEUES)}", ""


def _tiny_picture() -> bytes:
    """A PNG of 64 by 64 pixels, grey from left to right."""
    rows = b"".join(b"\0" + bytes(range(0, 256, 4)) for _ in range(64))
    made = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        made += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return made
