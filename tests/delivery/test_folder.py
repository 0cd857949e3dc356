"""The folder as a target: the contract, and the order in which things become durable."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cardpipe.delivery import folder as module
from cardpipe.delivery.folder import FolderDelivery
from cardpipe.delivery.handover import done_note
from cardpipe.ports import Delivery
from tests.delivery.contract import NAME, DeliveryContract, Goods, Target, complete, names


class TestFolder(DeliveryContract):
    @pytest.fixture
    def target(self, tmp_path: Path) -> Target:
        folder = tmp_path / "out"
        folder.mkdir()
        return Target(FolderDelivery(folder), folder)


def test_its_address_is_a_url_of_the_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    delivery: Delivery = FolderDelivery(Path("a folder/für uns"))
    assert delivery.address == f"{tmp_path.as_uri()}/a%20folder/f%C3%BCr%20uns"


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    goods = Goods()
    FolderDelivery(tmp_path / "a" / "b").deliver(goods.bundle(), goods.open)
    complete(tmp_path / "a" / "b", goods.bundle(), goods)


def test_a_target_may_be_a_link_that_the_operator_made(tmp_path: Path) -> None:
    goods = Goods()
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    FolderDelivery(tmp_path / "out").deliver(goods.bundle(), goods.open)
    complete(tmp_path / "real", goods.bundle(), goods)


def test_a_done_of_the_first_release_is_understood(tmp_path: Path) -> None:
    """It had neither name nor run; what it says of the content is the same."""
    goods = Goods()
    bundle = goods.bundle()
    FolderDelivery(tmp_path).deliver(bundle, goods.open)
    done = tmp_path / NAME / f"{NAME}.done"
    old = {key: value for key, value in json.loads(done.read_bytes()).items() if key not in ("name", "run")}
    done.write_text(json.dumps(old))
    FolderDelivery(tmp_path).deliver(bundle, goods.open)
    assert json.loads(done.read_bytes()) == old


def test_the_note_has_one_spelling() -> None:
    assert done_note(Goods().bundle()) == done_note(Goods().bundle())
    assert done_note(Goods().bundle()).endswith(b"}\n")


def test_nothing_has_a_name_before_it_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part synced, renamed, folder synced; all of that for every file before the same for ``.done``."""
    seen: list[tuple[str, str]] = []
    sync, rename = os.fsync, os.rename

    def name_of(handle: int) -> str:
        return Path(f"/proc/self/fd/{handle}").readlink().name

    def on_sync(handle: int) -> None:
        seen.append(("sync", name_of(handle)))
        sync(handle)

    def on_rename(part: str, name: str, **handles: int) -> None:
        assert seen[-1] == ("sync", part)
        seen.append(("rename", name))
        rename(part, name, **handles)

    monkeypatch.setattr(module.os, "fsync", on_sync)
    monkeypatch.setattr(module.os, "rename", on_rename)
    goods = Goods()
    bundle = goods.bundle()
    FolderDelivery(tmp_path / "out").deliver(bundle, goods.open)
    renamed = [name for what, name in seen if what == "rename"]
    assert renamed == [*(item.name for item in bundle.files), f"{NAME}.done"]
    for name in renamed:
        assert seen[seen.index(("rename", name)) + 1] == ("sync", NAME)
    before = seen[: seen.index(("rename", renamed[0]))]
    assert ("sync", tmp_path.name) in before and ("sync", "out") in before  # the new folders' own names


def test_whole_files_of_a_killed_delivery_are_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goods = Goods()
    bundle = goods.bundle()
    FolderDelivery(tmp_path).deliver(bundle, goods.open)
    (tmp_path / NAME / f"{NAME}.done").unlink()
    seen: list[str] = []
    sync = os.fsync

    def on_sync(handle: int) -> None:
        seen.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        sync(handle)

    monkeypatch.setattr(module.os, "fsync", on_sync)
    FolderDelivery(tmp_path).deliver(bundle, goods.open)
    assert seen[: len(bundle.files) + 1] == [*(item.name for item in bundle.files), NAME]
    assert names(tmp_path / NAME) >= {f"{NAME}.done"}
