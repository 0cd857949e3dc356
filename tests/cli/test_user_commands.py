"""Users by the command line: a password is asked for, read or made, and shown nowhere but there."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cardpipe.console import password
from cardpipe.model.user import Role
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests import starting

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = "four unlikely words höre"


class Desk:
    """Somebody at a keyboard, with a data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.environment = {**os.environ, "CARDPIPE_DATA": str(data)}
        self.environment.pop("CARDPIPE_DATABASE_URL", None)

    def run(self, *words: str, typed: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        done = starting.run([*words], self.environment, ROOT, 150, typed)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def say(self, *words: str, typed: str = "", code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", typed=typed, code=code).stdout)

    def at_a_terminal(self, *words: str, typed: tuple[str, ...]) -> tuple[int, str]:
        """Typed line by line, each when it is asked for; exit code, and all that stood on the screen."""
        mine, theirs = pty.openpty()
        command = [sys.executable, "-m", "cardpipe.cli.main", *words]
        child = subprocess.Popen(
            command, env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, start_new_session=True,
            preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(theirs)
        seen = b""
        answers = list(typed)
        until = time.monotonic() + 150
        while time.monotonic() < until:
            try:
                part = os.read(mine, 1000)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            seen += part
            if answers and seen.endswith(b": "):
                os.write(mine, f"{answers.pop(0)}\n".encode())
        os.close(mine)
        return child.wait(30), seen.decode()

    @property
    def shop(self) -> Shop:
        return Shop(Settings(data=self.data))


def _take_terminal() -> None:
    """getpass speaks to the terminal that the process is in, and not to whoever started it."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data")


def test_where_nobody_can_be_asked_a_password_is_made_and_shown_once(desk: Desk) -> None:
    done = desk.run("user", "add", "anna", "--role", "administrator")
    made = done.stdout.strip()
    assert len(made) == 23 and "shown this once" in done.stderr
    user = desk.shop.store.user("anna")
    assert user is not None and user.role is Role.ADMINISTRATOR and password.matches(user.password, made)
    for words in (("user", "list"), ("user", "list", "--json"), ("audit", "list", "--tenant", "", "--json")):
        told = desk.run(*words).stdout
        assert "anna" in told and made not in told and "argon2" not in told
    again = desk.say("user", "change", "anna", "--new-password")
    assert again["password"] != made and password.judge(again["password"], "anna") == []


def test_a_password_from_stdin(desk: Desk) -> None:
    told = desk.say("user", "add", "ben", "--role", "viewer", "--tenant", "acme", "--password-stdin", typed=f"{GOOD}\n")
    assert (told["name"], told["role"], told["tenants"], "password" in told) == ("ben", "viewer", ["acme"], False)
    user = desk.shop.store.user("ben")
    assert user is not None and password.matches(user.password, GOOD)
    short = desk.say("user", "change", "ben", "--password-stdin", typed="ben\n", code=2)
    assert [finding["code"] for finding in short["findings"]] == ["password.short", "password.name"]
    desk.say("user", "change", "ben", "--password-stdin", typed="another good one\r\n")
    user = desk.shop.store.user("ben")
    assert user is not None and password.matches(user.password, "another good one")


def test_a_person_types_it_twice_and_sees_it_never(desk: Desk) -> None:
    code, seen = desk.at_a_terminal("user", "add", "anna", "--role", "operator", typed=(GOOD, GOOD))
    assert code == 0 and "Password for anna: " in seen and "operator" in seen and "unlikely" not in seen
    user = desk.shop.store.user("anna")
    assert user is not None and password.matches(user.password, GOOD)
    code, seen = desk.at_a_terminal("user", "add", "ben", "--role", "operator", typed=(GOOD, GOOD + "x"))
    assert code == 2 and "password.differs" in seen and desk.shop.store.user("ben") is None


def test_changing_a_user(desk: Desk) -> None:
    for name, role in (("root", "administrator"), ("anna", "viewer")):
        desk.say("user", "add", name, "--role", role)
    assert desk.say("user", "change", "anna", "--role", "operator", "--tenant", "a", "--tenant", "b")["tenants"] == [
        "a",
        "b",
    ]
    assert desk.say("user", "change", "anna", "--disable")["disabled_at"]
    assert "disabled" in desk.run("user", "list").stdout
    told = desk.say("user", "change", "anna", "--enable", "--all-tenants")
    assert (told["role"], told["tenants"], told["disabled_at"]) == ("operator", [], None)
    last = desk.say("user", "change", "root", "--disable", code=3)
    assert last["findings"][0]["code"] == "user.last_administrator"
    assert "no terms were set for a tenant acme" in desk.run("user", "change", "anna", "--tenant", "acme").stderr


def test_a_pause_is_told_and_ended(desk: Desk) -> None:
    desk.say("user", "add", "anna", "--role", "operator")
    assert "paused" not in desk.run("user", "list").stdout
    for _ in range(8):
        desk.shop.store.failed_login("anna")
    (told,) = desk.say("user", "list")
    assert told["paused_until"] is not None and told["disabled_at"] is None
    assert f"paused until {told['paused_until'][11:19]} UTC" in desk.run("user", "list").stdout
    ended = desk.say("user", "unlock", "anna")
    assert (ended["name"], ended["ended"], ended["paused_until"]) == ("anna", True, None)
    assert desk.shop.store.login_pause("anna") == 0
    assert desk.run("user", "unlock", "anna").stdout == "anna: there was no pause to end\n"
    assert desk.say("user", "unlock", "nobody", code=2)["findings"][0]["code"] == "user.unknown"
    log = [entry for entry in desk.say("audit", "list", "--tenant", "") if entry["action"] == "user.unlocked"]
    assert [(entry["subject"], entry["actor"][:5]) for entry in log] == [("anna", "user:")]


def test_what_cannot_be_is_refused_before_a_password_is_asked_for(desk: Desk) -> None:
    for words, told in (
        (("add", "Anna B", "--role", "viewer"), "user.name"),
        (("change", "nobody", "--new-password"), "user.unknown"),
        (("change", "nobody"), "user.no_change"),
        (("add", "anna", "--role", "viewer", "--tenant", "No Slug"), "user.tenant"),
    ):
        assert desk.say("user", *words, code=2)["findings"][0]["code"] == told
    desk.say("user", "add", "anna", "--role", "viewer")
    assert desk.say("user", "add", "anna", "--role", "viewer", code=3)["findings"][0]["code"] == "user.taken"
    assert desk.run("user", "add", "ben", "--role", "king", code=2).stdout == ""
