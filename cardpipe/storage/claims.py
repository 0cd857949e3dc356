"""Claims: who works on a step, for how long, and what happens when it goes wrong.

A claim is fenced by a random token; whoever claims later has another one, and the first one's result is thrown away.
Three things are counted apart: the piece's own faults (three, then a person looks), leases that were lost because a
worker died or hung (ten, then a person looks: something kills its workers), and faults of the shop (never).

A step is about a piece, about a batch, or about neither: then the file of its noun says whether it is still wanted and
what is left to read when it is given up (rows and files are refused, duties stopped). Events are never given up here:
the outbox itself counts the tries of each message.
"""

from __future__ import annotations

import secrets
from typing import Protocol

import sqlalchemy as sa

from cardpipe.model.finding import Finding, error
from cardpipe.model.order import Scope
from cardpipe.model.status import PieceState
from cardpipe.model.stored import Claim
from cardpipe.storage import duties, holds, imports, intake, pieces, steps, tenants
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import findings_text, log
from cardpipe.storage.steps import LEASE_OVER, LONGEST_DELAY, RESTED, SKEW


class _Other(Protocol):
    """What the file of a noun knows of its steps."""

    def wanted(self, tx: Tx, claim: Claim) -> bool: ...
    def give_up(self, tx: Tx, claim: Claim, findings: tuple[Finding, ...]) -> None: ...


#: After so many faults of its own a piece needs attention; after so many a batch is held; all others are given up.
PIECE_ATTEMPTS, BATCH_ATTEMPTS, OTHER_ATTEMPTS = 3, 5, 5
#: After so many lost leases somebody must look at what kills the workers.
LOST_LEASES = 10

_CLAIM = f"""
    UPDATE steps SET lost_leases = lost_leases + CASE WHEN token IS NULL THEN 0 ELSE 1 END,
                     token = :token, leased_at = :now, lease_len = :length, hinted_until = 0
    WHERE id = :id AND state = 'open' AND held IS NULL AND {RESTED} AND (token IS NULL OR {LEASE_OVER})
    RETURNING tenant, mode, kind, subject, attempts, lost_leases
"""
_HEARTBEAT = "UPDATE steps SET leased_at = :now WHERE id = :id AND token = :token AND state = 'open' AND held IS NULL"
_RELEASE = """
    UPDATE steps SET token = NULL, leased_at = NULL, lease_len = NULL, hinted_until = 0,
                     not_before = :now + :delay, attempts = attempts + :faults
    WHERE id = :id AND token = :token AND state = 'open'
    RETURNING attempts
"""
_FORGET = """
    UPDATE steps SET lost_leases = lost_leases + CASE WHEN token IS NULL THEN 0 ELSE :lost END,
                     token = NULL, leased_at = NULL, lease_len = NULL, hinted_until = 0
    WHERE state = 'open' AND (token IS NOT NULL OR hinted_until > 0)
"""
_BATCH = """
    SELECT id, state FROM batches
    WHERE (tenant, mode, id) = (SELECT tenant, mode, batch_id FROM steps WHERE id = :step){locked}
"""
_BATCH_FINDINGS = "UPDATE batches SET findings = :findings WHERE tenant = :tenant AND mode = :mode AND id = :id"
_REST = """
    UPDATE steps SET token = NULL, leased_at = NULL, lease_len = NULL, lost_leases = 0, not_before = :until
    WHERE id = :id
"""
_NOT_MADE = """
    SELECT 1 AS one FROM remakes
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND made_at IS NULL
      AND EXISTS (SELECT 1 FROM remake_pieces WHERE tenant = :tenant AND mode = :mode AND remake_id = :id)
"""
_LISTENS = "SELECT 1 AS one FROM endpoints WHERE tenant = :tenant AND mode = :mode AND id = :id AND enabled = 1"
#: The states in which a batch wants a step of that kind.
_WANTS = {"impose": ("gathered",), "release": ("imposed",), "remake": ("released", "printed")}

#: What is neither about a piece nor about a batch.
_OTHERS: dict[str, _Other] = {"accept": intake, "import": imports, "close": duties, "erase": duties}
_NOUNS = {"import": "import", "close": "duty", "erase": "duty"}


def claim(tx: Tx, step_id: str, lease_seconds: float) -> Claim | None:
    """Take a step that is free, rested, unheld and still wanted; None otherwise."""
    token = secrets.token_hex(16)
    row = tx.one(_CLAIM, id=step_id, token=token, now=tx.now, length=lease_seconds, skew=SKEW, longest=LONGEST_DELAY)
    if row is None:
        return None
    taken = Claim(
        step_id, row["kind"], row["subject"], Scope(row["tenant"], row["mode"]), token, lease_seconds,
        row["attempts"] + 1,
    )  # fmt: skip
    if row["lost_leases"] >= LOST_LEASES:
        _died_of_it(tx, taken)
        return None
    if taken.kind in ("release", "remake") and tenants.paused(tx) is not None:
        _release(tx, taken, 0, faults=0)
        tenants.hold_releases(tx)
        return None
    if not _wanted(tx, taken):
        steps.drop(tx, taken.scope, taken.kind, taken.subject)
        return None
    return taken


def heartbeat(tx: Tx, claim: Claim) -> bool:
    """The lease starts anew now. False: it was lost, or the step is held or not wanted any more."""
    return bool(tx.run(_HEARTBEAT, id=claim.step_id, token=claim.token, now=tx.now))


