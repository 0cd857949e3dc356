"""Release: written down first, handed over by whoever has the step, and then true for the batch and all of its pieces.

From the plan on nothing can be ejected: what lies at the house is what lies here.
"""

from __future__ import annotations

from cardpipe.model.batch import Batch
from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.scan import spoken
from cardpipe.model.status import BatchState, PieceState
from cardpipe.ports import Claim
from cardpipe.storage import audit, batches, members, steps, tenants
from cardpipe.storage.engine import Tx
from cardpipe.storage.events import log, log_pieces

_TARGET = """
    UPDATE batches SET target = :target
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'imposed'
"""
_UNHOLD = """
    UPDATE batches SET held = NULL, held_by = NULL
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND held_by = 'release'
"""
_RELEASED = """
    UPDATE batches SET state = 'released'
    WHERE tenant = :tenant AND mode = :mode AND id = :id AND state = 'imposed' AND target IS NOT NULL
"""
_PIECES = """
    UPDATE pieces SET state = 'released'
    WHERE batch_id = :id AND state = 'batched'
"""


def plan(tx: Tx, scope: Scope, key: str, target: str, actor: str) -> str:
    """Write down that the batch goes to ``target``; the step's id. Who asked for it stands in the audit log with it,
    whoever hands it over. The same again is the same step. Conflict ``release.paused`` while nothing may be released
    (so does :func:`complete`)."""
    tenants.refuse_while_paused(tx)
    if not target.strip():
        raise Refused("A release needs a place to go to.", [error("release.target", "target", "is empty")])
    batch = batches.locked(tx, scope, key)
    if batch.state != BatchState.IMPOSED:
        to = f" to {batch.target}" if batch.target else ""
        raise Conflict(f"{batch.name} is {batch.state}{to}; only a batch that is imposed is released.")
    step = steps.of(tx, scope, "release", batch.id)
    planned = step is not None and step["state"] == "open"
    if planned and batch.target != target:
        raise Conflict(f"{batch.name} is to be released to {batch.target} already; take that back first.")
    if batch.held is not None:
        raise Conflict(f"{batch.name} is held: {batch.held}")
    if step is not None and planned:
        return str(step["id"])
    _nobody_held(tx, batch)
    if not tx.run(_TARGET, tenant=scope.tenant, mode=scope.mode, id=batch.id, target=target):
        raise Bug("a batch that is imposed is not imposed")
    if step is None:
        step_id = steps.add(tx, scope, "release", batch.id)
    else:
        step_id = str(step["id"])
        steps.reopen(tx, scope, "release", batch.id)
    log(tx, scope, "batch", batch.id, str(batch.state), str(batch.state), "release planned", target=target)
    if actor:
        place = audit.UNFIT.sub("_", target)[:200]
        audit.add(tx, scope.tenant, actor, "release", batch.id, batch=batch.name, mode=scope.mode, target=place)
    return step_id


def drop(tx: Tx, scope: Scope, key: str, reason: str, claim: Claim | None) -> None:
    """Take a planned release back; a hold that its failure made is ended. Whoever has the step shows his claim. Raises
    Conflict where it is done, was not planned, or is in somebody else's hands: he may be handing over just now."""
    batch = batches.locked(tx, scope, key)
    step = steps.of(tx, scope, "release", batch.id)
    if batch.state != BatchState.IMPOSED:
        raise Conflict(f"{batch.name} is {batch.state}; its release cannot be taken back.")
    if step is None or step["state"] != "open":
        raise Conflict(f"No release of {batch.name} is planned.")
    mine = claim is not None and step["token"] == claim.token
    if not mine and (claim is not None or steps.leased(tx, step["id"])):
        raise Conflict(f"{batch.name} is being handed over at this moment; look again soon what became of it.")
    steps.drop(tx, scope, "release", batch.id)
    tx.run(_TARGET, tenant=scope.tenant, mode=scope.mode, id=batch.id, target=None)
    log(tx, scope, "batch", batch.id, str(batch.state), str(batch.state), reason, target=batch.target, planned=False)
    if tx.run(_UNHOLD, tenant=scope.tenant, mode=scope.mode, id=batch.id):
        log(tx, scope, "hold", batch.id, "held", None, reason)


def complete(tx: Tx, claim: Claim) -> bool:
    """imposed → released, and each piece batched → released. False: the claim was lost."""
    tenants.refuse_while_paused(tx)
    scope = claim.scope
    batch = batches.locked(tx, scope, claim.subject)
    if not steps.finish(tx, claim.step_id, claim.token):
        return False
    key = {"tenant": scope.tenant, "mode": scope.mode, "id": batch.id}
    if not tx.run(_RELEASED, **key):
        raise Bug("a batch with a claimed release step is not imposed")
    if tx.run(_PIECES, id=batch.id) != batch.pieces:
        raise Bug("not every piece of a released batch lay in it")
    log_pieces(tx, scope, batch.id, str(PieceState.BATCHED), str(PieceState.RELEASED), "released")
    log(tx, scope, "batch", batch.id, str(batch.state), str(BatchState.RELEASED), "released", target=batch.target,
        pieces=batch.pieces, revision=batch.revision)  # fmt: skip
    return True


def _nobody_held(tx: Tx, batch: Batch) -> None:
    """Raises Conflict where somebody holds an order or a piece that lies in the batch: it would be printed."""
    held = [seq for seq, row in members.read(tx, batch).items() if row["held"] is not None]
    if held:
        raise Conflict(
            f"{len(held)} pieces of {batch.name} are held.",
            [error("batch.piece_held", f"piece {spoken(held)}", "is held, or its order is",
                   "end the hold, or take the piece out of the batch")],
        )  # fmt: skip
