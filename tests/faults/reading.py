"""The proof of a drill, read from the finished files alone, page by page, as a stranger with a camera would.

Codes and photos are decoded off the pixels. Addresses are copied out as text. Handwriting is drawn and cannot be copied,
so each message page is compared, pixel for pixel, with the page that the order's own words give in a quiet shop beside,
which knows nothing of the drill: what the customer last ordered goes in, no database, no queue and no batch in between.
That these pages are all different is looked at as well, so that one cannot stand for another.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import zxingcpp

from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.model.status import PieceState
from cardpipe.model.tenant import Tenant
from cardpipe.pipeline import compose, pinned, verify
from cardpipe.pipeline.accept import Terms, prepare
from cardpipe.prepress.fragment import Fragment
from cardpipe.prepress.merge import Merge
from cardpipe.prepress.xmp import Stamp
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.faults.placing import Wish

_CHUNK = 25
_FORMATS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.DataMatrix, zxingcpp.BarcodeFormat.QRCode])


@dataclass(frozen=True)
class Seen:
    """One card and its envelope as they lie in a delivered folder. ``row`` is what the manifest says of it."""

    tenant: str
    folder: str
    row: dict[str, str]
    card: tuple[str, ...]  # match codes on its two pages
    photos: tuple[str, ...]
    envelope: tuple[str, ...]
    text: str
    look: str  # the digest of its message page's pixels


@dataclass(frozen=True)
class Folder:
    """A delivered folder: its cards, and what is wrong with it as a whole."""

    seen: tuple[Seen, ...]
    wrong: tuple[str, ...]
    pages: int


def read(folders: Iterable[tuple[str, Path]], hands: int = 2) -> list[Folder]:
    """Every page of every folder, each given with its tenant."""
    with ProcessPoolExecutor(hands) as pool:
        return list(pool.map(_read, *zip(*folders, strict=True))) if (folders := list(folders)) else []


def looks(wishes: list[Wish], mail_on: str, hands: int = 2) -> dict[int, str]:
    """What each order's message page must look like, by its number."""
    chunks = [wishes[place : place + _CHUNK] for place in range(0, len(wishes), _CHUNK)]
    with ProcessPoolExecutor(hands) as pool:
        return {number: look for part in pool.map(_looks, chunks, [mail_on] * len(chunks)) for number, look in part}


def judge(wishes: list[Wish], folders: list[Folder], expected: dict[int, str], attention: set[str]) -> list[str]:
    """Everything that is not as it must be. ``attention``: ids of orders that a person must look at."""
    wrong = [line for folder in folders for line in folder.wrong]
    by_reference = {(wish.tenant, wish.reference): wish for wish in wishes if wish.mode == "live"}
    printed: Counter[tuple[str, str]] = Counter()
    seen_codes: Counter[str] = Counter()
    for seen in (seen for folder in folders for seen in folder.seen):
        about = f"{seen.tenant}/{seen.row['reference']} in {seen.folder}"
        printed[seen.tenant, seen.row["reference"]] += 1
        wish = by_reference.get((seen.tenant, seen.row["reference"]))
        if wish is None:
            wrong.append(f"{about}: a card that nobody ordered")
            continue
        card, cover = seen.row["match_code_card"], seen.row["match_code_envelope"]
        seen_codes.update((card, cover))
        if (seen.card, seen.envelope) != ((card,), (cover,)) or card[:-1] != cover[:-1]:
            wrong.append(f"{about}: codes {seen.card} and {seen.envelope}, the manifest says {card} and {cover}")
        if seen.photos != ((wish.says,) if wish.photo else ()):
            wrong.append(f"{about}: shows the photo {seen.photos}, not {wish.says if wish.photo else 'none'}")
        if wish.name.upper() not in " ".join(seen.text.upper().split()):
            wrong.append(f"{about}: its envelope is addressed to somebody else")
        if seen.look != expected[wish.number]:
            whose = [number for number, look in expected.items() if look == seen.look]
            wrong.append(
                f"{about}: its message is not that of order {wish.number}, revision {wish.version}, but of {whose}"
            )
    wrong += [f"the code {code} stands on {times} things" for code, times in seen_codes.items() if times > 1]
    wrong += [f"{' '.join(which)} is printed {times} times" for which, times in printed.items() if times > 1]
    for wish in wishes:
        wanted = wish.fate == "printed" and wish.id not in attention
        found = printed[wish.tenant, wish.reference] if wish.mode == "live" else 0
        if wanted and not found:
            wrong.append(f"{wish.tenant}/{wish.reference} ({wish.kind}) is lost: accepted, and in no batch")
        elif found and not wanted:
            wrong.append(f"{wish.tenant}/{wish.reference} ({wish.kind}) is printed, though it is {wish.fate}")
    return wrong


