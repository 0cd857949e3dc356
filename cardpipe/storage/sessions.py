"""Sessions at the console, and the counting of failed logins.

A session is over when nobody used it for 12 hours, and 7 days after it began at the latest; whoever begins one sweeps
out those that are over. Failures are counted by a digest of the name, alike for everybody's names and nobody's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterable

import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.user import USER_NAME, Role, Session, User
from cardpipe.ports.people import FAILURES, FIRST_PAUSE, IDLE_HOURS, LONGEST_DAYS, LONGEST_PAUSE
from cardpipe.storage import audit, installation
from cardpipe.storage.engine import Tx

_ADD = """
    INSERT INTO sessions (digest, name, tenant, mode, begun_at, seen_at)
    VALUES (:digest, :name, :tenant, :mode, :at, :at)
"""
_ONE = """
    SELECT s.digest, s.tenant, s.mode, s.begun_at, s.seen_at, u.name, u.role, u.tenants, u.password, u.created_at,
           u.disabled_at
    FROM sessions s JOIN users u ON u.name = s.name
    WHERE s.digest = :digest AND s.seen_at > :idle AND s.begun_at > :old AND u.disabled_at IS NULL
"""
_SAW = "UPDATE sessions SET seen_at = :at WHERE digest = :digest"
_TURN = "UPDATE sessions SET tenant = :tenant, mode = :mode, seen_at = :at WHERE digest = :digest"
_END = "DELETE FROM sessions WHERE digest = :digest"
_END_ALL = "DELETE FROM sessions WHERE name = :name"
_END_EVERYBODYS = "DELETE FROM sessions"
_SWEEP = ("DELETE FROM sessions WHERE seen_at <= :idle", "DELETE FROM sessions WHERE begun_at <= :old")
#: A session's use is written down again after so long (seconds).
_SEEN_AGAIN = 60.0

_USER = "SELECT name FROM users WHERE name = :name"
_FAILED = "SELECT failures, at FROM failed_logins WHERE digest = :digest AND at > :since"
_FAIL = """
    INSERT INTO failed_logins (digest, failures, at) VALUES (:digest, 1, :now)
    ON CONFLICT (digest) DO UPDATE SET
        failures = CASE WHEN failed_logins.at > :since THEN failed_logins.failures + 1 ELSE 1 END, at = excluded.at
"""
_PAUSED = "SELECT digest, failures, at FROM failed_logins WHERE failures >= :failures AND at > :since"
_FORGET = "DELETE FROM failed_logins WHERE digest = :digest"
_FORGET_OLD = "DELETE FROM failed_logins WHERE at <= :since"
_COUNT = "SELECT count(*) AS names FROM failed_logins"
#: Those that failed least go first: whoever tries ten thousand names ends nobody's pause by it.
_FORGET_FEW = """
    DELETE FROM failed_logins WHERE digest IN (SELECT digest FROM failed_logins ORDER BY failures, at LIMIT :many)
"""
#: After so long without a failure (seconds) those before are forgotten; and never are more names kept than this.
_FORGOTTEN = 86_400.0
_MOST_NAMES = 10_000


def add(tx: Tx, digest: str, user: User, tenant: str, mode: str) -> None:
    """The user logged in. Raises Refused for a disabled one, and for what they may not look at."""
    if user.disabled_at is not None:
        raise Refused("No such user.", [error("user.unknown", "name", "nobody has this name", "list the users")])
    _may_look(user, tenant, mode)
    for sweep in _SWEEP:
        tx.run(sweep, **_bounds(tx, sweep))
    tx.run(_ADD, digest=digest, name=user.name, tenant=tenant, mode=mode, at=tx.at)
    audit.add(tx, "", f"user:{user.name}", "session.begun", user.name, of=tenant, mode=mode)


def one(tx: Tx, digest: str) -> Session | None:
    """A session that is not over, of a user who is not disabled."""
    row = tx.one(_ONE, digest=digest, **_bounds(tx, _ONE))
    return _session_from(row) if row else None


def seen_lately(tx: Tx, digest: str) -> bool:
    """Whether its use need not be written now: it was within the last minute, or it is over. A note from a clock that
    was ahead is no reason to wait."""
    found = one(tx, digest)
    return found is None or 0 <= tx.now - dt.datetime.fromisoformat(found.seen_at).timestamp() < _SEEN_AGAIN


def saw(tx: Tx, digest: str) -> None:
    """It was used now. One that is over does not begin again."""
    if one(tx, digest) is not None:
        tx.run(_SAW, digest=digest, at=tx.at)


def turn(tx: Tx, digest: str, tenant: str, mode: str) -> None:
    """Another tenant or mode is looked at from now on."""
    found = one(tx, digest)
    if found is None:
        raise Refused("The session is over.", [error("session.unknown", "session", "is over", "log in again")])
    _may_look(found.user, tenant, mode)
    if (found.tenant, found.mode) != (tenant, mode):
        tx.run(_TURN, digest=digest, tenant=tenant, mode=mode, at=tx.at)
        name = found.user.name
        audit.add(tx, "", f"user:{name}", "session.turned", name, of=tenant, mode=mode)


def end(tx: Tx, digest: str) -> None:
    """Logged out. Twice is once."""
    found = one(tx, digest)
    tx.run(_END, digest=digest)
    if found is not None:
        audit.add(tx, "", f"user:{found.user.name}", "session.ended", found.user.name)


def end_all(tx: Tx, name: str, actor: str) -> int:
    """All sessions of a user; how many there were."""
    ended = forget(tx, name)
    if ended:
        audit.add(tx, "", actor or f"user:{name}", "sessions.ended", name, sessions_ended=ended)
    return ended


def forget(tx: Tx, name: str) -> int:
    """As :func:`end_all`, for whoever writes the log by himself."""
    return tx.run(_END_ALL, name=name)


def end_everybodys(tx: Tx) -> None:
    """A database that was restored knows sessions that were ended since: all have to log in again."""
    tx.run(_END_EVERYBODYS)


def failed(tx: Tx, name: str) -> None:
    """One failure more of this name. When a user's pause begins, that stands in the audit log."""
    digest, since = _digest(tx, name), tx.now - _FORGOTTEN
    tx.run(_FORGET_OLD, since=since)
    tx.run(_FAIL, digest=digest, now=tx.now, since=since)
    too_many = int(tx.all(_COUNT)[0]["names"]) - _MOST_NAMES
    if too_many > 0:
        tx.run(_FORGET_FEW, many=too_many)
    row = tx.one(_FAILED, digest=digest, since=since)
    failures = int(row["failures"]) if row else 0
    if failures >= FAILURES and USER_NAME.match(name) and tx.one(_USER, name=name):
        audit.add(tx, "", "cardpipe", "login.paused", name, failures=failures)


