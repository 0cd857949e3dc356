"""Pictures made in a limited child process, kept warm between them.

::

    worker ── pipe ── template (warm, never decodes) ── fork ── grandchild (limited, one picture)

A picture that makes its decoder crash, hang or eat memory takes a grandchild with it and nothing else; the next one
works. Safe to use from a Celery prefork child (no multiprocessing, which daemonic processes may not use), from threads
(one picture at a time) and after a fork (the child notices, and starts a template of its own).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import cardpipe
from cardpipe.darkroom import frames
from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.finding import Finding, error
from cardpipe.prepress.art import ArtOrder, MadeArt
from cardpipe.prepress.formsheet import FlatPage
from cardpipe.prepress.photo import DevelopedPhoto, PhotoOrder
from cardpipe.prepress.picture import MAX_PIXELS, PictureFacts
from cardpipe.prepress.signature import LiftedSignature, SignatureOrder

_T = TypeVar("_T")

_START_SECONDS = 60.0
_GRACE_SECONDS = 5.0  # the template keeps the time; only where it fails does the worker's own clock count
_UNUSABLE = {
    "profile": "the press's colour profile cannot be used ({}); name another in presses.toml",
    "face": "a face of the shelf cannot be used ({}); see the fonts folder",
}
_NONE: Mapping[str, bytes] = {}
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "VIPS_CONCURRENCY": "1",  # several workers run beside each other
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # large pages for pixels: a fresh process faults them in one by one otherwise (15 ms for a 12-megapixel photo)
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824",
}


class PictureKilled(Refused):
    """The picture made its decoder crash, hang or take too much memory; try once more, then send another picture.

    Raised with one finding, ``photo.decoder_died`` or ``signature.decoder_died``. ``retried`` is True, unlike other
    refusals: the machine may have been at fault, so the caller counts an attempt for that piece and at last gives up.
    """

    retried = True

    @property
    def finding(self) -> Finding:
        """The one finding."""
        return self.findings[0]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may take: address space beyond the loaded libraries, processor and wall time. The memory is
    enough for 80 million pixels of every format but WebP, which reaches 50 million with it."""

    memory_mb: int = 1300
    cpu_seconds: int = 20
    wall_seconds: float = 30.0


