"""The benchmark's table judges by its targets, and says so in words."""

from __future__ import annotations

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from targets import Row, table  # noqa: E402


def test_a_figure_is_judged_by_its_target() -> None:
    assert Row("s", "n", 0.79, "", least=0.8).met is False
    assert Row("s", "n", 0.8, "", least=0.8).met is True
    assert Row("s", "n", 150.1, "MB", most=150).met is False
    assert Row("s", "n", 1, "").met is None


def test_the_table_counts_what_is_met() -> None:
    told = table([Row("Merge", "speed", 1234, "pieces/s", least=1000), Row("Merge", "memory", 160, "MB", most=150)])
    assert "1,234" in told
    assert "NOT MET" in told
    assert told.endswith("1 of 2 targets met")


def test_files_stay_readable() -> None:
    files = list(BENCHMARKS.glob("*.py"))
    assert files
    assert all(len(file.read_text().splitlines()) <= 300 for file in files)
