"""The README is true. Every fenced ``sh`` block is run, in order, in a fresh copy of the project.

A block that cannot be run by a test says why in the line before it: ``<!-- not run: needs Docker -->``. Lines that call
make are not run here (they are the demo and the tests themselves): their targets must be there. ``console`` blocks show
what is typed at a prompt (``$ …``), such as a server and requests to it: every command and every address of them must
exist. So must every file, command and setting that the text names.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
from looking import ROOT, files

from cardpipe.api.app import make_app
from cardpipe.cli.main import app
from cardpipe.prepress.design import Frame
from cardpipe.settings import Settings
from cardpipe.wiring import Shop

SECONDS = 120
GUIDE = ROOT / "designs" / "README.md"
GUIDE_SECONDS = 280
_FENCE = re.compile(
    r"^(?P<fence>```+|~~~+)(?P<kind>[^\n`]*)\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL
)
_NOT_RUN = re.compile(r"<!--\s*not run:\s*(?P<reason>\S[^>]*?)\s*-->\s*$")
_SHELLS = {"bash", "shell", "shell-session", "zsh", "terminal"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its code, the line that it begins at, and why it is not run, if it is not."""

    kind: str
    code: str
    line: int
    reason: str = ""


def blocks(text: str) -> list[Block]:
    found = []
    for match in _FENCE.finditer(text):
        before = text[: match.start()]
        excuse = _NOT_RUN.search(before)
        kind = match["kind"].strip().split(" ")[0]
        found.append(Block(kind, match["code"], before.count("\n") + 1, excuse["reason"] if excuse else ""))
    return found


def without_make(code: str) -> tuple[str, list[str]]:
    """The code without its lines that call make, and the targets that those name."""
    kept, targets = [], []
    for line in code.splitlines():
        if match := re.match(r"\s*make\b(?P<words>[^#]*)", line):
            targets += [word for word in match["words"].split() if "=" not in word and not word.startswith("-")]
        else:
            kept.append(line)
    return "\n".join(kept), targets


def test_how_blocks_are_found() -> None:
    text = "a\n```sh\nmake demo PYTHON=python3.12  # x\ncardpipe --help\n```\n<!-- not run: needs Docker -->\n```sh\ndocker up\n```\n"
    assert blocks(text) == [
        Block("sh", "make demo PYTHON=python3.12  # x\ncardpipe --help\n", 2),
        Block("sh", "docker up\n", 7, "needs Docker"),
    ]
    assert without_make(blocks(text)[0].code) == ("cardpipe --help", ["demo"])
    assert blocks("<!-- not run: -->\n```sh\nx\n```\n")[0].reason == "", "a reason is a reason"


def readme() -> list[Block]:
    found = blocks((ROOT / "README.md").read_text())
    assert found, "the README shows no commands"
    return found


def test_no_command_hides_under_another_name() -> None:
    for block in readme():
        assert block.kind not in _SHELLS, f"README.md:{block.line} is {block.kind}; write sh, so that it is run"
        typing = re.search(r"^\s*(\$ |make |curl |(\.venv/bin/)?cardpipe )", block.code, re.MULTILINE)
        assert block.kind or not typing, f"README.md:{block.line} holds commands; write sh, so that they are run"
        assert block.kind == "sh" or not block.reason, f"README.md:{block.line} is excused and would not be run anyway"


def typed(block: Block) -> str:
    """What is typed in a block: all of ``sh``, the prompted lines of ``console``, nothing of others."""
    if block.kind == "console":
        return "\n".join(line[2:] for line in block.code.splitlines() if line.startswith("$ "))
    return block.code if block.kind == "sh" else ""


def commands() -> set[str]:
    """Every ``noun verb`` of the command line."""
    nouns = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    verbs = {f"{noun} {verb}" for noun, group in nouns.items() for verb in getattr(group, "commands", {})}
    found = verbs | {noun for noun, group in nouns.items() if not hasattr(group, "commands")}
    assert len(found) > 12
    return found


def test_what_is_typed_at_a_prompt_exists(tmp_path: Path) -> None:
    prompted = [
        (block.line, line) for block in readme() if block.kind == "console" for line in typed(block).splitlines()
    ]
    routes = make_app(Shop(Settings(data=tmp_path))).openapi()["paths"]
    shapes = [re.compile(re.sub(r"\{[a-z]+\}", "[^/ ]+", route)) for route in routes]
    for line_number, line in prompted:
        place, words = f"README.md:{line_number} {line}", line.split()
        if words[0] == "cardpipe":
            assert words[1] in commands() or " ".join(words[1:3]) in commands(), place
        elif words[0] == "curl":
            paths = re.findall(r"http://127\.0\.0\.1:8000(/\S*)", line)
            assert paths and all(any(shape.fullmatch(path) for shape in shapes) for path in paths), place
        else:
            assert words[0] == "make", f"{place}: write sh, so that it is run"


def test_commands_that_the_text_names_exist() -> None:
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"`cardpipe ([a-z]+(?: [a-z]+)?)", text)
    assert len(named) >= 3
    assert [name for name in named if name not in commands() and name.split()[0] not in commands()] == []


def test_settings_that_the_text_names_are_all_that_there_are() -> None:
    text = (ROOT / "README.md").read_text()
    named = {name for name in re.findall(r"CARDPIPE_([A-Z_]+)", text) if not name.startswith("TEST_")}
    named -= {"KEY"}  # which the client reads, and the program does not
    assert named == {name.upper() for name in Settings.model_fields}


