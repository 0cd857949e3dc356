"""Records: where each piece begins and ends in a print file, and by what it is found again (PDF/VT-1, ISO 16612-2).

A press that reads them prints record 17 again without being told pages; any other sees a plain PDF/X-4. The tree has
two levels, the batch and its records (ISO 32000-2, 14.12), and memory holds one number a record.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cardpipe.model.errors import Bug
from cardpipe.prepress.writer import Writer
from cardpipe.prepress.xmp import literal

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # an XML name in plain letters
_MOST = 2**31 - 1  # ISO 32000-1, annex C


@dataclass(frozen=True, slots=True)
class Record:
    """What a press may know of a piece: its sequence, postal code, design, inserts, match code; never a name and never
    an address, which would travel to the press floor (that is the caller's duty).

    Keys are XML names; values are texts, whole numbers or rows of texts. Raises Bug for anything else.
    """

    values: Mapping[str, str | int | Sequence[str]]

    def __post_init__(self) -> None:
        kept = {key: tuple(value) if isinstance(value, list) else value for key, value in self.values.items()}
        object.__setattr__(self, "values", MappingProxyType(kept))
        self.written()

    def written(self) -> str:
        """The entries of a dictionary, in the order given."""
        return " ".join(f"{_key(key)} {_value(key, value)}" for key, value in self.values.items())


class RecordTree:
    """The records of one file. Use: ``begin`` before a piece's pages, ``end`` after them, ``finish``."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._root, self._batch = writer.number(), writer.number()
        self._leaves = array("Q")

    def begin(self) -> str:
        """A new record; the entry by which its pages point to it."""
        self._leaves.append(self._writer.number())
        return f" /DPart {self._leaves[-1]} 0 R"

    def end(self, record: Record, first: int, last: int) -> None:
        """Write the record over the pages with these object numbers."""
        until = f" /End {last} 0 R" if last != first else ""
        self._writer.object(
            self._leaves[-1],
            [
                f"<< /Type /DPart /Parent {self._batch} 0 R /Start {first} 0 R{until} "
                f"/DPM << /Cardpipe << {record.written()} >> >> >>"
            ],
        )

    def finish(self) -> str:
        """Write the tree above the records; the catalog's entry for it. ``/DParts`` is an array of arrays."""
        leaves = " ".join(f"{leaf} 0 R" for leaf in self._leaves)
        root, batch = self._root, self._batch
        self._writer.object(batch, [f"<< /Type /DPart /Parent {root} 0 R /DParts [[{leaves}]] >>"])
        names = "/RecordLevel 1 /NodeNameList [/Batch /Record]"
        self._writer.object(root, [f"<< /Type /DPartRoot /DPartRootNode {batch} 0 R {names} >>"])
        return f" /DPartRoot {root} 0 R"


def _key(key: str) -> str:
    if not _NAME.fullmatch(key):
        raise Bug(f"a record's key {key[:40]!r} is no XML name")
    return f"/{key}"


def _value(key: str, value: object) -> str:
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST:
        return str(value)
    if isinstance(value, tuple) and all(isinstance(part, str) for part in value):
        return f"[{' '.join(literal(part) for part in value)}]"
    raise Bug(f"a record's {key} is neither text, nor a whole number, nor a row of texts")
