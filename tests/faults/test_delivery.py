"""Deliveries that are harmed: killed, cut off, out of room, silent. Whatever happens, no half file lies under a final
name, ``.done`` comes with everything or not at all, and the same call made again ends well."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardpipe.delivery.folder import FolderDelivery
from cardpipe.model.errors import CardpipeError, Unavailable
from cardpipe.ports import Delivery
from tests.delivery.contract import NAME, Goods, codes, complete, listing, names, unharmed
from tests.delivery.sshd import Line, Sshd, require

SIZES = (3_000_000, 1_000_000, 70_000, 5_000_000, 10)
KILLS = 9
#: So many bytes into the bundle: in the midst of a file, large or small.
AMID = (1_500_000, 3_200_000, 4_020_000, 6_000_000)
Make = Callable[..., Delivery]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    require()
    server = Sshd(tmp_path_factory.mktemp("sshd") / "server")
    yield server
    server.stop()


@pytest.fixture
def goods() -> Goods:
    return Goods()


@pytest.fixture(params=["folder", "sftp"])
def make(request: pytest.FixtureRequest) -> Make:
    """A delivery into a folder of this machine, by either way."""
    if request.param == "folder":
        return FolderDelivery
    made: Make = request.getfixturevalue("sshd").delivery
    return made


def _unavailable(delivery: Delivery, goods: Goods, **bundle: object) -> list[tuple[str, str]]:
    with pytest.raises(Unavailable) as caught:
        delivery.deliver(goods.bundle(sizes=SIZES, **bundle), goods.open)  # type: ignore[arg-type]
    assert all(finding.remedy for finding in caught.value.findings)
    return codes(caught.value)


def _mounted(place: Path, *options: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if subprocess.run(["mount", *options, "tmpfs", place], check=False).returncode:
        assert os.environ.get("CARDPIPE_TEST_REQUIRE") != "all", "a small disk cannot be mounted"
        pytest.skip("this machine does not let us mount a small disk")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    _mounted(place, "-t", "tmpfs", "-o", "size=6m")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk(make: Make, goods: Goods, small_disk: Path) -> None:
    delivery = make(small_disk)
    for _ in range(3):
        assert [code for code, _ in _unavailable(delivery, goods)] == ["delivery.no_room"]
        assert not unharmed(small_disk, goods.bundle(sizes=SIZES), goods)
        kept = {item.name for item in goods.bundle(sizes=SIZES).files[:3]}
        assert names(small_disk / NAME) == kept, "a half was left, or what went well was thrown away"
    before = listing(small_disk / NAME)
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    delivery.deliver(goods.bundle(sizes=SIZES), goods.open)
    complete(small_disk, goods.bundle(sizes=SIZES), goods)
    after = listing(small_disk / NAME)
    assert {name: after[name] for name in before} == before


def test_no_room_for_the_done(make: Make, goods: Goods, small_disk: Path) -> None:
    """The very last thing does not fit: then nothing is delivered, however much lies there."""
    block = 4096
    sizes = (3_000_000, 500_000)
    bundle = goods.bundle(sizes=sizes)
    with (small_disk / "ballast").open("wb") as ballast:
        ballast.write(b"x" * (6 * 1024 * 1024 - sum(-(-size // block) * block for size in sizes)))
    with pytest.raises(Unavailable):
        make(small_disk).deliver(bundle, goods.open)
    assert names(small_disk / NAME) == {item.name for item in bundle.files}
    (small_disk / "ballast").unlink()
    make(small_disk).deliver(bundle, goods.open)
    complete(small_disk, bundle, goods)


def test_the_kernel_refuses_more_bytes(goods: Goods, tmp_path: Path) -> None:
    """Needs no root: a limit on the size of a file stands for a quota."""
    bundle = goods.bundle(sizes=SIZES)
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        try:
            FolderDelivery(tmp_path).deliver(bundle, goods.open)
        except Unavailable as problem:
            os._exit(17 if codes(problem)[0][0] == "delivery.no_room" else 18)
        os._exit(19)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 17
    assert names(tmp_path) == {NAME}
    FolderDelivery(tmp_path).deliver(bundle, goods.open)
    complete(tmp_path, bundle, goods)


def test_a_target_that_can_only_be_read(goods: Goods, tmp_path: Path) -> None:
    place = tmp_path / "fixed"
    place.mkdir()
    _mounted(place, "-t", "tmpfs", "-o", "ro")
    try:
        assert _unavailable(FolderDelivery(place), goods) == [("delivery.folder", place.as_uri())]
        assert FolderDelivery(place).replies(goods.bundle()) == []
        assert _unavailable(FolderDelivery(place / "below"), goods) == [("delivery.folder", f"{place.as_uri()}/below")]
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_a_server_that_only_lets_us_read(goods: Goods, tmp_path: Path) -> None:
    require()
    server = Sshd(tmp_path / "server", options="-R")
    try:
        (tmp_path / "out").mkdir()
        delivery = server.delivery(tmp_path / "out")
        assert _unavailable(delivery, goods) == [("delivery.folder", delivery.address)]
        assert names(tmp_path / "out") == set()
        (tmp_path / "out" / f"{NAME}.nak").write_bytes(b"no")
        assert [reply.text for reply in delivery.replies(goods.bundle())] == ["no"]
    finally:
        server.stop()


CHILD = """
import io, sys, pathlib
from tests.delivery.contract import Goods
from cardpipe.delivery.folder import FolderDelivery
from cardpipe.delivery.connect import Login
from cardpipe.delivery.sftp import SftpDelivery
from cardpipe.delivery.target import parse
place, key, pins, sizes, here = sys.argv[1:]
read = 0


