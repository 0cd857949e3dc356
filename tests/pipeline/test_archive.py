"""A ZIP of a table and its pictures: read by name, never unpacked, and not believed before it was judged."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.model.errors import Refused
from cardpipe.pipeline import archive, bulk
from cardpipe.pipeline.archive import open_archive
from cardpipe.pipeline.table import open_table

ORDERS = b"reference,occasion,message,photo\nA,birthday,Hi,photos/anna.jpg\n"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
Member = tuple[str | zipfile.ZipInfo, bytes]


def zipped(*members: Member, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in members:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.compress_type = method
            made.writestr(info, data)
    return out.getvalue()


GOOD: tuple[Member, ...] = (("orders.csv", ORDERS), ("photos/anna.jpg", JPEG))


def found(data: bytes) -> list[str]:
    """The codes of what is wrong with a ZIP, at once or when all of it is read."""
    try:
        opened = open_archive(io.BytesIO(data))
        name, file = opened.table()
        open_table(file, name)
        for picture in sorted(opened.pictures):
            opened.picture(picture)
    except Refused as problem:
        assert all(one.remedy for one in problem.findings)
        return [one.code for one in problem.findings]
    return []


@pytest.mark.parametrize("folder", ["", "batch/", "a/b/"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_table_and_its_pictures_are_read_by_name(folder: str, method: int) -> None:
    members = [(f"{folder}{name}", data) for name, data in GOOD]
    opened = open_archive(io.BytesIO(zipped(*members, ("other/x.png", b"x"), method=method)))
    name, file = opened.table()
    assert name == "orders.csv" and file.read() == ORDERS
    file.seek(0)
    (row,) = bulk.rows(open_table(file, name))
    assert opened.picture(row.data["photo"], "photo") == opened.picture("./photos/anna.jpg") == JPEG
    assert opened.pictures == {"photos/anna.jpg", "other/x.png"}


def test_what_computers_put_in_of_their_own_is_passed_over() -> None:
    clutter = ["__MACOSX/._orders.csv", "photos/.DS_Store", "Thumbs.db", "photos/._anna.jpg", "photos/"]
    opened = open_archive(io.BytesIO(zipped(*GOOD, *((name, b"") for name in clutter))))
    assert opened.table()[0] == "orders.csv" and opened.pictures == {"photos/anna.jpg"}


@pytest.mark.parametrize("said", [True, False], ids=["as UTF-8", "unsaid"])
def test_letters_are_one_however_they_are_written(said: bool) -> None:
    """A Mac writes decomposed UTF-8, and does not say so; the table has composed letters."""
    name = unicodedata.normalize("NFD", "photos/Zoë.jpg")
    data = zipped(("orders.csv", ORDERS), (name, JPEG))
    if not said:
        raw = name.encode()
        for head, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = data.index(head, data.index(head) + 1) + place
            data = data[:at] + struct.pack("<H", struct.unpack_from("<H", data, at)[0] & ~0x800) + data[at + 2 :]
        assert raw in data
    assert open_archive(io.BytesIO(data)).picture("photos/Zoë.jpg") == JPEG


@pytest.mark.parametrize(
    "name",
    ["../x.jpg", "a/../../x.jpg", "/etc/x.jpg", "C:/x.jpg", "c:x.jpg", "a\\x.jpg", "..\\x.jpg", "./x.jpg", "a//x.jpg", "a/./x.jpg",
     "x\n.jpg", "x\u202egpj.exe", "x" * 501, "\\\\host\\x.jpg", "../photos/"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    assert found(zipped(*GOOD, (name, b"x"))) == ["archive.name"]


@pytest.mark.parametrize("cut", [b"photos/bob.jpg\0.csv", b"\0hotos/bob.jpg..csv"])
def test_a_name_with_a_nul_is_refused_and_not_cut(cut: bytes) -> None:
    """Also one of which nothing is left before it."""
    data = zipped(*GOOD, ("photos/bob.jpgX.csv", b"x")).replace(b"photos/bob.jpgX.csv", cut)
    assert "archive.name" in found(data)


@pytest.mark.parametrize("twin", ["photos/anna.jpg", "Photos/Anna.JPG", "photos/ａnna.jpg"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(twin: str) -> None:
    assert found(zipped(*GOOD, (twin, b"another face"))) == ["archive.twice"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_links_and_devices_are_refused(kind: int) -> None:
    info = zipfile.ZipInfo("photos/link.jpg")
    info.external_attr = (kind | 0o777) << 16
    assert found(zipped(*GOOD, (info, b"/etc/passwd"))) == ["archive.kind"]


def changed(data: bytes, field: int, form: str, change: Callable[[int], int], local: int | None = None) -> bytes:
    """The ZIP with a field of its last member changed in the list of members (and in the member's own head)."""
    made = bytearray(data)
    for head, place in ((b"PK\x01\x02", field), (b"PK\x03\x04", local)):
        if place is not None:
            at = data.rindex(head) + place
            struct.pack_into(form, made, at, change(struct.unpack_from(form, data, at)[0]))
    return bytes(made)


def test_encrypted_members_are_refused() -> None:
    assert found(changed(zipped(*GOOD), 8, "<H", lambda flags: flags | 1, 6)) == ["archive.encrypted"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_methods_are_refused(method: int) -> None:
    assert found(zipped(*GOOD, method=method)) == ["archive.method"] * 2


@pytest.mark.parametrize("name", ["more.zip", "x.tar.gz", "photos/x.7Z", "y.rar"])
def test_archives_in_archives_are_refused(name: str) -> None:
    assert found(zipped(*GOOD, (name, b"x"))) == ["archive.nested"]


def test_an_archive_called_a_picture_is_refused_when_it_is_read() -> None:
    assert found(zipped(*GOOD, ("photos/x.jpg", zipped(("y", b"y"))))) == ["picture.archive"]


@pytest.mark.parametrize("names", [[], ["orders.csv", "more.csv"], ["a.csv", "b.ndjson"]])
def test_one_table_and_no_other(names: list[str]) -> None:
    assert found(zipped(("photos/anna.jpg", JPEG), *((name, ORDERS) for name in names))) == ["archive.table"]


def test_too_many_members_are_refused() -> None:
    names = [(f"p/{n}.jpg", b"") for n in range(archive.MAX_MEMBERS)]
    assert found(zipped(*GOOD, *names, method=zipfile.ZIP_STORED)) == ["archive.members"]


def test_a_list_of_members_that_fills_the_memory_is_not_read() -> None:
    entry = b"PK\x01\x02" + bytes(42)
    listed = entry * 300_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(listed), 0, 0)
    tracemalloc.start()
    assert found(listed + end) == ["archive.broken"]
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


def test_a_bomb_is_refused_by_its_ratio_and_before_it_is_unpacked() -> None:
    assert found(zipped(*GOOD, ("bomb.jpg", bytes(20_000_000)))) == ["archive.ratio"]
    assert found(zipped(*GOOD, ("small.jpg", bytes(60_000)))) == []


@pytest.mark.parametrize(
    ("size", "codes"),
    [(25_000_001, ["archive.member_large"]), (4_000_000_000, ["archive.member_large", "archive.large"])],
)
def test_sizes_are_limited_alone_and_together(size: int, codes: list[str]) -> None:
    data = changed(zipped(*GOOD, method=zipfile.ZIP_STORED), 24, "<L", lambda _: size)
    data = changed(data, 20, "<L", lambda _: size // 2)
    assert found(data) == codes


@pytest.mark.parametrize("size", [100, len(JPEG) - 1, len(JPEG) + 1, len(JPEG) * 5])
def test_a_size_that_lies_is_found_while_reading(size: int) -> None:
    assert found(changed(zipped(*GOOD), 24, "<L", lambda _: size, 22)) == ["archive.broken"]


def test_a_bomb_that_says_it_is_small_is_unpacked_no_further_than_it_says() -> None:
    data = zipped(*GOOD, ("bomb.jpg", bytes(200_000_000)))
    data = changed(data, 24, "<L", lambda _: 1_000, 22)
    opened = open_archive(io.BytesIO(data))
    tracemalloc.start()
    with pytest.raises(Refused):
        opened.picture("bomb.jpg")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_a_byte_that_was_changed_on_the_way_is_found() -> None:
    data = bytearray(zipped(*GOOD, method=zipfile.ZIP_STORED))
    data[data.index(JPEG) + 50] ^= 1
    assert found(bytes(data)) == ["archive.broken"]


def test_a_missing_picture_says_which_was_meant() -> None:
    opened = open_archive(io.BytesIO(zipped(*GOOD)))
    for ref, remedy in {
        "photos/Anna.jpg": "'photos/anna.jpg'",
        "photos/ana.jpg": "'photos/anna.jpg'",
        "../orders.csv": "write its path",
        "orders.csv": "write its path",
        "/photos/anna.jpg": "did you mean",
        "": "write its path",
    }.items():
        with pytest.raises(Refused) as caught:
            opened.picture(ref, "photo")
        (one,) = caught.value.findings
        assert (one.code, one.where) == ("picture.path", "photo") and remedy in one.remedy


def test_many_findings_are_cut_short() -> None:
    codes = found(zipped(*GOOD, *((f"../{n}.jpg", b"") for n in range(50))))
    assert codes == ["archive.name"] * 20 + ["archive.more"]


def harmed(data: bytes, changes: Iterable[tuple[int, int]]) -> bytes:
    made = bytearray(data)
    for place, value in changes:
        made[place % len(made)] = value
    return bytes(made)


SEED = zipped(*GOOD, ("photos/b/ö.png", zlib.compress(JPEG)))


@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=6), st.integers(0, len(SEED)))
def test_only_refused_ever_comes_out_of_a_harmed_zip(changes: list[tuple[int, int]], cut: int) -> None:
    for data in (harmed(SEED, changes), harmed(SEED, changes)[:cut], harmed(SEED, changes)[cut:]):
        assert all(code.startswith(("archive.", "picture.", "file.")) for code in found(data))


@given(st.binary(max_size=200), st.booleans())
def test_only_refused_ever_comes_out_of_any_bytes(data: bytes, ended: bool) -> None:
    assert found(data + (SEED[-22:] if ended else b"")) == ["archive.broken"]


TAIL = SEED.rindex(b"PK\x05\x06")


@given(
    st.lists(
        st.tuples(st.integers(SEED.index(b"PK\x01\x02"), len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_only_refused_ever_comes_out_of_a_harmed_list_of_members(changes: list[tuple[int, int]]) -> None:
    found(harmed(SEED, changes))


@given(st.sampled_from(["<Q", "<L"]), st.integers(0, (1 << 32) - 1), st.integers(0, 40))
def test_only_refused_ever_comes_out_of_a_zip64_that_lies(form: str, value: int, place: int) -> None:
    end64 = bytearray(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 3, 3, TAIL, 0))
    struct.pack_into(form, end64, min(place, len(end64) - 8), value)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, TAIL, 1)
    found(SEED[:TAIL] + bytes(end64) + locator + SEED[TAIL:])
