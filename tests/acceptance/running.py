"""The program as a stranger runs it: its own process, its own data folder, real workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DAY = "2026-12-01"


@dataclass
class Ran:
    """A finished command."""

    code: int
    out: str
    words: str

    @property
    def data(self) -> dict[str, Any]:
        """What it printed as JSON."""
        return dict(json.loads(self.out))


Cardpipe = Callable[..., Ran]


SENDER = {"name": "June Abara", "street": "12 Birch St", "city": "Portland", "state": "OR", "postcode": "97201"}


def order(number: int, **changes: Any) -> dict[str, Any]:
    """An order that is accepted as it stands."""
    recipient = {
        "name": f"Zoë Łukasz {number}",
        "street": f"{number} Elm St",
        "city": "Tucson",
        "state": "AZ",
        "postcode": "85705",
    }
    message = f"Dear {{first_name}},\n\nThank you for the lamp in the window, number {number}.\n\nJune"
    return {
        "reference": f"R-{number:04d}", "occasion": "thank-you", "design": "thank-you-fern", "recipient": recipient,
        "sender": SENDER, "message": message, **changes,
    }  # fmt: skip


def write(path: Path, *orders: dict[str, Any]) -> Path:
    """Orders as NDJSON."""
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in orders), encoding="utf-8")
    return path
