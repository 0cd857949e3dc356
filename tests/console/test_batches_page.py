"""The list of batches: newest first, by state and mail date, with who got the files and what comes next."""

from __future__ import annotations

import re

import pytest

from cardpipe.console import batches
from cardpipe.console.reasons import next_act
from cardpipe.model.batch import Batch
from cardpipe.model.status import BatchState
from cardpipe.model.user import Role
from cardpipe.pipeline.gather import gather
from cardpipe.ports.batches import PRESORT_AWAITED
from tests.console.conftest import Browse
from tests.console.floor import DAY, LATER, SCOPE
from tests.pipeline.shopfloor import House


def named(html: str) -> list[str]:
    """The batches of a page, as they stand."""
    return re.findall(r'<a class="mono" href="/batches/([^"]+)"', html)


@pytest.fixture
def house(seeded: House) -> House:
    """With a later day's batches, of which one is held."""
    gather(seeded, SCOPE, LATER)
    seeded.run_steps()
    held = seeded.store.batches(SCOPE, LATER)[0]
    seeded.store.hold(SCOPE, held.id, "the house has no envelopes", actor="user:x")
    return seeded


def test_all_newest_first_by_state_and_by_day(house: House, browse: Browse) -> None:
    browser = browse(Role.VIEWER)
    every = sorted(house.store.batches(SCOPE), key=lambda batch: batch.number, reverse=True)
    assert named(browser.get("/batches").text) == [batch.name for batch in every] and len(every) >= 4
    of_day = named(browser.get(f"/batches?day={DAY}").text)
    assert of_day == [batch.name for batch in every if batch.mail_on == DAY]
    held = [batch.name for batch in every if batch.held]
    assert named(browser.get("/batches?state=held").text) == held and len(held) == 1
    assert named(browser.get(f"/batches?state=held&day={DAY}").text) == []
    assert named(browser.get("/batches?state=released").text) == []
    assert "the house has no envelopes" in browser.get("/batches").text


def test_page_by_page(house: House, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PAGE", 1)
    browser, seen, path = browse(), list[str](), "/batches?state=open"
    while path:
        html = browser.get(path).text
        assert len(named(html)) == 1
        seen += named(html)
        following = re.search(r'rel="next" href="([^"]+)"', html)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == len(house.store.batches(SCOPE))


def test_who_got_the_files_stands_there(house: House, batch: Batch, browse: Browse) -> None:
    browser = browse()
    assert "the-operator <" not in browser.get("/batches").text
    for _ in range(2):
        house.store.audit("local", "user:ines", "download", batch.id)
    row = next(row for row in browser.get("/batches").text.split("<tr>") if f'"/batches/{batch.name}"' in row)
    assert "ines <" in row and "2 times" in row


@pytest.mark.parametrize("asked", ["state=lost", "day=tomorrow"])
def test_a_filter_that_is_none_is_refused(seeded: House, browse: Browse, asked: str) -> None:
    assert browse().get(f"/batches?{asked}").status_code == 422


def test_every_state_has_its_next_act() -> None:
    def of(state: BatchState, held: str | None = None, target: str | None = None) -> Batch:
        return Batch("b", SCOPE, 1, DAY, 1, "g", "A7", "p", "usps", state, 1, 5, held=held, target=target)

    said = {state: next_act(of(state)) for state in BatchState}
    assert said[BatchState.SETTLED] is None
    assert all(act for state, act in said.items() if state is not BatchState.SETTLED)
    planned = next_act(of(BatchState.IMPOSED, target="file:///out"))
    assert planned is not None and not planned.ours
    awaited = next_act(of(BatchState.GATHERED, held=PRESORT_AWAITED))
    assert awaited is not None and "return file" in awaited.text


def test_an_empty_shop_says_so(shop: House, browse: Browse) -> None:
    assert "None is of that state and day" in browse().get("/batches?state=settled").text
