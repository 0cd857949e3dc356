"""Addresses against collections that nobody here wrote: how many come out as those who wrote them expect?

    .venv/bin/python benchmarks/addresses.py --opencage DIR --usaddress DIR [--failures]

DIR are working copies of OpenCageData/address-formatting and datamade/usaddress. Nothing of them is kept here.
The figures of the last run, and what the failures are, stand in ADDRESSES.md.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from corpora import Score  # noqa: E402
from opencage import opencage  # noqa: E402
from usaddress import usaddress  # noqa: E402


def table(title: str, scores: dict[str, Score]) -> str:
    """Markdown: a row for each group with a failure, the others in one sentence, and the whole."""
    rows = [f"| {title} | right | of | % | no word lost | left out |", "|---|---|---|---|---|---|"]
    whole = {name: score for name, score in scores.items() if not score.failed}
    for name, score in sorted(scores.items()):
        if score.failed:
            rows.append(_row(name, score))
    total = Score(failed=[line for score in scores.values() for line in score.failed])
    total.passed, total.kept = sum(s.passed for s in scores.values()), sum(s.kept for s in scores.values())
    total.skipped = sum((score.skipped for score in scores.values()), Counter[str]())
    rows.append(_row("**all**", total))
    if whole:
        rows += ["", "All right: " + ", ".join(f"{name} {score.passed}" for name, score in sorted(whole.items())) + "."]
    return "\n".join([*rows, "", *(f"* left out, {count}: {reason}" for reason, count in total.skipped.most_common())])


def _row(name: str, score: Score) -> str:
    share = f"{100 * score.passed / score.tried:.1f}" if score.tried else "-"
    kept = f"{score.kept} of {score.tried}" if score.kept else ""
    return f"| {name} | {score.passed} | {score.tried} | {share} | {kept} | {score.skipped.total()} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opencage", type=Path, help="a working copy of OpenCageData/address-formatting")
    parser.add_argument("--usaddress", type=Path, help="a working copy of datamade/usaddress")
    parser.add_argument("--failures", action="store_true", help="print every case that came out otherwise")
    given = parser.parse_args()
    for title, folder, measure in (("country", given.opencage, opencage), ("set", given.usaddress, usaddress)):
        if folder is None:
            continue
        scores = measure(folder)
        if not any(score.tried for score in scores.values()):
            raise SystemExit(f"{folder} holds none of the test cases that are read")
        print(table(title, scores), end="\n\n")
        if given.failures:
            print("\n".join(line for score in scores.values() for line in score.failed))


if __name__ == "__main__":
    main()
