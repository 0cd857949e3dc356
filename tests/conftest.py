"""How properties are tried: without a stop-watch, since machines are busy; in CI the same examples every time, so that
a change fails for what it changed; at home others each time, so that they still find something."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")
