"""What every ``ports.Artifacts`` must do. A test class takes it over, gives a ``shelf`` that is empty for ``SCOPE`` and
says how bytes are damaged behind its back:

    class TestMine(ArtifactContract):
        @pytest.fixture
        def shelf(self): ...
        def damage(self, shelf, scope, digest, data): ...
"""

from __future__ import annotations

import hashlib
import os
import threading
from abc import ABC, abstractmethod
from typing import Any

import pytest

from cardpipe.model.errors import Bug
from cardpipe.model.order import Scope

SCOPE = Scope("acme", "live")
OTHERS = (Scope("other", "live"), Scope("acme", "test"), Scope("acm", "live"), Scope("acme-2", "live"))
LARGE = 21_000_001


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class ArtifactContract(ABC):
    @abstractmethod
    def damage(self, shelf: Any, scope: Scope, digest: str, data: bytes) -> None:
        """Change the bytes behind the adapter's back."""

    @pytest.mark.parametrize("data", [b"a card", b"", b"\0" * 70_000], ids=["few", "none", "some"])
    def test_bytes_come_back_by_their_sha256(self, shelf, data):
        assert not shelf.has(SCOPE, sha256(data))
        digest = shelf.put(SCOPE, data)
        assert digest == sha256(data)
        assert shelf.has(SCOPE, digest)
        assert shelf.get(SCOPE, digest) == data
        assert shelf.put(SCOPE, data) == digest
        assert list(shelf.digests(SCOPE)) == [digest]

    def test_a_digest_that_is_known_is_believed_until_somebody_reads(self, shelf):
        data, other = b"a card" * 1000, sha256(b"another card")
        assert shelf.put(SCOPE, data, sha256(data)) == sha256(data) == shelf.put(SCOPE, data)
        assert shelf.get(SCOPE, sha256(data)) == data
        assert shelf.put(SCOPE, data, other) == other
        with pytest.raises(Bug, match=other):
            shelf.get(SCOPE, other)

    @pytest.mark.parametrize("size", [100_000, LARGE], ids=["small", "large"])
    def test_a_file_that_seeks(self, shelf, size):
        data = os.urandom(size)
        digest = shelf.put(SCOPE, data)
        assert shelf.get(SCOPE, digest) == data
        with shelf.open(SCOPE, digest) as file:
            assert file.read(7) == data[:7] and file.tell() == 7
            assert file.seek(0, os.SEEK_END) == size and file.read() == b""
            file.seek(size - 9)
            assert file.read() == data[-9:]
            file.seek(0)
            assert sha256(file.read()) == digest

    def test_what_is_missing_is_named(self, shelf):
        digest = sha256(b"never kept")
        for ask in (shelf.get, shelf.open):
            with pytest.raises(Bug, match=f"artifact {digest} is missing from the disk; restore it"):
                ask(SCOPE, digest)

    @pytest.mark.parametrize("damage", [b"", b"a cArd", b"a card and more"])
    def test_changed_bytes_are_noticed_and_named(self, shelf, damage):
        digest = shelf.put(SCOPE, b"a card")
        self.damage(shelf, SCOPE, digest, damage)
        with pytest.raises(Bug, match=f"artifact {digest} was changed"):
            shelf.get(SCOPE, digest)

    def test_bytes_cut_off_are_kept_anew(self, shelf):
        digest = shelf.put(SCOPE, b"a card")
        self.damage(shelf, SCOPE, digest, b"a ca")
        assert shelf.put(SCOPE, b"a card") == digest
        assert shelf.get(SCOPE, digest) == b"a card"

    def test_tenants_and_modes_share_nothing(self, shelf):
        digest = shelf.put(SCOPE, b"a card")
        for other in OTHERS:
            assert not shelf.has(other, digest)
            assert list(shelf.digests(other)) == []
            assert shelf.delete(other, digest) is False
            for ask in (shelf.get, shelf.open):
                with pytest.raises(Bug, match=digest):
                    ask(other, digest)
        assert shelf.get(SCOPE, digest) == b"a card"
        shelf.put(OTHERS[0], b"a card")
        assert shelf.delete(SCOPE, digest) and shelf.has(OTHERS[0], digest)

    @pytest.mark.parametrize("size", [3_000_000, LARGE], ids=["small", "large"])
    def test_a_stream_knows_its_digest_and_size_at_the_end(self, shelf, size):
        data, step = os.urandom(size), 999_983
        with shelf.write(SCOPE) as artifact:
            for at in range(0, size, step):
                assert artifact.write(data[at : at + step]) == len(data[at : at + step])
                assert artifact.tell() == min(at + step, size)
            assert list(shelf.digests(SCOPE)) == []
        assert (artifact.digest, artifact.size) == (sha256(data), size)
        assert shelf.get(SCOPE, artifact.digest) == data
        with shelf.write(SCOPE) as again:
            again.write(data)
        assert again.digest == artifact.digest and list(shelf.digests(SCOPE)) == [artifact.digest]

    def test_a_stream_that_fails_leaves_nothing(self, shelf):
        with pytest.raises(ZeroDivisionError), shelf.write(SCOPE) as artifact:
            artifact.write(b"x" * LARGE)
            raise ZeroDivisionError
        assert artifact.digest == ""
        assert list(shelf.digests(SCOPE)) == [] and not shelf.has(SCOPE, sha256(b"x" * LARGE))

    def test_what_is_deleted_is_gone_and_may_come_back(self, shelf):
        kept, digest = shelf.put(SCOPE, b"another"), shelf.put(SCOPE, b"a card")
        assert shelf.delete(SCOPE, digest) is True
        assert not shelf.has(SCOPE, digest) and list(shelf.digests(SCOPE)) == [kept]
        with pytest.raises(Bug, match="missing"):
            shelf.get(SCOPE, digest)
        assert shelf.delete(SCOPE, digest) is False
        assert shelf.get(SCOPE, shelf.put(SCOPE, b"a card")) == b"a card"

    def test_all_that_lies_there_is_told(self, shelf):
        kept = {shelf.put(SCOPE, b"%d" % number) for number in range(40)}
        assert len(kept) == 40
        told = list(shelf.digests(SCOPE))
        assert len(told) == 40 and set(told) == kept
        assert shelf.sweep() == 0 and set(shelf.digests(SCOPE)) == kept

    @pytest.mark.parametrize("name", ["..", ".", "", "a/b", "A", "-a", "a\n", "a" * 65, "ä", "a\0"])
    def test_names_that_are_refused(self, shelf, name):
        calls = [
            lambda: shelf.put(Scope(name, "live"), b"x"),
            lambda: shelf.put(Scope("acme", name), b"x"),
            lambda: list(shelf.digests(Scope(name, "live"))),
            lambda: shelf.write(Scope(name, "live")).__enter__(),
            *(lambda ask=ask: ask(SCOPE, name) for ask in (shelf.get, shelf.open, shelf.has, shelf.delete)),
        ]
        for call in calls:
            with pytest.raises(Bug):
                call()

    def test_many_writers_of_the_same_bytes(self, shelf):
        data, given = os.urandom(1_000_000), []
        threads = [threading.Thread(target=lambda: given.append(shelf.put(SCOPE, data))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert given == [sha256(data)] * 8
        assert shelf.get(SCOPE, given[0]) == data
