"""Templates become pages. What stands in braces is escaped; what is missing is an error, never an empty place."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

import cardpipe
from cardpipe.model.errors import Bug
from cardpipe.model.status import SHOWN
from cardpipe.model.user import Role

if TYPE_CHECKING:
    from cardpipe.console.visit import Visit

ROOM = Path(__file__).parent
#: What a browser may fetch of this room, and as what.
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "proof.js": "text/javascript; charset=utf-8",
    "scan.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_NAVIGATION = (
    ("Today", "", Role.VIEWER), ("Batches", "batches", Role.VIEWER), ("Orders", "orders", Role.VIEWER),
    ("Stuck", "stuck", Role.VIEWER), ("Import", "imports", Role.OPERATOR), ("Designs", "designs", Role.VIEWER),
    ("Hands", "hands", Role.VIEWER), ("People", "people", Role.ADMINISTRATOR), ("Keys", "keys", Role.ADMINISTRATOR),
    ("Terms", "tenant", Role.ADMINISTRATOR), ("Audit", "audit", Role.ADMINISTRATOR),
)  # fmt: skip


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, read once."""
    made = Environment(
        loader=FileSystemLoader(ROOM), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals |= {
        "shown": shown, "n": number, "size": size, "day": day, "static": static, "Role": Role,
        "version": cardpipe.__version__,
    }  # fmt: skip
    return made


def show(
    request: Request, template: str, block: str | None = None, status: int = 200, visit: Visit | None = None,
    **values: Any,
) -> Response:  # fmt: skip
    """A whole page, or one block of it. Told is what the page before wanted to say here."""
    from cardpipe.console.visit import FLASH, address, root

    told = unquote(request.cookies.get(FLASH, "")) if block is None else ""
    here = request.url.path.removeprefix(request.scope.get("root_path", "")).strip("/").partition("/")[0]
    own: dict[str, Any] = {
        "visit": visit, "told": told, "here": here, "url": lambda *parts, **query: address(request, *parts, **query),
        "csrf": lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(visit.csrf if visit else ""),
        "when": lambda moment: when(moment, visit.terms.zone if visit else "UTC"),
        "navigation": [(text, part) for text, part, role in _NAVIGATION if visit and visit.may(role)],
    }  # fmt: skip
    if taken := own.keys() & values.keys():
        raise Bug(f"{template} is given {', '.join(sorted(taken))}, which every page has already")
    context = own | values
    made = environment().get_template(template)
    if block is None:
        html = made.render(context)
    else:
        html = "".join(made.blocks[block](made.new_context(context)))
    answer = Response(html, status, media_type="text/html; charset=utf-8")
    answer.headers["vary"] = "HX-Request"
    if told:
        answer.delete_cookie(FLASH, path=root(request))
    return answer


# how things are said
def shown(state: object) -> str:
    """A state in the words that promise no more than is true."""
    return str(SHOWN.get(state, str(state).replace("_", " ")))  # type: ignore[call-overload]


def number(value: int | float) -> str:
    """4,012."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def size(count: int) -> str:
    """Bytes as a person says them."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if count >= 10**power:
            return f"{count / 10**power:,.1f} {unit}"
    return f"{count} bytes"


def day(iso: str) -> str:
    """``Tue 24 Nov 2026``."""
    try:
        return f"{dt.date.fromisoformat(iso):%a} {dt.date.fromisoformat(iso).day} {dt.date.fromisoformat(iso):%b %Y}"
    except ValueError:
        return iso


def when(moment: str | None, zone: str) -> Markup:
    """A moment in the tenant's own time, with the exact one for machines."""
    if not moment:
        return Markup("–")
    try:
        told = dt.datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
    except ValueError:
        return Markup("{}").format(moment)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment, f"{told:%Y-%m-%d %H:%M:%S} {zone}", f"{told.day} {told:%b %H:%M}"
    )


def static(name: str) -> str:
    """The name of a file with the beginning of its digest, so that a browser may keep it for ever."""
    return f"{name}?v={content(name)[1][:10]}"


@lru_cache(maxsize=8)
def content(name: str) -> tuple[bytes, str]:
    """The bytes of a static file, and their SHA-256."""
    data = (ROOM / name).read_bytes()
    return data, hashlib.sha256(data).hexdigest()
