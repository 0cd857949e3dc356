"""The peers do the same work as cardpipe, the contest says who cannot, and the guard fails where a ratio fell."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pypdfium2
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import contest  # noqa: E402
import guard  # noqa: E402
import inspecting  # noqa: E402
import material  # noqa: E402
import parts  # noqa: E402
import peers  # noqa: E402


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The parts of two pieces, and a photo of its own for each of three cards."""
    folder = tmp_path_factory.mktemp("contest")
    with material.opened_shop(folder / "data") as shop:
        parts.record(shop, folder / "parts", material.pictures(), count=2)
    for number in range(3):
        shutil.copy(folder / "parts" / f"ready-{number % 2}.jpg", folder / "parts" / f"photo-{number}.jpg")
    return folder / "parts"


@pytest.mark.parametrize("who", [name for name in peers.PEERS if name != "headless Chromium"])
def test_a_peer_makes_the_whole_card(who: str, ready: Path) -> None:
    if why := peers.missing(who):
        pytest.skip(why)
    target = ready / "peer.pdf"
    peers.PEERS[who][0](peers.Parts(ready, whole=False), 3, target)
    inspecting.inspect(target, ready, 3)


def test_less_work_is_seen(ready: Path) -> None:
    target, poorer = ready / "whole.pdf", ready / "poorer.pdf"
    peers.reportlab_canvas(peers.Parts(ready, whole=False), 3, target)
    for page, said in ((0, "photo"), (4, "instead of"), (8, "pages instead of")):
        pdf = pypdfium2.PdfDocument(target)
        if page == 0:
            first = pdf[0]
            for image in list(first.get_objects(filter=[3], max_depth=1)):
                first.remove_obj(image)
            first.gen_content()
        elif page == 4:
            pdf[page].set_mediabox(0, 0, 400, 500)
        else:
            pdf.del_page(page)
        pdf.save(poorer)
        pdf.close()
        with pytest.raises(RuntimeError, match=said):
            inspecting.inspect(poorer, ready, 3)


def test_the_art_is_drawn_as_svg(ready: Path) -> None:
    told = (ready / "outside.svg").read_text()
    assert told.count("<path") >= 5
    assert told.count("<g") == told.count("</g>") > 2
    assert 'fill="#134a29"' in told  # the bottle green of its lower third


def test_the_table_names_who_was_not_run() -> None:
    results = [
        contest.Result("cardpipe", "ready", 1000, 1200.0, 150, 680, 70, 1.0),
        contest.Result("one reportlab canvas", "ready", 1000, 200.0, 700, 610, 6, 6.0),
        contest.Result("WeasyPrint", "ready", 1000, note="not run: would take 70 min"),
    ]
    rows = contest.rows(results)
    assert [row.met for row in rows if row.met is not None] == [True]
    assert "not run: would take 70 min" in contest.markdown(results)
    assert "met" in contest.judged(rows)


def test_a_ratio_that_fell_once_is_measured_again() -> None:
    wanted = dict.fromkeys(guard.NAMES, 1.0)
    asked: list[tuple[str, int]] = []

    def noisy(name: str, effort: int) -> float:
        asked.append((name, effort))
        return 0.5 if name == "share_of_cat" and effort == 3 else 0.8

    found, low = guard.judge(wanted, noisy)
    assert low == []
    assert asked[-1] == ("share_of_cat", 5)
    assert "FELL" not in guard.table(wanted, found)


def test_a_ratio_that_fell_by_more_than_a_quarter_is_told() -> None:
    wanted = dict.fromkeys(guard.NAMES, 1.0)
    found, low = guard.judge(wanted, lambda name, effort: 0.74 if name == "ready_parts" else 0.76)
    assert low == ["ready_parts"]
    assert guard.table(wanted, found).count("FELL") == 1


def test_a_ratio_without_a_committed_one_has_fallen() -> None:
    assert guard.fallen({}, {"whole_piece": 9.0}) == ["whole_piece"]


def test_the_committed_ratios_are_those_that_are_measured() -> None:
    import json

    assert sorted(json.loads(guard.RATIOS.read_text())) == sorted(guard.NAMES)
