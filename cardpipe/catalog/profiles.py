"""ICC profiles: those that ship with cardpipe, and those that the shop's own folder holds for its presses."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error

_HERE = Path(__file__).parent
MAX_BYTES = 10_000_000  # the largest in use have 2 to 3 MB
#: Tables from and to the press's colours, without which nothing can be converted (ICC.1:2010, 8.4).
_NEEDED = (b"A2B0", b"B2A0")
_HEADER = 128


@lru_cache(maxsize=8)
def shipped(name: str) -> bytes | None:
    """A profile that ships with cardpipe, by file name."""
    path = _HERE / name
    return path.read_bytes() if Path(name).name == name and path.suffix == ".icc" and path.is_file() else None


class Profiles:
    """Profiles by file name, each read once. The shop's are judged before they are given out."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._read: dict[str, bytes] = {}

    def judge(self, named: Mapping[str, str]) -> list[Finding]:
        """What is wrong with the profiles that presses name: where a name stands → the name."""
        findings: list[Finding] = []
        for where, name in named.items():
            try:
                data = self.get(name, where)
            except Refused as problem:
                findings += problem.findings
                continue
            own = self._folder / name if self._folder else None
            if shipped(name) is None:
                continue  # judged when it was read
            findings += judge_profile(data, where)
            if own and own.is_file() and own.stat().st_size <= MAX_BYTES and own.read_bytes() != data:
                what = f"{name} of the shop's own folder differs from the one that ships with cardpipe"
                findings.append(error("profile.name", where, what, "rename the file, and name it so in the press"))
        return findings

    def get(self, name: str, where: str = "profile") -> bytes:
        """The bytes of a profile. Raises Refused where there is none, or none that can be printed with."""
        if name not in self._read:
            found = shipped(name)
            self._read[name] = found if found is not None else self._own(name, where)
        return self._read[name]

    def _own(self, name: str, where: str) -> bytes:
        path = self._folder / name if self._folder and Path(name).name == name else None
        if path is None or not path.is_file():
            place = (
                f"nor in {self._folder}" if self._folder else "and no folder of the shop's own is set (CARDPIPE_SHOP)"
            )
            what = f"there is no profile {name!r} with cardpipe, {place}"
            raise Refused(what, [error("profile.missing", where, what, "put the .icc file there, or mend its name")])
        if path.stat().st_size > MAX_BYTES:
            what = f"{name} has more than {MAX_BYTES // 1_000_000} MB"
            raise Refused(what, [error("profile.large", where, what, "it holds something else")])
        data = path.read_bytes()
        findings = judge_profile(data, where)
        if findings:
            raise Refused(f"{name} cannot be printed with", findings)
        return data


def judge_profile(data: bytes, where: str) -> list[Finding]:
    """Whether these bytes are the ICC profile of a press that prints in CMYK: its header, and that its tables lie
    within it (ICC.1:2010, 7.2 and 7.3)."""
    remedy = "give the press's own .icc file: an output profile for CMYK"
    if len(data) < _HEADER + 4 or data[36:40] != b"acsp":
        return [error("profile.none", where, "is no ICC profile", remedy)]
    findings = []
    (size,) = struct.unpack_from(">I", data, 0)
    if size != len(data):
        findings.append(
            error("profile.cut", where, f"says that it has {size} bytes and has {len(data)}", "fetch the file again")
        )
    if data[12:16] != b"prtr":
        findings.append(error("profile.class", where, f"is of the class {_word(data[12:16])}, not prtr", remedy))
    if data[16:20] != b"CMYK":
        findings.append(error("profile.space", where, f"is for {_word(data[16:20])}, not CMYK", remedy))
    return findings or _judge_tags(data, where)


def _judge_tags(data: bytes, where: str) -> list[Finding]:
    (count,) = struct.unpack_from(">I", data, _HEADER)
    end = _HEADER + 4 + 12 * count
    if count > 1000 or end > len(data):
        return [error("profile.cut", where, "ends within its list of tables", "fetch the file again")]
    tags = {data[at : at + 4]: struct.unpack_from(">II", data, at + 4) for at in range(_HEADER + 4, end, 12)}
    lacking = [_word(tag) for tag in _NEEDED if tag not in tags]
    if lacking:
        what = f"has no table {', '.join(lacking)}"
        return [error("profile.tables", where, what, "give a profile that converts both ways")]
    if any(offset < end or offset + size > len(data) for offset, size in tags.values()):
        return [error("profile.cut", where, "has tables that lie outside of it", "fetch the file again")]
    return []


def _word(raw: bytes) -> str:
    return repr(raw.decode("ascii", "replace").strip())
