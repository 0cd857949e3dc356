"""The store: the truth. What it can do, noun by noun."""

from __future__ import annotations

from typing import Protocol

from cardpipe.ports.batches import Batches
from cardpipe.ports.imports import Imports
from cardpipe.ports.measures import Measures
from cardpipe.ports.orders import Orders
from cardpipe.ports.outbox import Outbox
from cardpipe.ports.overview import Overview
from cardpipe.ports.people import People
from cardpipe.ports.steps import Steps
from cardpipe.ports.tenancy import Retention, Tenancy


class Store(
    Orders, Steps, Batches, Imports, Outbox, Tenancy, Retention, Measures, People, Overview, Protocol
):  # fmt: skip
    """Every method is one transaction. Every method names the scope (tenant and mode) it works in; nothing is ever
    found outside of it."""
