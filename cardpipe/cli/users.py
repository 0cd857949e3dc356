"""``cardpipe user``: who may log in to the console, and as what."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from cardpipe.cli import show
from cardpipe.cli.handing import user as operator
from cardpipe.console import password
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.user import Role, User, judge_name
from cardpipe.wiring import Shop, shop


def add(name: str, role: str, tenants: list[str], from_stdin: bool, as_json: bool) -> None:
    """A new user. A password that was made goes to stdout, this once."""
    house = shop()
    wrong = judge_name(name, "NAME")
    if wrong:  # before anybody types a password
        raise Refused("No user was added.", wrong)
    text, made = _asked(name, from_stdin)
    house.store.add_user(User(name, Role(role), tuple(tenants), password.hash(text)), _actor())
    _remark(house, tenants)
    _told(house, name, text if made else None, as_json)


def list_users(as_json: bool) -> None:
    """All users, without what lets them in."""
    store = shop().store
    paused = store.paused_logins()
    known = [(user, paused.get(user.name)) for user in store.users()]
    header = ("name", "role", "tenants", "since", "state")
    rows = [
        (user.name, str(user.role), " ".join(user.tenants) or "every", user.created_at[:10], _state(user, until))
        for user, until in known
    ]
    nobody = "no users; make one: cardpipe user add NAME --role administrator"
    show.data([_plain(user, until) for user, until in known], as_json, show.table(header, rows) if rows else nobody)


def change(
    name: str,
    role: str | None,
    tenants: list[str] | None,
    new_password: bool,
    from_stdin: bool,
    disabled: bool | None,
    as_json: bool,
) -> None:
    """Change what is given. Whoever it is has to log in again, unless they are only enabled again."""
    house = shop()
    if (role, tenants, new_password, from_stdin, disabled) == (None, None, False, False, None):
        what = "nothing to change was named"
        raise Refused(
            "Nothing was changed.", [error("user.no_change", "NAME", what, "see cardpipe user change --help")]
        )
    if house.store.user(name) is None:
        found = error("user.unknown", "NAME", "nobody has this name", "list the users: cardpipe user list")
        raise Refused("Nothing was changed.", [found])
    text, made = _asked(name, from_stdin) if new_password or from_stdin else (None, False)
    house.store.change_user(
        name, _actor(), role=None if role is None else Role(role), tenants=tenants,
        password=None if text is None else password.hash(text), disabled=disabled,
    )  # fmt: skip
    _remark(house, tenants or [])
    _told(house, name, text if made else None, as_json)


def unlock(name: str, as_json: bool) -> None:
    """Whoever gave a wrong password too often may try again at once."""
    store = shop().store
    ended = store.unlock_user(name, _actor())
    line = "the pause is over" if ended else "there was no pause to end"
    user = store.user(name)
    told = _plain(user, store.paused_logins().get(name)) if user else {}
    show.data({**told, "ended": ended}, as_json, f"{name}: {line}")


def _asked(name: str, from_stdin: bool) -> tuple[str, bool]:
    """A password: from stdin, from the person at the terminal, or a new one where nobody can be asked; and whether it
    was made here. Raises Refused with all that is wrong with it."""
    if not from_stdin and not sys.stdin.isatty():
        return password.make(), True
    found: list[Finding] = []
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    else:
        text = getpass.getpass(f"Password for {name}: ")
        if getpass.getpass("Once more: ") != text:
            found.append(error("password.differs", "password", "is not the same both times", "type it twice alike"))
    found += password.judge(text, name)
    if found:
        raise Refused("The password was not taken.", found)
    return text, False


def _told(house: Shop, name: str, made: str | None, as_json: bool) -> None:
    user = house.store.user(name)
    told = _plain(user, house.store.paused_logins().get(name)) if user else {}
    if made is None:
        tenants = ", ".join(told.get("tenants", [])) or "every tenant"
        line = f"{name}: {told.get('role')}, {tenants}" + (", disabled" if told.get("disabled_at") else "")
        show.data(told, as_json, line)
        return
    show.words(f"the password of {name}: it is shown this once and stored nowhere")
    show.data({**told, "password": made}, as_json, made)


def _remark(house: Shop, tenants: list[str]) -> None:
    """A tenant may be named before it is set up; a mistyped one looks the same."""
    known = {tenant.name for tenant in house.store.tenants()} | {house.settings.tenant}
    for name in sorted(set(tenants) - known):
        show.words(f"note: no terms were set for a tenant {name} yet; see cardpipe tenant set")


def _plain(user: User, paused_until: str | None) -> dict[str, Any]:
    return {
        "name": user.name, "role": str(user.role), "tenants": list(user.tenants), "created_at": user.created_at,
        "disabled_at": user.disabled_at, "paused_until": paused_until,
    }  # fmt: skip


def _state(user: User, paused_until: str | None) -> str:
    disabled = f"disabled {user.disabled_at[:10]}" if user.disabled_at else ""
    paused = f"paused until {paused_until[11:19]} UTC" if paused_until else ""
    return ", ".join(filter(None, (disabled, paused))) or "good"


def _actor() -> str:
    return f"user:{operator()}"
