"""What every guard of the house looks at: the files that git knows or would add, and cardpipe's modules, parsed."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cardpipe"


@lru_cache(maxsize=1)
def files() -> tuple[Path, ...]:
    """Every file of the project: those in git, and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    found = tuple(path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file())
    assert len(found) > 200
    return found


@lru_cache(maxsize=1)
def modules() -> dict[Path, ast.Module]:
    """cardpipe's modules, by their path below the package."""
    found = {path.relative_to(PACKAGE): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
    assert len(found) > 100
    return found


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
