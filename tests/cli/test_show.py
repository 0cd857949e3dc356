"""How findings are shown: every one to a program, equal ones once to a person."""

from __future__ import annotations

from cardpipe.cli import show
from cardpipe.model.finding import error, warning


def test_equal_findings_of_many_orders_are_one_row() -> None:
    same = warning("design.occasion", "design", "was made for birthday")
    other = error("address.city.missing", "recipient.city", "the city is missing", "fill it in")
    text = show.findings_table([*((f"R-{n}", same) for n in range(300)), ("R-7", other)])
    assert text.count("was made for birthday") == 1 and "and 298 more" in text and "R-1" in text and "R-299" not in text
    assert text.count("the city is missing") == 1 and "fill it in" in text


def test_nothing_from_outside_can_paint_on_the_terminal() -> None:
    text = show.findings_table([("R-1\x1b[31m", error("x.y", "message", "[bold]shout[/bold] \x1b]0;title\x07"))])
    assert "\x1b" not in text and "\x07" not in text and "[bold]shout[/bold]" in text
