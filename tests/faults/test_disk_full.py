"""A disk that is full or gone: orders are not answered, nothing half is kept, no piece is blamed, and all goes on after."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardpipe.model.errors import Unavailable
from tests.faults.harm import SCOPE, House, prove, until


def _finish(house: House, number: int) -> None:
    assert until(lambda: house.states()["composed"] == number, 60), house.states()
    house.gather()
    assert until(house.imposed, 40)
    with house.shop.store.db.reading() as tx:
        (attempts,) = tx.all("SELECT sum(attempts) AS n FROM steps")
    assert attempts["n"] == 0, "a piece was blamed for the disk"
    house.stop()
    assert list(house.settings.data.rglob(".part-*")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", place], check=False).returncode:
        assert os.environ.get("CARDPIPE_TEST_REQUIRE") != "all", "a small disk cannot be mounted"
        pytest.skip("this machine does not let us mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_everything_on_a_disk_that_fills_up(small_disk: Path) -> None:
    house = House(small_disk / "data")
    try:
        house.take(*range(1, 9))
        house.start()
        assert until(lambda: house.states()["composed"] >= 1, 30)
        with (small_disk / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space"):
            while ballast.write(b"x" * (1 << 12)):
                pass
        answered = []
        for number in range(9, 40):
            try:
                house.take(number)
                answered.append(number)
            except Unavailable:
                break
        else:
            pytest.fail("the disk was not full")
        time.sleep(5)
        (small_disk / "ballast").unlink()
        house.take(*range(9 + len(answered), 13))
        _finish(house, len(house.references))
        assert prove(house) == 3 * len(house.references)
        with house.shop.store.db.reading() as tx:
            assert tx.one("PRAGMA integrity_check")["integrity_check"] == "ok"
    finally:
        house.stop()
        house.shop.close()
        house.shop.store.close()


def test_artifacts_on_a_disk_that_went_away(make_house) -> None:
    """Needs no root: the folder is replaced by something that is none."""
    house = make_house()
    house.take(*range(1, 7))
    folder = house.settings.artifacts
    away = folder.with_name("away")
    folder.rename(away)
    folder.write_text("a disk was mounted here")
    house.start()
    with pytest.raises(Unavailable):
        house.shop.artifacts.put(SCOPE, b"x")
    time.sleep(4)
    assert house.states()["composed"] == 0
    assert house.states()["needs_attention"] == 0
    folder.unlink()
    away.rename(folder)
    _finish(house, 6)
    assert prove(house) == 18
