"""A visit: one request of somebody who is logged in, and all that a page needs to answer it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cardpipe.console import pages
from cardpipe.model.errors import Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.tenant import Tenant
from cardpipe.model.user import Role, Session, User
from cardpipe.wiring import Shop

#: Keeps a sentence from one page to the next. It names nobody: ids and counts only.
FLASH = "cardpipe-told"
_LONGEST_FLASH = 300


@dataclass(slots=True)
class Visit:
    """Who asks, for which tenant and mode, and what was sent along."""

    house: Shop
    request: Request
    session: Session
    csrf: str
    form_data: FormData | None = None
    _terms: list[Tenant] = field(default_factory=list)

    @property
    def user(self) -> User:
        return self.session.user

    @property
    def scope(self) -> Scope:
        """Whose orders these are: nothing else is ever looked at."""
        return Scope(self.session.tenant, self.session.mode)

    @property
    def actor(self) -> str:
        """As the audit log names him."""
        return f"user:{self.user.name}"

    @property
    def terms(self) -> Tenant:
        """The tenant's terms, with the zone in which times are shown."""
        if not self._terms:
            self._terms.append(self.house.store.tenant(self.session.tenant))
        return self._terms[0]

    @property
    def by_htmx(self) -> bool:
        """Whether only a part of the page is asked for."""
        return self.request.headers.get("hx-request") == "true"

    def may(self, role: Role) -> bool:
        return self.user.role.may(role)

    # what was sent
    @property
    def form(self) -> dict[str, str]:
        """Its fields, each once, without the white space around them."""
        data = self.form_data or FormData()
        return {name: value.strip() for name, value in data.items() if isinstance(value, str)}

    def many(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for value in (self.form_data or FormData()).getlist(name) if isinstance(value, str)]

    def file(self, name: str) -> UploadFile | None:
        """A file that was sent; None where none was chosen."""
        found = (self.form_data or FormData()).get(name)
        return found if isinstance(found, UploadFile) and found.filename else None

    def needed(self, name: str, remedy: str = "fill it in") -> str:
        """A field that must not be empty. Raises Refused ``form.missing``."""
        if value := self.form.get(name, ""):
            return value
        raise Refused("Something is missing.", [error("form.missing", name, "is empty", remedy)])

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the address: a cursor, a filter; never anything personal."""
        return _plain(self.request.query_params.get(name, default))

    def part(self, name: str) -> str:
        """A part of the address, as the route names it."""
        return _plain(str(self.request.path_params[name]))

    # what is answered
    def url(self, *parts: str, **query: Any) -> str:
        """An address of the console, wherever it is mounted."""
        return address(self.request, *parts, **query)

    def show(self, template: str, block: str | None = None, status: int = 200, **values: Any) -> Response:
        """A page, or just one block of it for whoever swaps it in."""
        return pages.show(self.request, template, block, status, visit=self, **values)

    def done(self, message: str, *to: str, **query: Any) -> Response:
        """It happened: on to another page, which says so."""
        target = self.url(*to, **query)
        answer: Response = RedirectResponse(target, 303)
        if self.by_htmx:
            answer = Response(status_code=204, headers={"hx-redirect": target})
        told = quote(message[:_LONGEST_FLASH])
        answer.set_cookie(FLASH, told, max_age=60, path=root(self.request), httponly=True, samesite="strict",
                          secure=is_secure(self.request))  # fmt: skip
        return answer


def _plain(text: str) -> str:
    """What could be an id or a name. Raises Refused ``page.unknown`` for control characters: no database takes NUL."""
    if text.isprintable():
        return text
    found = error("page.unknown", "address", "leads nowhere", "go on from one of the pages above")
    raise Refused("There is no such page.", [found])


def address(request: Request, *parts: str, **query: Any) -> str:
    """An address of the console. Each part is one segment, quoted."""
    path = f"{request.scope.get('root_path', '')}/" + "/".join(quote(part, safe="") for part in parts)
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(asked)}" if asked else path


def root(request: Request) -> str:
    """Where the console is mounted: its cookies go nowhere else."""
    return f"{request.scope.get('root_path', '')}/"


def is_secure(request: Request) -> bool:
    """Whether the browser came by TLS, also to a proxy before us. Believing a liar costs only himself his cookie."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https"
