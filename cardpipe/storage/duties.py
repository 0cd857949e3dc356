"""Duties that recur: the cut-off of a mail date, the erasure of a day. One row for each, whoever asks for it and how
often, so that any number of dispatchers may run; and the beats by which processes say that they live.
"""

from __future__ import annotations

import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.stored import Claim, Duty
from cardpipe.storage import steps
from cardpipe.storage.engine import Tx, new_id
from cardpipe.storage.events import log

_ADD = """
    INSERT INTO duties (tenant, mode, id, kind, due, state, result, at)
    VALUES (:tenant, :mode, :id, :kind, :due, 'open', '', :at)
    ON CONFLICT (tenant, mode, kind, due) DO NOTHING
"""
_BY_ID = "SELECT * FROM duties WHERE tenant = :tenant AND mode = :mode AND id = :id"
_LISTED = """
    SELECT * FROM duties WHERE tenant = :tenant AND mode = :mode AND kind = :kind ORDER BY due DESC, id DESC LIMIT :most
"""
_MARK = """
    UPDATE duties SET state = :state, result = :result, at = :at
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'open'
"""
_BEAT = "INSERT INTO beats (name, at) VALUES (:name, :now) ON CONFLICT (name) DO UPDATE SET at = :now"
_BEATS = "SELECT name FROM beats WHERE at > :now - :seconds AND at <= :now + :skew ORDER BY name"
_FORGET_BEATS = "DELETE FROM beats WHERE at < :now - 86400 OR at > :now + 86400"


def add(tx: Tx, scope: Scope, kind: str, due: str) -> bool:
    """A duty and its step. False: somebody added it before, and it stays as it is."""
    duty_id = new_id("dty", tx.now)
    key = {"tenant": scope.tenant, "mode": scope.mode}
    if not tx.run(_ADD, **key, id=duty_id, kind=kind, due=due, at=tx.at):
        return False
    steps.add(tx, scope, kind, duty_id)
    log(tx, scope, "duty", duty_id, None, "open", f"{kind} is due", due=due)
    return True


def one(tx: Tx, scope: Scope, duty_id: str) -> Duty:
    """By id. Raises Refused where this tenant has none."""
    row = tx.one(_BY_ID, tenant=scope.tenant, mode=scope.mode, id=duty_id)
    if row is None:
        raise Refused("No such duty.", [error("duty.unknown", "id", "no duty has this id", "list the duties")])
    return _duty(row)


def listed(tx: Tx, scope: Scope, kind: str, limit: int) -> list[Duty]:
    """Those of a kind, the last one first."""
    rows = tx.all(_LISTED, tenant=scope.tenant, mode=scope.mode, kind=kind, most=limit)
    return [_duty(row) for row in rows]


def complete(tx: Tx, claim: Claim, result: str) -> bool:
    """Done, with a sentence on what came of it. False: the claim was lost."""
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    _mark(tx, claim, "done", result)
    log(tx, claim.scope, "duty", claim.subject, "open", "done", result)
    return True


def wanted(tx: Tx, claim: Claim) -> bool:
    """Whether it is still to be done."""
    row = tx.one(_BY_ID, tenant=claim.scope.tenant, mode=claim.scope.mode, id=claim.subject)
    return row is not None and row["state"] == "open"


def failed(tx: Tx, claim: Claim, findings: tuple[Finding, ...]) -> None:
    """It is tried again; meanwhile whoever looks sees why it is not done."""
    _mark(tx, claim, "open", _said(findings))


def give_up(tx: Tx, claim: Claim, findings: tuple[Finding, ...]) -> None:
    """Stopped: a person must look at what was met."""
    steps.stop(tx, claim.scope, claim.kind, claim.subject)
    _mark(tx, claim, "stopped", _said(findings))
    log(tx, claim.scope, "duty", claim.subject, "open", "stopped", steps.codes(findings))


def beat(tx: Tx, name: str) -> None:
    """A process says that it lives; those that said nothing for a day are forgotten."""
    tx.run(_BEAT, name=name, now=tx.now)
    tx.run(_FORGET_BEATS, now=tx.now)


def beats(tx: Tx, seconds: float) -> list[str]:
    """Who said so within the last seconds. What was written by a clock that has since been set back does not count."""
    return [row["name"] for row in tx.all(_BEATS, now=tx.now, seconds=seconds, skew=steps.SKEW)]


def _mark(tx: Tx, claim: Claim, state: str, result: str) -> None:
    tx.run(
        _MARK, tenant=claim.scope.tenant, mode=claim.scope.mode, id=claim.subject, state=state, result=result, at=tx.at
    )


def _said(findings: tuple[Finding, ...]) -> str:
    return "; ".join(f"{finding.code}: {finding.message}" for finding in findings)


def _duty(row: sa.RowMapping) -> Duty:
    return Duty(
        row["id"], Scope(row["tenant"], row["mode"]), row["kind"], row["due"], row["state"], row["result"], row["at"]
    )
