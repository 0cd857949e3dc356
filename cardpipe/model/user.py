"""Who works at the console: users with a role, and the sessions in which they are logged in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from cardpipe.model.finding import Finding, error

USER_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")


class Role(StrEnum):
    """What a user may do: look, work, or also decide who works here. Each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def may(self, needed: Role) -> bool:
        """Whether this role may do what needs that one."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, slots=True)
class User:
    """A user as stored. ``tenants``: whose orders they see; empty: everybody's. ``password`` is never the password, but
    what argon2 made of it (a PHC string)."""

    name: str
    role: Role
    tenants: tuple[str, ...] = ()
    password: str = field(default="", repr=False)
    created_at: str = ""
    disabled_at: str | None = None

    def sees(self, tenant: str) -> bool:
        """Whether that tenant's orders are theirs to see."""
        return not self.tenants or tenant in self.tenants

    @property
    def presides(self) -> bool:
        """An administrator of all tenants, not disabled: there must always be one who can let others in."""
        return self.role is Role.ADMINISTRATOR and not self.tenants and self.disabled_at is None


@dataclass(frozen=True, slots=True)
class Session:
    """A user at a browser, looking at one tenant in one mode. ``digest`` is the SHA-256 of what the browser holds."""

    digest: str = field(repr=False)
    user: User
    tenant: str
    mode: str
    begun_at: str
    seen_at: str


def judge_name(name: str, where: str = "name") -> list[Finding]:
    """What is wrong with the name that a user is to have."""
    if USER_NAME.match(name):
        return []
    remedy = "begin with a letter or a figure; then a-z, 0-9, dots, hyphens and underscores, 64 at most"
    return [error("user.name", where, "is no name of a user", remedy)]
