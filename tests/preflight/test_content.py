"""Cutting content streams: everything the syntax allows, and what it costs."""

from __future__ import annotations

import random
import time

import pikepdf
import pytest

from cardpipe.model.units import Box
from cardpipe.preflight import content
from cardpipe.preflight.content import PATH, SCRIPT, Operation, inline_dictionary, operations
from cardpipe.preflight.document import Damaged, Node
from cardpipe.preflight.sketch import Sketch
from cardpipe.preflight.survey import Survey
from cardpipe.preflight.walk import Walker


def names(data: bytes) -> list[bytes]:
    return [operator for operator, _ in operations(data)]


def test_runs_of_path_construction_become_one() -> None:
    assert names(b"q 1 0 0 1 5 5 cm 0 0 m 1 1 l 1 2 3 4 5 6 c 1 2 3 4 v 1 2 3 4 y h\nh f Q") == [
        b"q",
        b"cm",
        PATH,
        b"f",
        b"Q",
    ]


def test_operands_as_written() -> None:
    found = list(operations(b"/GS#301 gs -.5 +2 0 1.k[1 2]0 d/F1 9 Tf(a\\)(b)c)Tj<4 1>Tj[(x)-20(y)]TJ %k\n0 g"))
    assert found == [
        (b"gs", [b"/GS#301"]),
        (b"k", [b"-.5", b"+2", b"0", b"1."]),
        (b"d", [b"[", b"1", b"2", b"]", b"0"]),
        (b"Tf", [b"/F1", b"9"]),
        (b"Tj", [b"(a\\)(b)c)"]),
        (b"Tj", [b"<4 1>"]),
        (b"TJ", [b"[", b"(x)", b"-20", b"(y)", b"]"]),
        (b"g", [b"0"]),
    ]


def test_operators_in_strings_comments_and_images_are_none() -> None:
    assert names(b"(1 0 0 rg (nested 0 0 m)) Tj % 1 0 0 rg\nBI /W 8 /H 6 /IM true ID \xff EI Q EI\nQ") == [
        b"Tj",
        b"BI",
        b"Q",
    ]
    assert names(b"/Span << /ActualText (0 0 m) /A [1 2] >> BDC EMC") == [b"BDC", b"EMC"]


def test_an_inline_image_s_dictionary() -> None:
    ((_, tokens),) = operations(b"BI /Width 4 /H 2 /CS [/Indexed /RGB 0 <000000>] /F /Fl /IM false ID ab EI")
    assert inline_dictionary(tokens) == {
        "W": [b"4"],
        "H": [b"2"],
        "CS": [b"/Indexed", b"/RGB", b"0", b"<000000>"],
        "F": [b"/Fl"],
        "IM": [b"false"],
    }


@pytest.mark.parametrize("data", [b"(open", b"BI /W 1 ID abc", b"1 0 0", b"q ) Q", b"<zz> Tj"])
def test_what_is_torn_is_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        names(data)


def test_endless_operands_cost_neither_memory_nor_time() -> None:
    start = time.perf_counter()
    assert [len(operands) for _, operands in operations(b"1 " * 4_000_000 + b"k")] == [512]
    assert names(b"(" + b"\\a(b)" * 300_000 + b") Tj " + b"h " * 1_000_000) == [b"Tj", PATH]
    assert time.perf_counter() - start < 3


def handwriting(letters: int) -> bytes:
    rng = random.Random(7)
    parts = []
    for letter in range(letters):
        curves = "\n".join(" ".join(f"{rng.uniform(0, 500):.3f}" for _ in range(6)) + " c" for _ in range(9))
        parts.append(f"{letter % 300} 20.5 m\n{curves}\nh")
    return f"q 0 0 0 1 k\n{chr(10).join(parts)}\nf Q".encode()


def test_the_fast_cut_agrees_with_the_library_s() -> None:
    data = b"BT /F1 9 Tf 1 0 0 1 5 5 Tm [(a) 3 <42>] TJ ET " + handwriting(20) + b" 0 0 9 9 re W n /Im0 Do"
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.pages[0].Contents = pdf.make_stream(data)
        theirs = [str(item.operator).encode() for item in pikepdf.parse_content_stream(pdf.pages[0])]
    assert [name for name in theirs if name not in (b"m", b"c", b"h")] == [name for name in names(data) if name != PATH]


def test_a_page_of_handwriting_takes_milliseconds() -> None:
    """158 kB of outlines, 69 kB deflated. Measured 0.8 ms; the limit leaves room for a slow machine."""
    data = handwriting(350)
    assert len(data) > 150_000
    best = min(_seconds(data) for _ in range(5))
    assert best < 0.010


def _seconds(data: bytes) -> float:
    start = time.perf_counter()
    assert len(names(data)) == 5
    return time.perf_counter() - start


