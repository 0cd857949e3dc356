"""A command line of the test's own: its own data folder, real workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Cardpipe, Ran


@pytest.fixture
def cardpipe(tmp_path: Path) -> Cardpipe:
    """Run ``cardpipe …``; ``data`` names the data folder below the test's own."""

    def run(*words: object, data: str = "data", **more: str) -> Ran:
        environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path / data), **more}
        done = subprocess.run(
            [sys.executable, "-m", "cardpipe.cli.main", *(str(word) for word in words)],
            env=environment, capture_output=True, text=True, timeout=240, cwd=tmp_path,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
