"""Text in frames: what fits, how lines end, and what is refused with which numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardpipe.catalog.fonts import Fonts, load_fonts
from cardpipe.model.finding import Finding
from cardpipe.model.units import mm
from cardpipe.prepress.breaking import Atom, break_lines, fewest_lines
from cardpipe.prepress.hand import write
from cardpipe.prepress.typeset import Layout, Printed, TextFrame, fit, set_printed
from cardpipe.prepress.wording import clean

FONTS = load_fonts(Path(__file__).parents[2] / "fonts")
HANDS = FONTS.names("hand")
FRAME = TextFrame(280, 345, mm(2.9), mm(2.1))
MESSAGE = (Path(__file__).parent / "message.txt").read_text(encoding="utf-8")


@pytest.fixture
def fonts() -> Fonts:
    return FONTS


def laid(hand: str, text: str, frame: TextFrame = FRAME) -> Layout:
    made = fit(FONTS.hand(hand), text, frame)
    assert isinstance(made, Layout), made
    return made


def refused(hand: str, text: str, frame: TextFrame = FRAME) -> list[Finding]:
    made = fit(FONTS.hand(hand), text, frame)
    assert isinstance(made, list)
    return made


def lines(layout: Layout) -> list[str]:
    """The lines as read: words with a space between them wherever there is white."""
    out = []
    for line in layout.lines:
        text, end = "", 0.0
        for left, word in line.words:
            text += (" " if text and left - end > 0.05 * layout.x_height else "") + word.text
            end = left + word.width * layout.x_height
        out.append(text)
    return out


@pytest.mark.parametrize("hand", HANDS)
def test_sixty_words_fit_a_card_in_every_hand(hand: str) -> None:
    layout = laid(hand, MESSAGE)
    assert FRAME.smallest <= layout.x_height <= FRAME.largest
    assert 0 < layout.bottom < layout.top < FRAME.height
    assert 10 <= len(layout.lines) <= 14
    for line in layout.lines:
        left, word = line.words[-1]
        assert line.words[0][0] > 0
        assert left + word.width * layout.x_height < FRAME.width
    assert "".join(lines(layout)).replace(" ", "") == "".join(MESSAGE.split())


@pytest.mark.parametrize("hand", HANDS)
def test_no_paragraph_ends_in_a_lone_word(hand: str) -> None:
    for width in range(180, 340, 20):
        made = fit(FONTS.hand(hand), MESSAGE.split("\n\n")[1], TextFrame(width, 900, 8, 8))
        assert isinstance(made, Layout)
        assert len(made.lines[-1].words) > 1, (hand, width, lines(made))


def test_the_largest_size_that_fits_is_taken() -> None:
    short = laid("caveat", "Thank you!")
    assert short.x_height == FRAME.largest
    tall = laid("caveat", MESSAGE, TextFrame(280, 600, mm(2.9), mm(2.1)))
    small = laid("caveat", MESSAGE, TextFrame(280, 320, mm(2.9), mm(2.1)))
    assert tall.x_height == FRAME.largest > small.x_height
    bigger = TextFrame(280, 320, small.x_height + 0.1, small.x_height + 0.1)
    assert refused("caveat", MESSAGE, bigger)[0].code == "message.too_long"


def test_line_breaks_stay_and_a_blank_line_is_a_gap() -> None:
    layout = laid("zeyada", "Dear Ann,\n\nthank you.\r\nYours,\nBob\n\n")
    assert lines(layout) == ["Dear Ann,", "thank you.", "Yours,", "Bob"]
    first, second, third, fourth = (line.baseline for line in layout.lines)
    pitch = FRAME.leading * layout.x_height
    assert second - third == pytest.approx(pitch) == third - fourth
    assert first - second == pytest.approx(1.55 * pitch)


def test_centred_and_middle() -> None:
    layout = laid(
        "caveat", "Thank you\nso much for the flowers", TextFrame(280, 345, 8, 8, align="center", valign="middle")
    )
    for line in layout.lines:
        left, word = line.words[-1]
        assert line.words[0][0] == pytest.approx(280 - left - word.width * 8, abs=5)
    assert layout.top - 345 / 2 == pytest.approx(345 / 2 - layout.bottom, abs=0.01)


def test_too_long_says_by_how_much() -> None:
    (finding,) = refused("caveat", MESSAGE * 3)
    assert finding.code == "message.too_long" and finding.where == "message"
    assert "2.10 mm" in finding.message and "too many" in finding.message
    over = int(finding.remedy.split("about ")[1].split()[0])
    words = (MESSAGE * 3).replace("\n\n", "\n").split(" ")
    while over > 0:
        over -= len(words.pop()) + 1
    assert isinstance(fit(FONTS.hand("caveat"), " ".join(words), FRAME), Layout)


def test_a_word_wider_than_the_frame_is_refused_and_a_hyphen_helps() -> None:
    (finding,) = refused("caveat", "Dear " + "Wolfeschlegelsteinhausen" * 4)
    assert finding.code == "message.word_too_wide"
    assert "word 2 of line 1 (96 characters)" in finding.message and "mm" in finding.message
    assert "Wolfe" not in finding.message
    hyphened = laid("caveat", "Dear " + "-".join(["Wolfeschlegelsteinhausen"] * 4))
    assert all(line.endswith("-") for line in lines(hyphened)[:-1] if line != "Dear")


def test_nothing_is_broken_inside_a_word_or_at_a_no_break_space() -> None:
    text = "Mr.\u00a0Nguyễn owes 9–5 and 555-1234 to T-shirts of mid-week fun—really"
    whole = {"Mr.", "Nguyễn", "9–5", "555-1234", "T-shirts", "mid-", "week", "fun—", "really", "mid-week", "fun—really"}
    for width in range(60, 200, 7):
        made = fit(FONTS.hand("caveat"), text, TextFrame(width, 900, 8, 8))
        if isinstance(made, Layout):
            seen = [word for line in lines(made) for word in line.split()]
            assert set(seen) <= whole | {"owes", "and", "to", "of"}, seen
            assert any(line.startswith("Mr. Nguyễn") for line in lines(made))


def test_a_missing_character_is_named_with_its_place() -> None:
    (finding,) = refused("zeyada", "Dear Ann,\nthe 漢 of 漢")
    assert finding.code == "message.glyph_missing"
    assert "“漢” (U+6F22, CJK UNIFIED IDEOGRAPH-6F22) at line 2, column 5 and 1 more places" in finding.message
    found = refused("zeyada", "Hi \x07 \udc80 שלום")
    assert [finding.code for finding in found] == ["message.glyph_missing"] * 2 + ["message.right_to_left"]
    assert "U+0007, a control character" in found[0].message and "U+DC80" in found[1].message
    assert "line 1, column 8 and 3 more places" in found[2].message


@pytest.mark.parametrize("text", ["", "  \n\n ", "\u200d", "\u00ad\ufeff"])
def test_an_empty_text_is_refused(text: str) -> None:
    assert [finding.code for finding in refused("caveat", text)] == ["message.empty"]


@pytest.mark.parametrize("hand", HANDS)
def test_every_hand_writes_every_name_a_whole_word_at_a_time(hand: str) -> None:
    layout = laid(hand, "Dear Štefan, Nguyễn Łukasz Zoë Ελένη Юлия")
    words = {word.text: word.face.name for line in layout.lines for _, word in line.words}
    assert set(words) == {"Dear", "Štefan,", "Nguyễn", "Łukasz", "Zoë", "Ελένη", "Юлия"}
    assert words["Dear"] == words["Štefan,"] == hand
    assert words["Юлия"] == "caveat"
    assert words["Ελένη"] == ("mynerve" if hand == "mynerve" else "playpen-sans")
    assert words["Zoë"] == ("caveat" if hand == "mynerve" else hand)
    for line in layout.lines:
        for _, word in line.words:
            assert word.face.font.missing(word.text) == []


def test_emoji_and_words_of_two_scripts_are_written_in_parts() -> None:
    layout = laid("zeyada", "love\U0001f44d\U0001f3fd ΖΩja ❤️ \U0001f468\u200d\U0001f469\u200d\U0001f467")
    parts = [(word.text, word.face.name) for line in layout.lines for _, word in line.words]
    assert ("love", "zeyada") in parts and ("\U0001f44d\U0001f3fd", "noto-emoji") in parts
    assert ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "noto-emoji") in parts
    assert ("ΖΩja", "playpen-sans") in parts


def test_clean_composes_and_drops_what_cannot_be_seen() -> None:
    assert clean("\n a\u0301\tb\u00ad\u202e  c \r\n\r\nd\u2028e\n \n") == ["á b c", "", "d", "e"]


def test_the_fewest_lines_then_the_calmest_edge() -> None:
    atoms = [Atom(3, 1)] * 5
    assert fewest_lines(atoms, 11) == 2 and fewest_lines(atoms, 2.9) is None
    assert break_lines([Atom(3, 1)] * 4, 11) == [(0, 2), (2, 4)]  # not three words and a lone one
    assert break_lines([Atom(9, 1), Atom(9, 1)], 11) == [(0, 1), (1, 2)]
    assert break_lines([Atom(5, 1), Atom(5, 1, overhang=0.5)], 11) == [(0, 1), (1, 2)]
    assert break_lines([], 11) == []


def test_printed_text_is_shaped_for_a_show() -> None:
    face = FONTS.face("arimo")
    line = set_printed(face, "AVA Łukasz", 10, room=60)
    assert isinstance(line, Printed)
    assert len(line.glyphs) == len(line.advances) == len(line.characters) == 10
    assert "".join(line.characters) == "AVA Łukasz"
    assert line.width == pytest.approx(sum(line.advances)) == pytest.approx(line.x[-1] + line.advances[-1])
    assert line.advances[0] < face.font.advance(line.glyphs[0]) * 10 / face.font.units  # A and V are kerned
    (wide,) = [*_findings(set_printed(face, "AVA Łukasz", 10, "recipient.city", room=20))]
    assert (wide.code, wide.where) == ("text.too_wide", "recipient.city")
    assert [f.code for f in _findings(set_printed(face, "東京", 10))] == ["message.glyph_missing"] * 2


def _findings(made: Printed | list[Finding]) -> list[Finding]:
    assert isinstance(made, list)
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    text=st.text(st.one_of(st.sampled_from("aeiourst nfgyjTQ,.-—\n“é\u00a0"), st.characters()), max_size=200),
    hand=st.sampled_from(HANDS),
    width=st.floats(20, 400),
    height=st.floats(20, 400),
    leading=st.floats(2.2, 6),
    align=st.sampled_from(["left", "center"]),
)
def test_any_text_fits_or_is_refused(
    text: str, hand: str, width: float, height: float, leading: float, align: str
) -> None:
    frame = TextFrame(width, height, 8.2, 5.7, leading, align, "middle")  # type: ignore[arg-type]
    made = fit(FONTS.hand(hand), text, frame)
    if isinstance(made, list):
        assert made and all(finding.code.startswith("message.") and finding.remedy for finding in made)
        return
    written = "".join(word.text for line in made.lines for _, word in line.words)
    assert written == "".join(
        "".join(clean(text)).replace("\u00a0", " ").replace("\u202f", " ").replace("\u2007", " ").split(" ")
    )
    writing = write(made, text.encode("utf-8", "replace"), "lively")
    assert writing.box.x >= 0 and writing.box.y >= 0
    assert writing.box.right <= width and writing.box.top <= height
