"""``cardpipe hand specimens`` and ``hand compare``: every letter of a hand on a page, and how alike it writes twice."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

from cardpipe.catalog.fonts import Fonts
from cardpipe.cli import show
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.prepress import raster, showing
from cardpipe.prepress.hand import STRENGTHS, Writing, write
from cardpipe.prepress.sameness import Sameness, alphabet, compare, in_common
from cardpipe.prepress.typeset import Layout, TextFrame, fit
from cardpipe.wiring import shop

MESSAGE = """Dear Marisol,

Thank you so much for letting us stay. The porch was the best part, and I keep telling people about the peaches. We \
left the blue bowl on the shelf by the door, and the dog has not forgiven us for leaving.

Come and see us in spring. There is room, and there will be soup.

June"""
WORDS = "Dear Zoë, thank you for the porch and the peaches."
_FRAME = (246.0, 318.0)  # points, so that two stand side by side
_PRINTED = "arimo"
_PROFILE = "sRGB.icc"
_PPI = 110


def specimens(names: list[str], out: Path, as_json: bool) -> None:
    """A page for each hand with every letter, and one with all of them: a PDF, and a PNG a page."""
    house = shop()
    fonts = house.catalog.fonts
    chosen = names or fonts.names("hand")
    printed = fonts.face(_PRINTED)
    chains = {name: fonts.chain(name)[0].settings for name in chosen}
    hands = {name: fonts.hand(name) for name in chosen}
    heights = [chains[name].default_x_height for name in chosen]
    pages = {"hands": showing.overview([hands[name] for name in chosen], WORDS, printed, heights)}
    for name, settings in chains.items():
        facts = [
            f"{settings.licence}, {settings.source}; x-height {settings.x_height}, "
            f"{'joined' if settings.joined else 'unjoined'}; helped out by {', '.join(settings.fallback)}",
            *([settings.note.split(". ")[0].rstrip(".") + "."] if settings.note else []),
            *(f"Not written by it: {fault.characters} ({fault.why})." for fault in settings.faults),
        ]
        pages[name] = showing.specimen(
            hands[name], settings.title, facts, MESSAGE, printed, settings.default_x_height
        )  # fmt: skip
    pdf = showing.as_pdf(pages.values(), printed, house.catalog.profile(_PROFILE), "hands")
    written = _written(out, "hands.pdf", pdf, [f"{name}.png" for name in pages])
    show.data({"written": [str(path) for path in written]}, as_json, "\n".join(map(str, written)))


def measure(name: str, out: Path | None, as_json: bool) -> None:
    """How alike one hand writes one message twice, at each strength of its disorder; with ``out``, a sheet that shows
    it. The foot of the scale is what its letters have in common with those of the other hands."""
    house = shop()
    fonts = house.catalog.fonts
    layout = laid(fonts, name)
    pairs = {strength: (write(layout, b"one", strength), write(layout, b"another", strength)) for strength in STRENGTHS}
    found = {strength: compare(layout, *pair) for strength, pair in pairs.items()}
    foot = others(fonts, name, layout, pairs["none"][0])
    rows = [(strength, *_shares(same)) for strength, same in found.items()]
    told = show.table(("strength", "letters", "twins", "page"), rows, title=f"{name}: how alike two writings are")
    plain = f"{told}\nletters of other hands have {foot:.1%} in common with it"
    if out is not None:
        printed = fonts.face(_PRINTED)
        sheet = [
            showing.comparison(name, strength, layout, pairs[strength], found[strength], foot, printed)
            for strength in STRENGTHS
        ]
        pdf = showing.as_pdf(sheet, printed, house.catalog.profile(_PROFILE), f"{name} compared")
        pictures = [f"{name}-{strength}.png" for strength in STRENGTHS]
        plain += "\n" + "\n".join(map(str, _written(out, f"{name}-compared.pdf", pdf, pictures)))
    value = {
        strength: {"letters": same.letters, "twins": same.twins, "page": same.page, "counted": same.counted}
        for strength, same in found.items()
    }
    show.data({"hand": name, "others": foot, "strengths": value}, as_json, plain)


def laid(fonts: Fonts, name: str) -> Layout:
    """The message as this hand sets it. Raises Refused for an unknown hand, and for one that cannot write it."""
    made = fit(fonts.hand(name), MESSAGE, TextFrame(*_FRAME, 8.0, 4.0, 3.5))
    if isinstance(made, list):
        raise Refused(f"{name} cannot write the message that hands are compared by", made)
    return made


def others(fonts: Fonts, name: str, layout: Layout, writing: Writing) -> float:
    """What the letters of this hand have in common with the same letters of the others, on average. Raises Refused
    where there is no other."""
    mine, shares = alphabet(layout, writing), list[float]()
    for other in fonts.names("hand"):
        if other != name:
            theirs = laid(fonts, other)
            shares.append(in_common(mine, alphabet(theirs, write(theirs, b"one", "none"))))
    if not shares:
        remedy = "add another hand to the folder of fonts"
        raise Refused("it cannot be compared", [error("hand.alone", "NAME", f"{name} is the only hand", remedy)])
    return fmean(shares)


def _shares(same: Sameness) -> tuple[str, str, str]:
    return f"{same.letters:.1%}", "-" if same.twins is None else f"{same.twins:.1%}", f"{same.page:.1%}"


def _written(folder: Path, file: str, pdf: bytes, names: list[str]) -> list[Path]:
    """The PDF and its pages as PNGs. Raises Unavailable where the folder cannot be written."""
    with raster.opened(pdf) as document:
        files = {file: pdf, **{name: document.png(page, _PPI) for page, name in enumerate(names)}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as problem:
        what = f"cannot be written: {problem.strerror}"
        raise Unavailable(f"{folder} {what}", [error("out.folder", "--out", what, "name another folder")]) from None
    return [folder / name for name in files]
