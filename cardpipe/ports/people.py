"""What the console asks of the store about people: who may log in, who is logged in, and who guesses passwords."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from cardpipe.model.user import Role, Session, User

#: A session is over when nobody used it for so long, and so long after it began at the latest (hours, days).
IDLE_HOURS, LONGEST_DAYS = 12, 7
#: After so many failures in a row a name has to wait so long (seconds), and twice as long after each further one.
FAILURES, FIRST_PAUSE, LONGEST_PAUSE = 5, 30.0, 900.0


class People(Protocol):
    """Every method is one transaction; whatever changes a user or begins or ends a session stands in the audit log of
    the installation (tenant ``""``), by names and never with a password."""

    def add_user(self, user: User, actor: str) -> None:
        """A new user; ``created_at`` and ``disabled_at`` are not read. Raises Conflict ``user.taken``, Refused
        ``user.name``, ``user.tenant`` (no name of a tenant), ``user.password`` (empty)."""
        ...

    def user(self, name: str) -> User | None: ...
    def users(self) -> list[User]:
        """All of them, by name, with those that are disabled."""
        ...

    def change_user(
        self,
        name: str,
        actor: str,
        *,
        role: Role | None = None,
        tenants: Collection[str] | None = None,
        password: str | None = None,
        disabled: bool | None = None,
    ) -> User:
        """What is given changes, the rest stays (``tenants=()``: all of them). Another role, other tenants, a new
        password (a PHC string) or disabling end the user's sessions. Raises Refused ``user.unknown``, ``user.tenant``;
        Conflict ``user.last_administrator`` where nobody would be left who is an administrator of all tenants."""
        ...

    # sessions, by the SHA-256 of what the browser holds
    def add_session(self, digest: str, name: str, tenant: str, mode: str) -> None:
        """Somebody logged in. Sessions that are over are thrown away meanwhile. Raises Refused ``user.unknown`` (also
        for one that is disabled), ``session.tenant`` for a tenant that the user does not see, ``session.mode``."""
        ...

    def session(self, digest: str) -> Session | None:
        """None where it is unknown, was ended, was not used for 12 hours or began 7 days ago, or the user is
        disabled."""
        ...

    def saw_session(self, digest: str) -> None:
        """Note that it is in use; at most once a minute is written. Never fails a request."""
        ...

    def turn_session(self, digest: str, tenant: str, mode: str) -> None:
        """The user looks at another tenant or mode from now on. Raises Refused as ``add_session`` does, and
        ``session.unknown``."""
        ...

    def end_session(self, digest: str) -> None:
        """Logged out. Twice is once."""
        ...

    def end_sessions(self, name: str, actor: str = "") -> int:
        """All of a user's sessions are over, wherever they are; how many there were."""
        ...

    # against guessing
    def failed_login(self, name: str) -> None:
        """Somebody gave a wrong password, or the name of nobody: both are counted alike. To count also those who try at
        the same moment, call this before the password is compared, and ``logged_in`` after it matched."""
        ...

    def login_pause(self, name: str) -> float:
        """For how many seconds no password is taken for this name yet; 0: now. After 5 failures in a row 30 s, then
        twice as long each time, 15 minutes at most; a day without a failure forgets them."""
        ...

    def paused_logins(self) -> Mapping[str, str]:
        """The users whose names have to wait at this moment, and until when (ISO 8601, UTC). Names of nobody are not
        told: the store does not know them."""
        ...

    def unlock_user(self, name: str, actor: str) -> bool:
        """The user need not wait any more, and what failed before is forgotten; whether there was a pause to end. Where
        nothing had failed, nothing changes. Raises Refused ``user.unknown``."""
        ...

    def logged_in(self, name: str) -> None:
        """The right password was given: what failed before is forgotten."""
        ...
