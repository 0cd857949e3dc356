"""The store's part for people: ``ports.people.People``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from cardpipe.model.errors import Unavailable
from cardpipe.model.user import Role, Session, User
from cardpipe.storage import sessions, users
from cardpipe.storage.engine import Database


class SqlPeople:
    """Users, sessions and failed logins; each method is one transaction unless it says otherwise."""

    db: Database

    def add_user(self, user: User, actor: str) -> None:
        with self.db.writing() as tx:
            users.add(tx, user, actor)

    def user(self, name: str) -> User | None:
        with self.db.reading() as tx:
            return users.one(tx, name)

    def users(self) -> list[User]:
        with self.db.reading() as tx:
            return users.every(tx)

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
        with self.db.writing() as tx:
            return users.change(tx, name, actor, role, tenants, password, disabled)

    # sessions
    def add_session(self, digest: str, name: str, tenant: str, mode: str) -> None:
        with self.db.writing() as tx:
            tx.alone()  # or somebody could be disabled between the look and the write
            sessions.add(tx, digest, users.known(tx, name), tenant, mode)

    def session(self, digest: str) -> Session | None:
        with self.db.reading() as tx:
            return sessions.one(tx, digest)

    def saw_session(self, digest: str) -> None:
        """Never fails a request: a note that could not be written now is written at the next use."""
        with suppress(Unavailable):
            with self.db.reading() as tx:
                if sessions.seen_lately(tx, digest):
                    return
            with self.db.writing() as tx:
                sessions.saw(tx, digest)

    def turn_session(self, digest: str, tenant: str, mode: str) -> None:
        with self.db.writing() as tx:
            tx.alone()  # before the session's own row, as everybody who ends some does
            sessions.turn(tx, digest, tenant, mode)

    def end_session(self, digest: str) -> None:
        with self.db.writing() as tx:
            tx.alone()
            sessions.end(tx, digest)

    def end_sessions(self, name: str, actor: str = "") -> int:
        with self.db.writing() as tx:
            tx.alone()
            return sessions.end_all(tx, name, actor)

    # against guessing
    def failed_login(self, name: str) -> None:
        with self.db.writing() as tx:
            tx.alone()
            sessions.salt(tx)
            sessions.failed(tx, name)

    def login_pause(self, name: str) -> float:
        with self.db.reading() as tx:
            return sessions.pause(tx, name)

    def paused_logins(self) -> Mapping[str, str]:
        with self.db.reading() as tx:
            return sessions.paused(tx, [user.name for user in users.every(tx)])

    def unlock_user(self, name: str, actor: str) -> bool:
        with self.db.writing() as tx:
            tx.alone()  # before the name's own row, as whoever counts a failure does
            return sessions.unlock(tx, users.known(tx, name).name, actor)

    def logged_in(self, name: str) -> None:
        with self.db.writing() as tx:
            sessions.succeeded(tx, name)
