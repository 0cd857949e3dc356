"""Press profiles: what differs is written, the rest comes from the one below; what is wrong is said all at once."""

from __future__ import annotations

import pytest

from cardpipe.catalog import press as presses
from cardpipe.model.errors import Refused


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch):
    real = presses._rows("presses.toml")

    def use(**more: object) -> None:
        monkeypatch.setattr(presses, "_rows", lambda file: {**real, **more})
        presses.presses.cache_clear()

    yield use
    presses.presses.cache_clear()


def test_a_press_writes_only_what_differs(rows) -> None:
    rows(small={"based_on": "digital-coated", "pieces_per_file": 50}, smaller={"based_on": "small", "title": "Mine"})
    found = presses.presses()
    assert found["small"].pieces_per_file == found["smaller"].pieces_per_file == 50
    assert found["smaller"].condition == found["digital-coated"].condition and found["smaller"].title == "Mine"


def test_everything_wrong_with_a_press_is_said(rows) -> None:
    rows(bad={"based_on": "digital-coated", "output": "X-1a", "pieces_per_file": 0, "colour": "red"})
    with pytest.raises(Refused) as caught:
        presses.presses()
    assert {f.where.rpartition(".")[2] for f in caught.value.findings} == {"output", "pieces_per_file", "colour"}


def test_a_circle_and_an_unknown_base_are_refused(rows) -> None:
    for more in ({"a": {"based_on": "b"}, "b": {"based_on": "a"}}, {"a": {"based_on": "nobody"}}):
        rows(**more)
        with pytest.raises(Refused, match="based_on"):
            presses.presses()


def test_every_profile_ships_and_is_one() -> None:
    assert presses.presses()
    for press in presses.presses().values():
        assert presses.profile(press.profile)[36:40] == b"acsp"
