"""Users of the console: kept with what argon2 made of their passwords. There is always one who can let others in."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.user import USER_NAME, Role, User, judge_name
from cardpipe.storage import audit, sessions
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import text

_ADD = """
    INSERT INTO users (name, role, tenants, password, created_at)
    VALUES (:name, :role, :tenants, :password, :at) ON CONFLICT DO NOTHING
"""
_ONE = "SELECT * FROM users WHERE name = :name"
_ALL = "SELECT * FROM users ORDER BY name"
_CHANGE = """
    UPDATE users SET role = :role, tenants = :tenants, password = :password, disabled_at = :disabled_at
    WHERE name = :name
"""
_PRESIDING = """
    SELECT name FROM users
    WHERE role = 'administrator' AND tenants = '[]' AND disabled_at IS NULL AND name <> :name LIMIT 1
"""
_TENANT = re.compile(r"^[a-z0-9][a-z0-9-]{0,63}\Z")


def add(tx: Tx, user: User, actor: str) -> None:
    """A new user, not disabled. Raises Conflict ``user.taken``, Refused with all that is wrong."""
    wrong = [*judge_name(user.name), *_judge_tenants(user.tenants), *_judge_password(user.password)]
    if wrong:
        raise Refused("No user was added.", wrong)
    tx.alone()
    tenants = sorted(set(user.tenants))
    added = tx.run(
        _ADD, name=user.name, role=str(Role(user.role)), tenants=text(tenants), password=user.password, at=tx.at
    )  # fmt: skip
    if not added:
        remedy = "take another name, or change that user; a disabled one can be enabled"
        raise Conflict("Such a user is there already.", [error("user.taken", "name", "is taken", remedy)])
    audit.add(tx, "", actor, "user.created", user.name, role=str(user.role), tenants=tenants)


def one(tx: Tx, name: str) -> User | None:
    """A user by name."""
    row = tx.one(_ONE, name=name) if USER_NAME.match(name) else None
    return user_from(row) if row else None


def known(tx: Tx, name: str) -> User:
    """As :func:`one`. Raises Refused ``user.unknown``."""
    found = one(tx, name)
    if found is None:
        raise Refused("No such user.", [error("user.unknown", "name", "nobody has this name", "list the users")])
    return found


def every(tx: Tx) -> list[User]:
    """All users, by name."""
    return sorted((user_from(row) for row in tx.all(_ALL)), key=lambda user: user.name)


def change(
    tx: Tx, name: str, actor: str, role: Role | None, tenants: Collection[str] | None, password: str | None,
    disabled: bool | None,
) -> User:  # fmt: skip
    """What is given changes, the rest stays; the same again changes nothing. Raises as ``People.change_user`` says."""
    tx.alone()  # or two administrators could disable each other at one moment
    was = known(tx, name)
    wrong = [*_judge_tenants(tenants or ()), *_judge_password(password if password is not None else was.password)]
    if wrong:
        raise Refused("The user was not changed.", wrong)
    disabled_at = was.disabled_at if disabled is None else (was.disabled_at or tx.at) if disabled else None
    now = User(
        name, was.role if role is None else Role(role), was.tenants if tenants is None else tuple(sorted(set(tenants))),
        was.password if password is None else password, was.created_at, disabled_at,
    )  # fmt: skip
    changed = _changed(was, now)
    if not changed:
        return was
    if was.presides and not now.presides and not tx.one(_PRESIDING, name=name):
        raise Conflict(
            "Nobody would be left who can let others in.",
            [error("user.last_administrator", "name", "is the last administrator of all tenants",
                   "make another user one first")],
        )  # fmt: skip
    tx.run(
        _CHANGE, name=name, role=str(now.role), tenants=text(list(now.tenants)), password=now.password,
        disabled_at=now.disabled_at,
    )  # fmt: skip
    ended = 0
    if changed.get("disabled") is not False or len(changed) > 1:  # only to be enabled again ends nothing
        ended = sessions.forget(tx, name)
    audit.add(tx, "", actor, "user.changed", name, **changed, sessions_ended=ended)
    return now


def _changed(was: User, now: User) -> dict[str, Any]:
    """What the log says of a change: of a password only that there is another one."""
    told: dict[str, Any] = {}
    if was.role is not now.role:
        told["role"] = str(now.role)
    if was.tenants != now.tenants:
        told["tenants"] = list(now.tenants)
    if was.password != now.password:
        told["password"] = True
    if (was.disabled_at is None) != (now.disabled_at is None):
        told["disabled"] = now.disabled_at is not None
    return told


def _judge_tenants(tenants: Collection[str]) -> list[Finding]:
    remedy = "lower-case letters, figures and hyphens; none at all means every tenant"
    return [
        error("user.tenant", f"tenants.{place}", "is no name of a tenant", remedy)
        for place, tenant in enumerate(tenants)
        if not _TENANT.match(tenant)
    ]


def _judge_password(password: str) -> list[Finding]:
    if password.startswith("$argon2"):
        return []
    return [error("user.password", "password", "is not hashed, or empty", "hash it before it is stored")]


def user_from(row: sa.RowMapping) -> User:
    """A row as a value."""
    return User(
        row["name"], Role(row["role"]), tuple(json.loads(row["tenants"])), row["password"], row["created_at"],
        row["disabled_at"],
    )  # fmt: skip
