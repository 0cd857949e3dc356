"""``cardpipe design gallery``: every design on one page to look through, and on a contact sheet to print."""

from __future__ import annotations

from pathlib import Path

from cardpipe.cli import designs, show
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding
from cardpipe.pipeline.gallery import Exhibit, exhibit
from cardpipe.prepress import gallerypage, proof
from cardpipe.prepress.canvas import Document, Picture
from cardpipe.prepress.gallerypage import Entry, View
from cardpipe.wiring import shop

PAGE, SHEET, PICTURES = "index.html", "contact-sheet.pdf", "pictures"
_ROW = 118.0  # points, of a row of the contact sheet
_A_ROW = 2  # designs
_BACK = 0.5  # a folded card's back shows little, and stands smaller
_SHOWS = {"front": "front", "inside": "inside, with a message", "back": "back"}


def gallery(names: list[str], out: Path, as_json: bool) -> None:
    """Write the page, its pictures and the contact sheet; exit 2 when a design cannot be shown."""
    house = shop()
    shown: list[Exhibit] = []
    bad: list[designs.Verdict] = []
    try:
        for name in designs.chosen(house, names):
            try:
                shown.append(exhibit(house, name))
            except Refused as problem:
                bad.append(designs.Verdict(name, list[Finding](problem.findings)))
        lettering = house.catalog.printed().data
    finally:
        house.close()
    files = written_files(shown, lettering)
    paths = designs.write(out, files)
    designs.tell(bad)
    value = {
        "page": str(out / PAGE),
        "sheet": str(out / SHEET),
        "designs": [item.design.name for item in shown],
        "refused": [verdict.name for verdict in bad],
        "files": paths,
    }
    show.data(value, as_json, f"{out / PAGE}\n{out / SHEET}")
    if bad:
        raise SystemExit(Refused.exit_code)


def written_files(shown: list[Exhibit], lettering: bytes) -> dict[str, bytes]:
    """All files of a gallery by their path in its folder; the same designs give the same bytes."""
    files: dict[str, bytes] = {}
    entries = []
    for item in shown:
        views = []
        for what, pixels in item.pictures.items():
            path = f"{PICTURES}/{item.design.name}-{what}.jpg"
            files[path] = proof.jpeg(pixels)
            folded = "inside" in item.pictures
            shows = _SHOWS[what] if folded or what == "front" else "back, with a message"
            scale = _BACK if what == "back" and folded else 1.0
            views.append(View(path, shows, pixels.shape[1], pixels.shape[0], scale))
        entries.append(Entry(item.design.name, item.design.title, item.design.occasions[0], views, limits(item)))
    files[SHEET] = sheet(shown, entries, lettering)
    files[PAGE] = gallerypage.page(entries).encode()
    return files


def limits(item: Exhibit) -> list[tuple[str, str]]:
    """What an order with this design must know."""
    design = item.design
    photos = [frame.photo + ("" if frame.required else " (may be missing)") for frame in design.photos]
    others = [hand for hand in item.hands if hand != design.hand]
    rows = [
        ("Format", item.format),
        ("Photos", ", ".join(photos) if photos else "none"),
        ("Message", f"at most about {item.characters // 10 * 10} characters in {design.hand}"),
        ("Other hands that write its longest specimen", ", ".join(others) if others else "none"),
    ]
    if design.occasions[1:]:
        rows.append(("Also for", ", ".join(gallerypage.spoken(name).lower() for name in design.occasions[1:])))
    return [*rows, ("Drawn by", f"{', '.join(design.authors)}; {design.license}; version {design.version}")]


def sheet(shown: list[Exhibit], entries: list[Entry], lettering: bytes) -> bytes:
    """The contact sheet: fronts and insides in rows, in the order of the page."""
    order = [entry.name for group in gallerypage.by_occasion(entries).values() for entry in group]
    ranked = sorted(shown, key=lambda item: order.index(item.design.name))
    page = Document("Card designs", lettering, footer="Card designs")
    occasions = len({entry.occasion for entry in entries})
    page.masthead(
        "Contact sheet", "Card designs", f"for {occasions} occasions, in their order", str(len(shown)), "designs"
    )
    for start in range(0, len(ranked), _A_ROW):
        row = []
        for item in ranked[start : start + _A_ROW]:
            told = f"{gallerypage.spoken(item.design.occasions[0])}: {item.design.name}, {item.design.format}"
            views = [item.pictures[what] for what in item.pictures if what != "back" or "inside" not in item.pictures]
            captions = [item.design.title, told]
            row += [Picture(proof.png(view), text) for view, text in zip(views, captions, strict=True)]
        page.pictures(row, _ROW)
        page.space(6)
    return page.finish()