def pause(tx: Tx, name: str) -> float:
    """Seconds for which this name has to wait yet."""
    row = tx.one(_FAILED, digest=_digest(tx, name), since=tx.now - _FORGOTTEN)
    return _wait(row, tx.now) if row else 0.0


def _wait(row: sa.RowMapping, now: float) -> float:
    if row["failures"] < FAILURES:
        return 0.0
    long = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(int(row["failures"]) - FAILURES, 30))
    return float(min(long, max(0.0, row["at"] + long - now)))


def paused(tx: Tx, names: Iterable[str]) -> dict[str, str]:
    """Those of the names that have to wait at this moment, and until when."""
    rows = {row["digest"]: row for row in tx.all(_PAUSED, failures=FAILURES, since=tx.now - _FORGOTTEN)}
    if not rows:
        return {}
    waits = {name: _wait(rows[digest], tx.now) for name in names if (digest := _digest(tx, name)) in rows}
    return {name: _written(tx.now + wait) for name, wait in waits.items() if wait > 0}


def unlock(tx: Tx, name: str, actor: str) -> bool:
    """An administrator knows who it is: nobody waits any more under this name. Whether there was a pause to end."""
    digest = _digest(tx, name)
    row = tx.one(_FAILED, digest=digest, since=tx.now - _FORGOTTEN)
    if row is None:
        return False
    waited = _wait(row, tx.now) > 0
    tx.run(_FORGET, digest=digest)
    audit.add(tx, "", actor, "user.unlocked", name, failures=int(row["failures"]), paused=waited)
    return waited


def succeeded(tx: Tx, name: str) -> None:
    """What failed before is forgotten."""
    tx.run(_FORGET, digest=_digest(tx, name))


def _digest(tx: Tx, name: str) -> str:
    """Salted with this installation's own chance, and short: whoever reads the table learns no names from it, and no
    password that was typed where a name was asked for."""
    salt = installation.get(tx, "logins") or ""
    return hashlib.sha256(f"{salt} {name}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def salt(tx: Tx) -> None:
    """See that there is one, before the first failure is counted."""
    installation.put_once(tx, "logins", secrets.token_hex(16))


def _may_look(user: User, tenant: str, mode: str) -> None:
    wrong = []
    if not user.sees(tenant):
        wrong.append(error("session.tenant", "tenant", "is none that this user sees", "choose one of the user's own"))
    if mode not in ("live", "test"):
        wrong.append(error("session.mode", "mode", "is neither", "say live or test"))
    if wrong:
        raise Refused("This cannot be looked at.", wrong)


def _bounds(tx: Tx, sql: str) -> dict[str, str]:
    """The moments before which a session is idle or old, as the statement asks for them."""
    ages = {"idle": dt.timedelta(hours=IDLE_HOURS), "old": dt.timedelta(days=LONGEST_DAYS)}
    return {name: _written(tx.now - age.total_seconds()) for name, age in ages.items() if f":{name}" in sql}


def _written(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _session_from(row: sa.RowMapping) -> Session:
    user = User(
        row["name"], Role(row["role"]), tuple(json.loads(row["tenants"])), row["password"], row["created_at"],
        row["disabled_at"],
    )  # fmt: skip
    return Session(row["digest"], user, row["tenant"], row["mode"], row["begun_at"], row["seen_at"])