def give_back(tx: Tx, claim: Claim, reason: str, delay_seconds: float) -> None:
    """Free again after the delay, with no attempt counted. Nothing happens where the claim was lost."""
    batch = _batch(tx, claim)
    if _release(tx, claim, min(delay_seconds, LONGEST_DELAY), faults=0) is None:
        return
    if claim.kind == "compose":
        pieces.move(tx, claim.scope, claim.subject, PieceState.WAITING, reason)
    elif batch is not None:
        log(tx, claim.scope, "batch", batch["id"], batch["state"], batch["state"], reason, step=claim.kind)


def fault(tx: Tx, claim: Claim, findings: tuple[Finding, ...], *, final: bool) -> None:
    """Count an attempt and keep the findings; then wait for the next one, or for a person."""
    batch = _batch(tx, claim)
    delay = 2.0**claim.attempt if claim.kind == "compose" else min(LONGEST_DELAY, 5 * 2.0 ** min(claim.attempt, 10))
    attempts = _release(tx, claim, delay, faults=1)
    if attempts is None:
        return
    most = PIECE_ATTEMPTS if claim.kind == "compose" else BATCH_ATTEMPTS if batch is not None else OTHER_ATTEMPTS
    if final or attempts >= most:
        _set_aside(tx, claim, findings)
    elif claim.kind == "compose":
        reason = steps.codes(findings)
        pieces.move(tx, claim.scope, claim.subject, PieceState.WAITING, reason, findings=findings_text(findings))
    elif batch is not None:
        _mark_batch(tx, claim, findings)
        log(
            tx, claim.scope, "batch", batch["id"], batch["state"], batch["state"], steps.codes(findings),
            attempt=attempts, step=claim.kind,
        )  # fmt: skip
    elif claim.kind in ("close", "erase"):
        duties.failed(tx, claim, findings)


def forget(tx: Tx, *, lost: bool) -> int:
    """Every lease and hint is over: their holders are known to be dead. How many there were."""
    return tx.run(_FORGET, lost=int(lost))


def _release(tx: Tx, claim: Claim, delay: float, *, faults: int) -> int | None:
    """The step is free again; how many attempts it has had, or None where the token is not the current one."""
    row = tx.one(_RELEASE, id=claim.step_id, token=claim.token, now=tx.now, delay=delay, faults=faults)
    return None if row is None else int(row["attempts"])


def _wanted(tx: Tx, claim: Claim) -> bool:
    """Whether the step is still to be done: its piece moves to composing, its batch or remake waits for it."""
    key = {"tenant": claim.scope.tenant, "mode": claim.scope.mode, "id": claim.subject}
    if claim.kind == "compose":
        return pieces.move(tx, claim.scope, claim.subject, PieceState.COMPOSING, "a worker took it")
    if claim.kind == "events":
        return tx.one(_LISTENS, **key) is not None
    if claim.kind in _OTHERS:
        return _OTHERS[claim.kind].wanted(tx, claim)
    batch = tx.one(_BATCH.format(locked=""), step=claim.step_id)
    if batch is None or batch["state"] not in _WANTS[claim.kind]:
        return False
    return claim.kind != "remake" or tx.one(_NOT_MADE, **key) is not None


def _batch(tx: Tx, claim: Claim) -> sa.RowMapping | None:
    """The batch whose step this is, locked before the step: whoever changes a batch takes them in this order."""
    if claim.kind not in steps.BATCH_KINDS:
        return None
    return tx.one(_BATCH.format(locked=" FOR UPDATE" if tx.postgres else ""), step=claim.step_id)


def _set_aside(tx: Tx, claim: Claim, findings: tuple[Finding, ...]) -> None:
    """A person must look. A piece leaves the flow; a batch stays as it is and is held, with its reason; the others
    keep what was met."""
    if claim.kind in _OTHERS:
        _OTHERS[claim.kind].give_up(tx, claim, findings)
    elif claim.kind == "compose":
        steps.stop(tx, claim.scope, claim.kind, claim.subject)
        pieces.move(
            tx, claim.scope, claim.subject, PieceState.NEEDS_ATTENTION, steps.codes(findings),
            findings=findings_text(findings),
        )  # fmt: skip
    elif (batch := _batch(tx, claim)) is not None:
        reason = "; ".join(f"{finding.code}: {finding.message}" for finding in findings)
        _release(tx, claim, 0, faults=0)
        _mark_batch(tx, claim, findings)
        holds.hold_batch(tx, claim.scope, batch["id"], reason, claim.kind)


def _died_of_it(tx: Tx, claim: Claim) -> None:
    """Ten workers were lost at this step. Of a chunk of rows the first without a verdict is what they died of: it alone
    is refused. Messages to an endpoint rest, and go on."""
    if claim.kind == "accept":
        intake.give_up(tx, claim, (_lease_lost("row"),), first=True)
    elif claim.kind == "events":
        tx.run(_REST, id=claim.step_id, until=tx.now + LONGEST_DELAY)
    else:
        _set_aside(tx, claim, (_lease_lost(_NOUNS.get(claim.kind, "piece")),))


def _mark_batch(tx: Tx, claim: Claim, findings: tuple[Finding, ...]) -> None:
    """What an impose found stays with its batch; what a release or a remake met stands in the log and in the hold."""
    if claim.kind == "impose":
        tx.run(
            _BATCH_FINDINGS, tenant=claim.scope.tenant, mode=claim.scope.mode, id=claim.subject,
            findings=findings_text(findings),
        )  # fmt: skip


def _lease_lost(noun: str) -> Finding:
    return error(
        f"{noun}.lease_lost", "", f"its worker died or hung {LOST_LEASES} times",
        "look into the worker's log for what kills it (memory, a hanging decoder), then take it up again",
    )  # fmt: skip