def test_files_that_the_text_names_are_there() -> None:
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", text)
    rooms = re.findall(r"`((?:cardpipe|tests|designs|fonts|benchmarks)/[A-Za-z0-9_./-]*)`", text)
    assert len(links) > 5 and len(rooms) > 3
    assert [name for name in (*links, *rooms) if not (ROOT / name).exists()] == []


def test_make_targets_are_there() -> None:
    named = [(block.line, target) for block in readme() for target in without_make(typed(block))[1]]
    have = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test"} <= have
    assert named, "the README names no make target"
    assert [f"README.md:{line} make {target}" for line, target in named if target not in have] == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project as somebody who cloned it has it, set up with this environment."""
    for path in files():
        place = tmp_path / "cardpipe" / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    venv = Path(sys.executable).parent.parent
    (tmp_path / "cardpipe" / ".venv").symlink_to(venv)
    return tmp_path / "cardpipe"


def run(code: str, folder: Path, log: Path, seconds: float = SECONDS) -> int | None:
    """The exit code of a block, None where it took too long. Nothing that it started is left."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CARDPIPE_")}
    environment["PATH"] = f"{folder / '.venv' / 'bin'}:{environment['PATH']}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", code], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_every_block_runs(copy: Path, tmp_path: Path) -> None:
    ran = 0
    for block in readme():
        code = without_make(block.code)[0]
        if block.kind != "sh" or block.reason or not code.strip():
            continue
        assert "$ " not in code[:2], f"README.md:{block.line}: write commands without a prompt"
        log = tmp_path / "log"
        exit_code = run(code, copy, log)
        if exit_code is None:
            pytest.fail(f"README.md:{block.line} did not end within {SECONDS} s; put <!-- not run: why --> before it")
        assert exit_code == 0, f"README.md:{block.line} ended with {exit_code}:\n{code}\n{log.read_text()[-3000:]}"
        ran += 1
    assert ran, "the README has no block that a test can run"


# The artist's guide: its blocks are one session, typed one after the other.


def guide() -> list[Block]:
    found = [block for block in blocks(GUIDE.read_text()) if block.kind == "sh"]
    assert len(found) > 5 and not any(block.reason for block in found), "every command of the guide is run"
    return found


#: Runs a command that watches until it has said something, then presses Ctrl-C; its exit code.
WATCHING = """
import os, signal, subprocess, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs us in the background has it ignored
seen = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
threading.Timer(25, seen.send_signal, [signal.SIGINT]).start()
for line in seen.stdout:
    print(line, end="", flush=True)
    if sys.argv[1] in line:
        seen.send_signal(signal.SIGINT)
os._exit(seen.wait())
"""


def test_every_command_of_the_guide_runs(copy: Path, tmp_path: Path) -> None:
    session = "\n".join(block.code for block in guide())
    assert session.count("cardpipe design watch ") == 1
    (tmp_path / "watching.py").write_text(WATCHING)
    watching = f"python {tmp_path / 'watching.py'} 'can be printed' cardpipe design watch "
    session = session.replace("cardpipe design watch ", watching)
    log = tmp_path / "log"
    exit_code = run(session, copy, log, GUIDE_SECONDS)
    said = log.read_text()
    assert exit_code == 0, f"ended with {exit_code}:\n{said[-4000:]}"
    assert "#ffd000 is no ink of the palette" in said and "that is how a mistake is told" in said
    assert "birthday-fern  can be printed" in said, "the watch proofed it"
    studio = copy / "var" / "studio"
    for made in (
        "checks/birthday-fern/outside.png", "checks/birthday-fern/inside.png", "proofs/birthday-fern/long.png",
        "designs/birthday-fern/thumbnail.png", "designs/design.schema.json", "gallery/index.html",
        "gallery/contact-sheet.pdf",
    ):  # fmt: skip
        assert (studio / made).stat().st_size > 1000, made


def test_what_the_guide_names_is_there() -> None:
    text = GUIDE.read_text()
    named = re.findall(r"`cardpipe ([a-z]+(?: [a-z]+)?)", text)
    assert named and [name for name in named if name not in commands()] == []
    sources = "\n".join(
        path.read_text() for path in files() if path.suffix == ".py" and path.is_relative_to(ROOT / "cardpipe")
    )
    codes = set(re.findall(r"`((?:svg|art|design|image)\.[a-z_.]+)`", text)) - {"design.toml"}
    assert len(codes) > 25
    assert [code for code in sorted(codes) if f'"{code}"' not in sources and code != "art.decoder_died"] == []
    written = set(re.findall(r'"(svg\.[a-z.]+)"', sources))
    assert written - codes == {"svg.unreadable", "svg.root"}, "what needs no explanation"
    paths = re.findall(r"`((?:cardpipe|tests|designs|fonts)/[A-Za-z0-9_./-]*)`", text)
    assert paths and all((ROOT / path).exists() for path in paths)
    blocks_of_data = [block.code for block in blocks(text) if block.kind == "toml"]
    assert len(blocks_of_data) == 1
    frame = Frame.model_validate(tomllib.loads(blocks_of_data[0])["frame"][0])
    assert frame.kind == "message"
