"""Verify: a batch's finished files say what its manifest says. Needs nothing but the files: a house can run it, too.

Each match code is read off the pixels of its page, where the manifest says that it lies; addresses are copied out of a
sample; sizes, digests and totals are compared. Used while files are written, before a batch is released, and by
``cardpipe batch verify`` on a delivered folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, BinaryIO

from cardpipe.lettershop import envelope, manifest, proving
from cardpipe.lettershop.mailing import AddressStyle
from cardpipe.model.address import Address
from cardpipe.model.batch import Bundle
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error, has_errors
from cardpipe.model.units import Box

Open = Callable[[str], BinaryIO]
_CHUNK = 1 << 20
_UNREADABLE = "verify.file.unreadable"
_REMEDY = "do not print from this folder; export the batch again and compare"


def prove(open_file: Open, rows: Sequence[manifest.Row], origin: str, style: AddressStyle) -> None:
    """Raises Bug, with every finding, where a finished file contradicts the rows that were written with it."""
    findings = contradictions(open_file, rows, origin, style)
    if findings:
        raise Bug(f"{len(findings)} codes, addresses or page counts are wrong in a finished file", findings)


def contradictions(open_file: Open, rows: Sequence[manifest.Row], origin: str, style: AddressStyle) -> list[Finding]:
    """Every code that does not stand where the rows say, every address line that is missing in the sample, every
    page too many or too few."""
    findings: list[Finding] = []
    cards: dict[str, list[proving.Expected]] = {}
    covers: dict[str, list[proving.Expected]] = {}
    lines: dict[str, list[proving.Addressed]] = {}
    for row in rows:
        cards.setdefault(row.card_file, []).append(
            proving.Expected(row.card_code_page - 1, _box(row.card_code_at), row.match_code_card)
        )
        covers.setdefault(row.envelope_file, []).append(
            proving.Expected(
                row.envelope_page - 1, _box(row.envelope_code_at), row.match_code_envelope,
                row.imb_tracking, row.imb_routing, _box(row.imb_at) if row.imb_at else None,
            )
        )  # fmt: skip
        plain: AddressStyle = "ocr" if row.envelope_label else style
        printed = envelope.printed_lines(_address(row), origin, plain)
        lines.setdefault(row.envelope_file, []).append(proving.Addressed(row.envelope_page - 1, printed))
    for name, expected in [*cards.items(), *covers.items()]:
        pages = max(row.card_page_last for row in rows if row.card_file == name) if name in cards else max(
            row.envelope_page for row in rows if row.envelope_file == name
        )  # fmt: skip
        findings += _proved(open_file, name, partial(proving.prove, expected=expected, pages=pages))
    unreadable = {finding.where for finding in findings if finding.code == _UNREADABLE}
    for name, addressed in lines.items():
        if name not in unreadable:
            findings += _proved(open_file, name, partial(proving.prove_addresses, expected=addressed))
    return findings


def _proved(open_file: Open, name: str, prove: Callable[[BinaryIO], list[Finding]]) -> list[Finding]:
    """What a file contradicts, with its name; a file that does not open is said, and ends nothing."""
    try:
        with open_file(name) as source:
            found = prove(source)
    except Bug as problem:
        return [error(_UNREADABLE, name, str(problem), _REMEDY)]
    return [Finding(f.level, f.code, f"{name}, {f.where}", f.message, f.remedy or _REMEDY) for f in found]


def files(open_file: Open, bundle: Bundle) -> list[Finding]:
    """All that is wrong with the finished files of a bundle, wherever ``open_file`` finds them by name."""
    note = {
        "run": bundle.run,
        "pieces": bundle.pieces,
        "files": [{"name": file.name, "sha256": file.sha256, "size": file.size} for file in bundle.files],
    }
    return _papers(open_file, bundle.name, note, {file.name for file in bundle.files})


def folder(open_file: Open, names: Iterable[str]) -> tuple[str, list[Finding]]:
    """A delivered folder: its batch, and all that is wrong. ``names`` are the files in it.

    Raises Refused where it is no delivered folder at all, so that nothing can be said.
    """
    present = {name for name in names if not name.startswith(".")}
    notes = sorted(name for name in present if name.endswith(".done"))
    if len(notes) != 1:
        what = "has no .done: its delivery did not end" if not notes else f"has {len(notes)} .done files"
        raise Refused(f"the folder {what}", [error("verify.done", "folder", what, "deliver the batch again")])
    note = _json(open_file, notes[0])
    files = note.get("files")
    if not isinstance(files, list) or not all(isinstance(f, dict) and isinstance(f.get("name"), str) for f in files):
        raise Refused("its .done cannot be read", [error("verify.done", notes[0], "names no files", _REMEDY)])
    findings = [finding for file in files for finding in _bytes(open_file, file, present)]
    listed = {file["name"] for file in files} | {notes[0]}
    findings += [
        error("verify.file.extra", name, "is no file of this delivery", "take it out: nobody knows what it is")
        for name in sorted(present - listed)
        if not name.endswith((".ack", ".nak"))
    ]
    name = str(note.get("name", ""))
    if not has_errors(findings):
        findings += _papers(open_file, name, note, listed)
    return name, findings


def _papers(open_file: Open, name: str, note: dict[str, Any], listed: set[str]) -> list[Finding]:
    wanted = [f"{name}_{paper}" for paper in ("MANIFEST.csv", "MANIFEST.json", "TICKET.json", "SHA256SUMS")]
    missing = [error("verify.file.missing", paper, "is not part of the delivery", _REMEDY)
               for paper in wanted if paper not in listed]  # fmt: skip
    if missing:
        return missing
    as_csv, as_json, _, sums = (_read(open_file, paper) for paper in wanted)
    ticket = _json(open_file, wanted[2])
    rows, about = manifest.read_json(as_json)
    findings = manifest.reconcile(as_csv, as_json, whole=not note.get("run"))
    counts = {"the .done": note.get("pieces"), "the ticket": ticket.get("quantity"), "the rows": len(rows)}
    if len(set(counts.values())) != 1:
        said = ", ".join(f"{who} {count}" for who, count in counts.items())
        findings.append(error("verify.quantity", name, f"the number of pieces differs: {said}", _REMEDY))
    summed = {line.partition("  ")[2]: line.partition("  ")[0] for line in sums.decode(errors="replace").splitlines()}
    for file in note["files"]:
        if file["name"] != wanted[3] and summed.get(file["name"]) != file["sha256"]:
            findings.append(error("verify.sums", file["name"], "has another digest in SHA256SUMS", _REMEDY))
    used = {row.card_file for row in rows} | {row.envelope_file for row in rows}
    unknown = sorted(used - listed)
    findings += [error("verify.file.missing", file, "is named by the manifest only", _REMEDY) for file in unknown]
    if findings or not rows:
        return findings or [error("verify.empty", name, "has no pieces", _REMEDY)]
    return contradictions(open_file, rows, str(about["origin"]), about["address_style"])


def _bytes(open_file: Open, file: dict[str, Any], present: set[str]) -> list[Finding]:
    name = file["name"]
    if name not in present:
        return [error("verify.file.missing", name, "is not in the folder", _REMEDY)]
    seen, size = hashlib.sha256(), 0
    with open_file(name) as source:
        while data := source.read(_CHUNK):
            seen.update(data)
            size += len(data)
    if seen.hexdigest() != file.get("sha256") or size != file.get("size"):
        return [error("verify.file.changed", name, "is not what was delivered", _REMEDY)]
    return []


def _box(text: str) -> Box:
    try:
        return manifest.placed(text)
    except ValueError:
        raise Refused(
            "the manifest is none of ours",
            [error("manifest.unreadable", "card_code_at", f"{text[:40]!r} is no place on a page", _REMEDY)],
        ) from None


def _address(row: manifest.Row) -> Address:
    return Address(
        name=row.name, company=row.company, street=row.street, street2=row.street2, city=row.city, state=row.state,
        postcode=row.postcode, country=row.country,
    )  # fmt: skip


def _read(open_file: Open, name: str) -> bytes:
    with open_file(name) as source:
        return source.read()


def _json(open_file: Open, name: str) -> dict[str, Any]:
    try:
        value = json.loads(_read(open_file, name))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused("a paper of the folder cannot be read", [error(_UNREADABLE, name, "is no JSON", _REMEDY)])
    return value