class LimitedDarkroom:
    """The port Darkroom. After ``recycle`` pictures the child is started anew. Nothing is started before the first
    picture. The press's profile and the shelf's faces come with each order, and are told to a child once."""

    def __init__(self, limits: Limits | None = None, recycle: int = 500) -> None:
        self._limits = limits or Limits()
        self._recycle = recycle
        self._template: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._made = 0
        self._taught: set[str] = set()
        self._lock = threading.Lock()

    def judge(
        self, data: bytes, where: str = "photo", *, kind: str = "photo", max_pixels: int = MAX_PIXELS
    ) -> PictureFacts:
        """``prepress.picture.judge`` in the child; what is wrong with the picture are findings, not an exception."""
        asked = {"do": "judge", "where": where, "kind": kind, "max_pixels": max_pixels}
        header, _ = self._ask(asked, data, where, kind)
        return _checked(lambda: frames.facts(header), where, kind)

    def develop(self, data: bytes, order: PhotoOrder) -> DevelopedPhoto:
        """``prepress.photo.develop`` in the child. Raises its :class:`Refused`, and :class:`PictureKilled`;
        :class:`Bug` where the order's press has a profile that is none."""
        asked: dict[str, Any] = {"do": "develop", "order": frames.order_header(order)}
        told = {} if order.profile is None else {asked["order"]["profile"]: order.profile}
        header, body = self._ask(asked, data, order.where, "photo", profiles=told)
        return _checked(lambda: frames.developed(header, body), order.where, "photo")

    def lift(self, data: bytes, order: SignatureOrder) -> LiftedSignature:
        """``prepress.signature.lift`` in the child. Raises its :class:`Refused`, and :class:`PictureKilled`."""
        header, body = self._ask({"do": "lift", "order": frames.order_header(order)}, data, order.where, "signature")
        return _checked(lambda: frames.lifted(header, body), order.where, "signature")

    def flatten(self, data: bytes, where: str = "scan") -> FlatPage:
        """``prepress.scan.flatten`` in the child. Raises its :class:`Refused`, and :class:`PictureKilled`."""
        header, body = self._ask({"do": "flatten", "where": where}, data, where, "scan")
        return _checked(lambda: frames.flat(header, body), where, "scan")

    def art(self, data: bytes, order: ArtOrder) -> MadeArt:
        """``prepress.svgart.make`` in the child. Raises its :class:`Refused`, and :class:`PictureKilled`;
        :class:`Bug` where a face of the shelf cannot be opened there."""
        asked = {"do": "art", "order": frames.order_header(order)}
        header, body = self._ask(asked, data, order.where, "art", faces={f.sha256: f.data for f in order.faces})
        return _checked(lambda: frames.made_art(header, body), order.where, "art")

    def close(self) -> None:
        """End the child. The darkroom may be used again afterwards: it starts another."""
        self._after_fork()
        with self._lock:
            self._stop()

    def __enter__(self) -> LimitedDarkroom:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _after_fork(self) -> None:
        """In a forked child the template is the parent's: leave it alone, and begin with none."""
        if self._owner == os.getpid():
            return
        self._lock = threading.Lock()
        inherited, self._template = self._template, None
        self._owner = os.getpid()
        if inherited is not None:
            inherited.returncode = 0  # not ours to wait for
            for pipe in (inherited.stdin, inherited.stdout):
                if pipe is not None:
                    pipe.close()

    def _ask(
        self, header: dict[str, Any], data: bytes, where: str, kind: str,
        profiles: Mapping[str, bytes] = _NONE, faces: Mapping[str, bytes] = _NONE,
    ) -> tuple[dict[str, Any], bytes]:  # fmt: skip
        """Have one picture made; its answer's header and bytes, still untrusted. ``profiles`` and ``faces`` are what
        it is made with, by SHA-256."""
        self._after_fork()
        with self._lock:
            told, body = self._exchange(header, data, {"profile": profiles, "face": faces})
        answer = told.get("answer")
        if not isinstance(answer, dict):
            raise _killed(where, kind, str(told.get("how")) or "it took more time than a picture may")
        if answer.get("refused") is True:
            raise Refused("the picture cannot be used", _checked(lambda: frames.findings(answer), where, kind))
        return answer, body

    def _exchange(
        self, header: dict[str, Any], data: bytes, lessons: Mapping[str, Mapping[str, bytes]]
    ) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + self._limits.wall_seconds + _GRACE_SECONDS
        if self._made >= self._recycle:
            self._stop()
        for _ in range(2):
            template = self._template or self._start()
            assert template.stdin is not None and template.stdout is not None
            try:
                for what, files in lessons.items():
                    for digest, lesson in files.items():
                        self._teach(template, what, digest, lesson, deadline)
                frames.send(template.stdin.fileno(), header, data, deadline)
            except (BrokenPipeError, TimeoutError, frames.BadFrame):  # it died while idle: not this picture's fault
                self._stop()
                continue
            try:
                answer = frames.receive(template.stdout.fileno(), deadline)
            except (TimeoutError, frames.BadFrame):
                answer = None
            if answer is None:
                self._stop()
                return {"how": "the child process ended"}, b""
            self._made += 1
            return answer
        raise Unavailable("the darkroom's child process does not start; see its error output")

    def _teach(self, template: subprocess.Popen[bytes], what: str, digest: str, lesson: bytes, deadline: float) -> None:
        """Tell the child a press's profile or a face that it does not know yet. BrokenPipeError where it is gone."""
        if digest in self._taught:
            return
        assert template.stdin is not None and template.stdout is not None
        frames.send(template.stdin.fileno(), {"do": "learn", "what": what}, lesson, deadline)
        told = frames.receive(template.stdout.fileno(), deadline)
        if told is None:
            raise BrokenPipeError
        if told[0]["end"] != "ready":
            raise Bug(_UNUSABLE[what].format(told[0]["how"]))
        self._taught.add(digest)

    def _start(self) -> subprocess.Popen[bytes]:
        # isolated (-I): neither the working directory nor PYTHON* variables decide what is imported
        home = str(Path(cardpipe.__file__).resolve().parent.parent)
        code = f"import sys; sys.path.insert(0, {home!r}); from cardpipe.darkroom.child import main; main()"
        template = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_ENVIRONMENT, cwd="/",
        )  # fmt: skip
        assert template.stdin is not None and template.stdout is not None
        self._template, self._made = template, 0
        self._taught.clear()
        for pipe in (template.stdin, template.stdout):
            os.set_blocking(pipe.fileno(), False)
            with contextlib.suppress(OSError):  # fewer switches between the two; a user's sum of pipes is limited
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)
        deadline = time.monotonic() + _START_SECONDS
        try:
            frames.send(template.stdin.fileno(), asdict(self._limits), deadline=deadline)
            ready = frames.receive(template.stdout.fileno(), deadline)
        except (OSError, frames.BadFrame):
            ready = None
        if ready is None:
            self._stop()
            raise Unavailable("the darkroom's child process does not start; see its error output")
        return template

    def _stop(self) -> None:
        template, self._template = self._template, None
        if template is None:
            return
        for pipe in (template.stdin, template.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        template.kill()
        template.wait()


def _checked(read: Callable[[], _T], where: str, kind: str) -> _T:
    try:
        return read()
    except frames.BadFrame as problem:
        raise _killed(where, kind, f"its answer cannot be trusted ({problem})") from None


def _killed(where: str, kind: str, how: str) -> PictureKilled:
    remedy = "open it in a picture program, save it as JPEG and send that"
    if kind == "art":
        remedy = "simplify the drawing, or save the art as PDF"
    finding = error(f"{kind}.decoder_died", where, f"the picture could not be decoded: {how}", remedy)
    return PictureKilled("the picture made its decoder fail", (finding,))
