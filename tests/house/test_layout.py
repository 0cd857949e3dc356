"""The shape of the house: sizes, depths, names, docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from looking import PACKAGE, ROOT, files, modules

MOST_LINES = 400
NO_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "manager",
    "managers",
    "service",
    "services",
    "misc",
}
#: Names that a framework asks for; their module's docstring speaks for them.
ASKED_FOR = {"upgrade", "downgrade"}


def test_no_file_is_longer_than_a_person_reads() -> None:
    long = {
        str(path): lines for path in modules() if (lines := len((PACKAGE / path).read_text().splitlines())) > MOST_LINES
    }
    assert long == {}


def test_no_folder_lies_deeper_than_a_room() -> None:
    own = [path.relative_to(PACKAGE) for path in files() if path.is_relative_to(PACKAGE)]
    assert len(own) > 100
    assert [str(path) for path in own if len(path.parts) > 2] == []


def test_every_name_says_what_is_inside() -> None:
    empty = [str(path) for path in modules() if NO_NAMES & set(re.split(r"[_/.]", path.as_posix()))]
    assert empty == []


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public classes and functions of a module without a docstring. Methods are left to judgement: many of them meet a
    port, which says what they do; a property's name is its docstring."""
    if not ast.get_docstring(tree):
        yield "the module itself"
    for node in tree.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if not node.name.startswith("_") and node.name not in ASKED_FOR and not ast.get_docstring(node):
            yield f"{node.lineno} {node.name}"


def test_no_two_tests_have_one_name() -> None:
    """pytest imports them by their names alone: the second of two would not be run."""
    names = [path.name for path in files() if path.is_relative_to(ROOT / "tests") and path.name.startswith("test_")]
    assert len(names) > 200
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_public_things_say_what_they_are() -> None:
    silent = [f"cardpipe/{path}: {what}" for path, tree in modules().items() for what in undocumented(tree)]
    assert silent == []
    assert (
        sum(isinstance(node, (ast.ClassDef, ast.FunctionDef)) for tree in modules().values() for node in tree.body)
        > 300
    )


def test_the_command_line_alone_speaks_and_nothing_waits_to_be_done() -> None:
    for path, tree in modules().items():
        calls = [
            node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
        ]
        assert calls == [], f"cardpipe/{path} prints; let cli/show speak"
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", (PACKAGE / path).read_text()), f"cardpipe/{path} waits to be done"


def test_no_file_tells_where_it_was_written() -> None:
    """Paths of one machine in a file are wrong on every other."""
    places = re.compile(r"/" + r"work/(main|shared)|/" + r"root/")
    texts = [
        path
        for path in files()
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".csv", ".ndjson", ".lock"}
    ]
    assert len(texts) > 150
    assert [str(path.relative_to(ROOT)) for path in texts if places.search(path.read_text())] == []