def _read(tenant: str, folder: Path) -> Folder:
    name, findings = verify.folder(lambda name: (folder / name).open("rb"), [path.name for path in folder.iterdir()])
    wrong = [f"{tenant}/{folder.name}: {f.where}: {f.message}" for f in findings]
    documents = {path.name: pdfium.PdfDocument(path) for path in folder.glob("*.pdf")}
    rows = list(csv.DictReader(io.StringIO((folder / f"{name}_MANIFEST.csv").read_text())))
    claimed: Counter[tuple[str, int]] = Counter()
    seen = []
    for row in rows:
        cards = [documents[row["card_file"]][int(row[n]) - 1] for n in ("card_page_first", "card_page_last")]
        cover = documents[row["envelope_file"]][int(row["envelope_page"]) - 1]
        claimed.update((row["card_file"], int(row[n])) for n in ("card_page_first", "card_page_last"))
        claimed[row["envelope_file"], int(row["envelope_page"])] += 1
        codes, photos = _decoded(*cards)
        seen.append(
            Seen(tenant, folder.name, row, codes, photos, _decoded(cover)[0],
                 cover.get_textpage().get_text_bounded(), _look(cards[1]))
        )  # fmt: skip
    if twice := [place for place, times in claimed.items() if times > 1]:
        wrong.append(f"{tenant}/{folder.name}: pages that two cards share: {twice}")
    pages = sum(len(documents[name]) for name in {name for name, _ in claimed})
    if pages != len(claimed):
        wrong.append(f"{tenant}/{folder.name}: {pages - len(claimed)} pages that no manifest knows")
    return Folder(tuple(seen), tuple(wrong), pages)


def _decoded(*pages: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The match codes, and what the photos say."""
    codes, photos = [], []
    for page in pages:
        pixels = np.ascontiguousarray(page.render(scale=200 / 72).to_numpy()[:, :, :3])
        for found in zxingcpp.read_barcodes(pixels, formats=_FORMATS):
            if found.format == zxingcpp.BarcodeFormat.DataMatrix:
                codes.append(found.text)
            elif (
                found.format == zxingcpp.BarcodeFormat.QRCode
            ):  # in a photo's corner it also sees a Micro QR now and then
                photos.append(found.text)
    return tuple(codes), tuple(photos)


def _look(page: Any) -> str:
    return hashlib.sha256(page.render(scale=1.0).to_numpy().tobytes()).hexdigest()


@cache
def _quiet_shop() -> tuple[Shop, tempfile.TemporaryDirectory[str]]:
    """A shop of this process's own; nothing of the drill's is known to it."""
    folder = tempfile.TemporaryDirectory(prefix="quiet-")
    return Shop(Settings(data=Path(folder.name), database_url="", artifacts_url="")), folder


def _looks(wishes: list[Wish], mail_on: str) -> list[tuple[int, str]]:
    shop, _ = _quiet_shop()
    merges: dict[tuple[str, str], tuple[Merge, io.BytesIO, list[int]]] = {}
    for wish in wishes:
        scope = Scope(wish.tenant, wish.mode)
        under = Terms(Tenant(name=wish.tenant), shop.clock.now(), b"nobody needs it here")
        made = prepare(shop, scope, wish.body(mail_on, "its photo"), lambda *_: wish.picture(), under)  # noqa: B023
        assert made.new is not None, made.findings
        made.lay_down(shop, scope)
        new = made.new
        piece = Piece("pce_quiet", scope, "ord_quiet", new.reference, PieceState.COMPOSING, new.mail_on, new.group,
                      new.sort_key, new.spec)  # fmt: skip
        card = shop.artifacts.get(scope, compose.make(shop, piece).card)
        design = (wish.tenant, new.design)
        if design not in merges:
            press, sink = pinned.press(new.spec), io.BytesIO()
            stamp = Stamp("quiet", mail_on, new.spec["profile"], press.condition, press.condition_info, "Simplex",
                          output=press.output)  # fmt: skip
            merges[design] = Merge(sink, pinned.shared(shop, scope, new.spec), stamp), sink, []
        merge, _, numbers = merges[design]
        merge.add(Fragment(io.BytesIO(card)), lambda page, slot: ())
        numbers.append(wish.number)
    found = []
    for merge, sink, numbers in merges.values():
        merge.finish()
        pages = pdfium.PdfDocument(sink.getvalue())
        found += [(number, _look(pages[2 * place + 1])) for place, number in enumerate(numbers)]
    return found
