"""Handing a bundle over, wherever to: complete or not at all, and provable afterwards (print.md section 7).

Each file is written as ``.NAME.….part``, synced, read back and compared, then renamed; ``BUNDLE.done`` comes last, so
whoever waits for it never sees half a bundle. The same bundle again changes nothing; another content under an old
name, and another revision of the same cards in the same place, are refused before anything is written.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from cardpipe.delivery.place import CHUNK, Kind, Place, Seen, read_some
from cardpipe.model.batch import BatchFile, Bundle
from cardpipe.model.errors import Bug, Conflict, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import canonical

_LONGEST_NOTE = 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
#: ``20261121_CP_A7_B01_0212pc_v1``: the day's batch, then what an eject changes, and a remake's run if it is one.
_BATCH = re.compile(r"(?P<cards>.+_B\d{2,})_(?P<revision>\d{4,}pc_v\d+)(_R\d{2,})?")
_AWAY = "ask the house what became of it; then move the old folder away, or give another target"


def hand_over(root: Place, bundle: Bundle, open_file: Callable[[str], BinaryIO]) -> None:
    """Bring a bundle into its folder below ``root``. Raises Conflict with every finding before anything is changed."""
    _judge_names(bundle)
    findings = _other_revisions(root, bundle)
    there: set[str] = set()
    answered = {name.lower() for name in root.names()}
    seen = root.look(bundle.name)
    if seen and seen.kind is not Kind.FOLDER:
        findings.append(_no_file(bundle.name, seen, "folder"))
    elif seen:
        with root.enter(bundle.name) as folder:
            there = _compare(folder, bundle, findings)
            answered |= {name.lower() for name in folder.names()}
    done = done_name(bundle)
    if done not in there and f"{bundle.name}.ack".lower() in answered:
        message = "the house has already accepted a delivery of this name, but no .done says which content it had"
        remedy = "ask the house; if they have it, nothing is to be sent again; if not, remove the .ack"
        findings.append(error("delivery.already_answered", f"{bundle.name}.ack", message, remedy))
    if findings:
        raise Conflict(f"{root.address} cannot take {bundle.name}; nothing was overwritten or added", findings)
    if done in there:
        return  # what the house has taken out since must not come a second time
    root.make(bundle.name)
    with root.enter(bundle.name) as folder:
        for name in folder.names():
            if name.startswith(f".{bundle.name}") and name.endswith(".part"):
                folder.remove(name)  # of a delivery that was killed
        for item in bundle.files:
            if item.name in there:
                folder.keep(item.name)
            else:
                with open_file(item.sha256) as source:
                    _put(folder, item, _pieces(source, item.name))
        folder.sync()
        note = done_note(bundle)
        _put(folder, BatchFile(done, hashlib.sha256(note).hexdigest(), len(note)), [note])


def done_name(bundle: Bundle) -> str:
    """The file that says: all of it is here."""
    return f"{bundle.name}.done"


def done_note(bundle: Bundle) -> bytes:
    """What ``BUNDLE.done`` says: every file with its size and digest, so that a receiver can check without us, and the
    control totals. One spelling: the same bundle gives the same bytes."""
    return canonical(_note(bundle)) + b"\n"


def _note(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name, "batch": bundle.batch, "revision": bundle.revision, "run": bundle.run,
        "pieces": bundle.pieces, "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in bundle.files],
    }  # fmt: skip


def _judge_names(bundle: Bundle) -> None:
    names = [bundle.name, done_name(bundle), *(item.name for item in bundle.files)]
    if not all(_PLAIN.fullmatch(name) for name in names) or len(set(names)) < len(names) or not bundle.files:
        raise Bug(f"the files of bundle {bundle.name!r} have names that cannot be delivered")


def _no_file(name: str, seen: Seen, wanted: str) -> Finding:
    what = "a link, which is never followed," if seen.kind is Kind.LINK else f"no {wanted}"
    return error("delivery.no_" + wanted, name, f"{what} lies under this name", _AWAY)


def _other_revisions(root: Place, bundle: Bundle) -> list[Finding]:
    """Both revisions complete in one place: both could be printed, and with them every card twice."""
    ours = _BATCH.fullmatch(bundle.batch)
    if not ours:
        return []
    findings = []
    for name in sorted(root.names()):
        folder = name[:-4] if name.lower().endswith(".ack") else name
        other = _BATCH.fullmatch(folder)
        if not other or other["cards"] != ours["cards"] or other["revision"] == ours["revision"]:
            continue
        if folder == name and not _is_done(root, folder):
            continue
        message = "another revision of the same cards was delivered here; both could be printed"
        remedy = "have the house destroy it and confirm, then move it (and its .ack) away and deliver again"
        findings.append(error("delivery.other_revision", name, message, remedy))
    return findings


def _is_done(root: Place, folder: str) -> bool:
    seen = root.look(folder)
    if not seen or seen.kind is not Kind.FOLDER:
        return False
    with root.enter(folder) as inside:
        return inside.look(f"{folder}.done") is not None


def _compare(folder: Place, bundle: Bundle, findings: list[Finding]) -> set[str]:
    """The names that lie there with just our content; whatever else lies in the way is added to the findings."""
    there, done = set(), done_name(bundle)
    for item in (*bundle.files, BatchFile(done, "", 0)):
        seen = folder.look(item.name)
        if seen is None:
            continue
        if seen.kind is not Kind.FILE:
            findings.append(_no_file(item.name, seen, "file"))
        elif not (_says_the_same(folder, bundle) if item.name == done else _holds(folder, item, seen)):
            what = "speaks of another content" if item.name == done else "another content lies under this name"
            findings.append(error("delivery.other_content", item.name, what, _AWAY))
        else:
            there.add(item.name)
    if done not in there:
        ours = {item.name for item in bundle.files}
        for name in sorted(set(folder.names()) - ours):
            if name.lower().endswith(".pdf") and not name.startswith("."):
                message = "a PDF that is not of this bundle lies in its folder, and could be printed with it"
                findings.append(error("delivery.stray_file", name, message, _AWAY))
    return there


def _says_the_same(folder: Place, bundle: Bundle) -> bool:
    """Whether the ``.done`` speaks of this very content. Notes of the first release had neither name nor run."""
    try:
        said = json.loads(read_some(folder, done_name(bundle), _LONGEST_NOTE))
    except ValueError:
        return False
    return isinstance(said, dict) and {"name": said.get("batch"), "run": 0, **said} == _note(bundle)


def _holds(place: Place, item: BatchFile, seen: Seen | None = None) -> bool:
    """Whether that name holds that content, read in full."""
    if seen and seen.size != item.size:
        return False
    digest, size = hashlib.sha256(), 0
    for chunk in place.read(item.name):
        digest.update(chunk)
        size += len(chunk)
    return (size, digest.hexdigest()) == (item.size, item.sha256)


def _put(folder: Place, item: BatchFile, chunks: Iterable[bytes]) -> None:
    """One file: written beside its name, compared on the way in and once more as it lies there, then renamed."""
    # a name of this attempt alone: of two deliveries at once, neither may rename the other's half file
    part = f".{item.name}.{secrets.token_hex(4)}.part"
    try:
        digest, size = hashlib.sha256(), 0

        def passing() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        folder.write(part, passing())
        if (size, digest.hexdigest()) != (item.size, item.sha256):
            raise Bug(f"{item.name}: its artifact was changed on the disk; restore it. Nothing of it was handed over")
        if not _holds(folder, BatchFile(part, item.sha256, item.size)):
            message = f"{item.name} does not read back as it was written"
            found = error("delivery.read_back", item.name, message, "check that disk, then deliver again")
            raise Unavailable(f"{message}; nothing half-written was left under its name", [found])
        try:
            folder.publish(part, item.name)
        except FileExistsError:  # somebody was faster
            seen = folder.look(item.name)
            if not seen or seen.kind is not Kind.FILE or not _holds(folder, item, seen):
                found = error("delivery.other_content", item.name, "another content came under this name", _AWAY)
                raise Conflict(f"{folder.address} is being filled by somebody else; look at it", [found]) from None
            folder.remove(part)
        folder.sync()
    except BaseException:
        with suppress(OSError):
            folder.remove(part)
        raise


def _pieces(source: BinaryIO, name: str) -> Iterator[bytes]:
    """The artifact's bytes. That our own disk cannot be read is not the target's fault."""
    while True:
        try:
            chunk = source.read(CHUNK)
        except OSError as problem:
            raise Unavailable(f"The artifact of {name} could not be read: {problem.strerror}.") from problem
        if not chunk:
            return
        yield chunk
