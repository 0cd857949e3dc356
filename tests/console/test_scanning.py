"""Scanning: what the page asks and sends, what contradicts, and what is written down."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from cardpipe.lettershop import proving
from cardpipe.model.batch import Batch, match_code
from cardpipe.model.scan import Stage
from cardpipe.model.user import Role
from cardpipe.prepress.raster import opened
from tests.console.conftest import Browse, Browser
from tests.console.floor import SCOPE
from tests.console.test_batch import now, release, text
from tests.pipeline.shopfloor import House


@pytest.fixture
def released(seeded: House, browse: Browse, batch: Batch) -> Batch:
    return release(seeded, browse(), batch)


def asked(browser: Browser, batch: Batch, path: str, **fields: str) -> dict[str, Any]:
    """What the page's script is answered."""
    answer = browser.send_form(f"/batches/{batch.name}/scan/{path}", fields)
    assert answer.headers["content-type"] == "application/json", text(answer.text)
    found = answer.json()
    assert found["ok"] is (answer.status_code == 200)
    return dict(found)


def codes(found: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in found["findings"]]


def bundle(batch: Batch, *pairs: tuple[int, int], moment: float = 1.5) -> str:
    """As the page writes it: card, envelope, code, and the moment behind the named columns."""
    rows = [f"{match_code(batch.number, card, 'O')},{match_code(batch.number, envelope, 'E')},,{moment + card}"
            for card, envelope in pairs]  # fmt: skip
    return "\n".join(["card,envelope,code", *rows]) + "\n"


def test_the_page_is_there_once_the_batch_is_released(browse: Browse, batch: Batch, released: Batch) -> None:
    shown = browse().get(f"/batches/{batch.name}/scan")
    assert shown.status_code == 200 and f"{batch.pieces} missing" in text(shown.text)
    assert f"1-{batch.pieces}" in text(shown.text) and "<textarea" in shown.text
    assert browse(Role.VIEWER).get(f"/batches/{batch.name}/scan").status_code == 403


def test_nothing_is_scanned_before_the_release(browse: Browse, batch: Batch) -> None:
    assert browse().get(f"/batches/{batch.name}/scan").status_code == 409
    found = asked(browse(), batch, "send", stage="printed", list="1\n")
    assert codes(found) == ["batch.not_released"]


def test_a_look_tells_whose_it_is_and_writes_nothing(seeded: House, browse: Browse, released: Batch) -> None:
    piece = seeded.store.member(SCOPE, released.id, 2)
    for given in (
        {"code": "2"},
        {"code": match_code(released.number, 2, "I")},
        {"card": match_code(released.number, 2, "O"), "envelope": match_code(released.number, 2, "E")},
    ):
        found = asked(browse(), released, "look", stage="inserted", **given)
        assert (found["seq"], found["name"], found["before"]) == (2, piece.spec["recipient"]["name"], False)
    assert seeded.store.tally(SCOPE, released.id).inserted == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"card": (0, 1, "O"), "envelope": (0, 2, "E")}, "scan.pair_disagrees"),
        ({"code": (1, 1, "O")}, "scan.other_batch"),
        ({"code": (0, 900, "E")}, "scan.unknown"),
        ({"code": "hello"}, "scan.unreadable"),
        ({}, "scan.unreadable"),
    ],
)
def test_a_look_sees_what_is_wrong(browse: Browse, released: Batch, given: dict[str, Any], code: str) -> None:
    fields = {name: said if isinstance(said, str) else match_code(released.number + said[0], *said[1:])
              for name, said in given.items()}  # fmt: skip
    found = asked(browse(), released, "look", stage="inserted", **fields)
    assert codes(found) == [code]
    assert now_held(browse, released) is None


def now_held(browse: Browse, batch: Batch) -> str | None:
    house = browse().house
    return now(house, batch).held


def test_a_bundle_is_taken_once_however_often_it_comes(seeded: House, browse: Browse, released: Batch) -> None:
    operator, sent = browse(), bundle(released, (1, 1), (3, 3))
    first = asked(operator, released, "send", stage="inserted", list=sent)
    assert first["fresh"] and (first["inserted"], first["printed"], first["unseen"]) == (2, 2, released.pieces - 2)
    assert first["missing"] == f"2, 4{'' if released.pieces == 4 else f'-{released.pieces}'}"
    again = asked(operator, released, "send", stage="inserted", view="mailed", list=sent)
    assert not again["fresh"] and (again["inserted"], again["unseen"]) == (2, released.pieces)
    assert asked(operator, released, "count", view="printed")["unseen"] == released.pieces - 2
    assert [entry.action for entry in seeded.store.audited("local", 3)][:2] == ["batch.scanned", "release"]


