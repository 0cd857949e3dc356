"""The limited child: the same results as without it, and nothing that a picture does to it reaches its neighbours."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cardpipe.darkroom import LimitedDarkroom, Limits, PictureKilled
from cardpipe.model.errors import Refused, Unavailable
from cardpipe.prepress.photo import PhotoOrder, judge
from cardpipe.prepress.signature import SignatureOrder

ROOT = Path(__file__).parents[2]
ORDER = PhotoOrder(144, 144, where="photos.main")


@functools.cache
def picture(side: int = 900, seed: int = 1) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (30, 30, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def signed() -> bytes:
    sheet = np.full((400, 800), 245, np.uint8)
    sheet[150:250, 200:208] = sheet[240:248, 200:600] = 30
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def darkroom() -> Iterator[LimitedDarkroom]:
    with LimitedDarkroom() as room:
        yield room


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def template(room: LimitedDarkroom) -> int:
    assert room._template is not None
    return room._template.pid


#: Develops in this very process, in a fresh interpreter: vips must never be used in the process that runs the tests
#: and forks.
FRESH = """
import sys, hashlib
sys.path.insert(0, {root!r})
from cardpipe.prepress.photo import PhotoOrder, develop
data = sys.stdin.buffer.read()
photo = develop(data, PhotoOrder(144, 144, where="photos.main"))
print(hashlib.sha256(photo.jpeg + repr(photo).encode()).hexdigest())
"""


def test_the_same_photo_as_in_a_process_of_its_own(darkroom: LimitedDarkroom) -> None:
    import hashlib

    photo = darkroom.develop(picture(), ORDER)
    assert (photo.width_px, photo.height_px) == (600, 600)
    here = hashlib.sha256(photo.jpeg + repr(photo).encode()).hexdigest()
    for extra in ({"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}, {"PYTHONHASHSEED": "2", "VIPS_CONCURRENCY": "4"}):
        done = subprocess.run(
            [sys.executable, "-c", FRESH.format(root=str(ROOT))], input=picture(), capture_output=True, check=True,
            env={**os.environ, **extra},
        )  # fmt: skip
        assert done.stdout.decode().strip() == here


def test_judging_and_lifting(darkroom: LimitedDarkroom) -> None:
    assert darkroom.judge(picture()) == judge(picture())
    assert [f.code for f in darkroom.judge(b"%PDF-1.4", "photos.main").findings] == ["photo.format"]
    signature = darkroom.lift(signed(), SignatureOrder(72, 36))
    assert signature.g4 and signature.aspect > 2


def test_refusals_come_through_with_their_findings(darkroom: LimitedDarkroom) -> None:
    with pytest.raises(Refused) as caught:
        darkroom.develop(picture()[:5000], ORDER)
    assert type(caught.value) is Refused and not caught.value.retried
    assert [(f.code, f.where) for f in caught.value.findings] == [("photo.truncated", "photos.main")]


def killed(room: LimitedDarkroom, data: bytes, order: PhotoOrder = ORDER) -> PictureKilled:
    with pytest.raises(PictureKilled) as caught:
        room.develop(data, order)
    assert [(f.code, f.where) for f in caught.value.findings] == [("photo.decoder_died", order.where)]
    assert caught.value.retried and caught.value.finding is caught.value.findings[0]
    return caught.value


def test_too_little_memory_ends_that_picture_only() -> None:
    with LimitedDarkroom(limits=Limits(memory_mb=60)) as room:
        assert room.develop(picture(), ORDER).jpeg
        first = template(room)
        assert "memory" in killed(room, picture(6000)).findings[0].message
        assert room.develop(picture(), ORDER).jpeg
        assert template(room) == first, "the template outlived it"


def kill_grandchild(room: LimitedDarkroom, sig: int, stop: threading.Event) -> None:
    while not stop.is_set():
        for pid in children(template(room)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
                return


@pytest.mark.parametrize("sig", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGXCPU])
def test_a_crash_ends_that_picture_only(darkroom: LimitedDarkroom, sig: int) -> None:
    darkroom.develop(picture(), ORDER)
    while children(template(darkroom)):  # the one just made is still being torn down
        time.sleep(0.005)
    stop = threading.Event()
    murderer = threading.Thread(target=kill_grandchild, args=(darkroom, sig, stop))
    murderer.start()
    try:
        message = killed(darkroom, picture(7000)).findings[0].message
    finally:
        stop.set()
        murderer.join()
    assert ("time" if sig == signal.SIGXCPU else f"signal {int(sig)}") in message
    assert darkroom.develop(picture(), ORDER).jpeg


def test_a_hang_ends_that_picture_only() -> None:
    with LimitedDarkroom(limits=Limits(wall_seconds=1.5)) as room:
        room.develop(picture(300), ORDER)
        first = template(room)
        while children(first):
            time.sleep(0.005)
        stop = threading.Event()
        stopper = threading.Thread(target=kill_grandchild, args=(room, signal.SIGSTOP, stop))
        stopper.start()
        began = time.monotonic()
        try:
            assert "time" in killed(room, picture(7000)).findings[0].message
        finally:
            stop.set()
            stopper.join()
        assert 1.4 < time.monotonic() - began < 5
        assert all(gone(pid) for pid in children(first)), "killed, though it would not end by itself"
        assert room.develop(picture(300), ORDER).jpeg and template(room) == first


def test_the_template_itself_may_die() -> None:
    with LimitedDarkroom() as room:
        room.develop(picture(300), ORDER)
        first = template(room)
        os.kill(first, signal.SIGKILL)
        assert gone(first) or True
        time.sleep(0.1)
        assert room.develop(picture(300), ORDER).jpeg, "idle when it died: nobody's fault, made anew"
        assert template(room) != first


def test_recycled_after_some_pictures() -> None:
    with LimitedDarkroom(recycle=2) as room:
        seen = []
        for _ in range(4):
            room.judge(picture(100))
            seen.append(template(room))
        assert seen[0] == seen[1] != seen[2] == seen[3]
        assert gone(seen[0])


def test_closing_leaves_nothing_and_may_be_followed_by_more() -> None:
    room = LimitedDarkroom()
    room.judge(picture(100))
    first = template(room)
    room.close()
    assert gone(first)
    assert room.judge(picture(100)).width == 100
    room.close()
    room.close()


WORKER = """
import os, sys, time
sys.path.insert(0, {root!r})
from cardpipe.darkroom import LimitedDarkroom
room = LimitedDarkroom()
room.judge(open({path!r}, "rb").read())
print(room._template.pid, flush=True)
if os.fork() == 0:  # a child of the worker keeps the pipes open, as a prefork pool's do
    time.sleep(20)
    os._exit(0)
