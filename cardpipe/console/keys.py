"""API keys of one tenant: listed, made and shown once, revoked. Only administrators who see that tenant."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cardpipe.console.guard import page
from cardpipe.console.visit import Visit
from cardpipe.model import apikey
from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.tenant import NewKey, StoredKey
from cardpipe.model.user import Role
from cardpipe.wiring import Shop

_LONGEST_LABEL, _MOST_DAYS = 80, 3650
#: What each scope lets a program do.
SCOPES = {
    "orders:read": "read orders, designs, proofs", "orders:write": "order, change, cancel",
    "pictures:write": "upload photos and signatures", "imports:write": "hand in files of orders",
    "batches:read": "read batches and their files", "events:read": "read what happened",
    "webhooks:write": "say where events are told to", "metrics:read": "read the shop's numbers",
    "admin": "everything; for nobody's daily work",
}  # fmt: skip


def routes(house: Shop) -> list[Route]:
    """``/keys``."""

    @page(house, Role.ADMINISTRATOR)
    def listed(visit: Visit) -> Response:
        return visit.show("keys.html", **_shown(visit))

    @page(house, Role.ADMINISTRATOR)
    def make(visit: Visit) -> Response:
        """The secret goes into this one answer, and nowhere else."""
        mode, label = visit.form.get("mode", ""), visit.form.get("label", "")
        scopes, days = visit.many("scope"), visit.form.get("days", "")
        findings = _judge(mode, label, scopes, days)
        if findings:
            raise Refused("No key was made.", findings)
        minted = apikey.mint(mode, secrets.token_bytes(apikey.ENTROPY))
        over = (house.clock.now() + dt.timedelta(days=int(days))).isoformat(timespec="seconds") if days else None
        new = NewKey(visit.scope.tenant, mode, minted.id, minted.digest, label, frozenset(scopes), over)
        made = house.store.add_key(new, visit.actor)
        block = "made" if visit.by_htmx else None
        return visit.show("keys.html", block, **_shown(visit, made, minted.secret_text))

    @page(house, Role.ADMINISTRATOR)
    def revoking(visit: Visit) -> Response:
        found = next((key for key in house.store.keys(visit.scope.tenant) if key.id == visit.part("id")), None)
        if found is None:
            raise Refused("No such key.", [error("key.unknown", "id", "no key of this tenant has this id", _LIST)])
        return visit.show("keys_revoke.html", key=found, state=_state(house, found))

    @page(house, Role.ADMINISTRATOR)
    def revoke(visit: Visit) -> Response:
        found = house.store.revoke_key(visit.scope.tenant, visit.part("id"), visit.actor)
        return visit.done(f"The key {found.id} opens nothing any more.", "keys")

    return [
        Route("/keys", listed),
        Route("/keys", make, methods=["POST"]),
        Route("/keys/{id}/revoke", revoking),
        Route("/keys/{id}/revoke", revoke, methods=["POST"]),
    ]


_LIST = "take one of the list"


def _shown(visit: Visit, made: StoredKey | None = None, secret: str = "") -> dict[str, Any]:
    keys = visit.house.store.keys(visit.scope.tenant)
    told = [(key, *_state(visit.house, key)) for key in sorted(keys, key=lambda key: key.created_at, reverse=True)]
    return {
        "keys": [row for row in told if row[2] != "bad"], "ended": [row for row in told if row[2] == "bad"],
        "scopes": SCOPES, "made": made, "secret": secret,
    }  # fmt: skip


def _state(house: Shop, key: StoredKey) -> tuple[str, str]:
    """What it is worth, and how that is shown."""
    if key.revoked_at:
        return "revoked", "bad"
    now = house.clock.now()
    if key.expires_at is None:
        return "good", "good"
    left = dt.datetime.fromisoformat(key.expires_at) - now
    if left <= dt.timedelta(0):
        return "over", "bad"
    return ("ends soon", "warn") if left < dt.timedelta(days=14) else ("good", "good")


def _judge(mode: str, label: str, scopes: list[str], days: str) -> list[Finding]:
    findings = apikey.judge_scopes(scopes)
    if mode not in apikey.MODES:
        findings.append(error("key.mode", "mode", "is neither live nor test", "choose one"))
    if not label:
        remedy = "say which program gets it: whoever revokes it later must know"
        findings.append(error("key.label", "label", "is empty", remedy))
    elif len(label) > _LONGEST_LABEL or not label.isprintable():
        what = f"is longer than {_LONGEST_LABEL} characters, or holds some that cannot be shown"
        findings.append(error("key.label", "label", what, "make it shorter, in plain letters"))
    elif apikey.PATTERN.search(label):
        findings.append(error("key.label", "label", "looks like a key", "a key stands in no label"))
    if days and not (days.isascii() and days.isdecimal() and len(days) < 6 and 1 <= int(days) <= _MOST_DAYS):
        what = "is no number of days"
        findings.append(error("key.days", "days", what, f"1 to {_MOST_DAYS:,}, or empty for no end"))
    return findings