def test_a_second_insertion_is_seen_before_and_after_it_is_sent(seeded: House, browse: Browse, released: Batch) -> None:
    operator = browse()
    asked(operator, released, "send", stage="inserted", list=bundle(released, (1, 1)))
    assert codes(asked(operator, released, "look", stage="inserted", code="1")) == ["scan.inserted_twice"]
    assert now(seeded, released).held is None
    found = asked(operator, released, "send", stage="inserted", list=bundle(released, (1, 1), (2, 2), moment=9))
    assert codes(found) == ["scan.inserted_twice"] and "scan.inserted_twice" in (now(seeded, released).held or "")
    assert seeded.store.tally(SCOPE, released.id).inserted == 1  # nothing of that list was taken


def test_a_wrong_pair_in_a_bundle_holds_the_batch(seeded: House, browse: Browse, released: Batch) -> None:
    found = asked(browse(), released, "send", stage="inserted", list=bundle(released, (1, 2)))
    assert codes(found) == ["scan.pair_disagrees"] and "pair_disagrees" in (now(seeded, released).held or "")


def test_what_filled_the_screen_red_is_a_slip_or_holds_the_batch(
    seeded: House, browse: Browse, released: Batch
) -> None:
    operator = browse()
    pair = f"{match_code(released.number, 1, 'O')} {match_code(released.number, 2, 'E')}"
    assert asked(operator, released, "stop", slip="yes", code="scan.pair_disagrees", codes=pair)["held"] is False
    assert now(seeded, released).held is None
    assert asked(operator, released, "stop", slip="no", code="scan.pair_disagrees", codes=pair)["held"]
    held = now(seeded, released).held or ""
    assert held.startswith("scan.pair_disagrees: ") and all(code in held for code in pair.split())
    assert asked(operator, released, "stop", slip="no", code="<b>", codes="June Abara")["held"]
    assert now(seeded, released).held == "scan.stopped: it lies wrong (no code was read)"  # nothing that somebody wrote
    stop, _, slip = seeded.store.audited("local", 3)
    assert (stop.action, slip.action) == ("batch.scan_stop", "batch.scan_slip") and slip.detail["codes"] == pair.split()


def test_a_list_is_taken_without_any_script(seeded: House, browse: Browse, released: Batch) -> None:
    operator, at = browse(), f"/batches/{released.name}/scan/list"
    answer = operator.send_form(at, {"stage": "printed", "codes": "1\n2\n"})
    assert answer.status_code == 303 and answer.headers["location"].endswith("stage=printed")
    assert "The list is taken" in text(operator.get(answer.headers["location"]).text)
    assert seeded.store.unseen(SCOPE, released.id, Stage.PRINTED) == tuple(range(3, released.pieces + 1))
    wrong = operator.send_form(at, {"stage": "printed", "codes": "1\nhello\n"})
    assert wrong.status_code == 422 and "line 2" in text(wrong.text)
    pair = f"card,envelope\n{match_code(released.number, 1, 'O')},{match_code(released.number, 2, 'E')}\n"
    red = operator.send_form(at, {"stage": "inserted"}, files={"file": ("floor.csv", pair.encode(), "text/csv")})
    assert red.status_code == 409 and 'class="alarm alarm-page"' in red.text and "lie in one envelope" in text(red.text)
    assert "pair_disagrees" in (now(seeded, released).held or "")
    rows = "card,envelope,stage\n" + "".join(
        f"{match_code(released.number, seq, 'O')},{match_code(released.number, seq, 'E')},mailed\n"
        for seq in range(1, released.pieces + 1)
    )
    taken = operator.send_form(at, {"stage": "printed"}, files={"file": ("floor.csv", rows.encode(), "text/csv")})
    assert taken.status_code == 303 and now(seeded, released).state == "mailed"
    assert asked(operator, released, "look", stage="mailed", code="1")["before"]


def test_a_camera_frame_is_read(seeded: House, browse: Browse, released: Batch) -> None:
    """The code as it lies on the finished card's page, seen by a camera as grey pixels."""
    envelopes = next(file for file in released.files if "_ENV" in file.name)
    with opened(seeded.artifacts.get(SCOPE, envelopes.sha256)) as document:
        page = Image.fromarray(document.pixels(0, 150)).convert("L")
    code = match_code(released.number, 1, "E")
    assert proving.read_grey(page.tobytes(), *page.size) == [code]
    data, form = page.tobytes(), {"width": str(page.width), "height": str(page.height)}
    operator = browse()
    at = f"/batches/{released.name}/scan/frame"
    seen = operator.send_form(at, form, files={"frame": ("frame", io.BytesIO(data), "application/octet-stream")})
    assert seen.json() == {"ok": True, "codes": [code]}
    short = operator.send_form(at, form, files={"frame": ("frame", io.BytesIO(data[:-1]), "application/octet-stream")})
    assert short.status_code == 422 and codes(short.json()) == ["scan.frame"]
    assert operator.send_form(at, {"width": "-1", "height": "-1"}).status_code == 422
