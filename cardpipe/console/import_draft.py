"""A file of orders between the steps of its import: its bytes lie in the artifacts, and a seal says whose it is.

The seal names the file, the person, the tenant and the mode, and is over after some hours; it is signed with the
installation's secret and stands in the form alone, never in an address. So nobody names a file that they did not send,
and none of another tenant. Bytes of which nothing becomes are rubbish two days later.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from cardpipe.console.visit import Visit
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.pipeline.glance import Glance, glance
from cardpipe.pipeline.table import KINDS, MAX_BYTES

MAX_ZIP = 2_000_000_000
#: Of the form around the file.
SLACK = 300_000
HOURS = 6
_LONGEST_NAME = 200
_CHUNK = 1 << 20
_SEAL = re.compile(r"(?P<digest>[0-9a-f]{64})\.(?P<until>[0-9]{1,12})\.(?P<mac>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that was sent and is not taken in yet. ``name`` is what its sender calls it, which may be personal."""

    digest: str
    name: str
    until: int
    seal: str = field(default="", repr=False)


def receive(visit: Visit) -> Draft:
    """Lay the file of a form down. Raises Refused for one that is none by its name or size, Unavailable where too much
    waits already."""
    sent = visit.file("file")
    if sent is None:
        raise Refused("No file was chosen.", [error("form.missing", "file", "is missing", "choose a file, or drop it")])
    name = plain_name(sent.filename or "")
    _judge(name, sent.size or 0)
    most = visit.house.settings.backlog
    if visit.house.store.backlog(most) >= most:
        why = error("shop.backlog", "shop", f"{most:,} steps are still to be done", "come again later")
        raise Unavailable("The shop has too much to do just now.", [why])
    hashed = hashlib.sha256()
    with visit.house.artifacts.write(visit.scope) as writer:
        while part := sent.file.read(_CHUNK):
            hashed.update(part)
            writer.write(part)
        # before the bytes lie there for good: whoever dies now leaves nothing that is never erased
        visit.house.store.foresee(visit.scope, [hashed.hexdigest()])
    return sealed(visit, hashed.hexdigest(), name)


def sealed(visit: Visit, digest: str, name: str) -> Draft:
    """A seal for the bytes under this digest: only for those that this person may name."""
    until = int(visit.house.clock.now().timestamp()) + HOURS * 3600
    return Draft(digest, name, until, f"{digest}.{until}.{_mac(visit, digest, name, until)}")


def opened(visit: Visit) -> Draft:
    """The draft that a form names. Raises Refused ``import.draft`` for another's, an invented one, one that is over."""
    seal, name = visit.form.get("draft", ""), plain_name(visit.form.get("name", ""))
    if (found := _SEAL.fullmatch(seal)) is not None:
        until = int(found["until"])
        good = hmac.compare_digest(found["mac"], _mac(visit, found["digest"], name, until))
        here = good and visit.house.clock.now().timestamp() <= until
        if here and visit.house.artifacts.has(visit.scope, found["digest"]):
            return Draft(found["digest"], name, until, seal)
    what = "is over, or was sent by somebody else or for another tenant"
    raise Refused("The file is not there any more.", [error("import.draft", "file", what, "choose the file again")])


def plain_name(name: str) -> str:
    """The last part of a name as the file's owner reads it."""
    return "".join(each for each in name.replace("\\", "/").rpartition("/")[2] if each.isprintable()).strip()


def _judge(name: str, size: int) -> None:
    ending = name.rpartition(".")[2].lower()
    if ending not in (*KINDS, "zip") or len(name) > _LONGEST_NAME:
        remedy = "name it .csv, .ndjson, .json or .vcf, or .zip for one of them with its pictures"
        found = error("import.name", "file", "names no file of orders by its ending", remedy)
        raise Refused("The file cannot be taken in.", [found])
    if size == 0:
        found = error("file.unusable", "file", "is empty", "check that it is the right file")
        raise Refused("The file is empty.", [found])
    most = MAX_ZIP if ending == "zip" else MAX_BYTES
    if size > most:
        found = error("file.unusable", "file", f"is larger than {most / 1e6:,.0f} MB", "divide it")
        raise Refused("The file is too large.", [found])


def _mac(visit: Visit, digest: str, name: str, until: int) -> str:
    said = json.dumps(["import draft", *visit.scope, visit.user.name, digest, name, until])
    return hmac.new(visit.house.secret, said.encode(), "sha256").hexdigest()


class Glances:
    """What was seen of the last files, in the memory of this process alone and not for long: a mapping is tried with
    every click, and the file is not read through each time."""

    MOST, SECONDS = 8, 900.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Scope, str, str], tuple[float, Glance]] = OrderedDict()

    def of(self, visit: Visit, digest: str, name: str) -> Glance:
        """Of a file that this visit may name. Raises Refused for one that cannot be used."""
        key = (visit.scope, digest, name)
        with self._lock:
            self._forget(lambda since: time.monotonic() - since > self.SECONDS)
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        with visit.house.artifacts.open(visit.scope, digest) as file:
            seen = glance(file, name)
        with self._lock:
            self._kept[key] = (time.monotonic(), seen)
            while len(self._kept) > self.MOST:
                self._kept.popitem(last=False)
        return seen

    def _forget(self, old: Callable[[float], bool]) -> None:
        for key in [key for key, (since, _) in self._kept.items() if old(since)]:
            del self._kept[key]
