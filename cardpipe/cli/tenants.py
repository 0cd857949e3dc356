"""``cardpipe tenant``, ``key``, ``audit``: whose orders these are, who may send some, who did what."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from pydantic import ValidationError

from cardpipe.cli import show
from cardpipe.cli.handing import user
from cardpipe.model import apikey
from cardpipe.model.errors import Bug, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.tenant import NewKey, StoredKey, Tenant
from cardpipe.wiring import shop


def set_tenant(name: str, terms: dict[str, Any], as_json: bool) -> None:
    """Change the terms that are given, keep the others."""
    store = shop().store
    try:
        before = store.tenant(name).model_dump() if _is_name(name) else {"name": name}
        tenant = Tenant.model_validate({**before, **terms, "name": name})
    except ValidationError as problem:
        findings = [
            error("tenant.invalid", f"--{'-'.join(str(part) for part in item['loc'])}".replace("_", "-"),
                  item["msg"].removeprefix("Value error, "), "see cardpipe tenant set --help")
            for item in problem.errors()
        ]  # fmt: skip
        raise Refused("The tenant's terms cannot be used.", findings) from None
    store.set_tenant(tenant, f"user:{user()}")
    show_tenant(name, as_json)


def show_tenant(name: str, as_json: bool) -> None:
    """One tenant's terms."""
    terms = shop().store.tenant(name).model_dump(mode="json")
    plain = "\n".join(f"{key:15} {'-' if value is None else value}" for key, value in terms.items())
    show.data(terms, as_json, plain)


def list_tenants(as_json: bool) -> None:
    """Every tenant whose terms were set."""
    found = [tenant.model_dump(mode="json") for tenant in shop().store.tenants()]
    header = ("name", "zone", "cut_off", "approval", "retention_days", "daily_limit", "rate", "closed")
    rows = [[str(terms[key] if terms[key] is not None else "-") for key in header] for terms in found]
    show.data(found, as_json, show.table(header, rows) if rows else "no tenant was set; 'local' has the defaults")


def new_key(tenant: str, mode: str, scopes: list[str], label: str, days: int | None, as_json: bool) -> None:
    """Make a key. Its text goes to stdout, this once."""
    house = shop()
    findings = apikey.judge_scopes(scopes, "--scope")
    if mode not in apikey.MODES:
        findings.append(error("key.mode", "--mode", f"{mode!r} is no mode", "live or test"))
    if not _is_name(tenant):
        remedy = "lower-case letters, figures and hyphens"
        findings.append(error("tenant.name", "--tenant", "is no name of a tenant", remedy))
    if findings:
        raise Refused("No key was made.", findings)
    made = apikey.mint(mode, secrets.token_bytes(apikey.ENTROPY))
    over = None if days is None else (house.clock.now() + dt.timedelta(days=days)).isoformat(timespec="seconds")
    new = NewKey(tenant, mode, made.id, made.digest, label, frozenset(scopes), over)
    house.store.add_key(new, f"user:{user()}")
    show.words(f"key {made.id} of {tenant}, {mode}: it is shown this once and stored nowhere")
    show.data({"id": made.id, "key": made.secret_text, "tenant": tenant, "mode": mode}, as_json, made.secret_text)


def list_keys(tenant: str, as_json: bool) -> None:
    """A tenant's keys, without what opens them."""
    found = shop().store.keys(tenant)
    header = ("id", "mode", "label", "scopes", "made", "last used", "state")
    rows = [
        (k.id, k.mode, k.label, " ".join(sorted(k.scopes)), k.created_at[:10], (k.used_at or "never")[:16], _state(k))
        for k in found
    ]
    told = [{"id": k.id, "mode": k.mode, "label": k.label, "scopes": sorted(k.scopes), "created_at": k.created_at,
             "used_at": k.used_at, "expires_at": k.expires_at, "revoked_at": k.revoked_at} for k in found]  # fmt: skip
    show.data(told, as_json, show.table(header, rows) if rows else "no keys; make one: cardpipe key new")


def revoke_key(tenant: str, key_id: str, as_json: bool) -> None:
    """From now on it opens nothing."""
    key = shop().store.revoke_key(tenant, key_id, f"user:{user()}")
    show.data({"id": key.id, "revoked_at": key.revoked_at}, as_json, f"key {key.id} is revoked")


def list_audit(tenant: str, limit: int, as_json: bool) -> None:
    """Who did what, newest first."""
    found = shop().store.audited(tenant, limit)
    rows = [(str(e.number), e.at, e.actor, e.action, e.subject) for e in found]
    told = [{"number": e.number, "at": e.at, "actor": e.actor, "action": e.action, "subject": e.subject,
             "detail": dict(e.detail)} for e in found]  # fmt: skip
    show.data(told, as_json, show.table(("number", "at", "who", "did", "to"), rows) if rows else "nothing yet")


def verify_audit(as_json: bool) -> None:
    """Whether nothing was taken out of the audit log or changed in it. Raises Bug with the first place."""
    broken = shop().store.audit_broken()
    if broken is not None:
        raise Bug(f"the audit log was changed: entry {broken} does not follow from the one before")
    show.data({"whole": True}, as_json, "the audit log is whole")


def erase_order(key: str, as_json: bool) -> None:
    """Erase an order's personal data."""
    house = shop()
    from cardpipe.pipeline.erase import erase

    stored = erase(house, house.scope, key, f"user:{user()}")
    show.data({"id": stored.id, "erased_at": stored.erased_at}, as_json, f"{stored.reference} is erased")


def _state(key: StoredKey) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at[:10]}"
    now = shop().clock.now()
    if key.expires_at and dt.datetime.fromisoformat(key.expires_at) <= now:
        return f"over since {key.expires_at[:10]}"
    return f"until {key.expires_at[:10]}" if key.expires_at else "good"


def _is_name(name: str) -> bool:
    try:
        Tenant(name=name)
    except ValidationError:
        return False
    return Scope(name).tenant == name
