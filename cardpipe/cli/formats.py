"""``cardpipe format``: what cards there are, and a sheet by which an operator tries out how one turns and folds."""

from __future__ import annotations

from pathlib import Path

from cardpipe.cli import show
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.model.units import Size, to_inch
from cardpipe.pipeline import routing
from cardpipe.prepress import tumble
from cardpipe.prepress.format import Format
from cardpipe.wiring import shop

_FOLDS = {"side": "at the side", "top": "at the top", "none": "flat"}


def list_formats(as_json: bool) -> None:
    """Every format with its trim, envelope and weight, and what the shop's carrier says of it as a letter."""
    house = shop()
    carrier = house.catalog.carrier(house.carrier)
    found = [(format, carrier.judge_shape(format)) for _, format in sorted(house.catalog.formats().items())]
    table = show.table(
        ("format", "title", "folds", "trim, in", "envelope, in", "flip", "weight", f"by {carrier.name}"),
        [_row(format, findings) for format, findings in found],
    )
    value = {"carrier": carrier.name, "formats": [_value(format, findings) for format, findings in found]}
    show.data(value, as_json, table)


def sheet(name: str, out: Path) -> None:
    """Write the fold-and-tumble check of a format into a folder. Raises Refused for an unknown format, Unavailable
    where the folder cannot be written."""
    house = shop()
    formats = house.catalog.formats()
    if name not in formats:
        what = f"there is no format {name!r}"
        raise Refused(what, [error("format.unknown", "NAME", what, f"one of: {', '.join(sorted(formats))}")])
    format, press = formats[name], routing.route(house, name).press
    data = tumble.write(format, press, house.catalog.printed().face, house.catalog.profile(press.profile))
    path = out / f"{name}_TUMBLE.pdf"
    try:
        out.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.part")
        half.write_bytes(data)
        half.replace(path)
    except OSError as problem:
        what = f"cannot be written: {problem.strerror}"
        raise Unavailable(
            f"{path} {what}", [error("format.sheet", str(path), what, "give a folder that can be written")]
        ) from None
    words = "cut, fold it: every arrow points up" if format.fold != "none" else "cut it: every arrow points up"
    show.words(f"print both pages on one sheet at 100 %, flip on the {tumble.flip(format)}; {words}")
    show.data(None, False, str(path))


def _row(format: Format, findings: list[Finding]) -> tuple[str, ...]:
    said = "\n".join(f"{finding.level}: {finding.message}" for finding in findings)
    return (
        format.name, format.title, _FOLDS[format.fold], _inches(format.trim),
        f"{format.envelope_name}  {_inches(format.envelope)}", tumble.flip(format), f"{format.weight_g:.1f} g",
        said or "a letter",
    )  # fmt: skip


def _value(format: Format, findings: list[Finding]) -> dict[str, object]:
    """A format as JSON; lengths in points, as everywhere."""
    return {
        **format.as_dict(),
        "flat": {"width": format.flat.width, "height": format.flat.height},
        "duplex": format.duplex,
        "weight_g": round(format.weight_g, 2),
        "thickness_mm": round(format.thickness_mm, 3),
        "findings": [finding.as_dict() for finding in findings],
    }


def _inches(size: Size) -> str:
    return f"{to_inch(size.width):.4g} x {to_inch(size.height):.4g}"