class Halting(io.BytesIO):
    def read(self, size=-1):
        global read
        data = super().read(size)
        read += len(data)
        if 0 < int(here) < read:
            print("here", flush=True)
            sys.stdin.readline()  # until it is killed
        return data


goods = Goods()
bundle = goods.bundle(sizes=tuple(map(int, sizes.split(","))))
place = parse(place)
if isinstance(place, pathlib.Path):
    delivery = FolderDelivery(place)
else:
    delivery = SftpDelivery(place, Login(pathlib.Path(key), pathlib.Path(pins)))
print("ready", flush=True)
sys.stdin.readline()
delivery.deliver(bundle, lambda digest: Halting(goods.bytes[digest]))
print("delivered", flush=True)
"""


def _child(delivery: Delivery, sshd: Sshd | None, here: int = 0) -> subprocess.Popen[bytes]:
    """A process that is ready to deliver, and begins when it is told; once it read ``here`` bytes, it says so and
    waits to be killed."""
    words = [delivery.address, str(sshd.key) if sshd else "", str(sshd.known_hosts) if sshd else ""]
    command = [sys.executable, "-c", CHILD, *words, ",".join(map(str, SIZES)), str(here)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert child.stdout and child.stdout.readline() == b"ready\n"
    return child


def _ended(child: subprocess.Popen[bytes]) -> int:
    code = child.wait(60)
    for pipe in (child.stdin, child.stdout):
        if pipe:
            pipe.close()
    return code


def _begin(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin
    child.stdin.write(b"go\n")
    child.stdin.flush()


@pytest.mark.parametrize("way", ["folder", "sftp"])
def test_killed_at_any_moment(way: str, request: pytest.FixtureRequest, goods: Goods, tmp_path: Path) -> None:
    """Every kill is followed by another attempt in the same folder, until one lives; then all anew. The first of each three
    comes in the midst of a file for certain, the others whenever they come."""
    server: Sshd | None = request.getfixturevalue("sshd") if way == "sftp" else None
    bundle = goods.bundle(sizes=SIZES)

    def delivery(folder: Path) -> Delivery:
        return server.delivery(folder) if server else FolderDelivery(folder)

    (tmp_path / "first").mkdir()
    child = _child(delivery(tmp_path / "first"), server)
    began = time.monotonic()
    _begin(child)
    assert _ended(child) == 0
    whole = time.monotonic() - began
    rng = random.Random(7)
    halves = killed = 0
    for number in range(KILLS):
        folder = tmp_path / f"out-{number // 3}"  # up to three kills in one folder
        folder.mkdir(exist_ok=True)
        amid = number % 3 == 0  # nothing lies there yet, so that all is read
        child = _child(delivery(folder), server, rng.choice(AMID) if amid else 0)
        _begin(child)
        if amid:
            assert child.stdout and child.stdout.readline() == b"here\n"
        else:
            time.sleep(rng.uniform(0, 0.9 * whole))
        child.kill()
        killed += _ended(child) == -signal.SIGKILL
        unharmed(folder, bundle, goods)
        halves += amid and any(name.endswith(".part") for name in names(folder))
        if number % 3 == 2:
            delivery(folder).deliver(bundle, goods.open)
            complete(folder, bundle, goods)
    assert killed >= KILLS // 2, "the deliveries were too fast to be killed"
    assert halves == KILLS // 3, "a kill in the midst of a file left no part of it: was it written elsewhere?"


@pytest.mark.parametrize("share", [0.05, 0.4, 0.95])
@pytest.mark.parametrize("silent", [False, True])
def test_the_line_is_cut_or_falls_silent(sshd: Sshd, goods: Goods, tmp_path: Path, share: float, silent: bool) -> None:
    line = Line(sshd, int(sum(SIZES) * share), silent=silent)
    began = time.monotonic()
    try:
        delivery = sshd.delivery(tmp_path, port=line.port, patience=1.0)
        assert _unavailable(delivery, goods) == [("delivery.folder", delivery.address)]
    finally:
        line.close()
    assert line.passed > line.after
    assert time.monotonic() - began < 8, "a dead line is given up"
    bundle = goods.bundle(sizes=SIZES)
    assert not unharmed(tmp_path, bundle, goods)
    sshd.delivery(tmp_path).deliver(bundle, goods.open)
    complete(tmp_path, bundle, goods)


def test_a_line_that_falls_silent_before_anything_is_sent(sshd: Sshd, goods: Goods, tmp_path: Path) -> None:
    """At any byte of the greeting, the exchange of keys, the login, the opening of SFTP and the first look around."""
    bundle = goods.bundle()
    whole = Line(sshd, 1_000_000)
    sshd.delivery(tmp_path, port=whole.port).replies(bundle)
    whole.close()
    lines = [Line(sshd, after, silent=True) for after in range(0, whole.passed - 50, 50)]
    assert len(lines) > 20
    said: dict[int, str] = {}

    def deliver(line: Line) -> None:
        try:
            sshd.delivery(tmp_path, port=line.port, patience=2.0).deliver(bundle, goods.open)
        except Unavailable as problem:
            said[line.after] = str(problem)

    threads = [threading.Thread(target=deliver, args=(line,), daemon=True) for line in lines]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 20
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    hanging = [line.after for line, thread in zip(lines, threads, strict=True) if thread.is_alive()]
    for line in lines:
        line.close()
    assert hanging == []
    assert set(said) == {line.after for line in lines}
    assert {text for text in said.values() if "did not answer in time" not in text} == set()
    assert names(tmp_path) == set()


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP])
def test_the_server_dies_or_hangs(goods: Goods, tmp_path: Path, harm: signal.Signals) -> None:
    require()
    server = Sshd(tmp_path / "server")
    (tmp_path / "out").mkdir()
    delivery = server.delivery(tmp_path / "out", patience=1.5)
    bundle = goods.bundle(sizes=SIZES)
    opened: list[str] = []

    def harmful(digest: str):  # type: ignore[no-untyped-def]
        opened.append(digest)
        if len(opened) == 4:
            server.signal(harm)
        return goods.open(digest)

    try:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            delivery.deliver(bundle, harmful)
        with pytest.raises(Unavailable):
            delivery.replies(bundle)
        assert time.monotonic() - began < 15
        assert not unharmed(tmp_path / "out", bundle, goods)
        assert len(names(tmp_path / "out" / NAME)) >= 3
        if harm is signal.SIGSTOP:
            server.signal(signal.SIGCONT)
        else:
            server.stop()
            server.start()
        delivery.deliver(bundle, goods.open)
        complete(tmp_path / "out", bundle, goods)
    finally:
        server.stop()


def test_only_the_session_is_killed(goods: Goods, sshd: Sshd, tmp_path: Path) -> None:
    bundle = goods.bundle(sizes=SIZES)

    def harmful(digest: str):  # type: ignore[no-untyped-def]
        sshd.signal(signal.SIGKILL, sessions_only=True)
        return goods.open(digest)

    with pytest.raises(Unavailable) as caught:
        sshd.delivery(tmp_path).deliver(bundle, harmful)
    assert "connection" in str(caught.value)
    sshd.delivery(tmp_path).deliver(bundle, goods.open)
    complete(tmp_path, bundle, goods)


@pytest.mark.parametrize("way", ["folder", "sftp"])
def test_nothing_is_left_running(way: str, request: pytest.FixtureRequest, goods: Goods, tmp_path: Path) -> None:
    """A worker delivers for months: no thread and no open file may stay behind, however a delivery ended."""
    server: Sshd | None = request.getfixturevalue("sshd") if way == "sftp" else None

    def count() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    (tmp_path / "out").mkdir()
    before = count()
    for number in range(4):
        bundle = goods.bundle(f"20261121_CP_A7_B0{number}_0212pc_v1", sizes=SIZES[1:])
        delivery = server.delivery(tmp_path / "out") if server else FolderDelivery(tmp_path / "out")
        delivery.deliver(bundle, goods.open)
        with pytest.raises(CardpipeError):
            delivery.deliver(goods.bundle(bundle.name, seed=2, sizes=SIZES), goods.open)
        if server:
            line = Line(server, 500_000)
            with pytest.raises(Unavailable):
                server.delivery(tmp_path / "out", port=line.port).deliver(
                    goods.bundle(f"20261122_CP_A7_B0{number}_0212pc_v1"), goods.open
                )
            line.close()
    end = time.monotonic() + 10
    while (now := count()) > before and time.monotonic() < end:
        time.sleep(0.1)
    assert now[0] <= before[0] and now[1] <= before[1]
