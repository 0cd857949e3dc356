"""A grandchild makes one picture and is gone: what it would have to load first, every picture would pay for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: By what is asked, the modules that were loaded for it, in a process that is warm as the template is.
ASKED = """
import sys
sys.path.insert(0, "tests/prepress")
from cardpipe.darkroom import child, frames
from cardpipe.prepress import photo, signature
from picturemaking import P3, corners, profile, saved

child._warm()
known = set(sys.modules)


def asked(do, data, **more):
    child._make(({"do": do, **more}, data), {})
    for name in sorted(set(sys.modules) - known):
        print(do, name)
    known.update(sys.modules)


order = frames.order_header(photo.PhotoOrder(72, 72, tone="gentle"))
for kind in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"):
    data = saved(corners(), kind)
    asked("judge", data, where="photo", kind="photo", max_pixels=10_000_000)
    asked("develop", data, order=order)
asked("develop", saved(corners(), "JPEG", icc_profile=profile(P3)), order=order)
asked("lift", data, order=frames.order_header(signature.SignatureOrder(20, 10)))
asked("flatten", saved(corners(), "JPEG"), where="scan")
print("asked for", len(known) > 100)
"""


def test_nothing_is_loaded_for_a_picture() -> None:
    ran = subprocess.run([sys.executable, "-c", ASKED], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (ran.stdout.split("\n"), ran.returncode) == (["asked for True", ""], 0), ran.stderr[-2000:]
