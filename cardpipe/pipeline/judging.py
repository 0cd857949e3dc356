"""Judging a design as a whole: frames, art, every specimen printed and inspected, every hand tried in its frame.

It is judged for the press on which its format is printed: art that another one takes may be refused here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import Finding, error, has_errors, note
from cardpipe.pipeline import specimen
from cardpipe.pipeline.output import judge_output, saved
from cardpipe.ports import DesignSource, Shop
from cardpipe.prepress import artlook, card, frames
from cardpipe.prepress.pdf import art_parts
from cardpipe.prepress.raster import opened
from cardpipe.prepress.typeset import Hand, Layout


@dataclass(frozen=True, slots=True)
class Judged:
    """A design's verdict: its specimens as pieces, and everything that was found."""

    source: DesignSource
    bench: specimen.Bench
    shown: list[specimen.Shown]
    findings: list[Finding]


def judge(shop: Shop, name: str) -> Judged | list[Finding]:
    """Everything about one design; only findings where it cannot even be loaded."""
    try:
        source = shop.catalog.design(name)
    except Refused as problem:
        return list(problem.findings)
    bench = specimen.Bench(shop, source.format.name)
    findings = [*source.remarks, *frames.judge(source.design, source.format)]
    art = _once(_art(source) + judge_output(source, shop.catalog.press(bench.press).output))
    findings += art if has_errors(art) else [*art, *_looks(source)]
    shown: list[specimen.Shown] = []
    if source.design.hand not in shop.catalog.hands():
        known = ", ".join(shop.catalog.hands())
        where = f"designs/{name}/design.toml hand"
        findings.append(error("design.hand", where, f"there is no hand {source.design.hand!r}", f"choose of {known}"))
    else:
        shown = [specimen.show(bench, source, item) for item in source.design.specimen]
        findings += _once([finding for item in shown for finding in item.findings])
        pieces = [item.piece for item in shown if item.piece is not None]
        if pieces and not has_errors(art):
            findings += specimen.preflight(bench, source, pieces)
    findings += _hands(shop, source)
    return Judged(source, bench, shown, findings)


def _art(source: DesignSource) -> list[Finding]:
    """Each side as the form that a batch shares."""
    found: list[Finding] = []
    for side in source.format.sides:
        where = f"designs/{source.design.name}/{saved(source, side)}"
        try:
            art_parts(source.files[f"{side}.pdf"], source.format.media, where)
        except Refused as problem:
            found += problem.findings
    return found


def _looks(source: DesignSource) -> list[Finding]:
    """Each side as its reader sees it."""
    found: list[Finding] = []
    for side in source.format.sides:
        where = f"designs/{source.design.name}/{saved(source, side)}"
        with suppress(Bug), opened(source.files[f"{side}.pdf"]) as document:  # unreadable art is told by preflight
            page = document.pixels(0, artlook.PPI)
            found += artlook.look(page, source.design, source.format, side, where)
    return found


def _hands(shop: Shop, source: DesignSource) -> list[Finding]:
    """Every hand writes the shortest specimen; that one does not write the longest is worth knowing."""
    design = source.design
    ordered = sorted(design.specimen, key=lambda item: len(item.message))
    shortest, longest = ordered[0], ordered[-1]
    room = design.one("signature") is not None
    where = f"designs/{design.name}/design.toml message"
    found, tight = [], []
    for name in shop.catalog.hands():
        chain = shop.catalog.hand(name)
        hand = Hand(name, tuple(font.face for font in chain))
        short = card.fit_message(design, hand, shortest.message, room)
        if not isinstance(short, Layout):
            found += [
                replace(item, code="design.hand.short", where=where,
                        message=f"hand {name}, specimen {shortest.name}: {item.message}")
                for item in short
            ]  # fmt: skip
        elif not isinstance(card.fit_message(design, hand, longest.message, room), Layout):
            tight.append(name)
    if tight:
        what = f"specimen {longest.name} ({len(longest.message.split())} words) does not fit in hand {', '.join(tight)}"
        found.append(note("design.hand.long", where, what))
    return found


def _once(findings: list[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))