time.sleep(60)
"""


def test_nothing_stays_when_the_worker_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(100))
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(root=str(ROOT), path=str(path))], stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    assert alive(pid)
    worker.kill()
    worker.wait()
    try:
        assert gone(pid, 5)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.stdout.close()


FORKED = """
import os, sys
sys.path.insert(0, {root!r})
from cardpipe.darkroom import LimitedDarkroom
from cardpipe.prepress.photo import PhotoOrder
data = open({path!r}, "rb").read()
order = PhotoOrder(144, 144)
room = LimitedDarkroom()
first = room.develop(data, order)
pids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        for _ in range(20):
            assert room.develop(data, order) == first
        room.close()
        os._exit(7)
    pids.append(pid)
for _ in range(5):
    assert room.develop(data, order) == first  # at the same time, through the parent's own template
for pid in pids:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
assert room.develop(data, order) == first
assert "pyvips" not in sys.modules and "cv2" not in sys.modules
room.close()
print("fine")
"""


def test_twenty_pictures_in_each_of_two_forked_workers_of_one_that_had_used_it(tmp_path: Path) -> None:
    """The trap: libvips hangs in a fork of a process that had used it. Here it would be the time limit that fails."""
    path = tmp_path / "a.jpg"
    path.write_bytes(picture())
    done = subprocess.run(
        [sys.executable, "-c", FORKED.format(root=str(ROOT), path=str(path))], capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == "fine", done.stderr


def test_threads_take_turns(darkroom: LimitedDarkroom) -> None:
    answers: dict[int, bytes] = {}

    def make(seed: int) -> None:
        answers[seed] = darkroom.develop(picture(900, seed), ORDER).jpeg

    threads = [threading.Thread(target=make, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers.values())) == 4
    assert all(darkroom.develop(picture(900, seed), ORDER).jpeg == jpeg for seed, jpeg in answers.items())


def test_the_grandchild_is_limited(darkroom: LimitedDarkroom) -> None:
    """What the kernel says of a grandchild at work."""
    darkroom.develop(picture(), ORDER)
    seen: dict[str, str] = {}

    def look() -> None:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for pid in children(template(darkroom)):
                with contextlib.suppress(OSError):
                    base = Path(f"/proc/{pid}")
                    limits = (base / "limits").read_text()
                    if "Max file size             0" in limits:
                        seen["limits"] = limits
                        seen["status"] = (base / "status").read_text()
                        return

    watcher = threading.Thread(target=look)
    watcher.start()
    darkroom.develop(picture(7000), ORDER)
    watcher.join()
    values = {line[:26].strip(): line[26:].split()[0] for line in seen["limits"].splitlines()}
    assert values["Max file size"] == values["Max core file size"] == "0"
    assert values["Max cpu time"] == "20" and int(values["Max open files"]) <= 64
    assert int(values["Max address space"]) < 3_000_000_000
    assert "NoNewPrivs:\t1" in seen["status"]


def test_the_child_knows_nothing_of_the_workers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDPIPE_SECRET", "planted")
    started: list[dict[str, str]] = []
    real = subprocess.Popen

    def spy(*args: object, **options: object) -> object:
        started.append(options["env"])  # type: ignore[arg-type]
        return real(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", spy)
    with LimitedDarkroom() as room:
        room.judge(picture(100))
    assert started and all(not {"CARDPIPE_SECRET", "HOME", "PATH"} & set(each) for each in started)


def test_no_network_where_the_kernel_allows_it(darkroom: LimitedDarkroom) -> None:
    darkroom.judge(picture(100))
    net = Path(f"/proc/{template(darkroom)}/ns/net").readlink()
    probe = subprocess.run(["unshare", "-Un", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this kernel gives no network namespace to users")
    assert net != Path("/proc/self/ns/net").readlink()


def test_a_child_that_does_not_start_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable):
        LimitedDarkroom().judge(picture(100))
