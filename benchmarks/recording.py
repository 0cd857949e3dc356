"""Recorded pieces: a few real orders are accepted and composed once; every simulated order is a copy of one of them.

The copy has a reference, a place in mail order and digests of its own, as a real one has, and the recorded one's words,
address and fragments: what is merged, proved and inspected is real. ``RecordedArtifacts`` gives a recorded fragment for
each of the digests that were made up; the bytes lie on the disk once, however many orders lean on them.
"""

from __future__ import annotations

import hashlib
import pickle
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import material
from season import Wanted

from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed
from cardpipe.pipeline import compose
from cardpipe.pipeline.accept import accept, prepare, terms
from cardpipe.ports import NewOrder
from cardpipe.storage.artifacts import FolderArtifacts
from cardpipe.wiring import Shop

#: Where the recorded pieces and all that they lean on lie.
RECORDED = Scope("recorded")
#: (design, occasion, press, house): formats of three sizes, three presses, two houses of which one prints on two of
#: them and both on one, one kind in three with a photo.
KINDS = (
    ("birthday-confetti", "birthday", "digital-coated", "north"),
    ("congratulations-bravo", "congratulations", "digital-coated", "south"),
    ("get-well-kettle", "get-well", "digital-coated", "north"),
    ("birthday-confetti", "birthday", "digital-13x19", "north"),
    ("sympathy-still", "sympathy", "digital-labels", "south"),
    ("congratulations-bravo", "congratulations", "digital-13x19", "north"),
)
EACH = 3  # recorded pieces of each kind


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded order with what composing made of it."""

    new: NewOrder
    card: str
    envelope: str
    card_bytes: int
    envelope_bytes: int


def forget(data: Path) -> None:
    """Remove what was recorded in that folder."""
    for name in ("recording", RECORDED.tenant):
        shutil.rmtree(data / name, ignore_errors=True)
    (data / "recorded.pickle").unlink(missing_ok=True)


def record(data: Path, kinds: int, say: Any) -> list[list[Recorded]]:
    """The recorded pieces by kind; made once for a folder, and read from it afterwards."""
    kept = data / "recorded.pickle"
    if kept.exists():
        return pickle.loads(kept.read_bytes())[:kinds]  # type: ignore[no-any-return]  # noqa: S301  # our own
    given, made = material.pictures(), []
    with material.opened_shop(data / "recording") as shop:
        for place, (design, occasion, press, house) in enumerate(KINDS):
            say(f"recording {EACH} pieces of {design} for {house} on {press}")
            _only(shop, house, press)
            made.append([_one(shop, place, n, design, occasion, given) for n in range(EACH)])
    (data / "recording" / "artifacts" / "local").rename(data / "recorded")
    kept.write_bytes(pickle.dumps(made))
    return made[:kinds]


def _only(shop: Shop, house: str, press: str) -> None:
    """One house that takes everything: what is recorded now is routed there as any order is."""
    folder = shop.settings.data.parent / "houses" / f"{house}-{press}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "houses.toml").write_text(f'[{house}]\npress = "{press}"\n', encoding="utf-8")
    shop.settings = shop.settings.model_copy(update={"shop": folder})
    vars(shop).pop("catalog", None)


def _one(shop: Shop, kind: int, number: int, design: str, occasion: str, given: dict[str, bytes]) -> Recorded:
    verdict = accept(shop, shop.scope, order(kind, number, design, occasion), lambda ref, _: given[ref], material.DAY)
    if verdict.order is None:
        raise SystemExit(f"an order to be recorded was refused: {[str(f) for f in verdict.findings]}")
    stored, piece = verdict.order, verdict.order.pieces[0]
    made = compose.make(shop, piece)
    new = NewOrder(
        RECORDED, stored.reference, stored.request_digest, stored.request, piece.spec, stored.occasion, stored.design,
        stored.mail_on, piece.group, piece.sort_key, metadata={"contact": "C-0", "source": "season"},
    )  # fmt: skip
    return Recorded(new, made.card, made.envelope, made.card_bytes, made.envelope_bytes)


def order(kind: int, number: int, design: str, occasion: str) -> dict[str, Any]:
    """An order of that kind as a CRM sends it."""
    photo = design.startswith("congratulations")
    row = material.order(number, with_photo=photo)
    words = f"{row['message'].split('.')[0]}. Warmly, from all of us."
    return {**row, "reference": f"rec-{kind}-{number}", "design": design, "occasion": occasion, "message": words,
            "sender": {**row["sender"]}, "metadata": {"contact": f"C-{number}", "source": "season"}}  # fmt: skip


def copied(wanted: Wanted, recorded: list[list[Recorded]], pieces_per_file: int | None) -> NewOrder:
    """The order as it would be stored: of its own in all that the database and the merge tell pieces apart by."""
    pattern = recorded[wanted.kind][which_of(wanted, recorded)].new
    digest = hashlib.sha256(wanted.reference.encode()).hexdigest()
    spec = {**pattern.spec, "tenant": wanted.tenant, "reference": wanted.reference, "mail_on": wanted.mail_on,
            "recorded": [wanted.kind, which_of(wanted, recorded)]}  # fmt: skip
    if pieces_per_file:
        spec["press"] = {**spec["press"], "pieces_per_file": pieces_per_file}
    return replace(
        pattern, scope=Scope(wanted.tenant), reference=wanted.reference, request_digest=digest, spec=spec,
        request={**pattern.request, "reference": wanted.reference}, mail_on=wanted.mail_on,
        sort_key=f"{pattern.sort_key}{wanted.dice % 10**9:09d}", natural_key=f"n1:{digest[:40]}", lane=wanted.lane,
        metadata={"contact": f"C-{wanted.dice % 10**7}", "source": "season"},
        pictures=(_made_up("d", digest),) if spec["photos"] else (),
    )  # fmt: skip


def which_of(wanted: Wanted, recorded: list[list[Recorded]]) -> int:
    """Of which recorded piece of its kind an order is a copy."""
    return wanted.dice % len(recorded[wanted.kind])


def composed(reference: str, kind: int, which: int, recorded: list[list[Recorded]]) -> Composed:
    """What composing leaves of that order: digests of its own, which lead to the recorded bytes."""
    one, digest = recorded[kind][which], hashlib.sha256(reference.encode()).hexdigest()
    mark = f"{kind:02d}{which:02d}"
    return Composed(
        _made_up(f"ca{mark}", digest), _made_up(f"eb{mark}", digest), one.card_bytes, one.envelope_bytes
    )  # fmt: skip


def _made_up(mark: str, digest: str) -> str:
    """A digest that no real bytes have, beginning with eight noughts and the mark."""
    return f"00000000{mark}{digest}"[:64]


class RecordedArtifacts(FolderArtifacts):
    """A folder of artifacts in which every made-up digest leads to the recorded fragment, and what recorded pieces lean
    on (art, fonts, profiles) lies with every tenant."""

    def __init__(self, root: Path, recorded_in: Path, recorded: list[list[Recorded]]) -> None:
        super().__init__(root)
        self._recorded = FolderArtifacts(recorded_in)
        self._fragments = recorded

    def open(self, scope: Scope, digest: str) -> BinaryIO:
        if digest.startswith("00000000") and digest[8:10] in ("ca", "eb"):
            one = self._fragments[int(digest[10:12])][int(digest[12:14])]
            return self._recorded.open(RECORDED, one.card if digest[8:10] == "ca" else one.envelope)
        if super().has(scope, digest):
            return super().open(scope, digest)
        return self._recorded.open(RECORDED, digest)


def judge_one(shop: Shop, tenant: str, number: int, given: dict[str, bytes]) -> None:
    """What accepting judges of one order, by the real ``prepare``: without a photo, nothing stored."""
    design, occasion, *_ = KINDS[0]
    data = order(0, number, design, occasion) | {"reference": f"judge-{number}"}
    scope = Scope(tenant)
    made = prepare(shop, scope, data, lambda ref, _: given[ref], terms(shop, scope, ""))
    if made.new is None:
        raise SystemExit(f"an order was refused: {[str(f) for f in made.findings]}")