def script(letters: int, colour: str = "0 0 0 1 k", end: str = "\nQ") -> bytes:
    """Handwriting as the pages have it: every letter moved from where the one before it stood, and filled."""
    moved = "\n".join(f"1 0 0 1 {at} -3.5 cm\n0 {at} m\n1 2 3 4 5 6 c\n7 8 l\nh\nf" for at in range(letters))
    return f"q {colour} 1 0 0 1 40 50 cm\n0.01 0 0 0.01 0 0 cm\n{moved}{end}".encode()


def test_handwriting_is_one_step_where_nothing_comes_of_where_it_ends() -> None:
    told = list(operations(script(40) + b" 0 0 9 9 re f", scripts=True))
    assert [name for name, _ in told] == [b"q", b"k", b"cm", b"cm", SCRIPT, b"Q", b"re", b"f"]
    assert told[4][1] == [script(40)[script(40).index(b"\n1 0 0 1 0 ") : -2]]
    for end in ("\n0 0 9 9 re f Q", " S Q", "\n", "\nQx", "\n1 0 0 1 5 5 cm\n0 0 m f* Q", "\n1 0 0 1 5 5 cm\nf Q"):
        data = script(3, end=end)
        try:
            plain = list(operations(data))
        except Damaged:
            continue
        assert list(operations(data, scripts=True)) == plain, end


def unfolded(data: bytes) -> list[Operation]:
    """The operations with every script cut as it would have been."""
    found: list[Operation] = []
    for operator, operands in operations(data, scripts=True):
        found += operations(operands[0]) if operator is SCRIPT else [(operator, operands)]
    return found


def test_a_script_stands_for_the_very_operations_that_it_is_made_of() -> None:
    dice, seen = random.Random(11), 0
    words = [b"1 0 0 1 5 -5 cm", b"1 0 0 1 5.5 6 cm", b"1 0 0 1 5 cm", b"0 0 m", b"1 1 l", b"h", b"f", b"f", b"f*", b"q",
             b"Q", b"W n", b"1 0 0 1 5 5 cm\n0 0 m\n1 1 l\nf", b"1 0 0 1 5 5 cm\n0 0 m\n1 1 l\nh\nf", b"0 0 0 1 k",
             b"1 0 0 1 5 5 cm\n0 0 m\n1 1 l\nh\nf", b"1 0 0 1 5 5 cm\n0 0 m\n1 1 l\nh\nf", b"Q", b"Q",
             b"m5", b"(f Q)Tj", b"/A Do", b"%Q\n"]  # fmt: skip
    for _ in range(20_000):
        data = dice.choice([b"\n", b" ", b"\n", b"  "]).join(dice.choices(words, k=dice.randint(1, 14)))
        seen += any(operator is SCRIPT for operator, _ in operations(data, scripts=True))
        assert unfolded(data) == list(operations(data)), data
    assert seen > 200


def sketch(data: bytes) -> Sketch:
    with pikepdf.new() as pdf:
        spot = pdf.make_indirect(pikepdf.Object.parse(
            b"[/Separation /All /DeviceCMYK << /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [1 1 1 1] /N 1 >>]"
        ))  # fmt: skip
        resources = pikepdf.Dictionary(ColorSpace=pikepdf.Dictionary(CSAll=spot))
        walker = Walker(Survey(lambda kind, subject, label: None))
        return walker.page(data, (), Node(resources), Box(0, 0, 300, 300))


@pytest.mark.parametrize("colour", ["0 0 0 1 k", "1 0.5 0 0 k", "/CSAll cs 1 scn", "/CSAll cs 0 scn"])
@pytest.mark.parametrize("before", ["", "0 0 9 9 re W n ", "5 5 9 9 re ", "0 0 5 5 re W ", "3 3 m "])
def test_the_sketch_of_handwriting_is_that_of_its_letters(
    colour: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = script(12, f"{before}{colour}") + b" 1 0 0 rg 20 20 30 30 re f"
    quick = sketch(data)
    real = content.operations
    monkeypatch.setattr(content, "operations", lambda data, *, scripts=False: real(data))
    slow = sketch(data)
    for facts in ("stream", "paints", "strokes", "marks", "spaces", "registration", "transparent", "trouble"):
        assert getattr(quick, facts) == getattr(slow, facts), facts
    assert quick.paints
    if not before:
        assert bool(quick.registration) is ("cs 1" in colour)


def test_handwriting_without_an_end_is_looked_at_once() -> None:
    data = script(60_000, end="\n0 g")
    start = time.perf_counter()
    assert sum(1 for _ in operations(data, scripts=True)) == 60_000 * 3 + 5
    assert time.perf_counter() - start < 5
