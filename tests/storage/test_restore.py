"""A backup that was cut off, changed or made up is refused as a whole, and nothing of it is left behind."""

from __future__ import annotations

import sqlite3
import tarfile
import tracemalloc

import pytest
from tars import a_tar, files, listed, members, packed, stocked

from cardpipe.model.errors import Conflict, Refused
from cardpipe.storage.restore import read_backup


@pytest.fixture
def house(store, tmp_path, order, batch):
    return stocked(store, tmp_path, order, batch)


def test_a_backup_goes_into_an_empty_folder_alone(house, tmp_path):
    file, _ = packed(house, tmp_path)
    data = tmp_path / "used"
    data.mkdir()
    (data / "cardpipe.db").write_bytes(b"mine")
    for place in (data, data / "cardpipe.db"):
        with pytest.raises(Conflict) as caught:
            read_backup(file, place)
        assert caught.value.findings[0].code == "restore.not_empty"
    assert files(data) == {"cardpipe.db": b"mine"}
    empty = tmp_path / "empty"
    empty.mkdir()
    read_backup(file, empty)
    with pytest.raises(Refused) as caught:
        read_backup(tmp_path / "nowhere.tar", tmp_path / "new")
    assert caught.value.findings[0].code == "backup.missing"


def refused(file, tmp_path, *codes):
    """It is, with one of these codes, and nothing is left behind, neither in a new folder nor in an empty one."""
    for data in (tmp_path / "a" / "new", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(Refused) as caught:
            read_backup(file, data)
        assert caught.value.findings[0].code in codes
        assert not (tmp_path / "a" / "new").exists()
        assert list((tmp_path / "empty").iterdir()) == []


def test_a_backup_that_was_cut_off_is_refused_wherever_it_was(house, tmp_path):
    file, _ = packed(house, tmp_path)
    whole = file.read_bytes()
    end = whole.rindex(b"manifest.sha256\0")
    size = len(members(file)[-1][1])
    needed = end + 512 + size
    cut = tmp_path / "cut.tar"
    places = {0, 1, 511, 512, 513, 1024, 1536, 50_000, end - 1, end, end + 100, end + 512, needed - 1}
    for place in sorted(places | set(range(2048, needed, needed // 15))):
        cut.write_bytes(whole[:place])
        refused(cut, tmp_path, "backup.incomplete", "backup.member")


def test_a_backup_that_was_changed_is_refused_wherever_it_was(house, tmp_path):
    file, _ = packed(house, tmp_path)
    parts = members(file)
    changed = tmp_path / "changed.tar"
    for number, (name, data) in enumerate(parts):
        if data and name != "backup.json":
            middle = len(data) // 2
            other = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
            a_tar(changed, [*parts[:number], (name, other), *parts[number + 1 :]])
            refused(changed, tmp_path, "backup.changed")
    for left_out in range(3, len(parts) - 1):
        a_tar(changed, parts[:left_out] + parts[left_out + 1 :])
        refused(changed, tmp_path, "backup.changed")
    name = parts[3][0]
    a_tar(changed, listed([*parts[:3], (name, b"another picture"), *parts[4:-1]]))  # even where the list is true of it
    refused(changed, tmp_path, "backup.changed")
    a_tar(changed, [*parts[:3], parts[4], parts[3], *parts[5:]])
    refused(changed, tmp_path, "backup.changed")


def special(kind, name="artifacts/local/live/ab/" + "ab" * 32, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


HOSTILE_NAMES = [
    "../evil", "/etc/evil", "artifacts/../../evil", "artifacts/local/live/../../../evil", "cardpipe.db", "backup.json",
    "cardpipe.db-wal", "artifacts/local/live/ab/" + "cd" * 32, "artifacts/LOCAL/live/ab/" + "ab" * 32,
    "artifacts/local/live/" + "ab" * 32, "artifacts/local/live/ab/" + "ab" * 32 + "\n", "artifacts//live/ab/" + "ab" * 32,
    "secret", "./secret", "", "artifacts/local/live/ab/" + "AB" * 32,
]  # fmt: skip


def test_a_strange_name_is_refused(house, tmp_path):
    """Even where the list is true of it."""
    parts = members(packed(house, tmp_path)[0])[:-1]
    before = names(tmp_path.parent)
    for name in HOSTILE_NAMES:
        refused(a_tar(tmp_path / "evil.tar", listed([*parts, (name, b"evil")])), tmp_path, "backup.member")
    assert names(tmp_path.parent) - before == {f"{tmp_path.name}/evil.tar"}


def names(folder):
    """What lies there; other tests' files, which may be a gigabyte, are not read."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "info",
    [
        special(tarfile.SYMTYPE, link="/etc/passwd"),
        special(tarfile.LNKTYPE, link="secret"),
        special(tarfile.DIRTYPE),
        special(tarfile.FIFOTYPE),
        special(tarfile.CHRTYPE),
        special(tarfile.CONTTYPE),
        special(tarfile.SYMTYPE, "secret", "../../etc/passwd"),
        special(tarfile.SYMTYPE, "artifacts", "/tmp"),
    ],
)
def test_what_is_no_plain_file_is_refused(house, tmp_path, info):
    parts = members(packed(house, tmp_path)[0])[:-1]
    for place in (0, 1, 2, 3, len(parts)):
        refused(a_tar(tmp_path / "evil.tar", [*parts[:place], (info, b""), *parts[place:]]), tmp_path, "backup.member")


def test_the_parts_come_in_their_order_or_not_at_all(house, tmp_path):
    parts = members(packed(house, tmp_path)[0])[:-1]
    head, database, secret, *rest = parts
    evil = tmp_path / "evil.tar"
    for wrong in (
        [database, head, secret, *rest],
        [head, secret, database, *rest],
        [head, database, *rest, secret],
        [head, database, secret, secret, *rest],
        [head, head, database, secret],
        [head],
        [("backup.json", b"{}"), database],
        [("backup.json", b"not json"), database],
        [("backup.json", b"[1]"), database],
        [("backup.json", b" " * 100_000), database],
        [head, database, ("secret", b" " * 100_000)],
    ):
        refused(a_tar(evil, listed(wrong)), tmp_path, "backup.member")
    refused(a_tar(evil, [*listed(parts), ("artifacts/local/live/ab/" + "ab" * 32, b"")]), tmp_path, "backup.member")
    refused(
        a_tar(evil, [("backup.json", b'{"format":2,"at":"2027-01-01","migration":"0009"}')]), tmp_path, "backup.format"
    )


def test_what_is_no_tar_at_all_is_refused(house, tmp_path):
    file, _ = packed(house, tmp_path)
    parts = members(file)
    evil = tmp_path / "evil"
    for data in (b"", b"x", b"\0" * 10_240, b"PK\x03\x04" + b"x" * 5000, bytes(range(256)) * 40):
        evil.write_bytes(data)
        refused(evil, tmp_path, "backup.incomplete", "backup.member")
    refused(a_tar(evil, parts[:0]), tmp_path, "backup.incomplete", "backup.member")
    with tarfile.open(evil, "w:gz") as tar:
        tar.add(file, "backup.json")
    refused(evil, tmp_path, "backup.incomplete")


def test_a_header_that_is_made_to_fill_the_memory_is_refused(house, tmp_path):
    parts = members(packed(house, tmp_path)[0])[:-1]
    huge = special(tarfile.XHDTYPE, "PaxHeaders/x")
    evil = tmp_path / "evil.tar"
    a_tar(evil, [*parts, (huge, b"30 path=" + b"x" * (3 << 20) + b"\n"), ("x", b"")])
    tracemalloc.start()
    refused(evil, tmp_path, "backup.incomplete")
    assert tracemalloc.get_traced_memory()[1] < 12 << 20
    tracemalloc.stop()
    negative = bytearray(special(tarfile.REGTYPE, "secret").tobuf())
    negative[124:136] = b"\xff" * 11 + b"\x00"  # base 256: far below nothing
    negative[148:156] = b"%06o\0 " % (sum(negative[:148]) + 8 * 32 + sum(negative[156:]))
    a_tar(evil, parts[:2])
    evil.write_bytes(evil.read_bytes().rstrip(b"\0").ljust(512 * -(-len(evil.read_bytes().rstrip(b"\0")) // 512), b"\0")
                     + bytes(negative))  # fmt: skip
    refused(evil, tmp_path, "backup.incomplete", "backup.member")


def test_a_database_that_is_damaged_is_refused(house, tmp_path):
    parts = members(packed(house, tmp_path)[0])[:-1]
    whole = bytearray(parts[1][1])
    evil = tmp_path / "evil.tar"
    for wrong in (
        b"",
        b"not a database",
        bytes(whole[: len(whole) // 2]),
        bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:]),
    ):
        refused(a_tar(evil, listed([parts[0], ("cardpipe.db", wrong), *parts[2:]])), tmp_path, "backup.database")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE mine (a)")
    other.close()
    theirs = (tmp_path / "other.db").read_bytes()
    refused(a_tar(evil, listed([parts[0], ("cardpipe.db", theirs), *parts[2:]])), tmp_path, "backup.database")


def test_a_backup_of_a_newer_cardpipe_is_left_alone(house, tmp_path, sql):
    sql(house[0], "UPDATE alembic_version SET version_num = '9999'")
    file, _ = packed(house, tmp_path)
    with pytest.raises(Conflict, match="newer"):
        read_backup(file, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_restore_that_is_interrupted_leaves_nothing(house, tmp_path, monkeypatch):
    file, _ = packed(house, tmp_path)
    for what in ("cardpipe.storage.migrations.upgrade", "cardpipe.storage.tenants.pause", "os.sync"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(what, _interrupted)
            read_backup(file, tmp_path / "new")
        assert not (tmp_path / "new").exists()
    read_backup(file, tmp_path / "new")


def _interrupted(*_, **__):
    raise KeyboardInterrupt
