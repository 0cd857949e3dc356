"""A batch: pieces for one format, stock, carrier and mail date, that go to press together in mail order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cardpipe.model.errors import Bug
from cardpipe.model.order import Scope
from cardpipe.model.status import BatchState

_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HOUSE_CODE = "CP"
#: The target of a batch that was brought nowhere: whoever prints it fetches its files.
BY_DOWNLOAD = "download:"


class Group(NamedTuple):
    """What the pieces of one batch share: format, press, carrier and stock by name; ``digest`` of all that is pinned of
    format, press and way of posting; and the house that prints it, where it is one of several (else empty). Pieces and
    batches carry it as text, its parts joined by ``|``, which stands in no name."""

    format: str = ""
    press: str = ""
    carrier: str = ""
    stock: str = ""
    digest: str = ""
    house: str = ""

    @classmethod
    def read(cls, text: str) -> Group:
        """From its text; parts that are not there are empty, as in a group from before there were several houses."""
        return cls(*text.split("|")[: len(cls._fields)])

    @property
    def text(self) -> str:
        """As it is stored: without a house as it always was."""
        return "|".join(self if self.house else self[:-1])

    @property
    def kind(self) -> Group:
        """What it is by name alone: groups of one kind look alike to people."""
        return self._replace(digest="")


@dataclass(frozen=True, slots=True)
class BatchFile:
    """One finished file: its final name, SHA-256 and size in bytes. The bytes lie in the artifacts."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is delivered together into one folder of the house: a batch, or a remake of some of its pieces (``run`` from
    1). ``name`` is the folder's name and stands in every file's; ``files`` are in the order of delivery."""

    name: str
    batch: str
    revision: int
    run: int
    pieces: int
    files: tuple[BatchFile, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as stored. ``number`` is unique in a data folder for ever and stands in every match code;
    ``of_day`` counts the batches of one mail date and stands in the name. ``pieces`` is how many its files hold (it
    stands in the name, so a withdrawal after the release leaves it), ``gathered`` how many the batch was first made of:
    the difference was ejected. ``target`` is where it was or will be handed
    to, ``label_start`` the first free place (from 1) on a partly used sheet of labels."""

    id: str
    scope: Scope
    number: int
    mail_on: str
    of_day: int
    group: str
    format: str
    press: str
    carrier: str
    state: BatchState
    revision: int
    pieces: int
    files: tuple[BatchFile, ...] = ()
    held: str | None = None
    gathered: int = 0
    target: str | None = None
    label_start: int = 1

    @property
    def name(self) -> str:
        """``20261121_CP_A7_B01_0212pc_v1``: sorts by mail date, and stands in every file's name."""
        day = self.mail_on.replace("-", "")
        return f"{day}_{HOUSE_CODE}_{self.format}_B{self.of_day:02d}_{self.pieces:04d}pc_v{self.revision}"

    @property
    def house(self) -> str:
        """The house for which its pieces were composed, by name; empty where the shop lists none that takes them."""
        return Group.read(self.group).house

    @property
    def bundle(self) -> Bundle:
        """The batch as it is delivered."""
        return Bundle(self.name, self.name, self.revision, 0, self.pieces, self.files)


@dataclass(frozen=True, slots=True)
class Remake:
    """Pieces made again because the press or the inserter ruined them: never new pieces, the same cards once more.
    ``run`` counts the remakes of a batch from 1 and stands in the file names as R01; ``made`` says that its files are
    written and handed to the house."""

    id: str
    batch_id: str
    run: int
    seqs: tuple[int, ...]
    reason: str
    user: str
    at: str
    made: bool = False
    files: tuple[BatchFile, ...] = ()

    def bundle(self, batch: Batch) -> Bundle:
        """The remake as it is delivered."""
        name = remake_name(batch, self.run)
        return Bundle(name, batch.name, batch.revision, self.run, len(self.seqs), self.files)


def remake_name(batch: Batch, run: int) -> str:
    """``20261121_CP_A7_B01_0212pc_v1_R01``."""
    return f"{batch.name}_R{run:02d}"


def base36(number: int, width: int) -> str:
    """A number in upper-case base 36, padded with zeros. Raises Bug where it does not fit."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _BASE36[rest] + digits
    if len(digits) > width:
        raise Bug(f"number too large for {width} base-36 digits")
    return digits.rjust(width, "0")


def match_code(batch_number: int, seq: int, role: str) -> str:
    """``CP1`` + batch + sequence + role (O outside, I inside, E envelope): 14 characters, no personal data.

    Card and envelope differ only in the role, so the inserter compares characters 1 to 13 (print.md 5.2).
    """
    if role not in "OIE":
        raise Bug(f"no such role: {role}")
    return f"{HOUSE_CODE}1{base36(batch_number, 4)}{seq:06d}{role}"
