"""Cancel: until its piece lies in a batch, an order can be withdrawn; afterwards the batch has to give it up."""

from __future__ import annotations

from cardpipe.model.order import Scope
from cardpipe.ports import Shop, StoredOrder


def cancel(shop: Shop, scope: Scope, key: str, reason: str, actor: str = "") -> StoredOrder:
    """Cancel by id or reference. Raises Refused for an unknown order, Conflict once it lies in a print file."""
    return shop.store.cancel_order(scope, shop.store.order(scope, key).id, reason, actor)
