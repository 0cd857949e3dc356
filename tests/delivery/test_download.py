"""Delivery by download: nothing is brought anywhere, and what cannot be opened is not released."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardpipe.model.batch import BY_DOWNLOAD, BatchFile, Bundle
from cardpipe.model.errors import CardpipeError
from cardpipe.model.order import Scope
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

SCOPE = Scope("local", "live")


def test_the_files_stay_where_they_are_and_must_be_there(tmp_path: Path) -> None:
    house = Shop(Settings(data=tmp_path / "data"))
    place = house.delivery(BY_DOWNLOAD)
    there = BatchFile("A_CARD.pdf", house.artifacts.put(SCOPE, b"card"), 4)
    opened: list[str] = []

    def open_file(digest: str):  # type: ignore[no-untyped-def]
        opened.append(digest)
        return house.artifacts.open(SCOPE, digest)

    bundle = Bundle("A", "A", 1, 0, 1, (there,))
    before = sorted(tmp_path.rglob("*"))
    assert place.deliver(bundle, open_file) == "download:/A" and opened == [there.sha256]
    assert sorted(tmp_path.rglob("*")) == before and place.replies(bundle) == []
    with pytest.raises(CardpipeError):
        place.deliver(Bundle("A", "A", 1, 0, 1, (there, BatchFile("B.pdf", "0" * 64, 1))), open_file)
