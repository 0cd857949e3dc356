"""What comes from outside: locked with hashes, licensed, and small enough for git."""

from __future__ import annotations

import re
import tomllib

import pytest
from looking import ROOT, files

MOST_BYTES = 1_500_000
LICENCES = ("LICENSE", "LICENSE.txt", "OFL.txt")


#: For everybody; and, for the benchmark alone, what cardpipe is measured against.
LOCKS = ("requirements.lock", "requirements-bench.lock")


def locked() -> dict[str, list[str]]:
    """Each entry of the lock files, ``name==version``, with its hashes."""
    found: dict[str, list[str]] = {}
    entry = ""
    for line in "\n".join((ROOT / name).read_text() for name in LOCKS).splitlines():
        text = line.strip().removesuffix("\\").strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("--hash="):
            found[entry].append(text.removeprefix("--hash="))
        else:
            entry = text
            found[entry] = []
    return found


def test_every_locked_package_has_hashes() -> None:
    entries = locked()
    assert len(entries) > 50
    for entry, hashes in entries.items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][0-9a-zA-Z.+!-]*( ; .+)?", entry), entry
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), entry


def test_the_lock_names_no_host() -> None:
    text = "\n".join((ROOT / name).read_text() for name in LOCKS)
    assert len(text) > 10_000
    assert not re.search(r"https?:|file:|git\+|--(extra-)?index-url|--find-links|--trusted-host|\s@\s", text)


def test_everything_that_is_declared_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    names = {re.split(r"[\s\[<>=!~;]", one)[0].lower().replace("_", "-") for one in (*project["dependencies"], *extras)}
    assert len(names) > 20
    have = {entry.split("==")[0] for entry in locked()}
    assert names - have == set()


@pytest.mark.parametrize("room", ["fonts", "designs"])
def test_every_folder_of_data_has_its_licence(room: str) -> None:
    marker = {"fonts": "font.toml", "designs": "design.toml"}[room]
    folders = sorted(path.parent for path in (ROOT / room).glob(f"*/{marker}"))
    assert len(folders) >= 10
    for folder in folders:
        licences = [folder / name for name in LICENCES if (folder / name).is_file()]
        assert licences and all(path.stat().st_size > 300 for path in licences), f"{folder.name} has no licence"
        assert {*licences} & {*files()}, f"{folder.name}: git does not know its licence"
        licence = tomllib.loads((folder / marker).read_text())
        assert licence.get("license") or licence.get("licence"), f"{folder.name}/{marker} names no licence"


def test_every_other_font_lies_beside_its_licence() -> None:
    loose = [path for path in files() if path.suffix in (".ttf", ".otf") and not (path.parent / "font.toml").is_file()]
    for path in loose:
        family = path.name.split("_")[0].split("-")[0]
        beside = [
            other.name for other in path.parent.iterdir() if other.suffix == ".txt" or other.name.startswith("LICEN")
        ]
        assert any(name.startswith(family) or name in LICENCES for name in beside), (
            f"{path.relative_to(ROOT)} has no licence"
        )
    assert [path for path in files() if path.suffix == ".ttf"]


def test_no_file_is_too_large_for_git() -> None:
    large = {str(path.relative_to(ROOT)): path.stat().st_size for path in files() if path.stat().st_size > MOST_BYTES}
    assert large == {}


def test_nothing_that_was_made_by_a_run_is_kept() -> None:
    made = re.compile(
        r"(^|/)(__pycache__|\.hypothesis|\.mypy_cache|var|cardpipe-data|node_modules)/|\.(pyc|db|db-wal|log|part)$"
    )
    names = [path.relative_to(ROOT).as_posix() for path in files()]
    assert [name for name in names if made.search(name)] == []
    golden = [name for name in names if name.startswith("tests/") and name.endswith(".pdf")]
    assert golden == [], "two renders share a digest; a golden PDF is never kept"
