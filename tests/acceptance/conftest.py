"""A command line of the test's own: its own data folder, its own processes, real workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Cardpipe, Ran

from tests import starting


@pytest.fixture
def cardpipe(tmp_path: Path) -> Cardpipe:
    """Run ``cardpipe …``; ``data`` names the data folder below the test's own. ``cold``: by a Python of its own."""

    def run(*words: object, data: str = "data", cold: bool = False, **more: str) -> Ran:
        environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path / data), **more}
        said = [str(word) for word in words]
        if cold:
            command = [sys.executable, "-m", "cardpipe.cli.main", *said]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, cwd=tmp_path)
        else:
            done = starting.run(said, environment, tmp_path, 240)
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
