"""The child of :class:`cardpipe.darkroom.limited.LimitedDarkroom`: a warm template that never decodes, and forks.

The template loads the libraries once (some 0.5 s), then forks a grandchild for each picture (some milliseconds). The
grandchild sets its limits, makes one picture, writes one answer and is gone, with whatever the picture did to it.
The template never uses libvips, which would hang in the grandchildren; it only imports it. It learns the profiles of
presses and the faces of text in art, which are the shop's own, each once: a grandchild opens no file.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import os
import resource
import select
import signal
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from cardpipe.darkroom import frames
from cardpipe.model.errors import Refused
from cardpipe.prepress.art import ArtOrder, MadeArt

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
Request = tuple[dict[str, Any], bytes]

_PIPES = 4  # file descriptors of a grandchild: 0 to 2, and the one for its answer
_LOOK_UP = 1.0  # seconds between two looks whether the worker still lives


def main() -> None:
    """Serve pictures from fd 0 to fd 1 until the worker closes the pipe or dies."""
    worker = os.getppid()
    ask, answer = os.dup(0), os.dup(1)
    for fd in (0, 1):
        os.set_inheritable(fd, False)
        os.dup2(os.open(os.devnull, os.O_RDWR), fd)
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)  # no network; where the kernel forbids it, the other limits stand
    started = frames.receive(ask)
    if started is None:
        return
    limits, learned = started[0], dict[str, bytes]()
    _warm()
    gc.collect()
    gc.freeze()
    frames.send(answer, {"end": "ready"})
    while _next_comes(ask, worker):
        request = frames.receive(ask)
        if request is None:
            return
        if request[0]["do"] == "learn":
            frames.send(answer, _learn(request[0]["what"], request[1], learned))
        else:
            if request[0]["do"] == "art":
                _warm_for_art()
            _serve(libc, request, limits, learned, worker, answer)


def _warm() -> None:
    """Import and load what a picture needs, by making a trusted small one; nothing that uses libvips."""
    import numpy as np
    import pillow_heif  # noqa: F401
    import pyvips  # noqa: F401
    import simplejpeg
    from PIL import AvifImagePlugin, ImageCms, PngImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401

    from cardpipe.prepress import crop, photo, scan, signature  # noqa: F401

    crop.warm()
    sheet = np.full((64, 64, 3), 250, np.uint8)
    sheet[30:34, 8:56] = 20
    small = simplejpeg.encode_jpeg(sheet, 90)
    photo.develop(small, photo.PhotoOrder(72, 72))
    signature.lift(small, signature.SignatureOrder(7, 7))


@lru_cache(maxsize=1)
def _warm_for_art() -> None:
    """Load the converter of art, by one trusted drawing: with the first art only, which most darkrooms never see."""
    from cardpipe.prepress import svgart

    svgart.warm()
    gc.freeze()


def _learn(what: str, lesson: bytes, learned: dict[str, bytes]) -> dict[str, str]:
    """Keep a press's profile by its SHA-256, its tables made, or a face; or say why it cannot be used."""
    from cardpipe.prepress import font, separation

    try:
        if what == "profile":
            separation.prepare(lesson)
        else:
            font.Font(lesson, x_height=1.0)
    except (ValueError, Refused) as problem:
        return {"end": "unusable", "how": str(problem)}
    learned[hashlib.sha256(lesson).hexdigest()] = lesson
    return {"end": "ready"}


def _next_comes(ask: int, worker: int) -> bool:
    """Wait for a request; False when the worker is gone (its forked children may keep the pipe open)."""
    poll = select.poll()
    poll.register(ask, select.POLLIN)
    while not poll.poll(_LOOK_UP * 1000):
        if os.getppid() != worker:
            return False
    return True


def _serve(
    libc: Any, request: Request, limits: dict[str, Any], learned: dict[str, bytes], worker: int, answer: int
) -> None:
    """One request in a fork: relay what it answers, or tell how it ended ("died", "timeout") without an answer."""
    template = os.getpid()
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        _picture(libc, template, request, limits, learned, sink)
    os.close(sink)
    try:
        result = _collect(source, time.monotonic() + limits["wall_seconds"], worker)
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        result = ({"end": "timeout", "how": ""}, b"")
    except frames.BadFrame as problem:
        os.kill(pid, signal.SIGKILL)
        result = ({"end": "died", "how": str(problem)}, b"")
    finally:
        os.close(source)
    if result is None:
        _, status = os.waitpid(pid, 0)
        frames.send(answer, {"end": "died", "how": _cause(os.waitstatus_to_exitcode(status))})
        return
    frames.send(answer, *result)  # before the grandchild's memory is torn down, which takes some milliseconds
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _collect(source: int, deadline: float, worker: int) -> Request | None:
    """The grandchild's answer; None where it ended without one."""
    while True:
        poll = select.poll()
        poll.register(source, select.POLLIN | select.POLLHUP)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if poll.poll(min(left, _LOOK_UP) * 1000):
            break
        if os.getppid() != worker:
            os._exit(1)  # the grandchild follows by its death signal
    answer = frames.receive(source, deadline)
    return None if answer is None else ({"end": "done", "how": "", "answer": answer[0]}, answer[1])


_OUT_OF_MEMORY = 3


def _cause(code: int) -> str:
    if code == _OUT_OF_MEMORY:
        return "it took more memory than a picture may"
    if code == -signal.SIGXCPU:
        return "it took more time than a picture may"
    return f"signal {-code}" if code < 0 else f"exit {code}"


def _picture(
    libc: Any, template: int, request: Request, limits: dict[str, Any], learned: dict[str, bytes], sink: int
) -> NoReturn:
    """The grandchild: limits first, then the picture, one answer, the end."""
    code = 1
    try:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != template:
            os._exit(1)
        out = 3
        os.dup2(sink, out)
        os.dup2(0, 2)
        os.closerange(4, 256)
        os.chdir("/")
        gc.disable()
        _limit(limits)
        frames.send(out, *_make(request, learned))
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    except BaseException:
        code = 1
    finally:
        os._exit(code)


def _limit(limits: dict[str, Any]) -> None:
    mapped = int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
    memory, seconds = mapped + limits["memory_mb"] * 2**20, limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _make(request: Request, learned: dict[str, bytes]) -> Request:
    from cardpipe.prepress import photo, picture, scan, signature

    header, data = request
    result: Any
    try:
        if header["do"] == "judge":
            result = picture.judge(data, header["where"], kind=header["kind"], max_pixels=header["max_pixels"])
        elif header["do"] == "develop":
            result = photo.develop(data, frames.photo_order(header["order"], learned))
        elif header["do"] == "flatten":
            result = scan.flatten(data, header["where"])
        elif header["do"] == "art":
            result = _art(data, frames.art_order(header["order"], learned))
        else:
            result = signature.lift(data, frames.signature_order(header["order"]))
    except Refused as refusal:
        told = [finding.as_dict() for finding in refusal.findings]
        return {"refused": True, "findings": told}, b""
    return frames.result_header(result)


def _art(data: bytes, order: ArtOrder) -> MadeArt:
    """A side of art. Everything is loaded by now: no file can be opened any more."""
    from cardpipe.prepress import svgart

    resource.setrlimit(resource.RLIMIT_NOFILE, (_PIPES, _PIPES))
    return svgart.make(data, order)


if __name__ == "__main__":
    main()
    sys.exit(0)
