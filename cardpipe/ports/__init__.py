"""What the pipeline asks of the world. Adapters meet these by shape; ``wiring`` chooses them."""

from cardpipe.model.stored import Claim, NewOrder, Reply, StoredOrder
from cardpipe.ports.batches import PRESORT_AWAITED
from cardpipe.ports.shop import (
    Artifacts,
    ArtifactWriter,
    Catalog,
    Clock,
    Darkroom,
    Delivery,
    DesignSource,
    FontSource,
    Shop,
)
from cardpipe.ports.store import Store

__all__ = [
    "PRESORT_AWAITED",
    "ArtifactWriter",
    "Artifacts",
    "Catalog",
    "Claim",
    "Clock",
    "Darkroom",
    "Delivery",
    "DesignSource",
    "FontSource",
    "NewOrder",
    "Reply",
    "Shop",
    "Store",
    "StoredOrder",
]
