"""Cutting content streams: everything the syntax allows, and what it costs."""

from __future__ import annotations

import random
import time

import pikepdf
import pytest

from cardpipe.preflight.content import PATH, inline_dictionary, operations
from cardpipe.preflight.document import Damaged


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
