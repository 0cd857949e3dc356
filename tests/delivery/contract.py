"""What every delivery target keeps to: import ``DeliveryContract``, give it a target, and these tests are yours.

    class TestMyTarget(DeliveryContract):
        @pytest.fixture
        def target(self, tmp_path): return Target(MyDelivery(…), tmp_path / "seen from here")

The folder of the target must be seen from this machine: what a target says of itself proves nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from cardpipe.model.batch import BatchFile, Bundle
from cardpipe.model.errors import Bug, CardpipeError, Conflict, Unavailable
from cardpipe.ports import Delivery, Reply

CARDS = "20261121_CP_A7_B01"
NAME = f"{CARDS}_0212pc_v1"
#: Empty, one byte, and on both sides of a packet's and of a window's size.
SIZES = (300_000, 0, 1, 32_768, 32_769, 2_100_000, 5)
ENDINGS = ("CARD.pdf", "EMPTY.csv", "ONE.csv", "ENV.pdf", "MANIFEST.csv", "TICKET.pdf", "SHA256SUMS")


@dataclass(frozen=True)
class Target:
    """A delivery, and where its target is seen from here."""

    delivery: Delivery
    folder: Path


class Goods:
    """Bundles and the artifacts that they are made of."""

    def __init__(self) -> None:
        self.bytes: dict[str, bytes] = {}

    def open(self, digest: str) -> BinaryIO:
        return io.BytesIO(self.bytes[digest])

    def keep(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.bytes[digest] = data
        return digest

    def bundle(self, name: str = NAME, seed: int = 1, sizes: tuple[int, ...] = SIZES, run: int = 0) -> Bundle:
        rng = random.Random(seed)
        full = f"{name}_R{run:02d}" if run else name
        files = []
        for number, size in enumerate(sizes):
            data = rng.randbytes(size)
            ending = ENDINGS[number] if number < len(ENDINGS) else f"{number}.bin"
            files.append(BatchFile(f"{full}_{ending}", self.keep(data), size))
        revision = int(name.rpartition("_v")[2])
        return Bundle(full, name, revision, run, 212 if not run else 3, tuple(files))


def listing(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every name below a folder, with what shows whether it was touched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(folder))] = (facts.st_ino, facts.st_mtime_ns, data)
    return found


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def complete(folder: Path, bundle: Bundle, goods: Goods) -> None:
    """Everything is there, nothing else, and ``.done`` says just that."""
    inside = folder / bundle.name
    assert names(inside) == {*(item.name for item in bundle.files), f"{bundle.name}.done"}
    assert all((inside / item.name).read_bytes() == goods.bytes[item.sha256] for item in bundle.files)
    said = json.loads((inside / f"{bundle.name}.done").read_bytes())
    assert said == {
        "name": bundle.name, "batch": bundle.batch, "revision": bundle.revision, "run": bundle.run,
        "pieces": bundle.pieces, "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in bundle.files],
    }  # fmt: skip


def unharmed(folder: Path, bundle: Bundle, goods: Goods) -> bool:
    """No half file under a final name, and no ``.done`` before all is there; whether it is there."""
    inside = folder / bundle.name
    have = 0
    for item in bundle.files:
        if (inside / item.name).exists():
            assert (inside / item.name).read_bytes() == goods.bytes[item.sha256], f"half a file: {item.name}"
            have += 1
    done = inside / f"{bundle.name}.done"
    if done.exists():
        assert have == len(bundle.files), ".done before everything was there"
        assert json.loads(done.read_bytes())["pieces"] == bundle.pieces
    return done.exists()


def codes(error: CardpipeError) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in error.findings]


class DeliveryContract:
    """The tests. A subclass gives the fixture ``target``: a new, empty place for each test."""

    @pytest.fixture
    def goods(self) -> Goods:
        return Goods()

    def refused(self, target: Target, bundle: Bundle, goods: Goods) -> list[tuple[str, str]]:
        """The findings of a Conflict that changed nothing at all."""
        before = listing(target.folder)
        with pytest.raises(Conflict) as caught:
            target.delivery.deliver(bundle, goods.open)
        assert listing(target.folder) == before
        assert all(finding.remedy and finding.message for finding in caught.value.findings)
        return codes(caught.value)

    def test_everything_arrives_and_is_told(self, target: Target, goods: Goods) -> None:
        bundle = goods.bundle()
        where = target.delivery.deliver(bundle, goods.open)
        complete(target.folder, bundle, goods)
        assert where == f"{target.delivery.address}/{NAME}"
        assert target.delivery.address.partition("://")[0] in ("file", "sftp")
        assert names(target.folder) == {NAME, *(f"{NAME}/{name}" for name in names(target.folder / NAME))}

    def test_the_same_again_changes_nothing(self, target: Target, goods: Goods) -> None:
        bundle = goods.bundle()
        first = target.delivery.deliver(bundle, goods.open)
        before = listing(target.folder)

        def never(digest: str) -> BinaryIO:
            raise AssertionError("an artifact was opened")

        assert target.delivery.deliver(bundle, never) == first
        assert listing(target.folder) == before

    def test_what_the_house_took_out_does_not_come_again(self, target: Target, goods: Goods) -> None:
        bundle = goods.bundle()
        target.delivery.deliver(bundle, goods.open)
        for item in bundle.files[:4]:
            (target.folder / NAME / item.name).unlink()
        before = listing(target.folder)
        target.delivery.deliver(bundle, goods.open)
        assert listing(target.folder) == before

    def test_a_killed_delivery_is_finished(self, target: Target, goods: Goods) -> None:
        """Whole files stay as they are, halves of the dead are replaced."""
        bundle = goods.bundle()
        inside = target.folder / NAME
        inside.mkdir()
        first, *_, last = bundle.files
        (inside / first.name).write_bytes(goods.bytes[first.sha256])
        (inside / f".{last.name}.part").write_bytes(b"half")
        (inside / f".{last.name}.0123abcd.part").write_bytes(b"half")
        (inside / f".{NAME}.done.0123abcd.part").write_bytes(b"half")
        kept = listing(inside)[first.name]
        target.delivery.deliver(bundle, goods.open)
        complete(target.folder, bundle, goods)
        assert listing(inside)[first.name] == kept

    def test_another_content_is_refused_with_every_finding(self, target: Target, goods: Goods) -> None:
        bundle = goods.bundle()
        inside = target.folder / NAME
        inside.mkdir()
        card, _, one, envelope, *_ = bundle.files
        (inside / card.name).write_bytes(b"\0" * card.size)  # as long, but another
        (inside / one.name).write_bytes(b"longer")
        (inside / envelope.name).mkdir()
        assert self.refused(target, bundle, goods) == [
            ("delivery.other_content", card.name),
            ("delivery.other_content", one.name),
            ("delivery.no_file", envelope.name),
        ]

    def test_another_bundle_under_the_name_of_a_delivered_one(self, target: Target, goods: Goods) -> None:
        target.delivery.deliver(goods.bundle(), goods.open)
        found = self.refused(target, goods.bundle(seed=2), goods)
        assert ("delivery.other_content", f"{NAME}.done") in found
        assert len(found) == sum(size > 0 for size in SIZES) + 1

    @pytest.mark.parametrize("change", [{"pieces": 211}, {"run": 1}, {"revision": 2}])
    def test_a_done_that_speaks_of_another_content(self, target: Target, goods: Goods, change: dict[str, Any]) -> None:
        bundle = goods.bundle()
        target.delivery.deliver(bundle, goods.open)
        assert self.refused(target, replace(bundle, **change), goods) == [("delivery.other_content", f"{NAME}.done")]

    def test_a_done_of_somebody_else(self, target: Target, goods: Goods) -> None:
        (target.folder / NAME).mkdir()
        (target.folder / NAME / f"{NAME}.done").write_bytes(b"\xff\x00 all is well")
        assert self.refused(target, goods.bundle(), goods) == [("delivery.other_content", f"{NAME}.done")]

    def test_a_stranger_among_the_files(self, target: Target, goods: Goods) -> None:
        """Before the delivery a PDF of somebody else could be printed with ours; afterwards the folder is the house's."""
        inside = target.folder / NAME
        inside.mkdir()
        (inside / f"{NAME}_CARD_02.PDF").write_bytes(b"%PDF")
        (inside / "readme.txt").write_bytes(b"hello")
        assert self.refused(target, goods.bundle(), goods) == [("delivery.stray_file", f"{NAME}_CARD_02.PDF")]
        (inside / f"{NAME}_CARD_02.PDF").unlink()
        (inside / "readme.txt").unlink()
        target.delivery.deliver(goods.bundle(), goods.open)
        (inside / "printed.pdf").write_bytes(b"%PDF")
        target.delivery.deliver(goods.bundle(), goods.open)

    def test_two_revisions_never_lie_complete_in_one_place(self, target: Target, goods: Goods) -> None:
        target.delivery.deliver(goods.bundle(), goods.open)
        target.delivery.deliver(goods.bundle(run=1), goods.open)  # a remake of the same revision is none of it
        for other in (f"{CARDS}_0211pc_v2", f"{CARDS}_0212pc_v2", f"{CARDS}_0211pc_v1"):
            found = self.refused(target, goods.bundle(other), goods)
            assert found == [("delivery.other_revision", NAME), ("delivery.other_revision", f"{NAME}_R01")]
        for other in ("20261121_CP_A7_B02_0212pc_v2", "20261122_CP_A7_B01_0212pc_v2", "20261121_CP_5x7_B01_0212pc_v2"):
            target.delivery.deliver(goods.bundle(other), goods.open)
        (target.folder / f"{NAME}_R01").rename(target.folder / "away-1")
        (target.folder / NAME).rename(target.folder / "away-2")
        target.delivery.deliver(goods.bundle(f"{CARDS}_0211pc_v2"), goods.open)
        complete(target.folder, goods.bundle(f"{CARDS}_0211pc_v2"), goods)

    def test_an_older_revision_that_was_never_complete_is_in_nobodys_way(self, target: Target, goods: Goods) -> None:
        old = target.folder / NAME
        old.mkdir()
        (old / f"{NAME}_CARD.pdf").write_bytes(b"a part of it")
        bundle = goods.bundle(f"{CARDS}_0211pc_v2")
        target.delivery.deliver(bundle, goods.open)
        complete(target.folder, bundle, goods)

    def test_an_older_revision_that_the_house_accepted_and_took_away(self, target: Target, goods: Goods) -> None:
        (target.folder / f"{NAME}.ack").write_bytes(b"")
        found = self.refused(target, goods.bundle(f"{CARDS}_0211pc_v2"), goods)
        assert found == [("delivery.other_revision", f"{NAME}.ack")]

    @pytest.mark.parametrize("place", [f"{NAME}.ack", f"{NAME}.ACK", f"{NAME}/{NAME}.ack"])
    def test_what_the_house_accepted_and_took_away_is_not_sent_again(
        self, target: Target, goods: Goods, place: str
    ) -> None:
        (target.folder / place).parent.mkdir(exist_ok=True)
        (target.folder / place).write_bytes(b"")
        assert self.refused(target, goods.bundle(), goods) == [("delivery.already_answered", f"{NAME}.ack")]

    def test_the_folders_name_is_taken(self, target: Target, goods: Goods) -> None:
        (target.folder / NAME).write_bytes(b"a file")
        assert self.refused(target, goods.bundle(), goods) == [("delivery.no_folder", NAME)]

    def test_no_link_leads_out(self, target: Target, goods: Goods, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        bundle = goods.bundle()
        card, _, one, *_ = bundle.files
        (outside / "same").write_bytes(goods.bytes[card.sha256])
        (target.folder / NAME).symlink_to(outside)
        assert self.refused(target, bundle, goods) == [("delivery.no_folder", NAME)]
        (target.folder / NAME).unlink()
        inside = target.folder / NAME
        inside.mkdir()
        (inside / card.name).symlink_to(outside / "same")
        (inside / one.name).symlink_to(outside / "dangling")
        (inside / f"{NAME}.done").symlink_to(outside / "done")
        assert self.refused(target, bundle, goods) == [
            ("delivery.no_file", card.name), ("delivery.no_file", one.name), ("delivery.no_file", f"{NAME}.done"),
        ]  # fmt: skip
        for path in inside.iterdir():
            path.unlink()
        (inside / f".{card.name}.part").symlink_to(outside / "same")
        target.delivery.deliver(bundle, goods.open)
        complete(target.folder, bundle, goods)
        assert names(outside) == {"same"}

    @pytest.mark.parametrize("damage", ["shorter", "longer", "other"])
    def test_a_damaged_artifact_is_never_handed_over(self, target: Target, goods: Goods, damage: str) -> None:
        bundle = goods.bundle()
        item = bundle.files[4]
        data = goods.bytes[item.sha256]
        goods.bytes[item.sha256] = {"shorter": data[:-1], "longer": data + b"x", "other": b"x" + data[1:]}[damage]
        with pytest.raises(Bug, match=item.name):
            target.delivery.deliver(bundle, goods.open)
        assert names(target.folder / NAME) == {item.name for item in bundle.files[:4]}

    def test_an_artifact_that_cannot_be_read(self, target: Target, goods: Goods) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell() > 1_000_000:
                    raise OSError(5, "Input/output error")
                return super().read(size)

        bundle = goods.bundle()
        with pytest.raises(Unavailable, match=r"artifact of .*TICKET.pdf"):
            target.delivery.deliver(bundle, lambda digest: Broken(goods.bytes[digest]))
        assert not unharmed(target.folder, bundle, goods)
        assert not [name for name in names(target.folder) if name.endswith(".part")]
        target.delivery.deliver(bundle, goods.open)
        complete(target.folder, bundle, goods)

    @pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "x\0y", "x y", "-x", f"{NAME}.done"])
    def test_names_that_lead_elsewhere_are_a_bug(self, target: Target, goods: Goods, name: str) -> None:
        bundle = goods.bundle()
        bad = replace(bundle, files=(*bundle.files, replace(bundle.files[0], name=name)))
        with pytest.raises(Bug):
            target.delivery.deliver(bad, goods.open)
        if name != f"{NAME}.done":
            with pytest.raises(Bug):
                target.delivery.deliver(replace(bundle, name=name), goods.open)
        assert names(target.folder) == set()

    def test_many_at_once(self, target: Target, goods: Goods) -> None:
        """A step that runs twice: every delivery ends well or says that it was disturbed, and nothing is half."""
        bundle = goods.bundle()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                target.delivery.deliver(bundle, goods.open)
            except Unavailable:
                pass
            except BaseException as problem:
                failed.append(problem)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            unharmed(target.folder, bundle, goods)
        assert failed == []
        target.delivery.deliver(bundle, goods.open)
        complete(target.folder, bundle, goods)

    def test_answers_from_both_places(self, target: Target, goods: Goods) -> None:
        bundle = goods.bundle()
        assert target.delivery.replies(bundle) == []
        target.delivery.deliver(bundle, goods.open)
        assert target.delivery.replies(bundle) == []
        (target.folder / f"{NAME}.ack").write_bytes("received by José\r\nat 9".encode())
        (target.folder / NAME / f"{NAME}.nak").write_bytes(b"card 7: colour\x1b[31m\0 is \xff off")
        (target.folder / f"{NAME}_R01.nak").write_bytes(b"of another delivery")
        assert sorted(target.delivery.replies(bundle), key=lambda reply: not reply.ok) == [
            Reply(NAME, True, "received by José\nat 9"),
            Reply(NAME, False, "card 7: colour[31m is � off"),
        ]
        (target.folder / NAME / f"{NAME}.ACK").write_bytes("received by José\r\nat 9".encode())
        assert len(target.delivery.replies(bundle)) == 2  # the same words in both places
        target.delivery.deliver(bundle, goods.open)  # answers are in nobody's way

    def test_answers_are_bounded_and_no_pipe_or_link_is_read(
        self, target: Target, goods: Goods, tmp_path: Path
    ) -> None:
        bundle = goods.bundle()
        (target.folder / f"{NAME}.nak").write_bytes("ü".encode() * 3_000_000)
        (target.folder / NAME).mkdir()
        os.mkfifo(target.folder / NAME / f"{NAME}.ack")
        (reply,) = target.delivery.replies(bundle)
        assert (reply.ok, reply.text) == (False, "ü" * 2000)
        (target.folder / f"{NAME}.nak").unlink()
        (tmp_path / "secret").write_bytes(b"secret")
        (target.folder / f"{NAME}.nak").symlink_to(tmp_path / "secret")
        (target.folder / f"{NAME}.ack").mkdir()
        assert target.delivery.replies(bundle) == []

    def test_a_target_that_is_no_folder(self, target: Target, goods: Goods) -> None:
        target.folder.rename(target.folder.with_name("away"))
        target.folder.write_bytes(b"a file")
        calls: list[Callable[[], object]] = [
            lambda: target.delivery.deliver(goods.bundle(), goods.open),
            lambda: target.delivery.replies(goods.bundle()),
        ]
        for call in calls:
            with pytest.raises(Unavailable) as caught:
                call()
            assert [code for code, _ in codes(caught.value)] == ["delivery.folder"]
        assert target.folder.read_bytes() == b"a file"
