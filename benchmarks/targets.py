"""The table: every figure beside its unit, and the targets with what was measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``least`` or ``most`` is its target, where it has one."""

    section: str
    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None
    remark: str = ""

    @property
    def met(self) -> bool | None:
        """None for a figure without a target."""
        if self.least is None and self.most is None:
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


def table(rows: list[Row]) -> str:
    """Plain text, one line a figure."""
    lines = []
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            lines += ["", section]
        goal = f">= {row.least:g}" if row.least is not None else f"<= {row.most:g}" if row.most is not None else ""
        verdict = {None: "", True: "met", False: "NOT MET"}[row.met]
        line = f"  {row.name:<46} {_figure(row.value):>9} {row.unit:<13} {goal:<8} {verdict:<8} {row.remark}"
        lines.append(line.rstrip())
    judged = [row.met for row in rows if row.met is not None]
    lines += ["", f"{sum(judged)} of {len(judged)} targets met"]
    return "\n".join(lines)


def _figure(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def compose_rows(told: dict[str, Any], own: dict[str, float], photo: int) -> list[Row]:
    """Composing beside its limit."""
    section = f"Compose, {told['pieces']} pieces, each after its limit (processor time unless 'wall' is said)"
    stages, whole = told["stages_ms"], sum(told["stages_ms"].values())
    rows = [
        Row(section, "limit: decode, Lanczos3, encode; nothing else", told["limit_ms"], "ms"),
        Row(section, "compose", told["compose_ms"], "ms a piece", remark=f"{told['compose_wall_ms']:.0f} ms wall"),
        Row(section, "compose", 1e3 / told["compose_ms"], "pieces/s/core"),
        Row(section, "share of the limit", told["share_of_limit"], "", least=0.8),
        Row(section, "everything but the photo", told["beside_photo_ms"], "ms a piece", most=20,
            remark=f"{told['beside_photo_wall_ms']:.0f} ms wall with its fsyncs"),
    ]  # fmt: skip
    for name, spent in stages.items():
        wall = f"  {told['store_wall_ms']:.1f} ms wall" if name == "store" else ""
        rows.append(Row(section, f"  {name}", spent, "ms a piece", remark=f"{100 * spent / whole:4.1f} %{wall}"))
    rows += [
        Row(section, "through the limited child, wall", told["darkroom_compose_wall_ms"], "ms a piece"),
        Row(section, "  share of the limit, wall", told["darkroom_share_of_limit"], "",
            remark=f"limit {told['darkroom_limit_wall_ms']:.0f} ms wall"),
        Row(section, "face search, once a photo without focus", own["face_search_ms"], "ms"),
        Row(section, "wide gamut to sRGB, once a photo", own["wide_gamut_ms"], "ms"),
        Row(section, "a sender's signature, once a worker", own["fresh_signature_ms"], "ms"),
        Row(section, "a piece's own bytes", (told["card_bytes"] + told["envelope_bytes"]) / 1e3, "kB"),
        Row(section, "  beside the photo", (told["card_bytes"] + told["envelope_bytes"] - photo) / 1e3, "kB", most=80),
    ]  # fmt: skip
    return rows


def merge_rows(told: list[dict[str, Any]], kind: str) -> list[Row]:
    """Merging at several sizes, and how time and memory grow between them."""
    section = f"Merge, {kind}"
    rows = []
    for one in told:
        way = ", fsync" if one["sync"] else ", with SHA-256" if one["digest"] else ""
        per = f"{one['bytes'] / one['pieces'] / 1e3:.0f} kB a piece, {one['mb_a_second']:.0f} MB/s"
        size = f"{one['pieces']:,} pieces{way}"
        rows.append(Row(section, size, one["per_second_and_core"], "pieces/s/core", remark=per))
        judged = kind.startswith("photo") and one["pieces"] >= 1000 and not one["digest"]
        against = f"  share of {'cat and SHA-256' if one['digest'] else 'cat'} of the same bytes"
        wall = f"{one['share_of_cat_wall']:.2f} by the wall"
        rows.append(Row(section, against, one["share_of_cat"], "", 0.5 if judged else None, remark=wall))
        rows.append(Row(section, "  share of cat of the fragments themselves", one["share_of_cat_of_fragments"], ""))
        before = f"{one['before_mb']:.0f} before"
        rows.append(Row(section, "  peak memory", one["peak_mb"], "MB", most=150, remark=before))
    plain = [one for one in told if not one["digest"]]
    if len(plain) > 1:
        growth = plain[-1]["ms_a_piece"] / plain[0]["ms_a_piece"]
        name = f"time a piece at {plain[-1]['pieces']:,} : at {plain[0]['pieces']:,}"
        rows.append(Row(section, name, growth, "", most=1.1))
    return rows


def close_rows(told: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[Row]:
    """Gather and impose, stage by stage."""
    rows = []
    for gathered, imposed in told:
        pieces = imposed["pieces"]
        section = f"Close, {pieces:,} pieces in files of 500"
        peak = f"peak {gathered['peak_mb']:.0f} MB"
        rows.append(Row(section, "gather", gathered["wall_ms"]["gather"], "ms wall", remark=peak))
        for name in ("impose", "merge", "prove", "preflight", "rows", "papers"):
            spent = imposed["cpu_ms"].get(name, 0.0)
            rows.append(Row(section, name if name == "impose" else f"  {name}", spent / pieces, "ms a piece"))
        pages = {"prove": 2, "preflight": 3}
        for name, each in pages.items():
            what = "code proved" if name == "prove" else "page inspected"
            rows.append(Row(section, f"  a {what}", imposed["cpu_ms"][name] / pieces / each, "ms"))
        grown = imposed["peak_mb"] - imposed["before_mb"]
        peak = f"peak {imposed['peak_mb']:.0f}"
        rows.append(Row(section, "memory above the baseline", grown, "MB", most=150, remark=peak))
    return rows
