"""Lets tests of this room borrow the shop and the hand-made pieces of their neighbours."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
for neighbour in ("pipeline", "prepress"):
    sys.path.append(str(TESTS / neighbour))
