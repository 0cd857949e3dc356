"""A shop that has had a day: orders in every state, a released batch, an import with a refused row, an endpoint."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cardpipe.model.order import Scope
from cardpipe.pipeline import compose, impose, intake
from cardpipe.pipeline.gather import gather
from cardpipe.pipeline.release import release
from cardpipe.wiring import Shop
from tests.security import planted

LIVE = Scope("local", "live")
DAY = "2026-12-01"
_RUN = {"import": intake.read, "accept": intake.judge, "compose": compose.run, "impose": impose.run}


@dataclass
class Stock:
    """What there is, by the names under which the API knows it."""

    client: httpx.Client
    photo: bytes
    signature: bytes
    orders: dict[str, str] = field(default_factory=dict)
    #: The parameters of addresses, with values that lead somewhere.
    known: dict[str, list[str]] = field(default_factory=dict)
    secret: str = ""


def work(house: Shop, *kinds: str) -> int:
    """Do what is to be done of these kinds, as workers would; how many steps."""
    done = 0
    while todo := [(step, kind) for step, kind in house.store.due_steps(1000, 0.0) if kind in kinds]:
        for step, kind in todo:
            _RUN[kind](house, step)
            done += 1
        assert done < 1000
    return done


def table(*rows: dict[str, Any]) -> bytes:
    """Orders as a CSV."""
    flat = [
        {f"{name}.{part}" if isinstance(value, dict) else name: said
         for name, value in row.items() for part, said in (value.items() if isinstance(value, dict) else [("", value)])}
        for row in rows
    ]  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, sorted({name for row in flat for name in row}))
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue().encode()


def stock(house: Shop, client: httpx.Client, delivered: Path) -> Stock:
    """Fill a shop through its API, its steps run in this process."""
    made = Stock(client, planted.photo(), planted.signature())
    pictures = {
        use: client.post("/v1/pictures", params={"use": use}, content=data).raise_for_status().json()["picture"]
        for use, data in (("photo", made.photo), ("signature", made.signature))
    }
    shown = {"photos": {"home": pictures["photo"]}, "signature": pictures["signature"]}

    def take(name: str, number: int, **changes: Any) -> None:
        order = planted.asked(name, number, **{"mail_on": "2026-12-03", **shown, **changes})
        made.orders[name] = client.post("/v1/orders", json=order).raise_for_status().json()["id"]

    take("released", 1, mail_on=DAY)
    work(house, "compose")
    (batch,) = gather(house, LIVE, DAY)
    work(house, "impose")
    release(house, LIVE, batch.id, f"file://{delivered}")
    take("composed", 2, approval="required")
    take("held", 3)
    take("cancelled", 4)
    take("double", 2)  # of the one that is composed: held as a likely second card
    work(house, "compose")
    take("waiting", 5)
    client.post(f"/v1/orders/{made.orders['held']}/hold", json={"reason": "asked to wait"}).raise_for_status()
    client.post(f"/v1/orders/{made.orders['cancelled']}/cancel", json={"reason": "no more"}).raise_for_status()

    rows = [planted.asked(f"row-{n}", 10 + n, message=f"Hello, {planted.WORD}.") for n in range(3)]
    rows[1]["recipient"]["postcode"], rows[2]["design"] = "none", "no-such-design"
    imported = client.post("/v1/imports", params={"name": "people.csv"}, content=table(*rows)).raise_for_status().json()
    work(house, "import", "accept")
    counts = client.get(f"/v1/imports/{imported['id']}").json()["counts"]
    assert counts["accepted"] == 1 and counts["refused"] == 2, counts

    hook = client.post("/v1/webhooks", json={"url": "https://example.com/hook"}).raise_for_status().json()
    made.secret = hook["secret"]
    upload = client.post("/v1/pictures/uploads", json={"use": "photo", "bytes": 1000}).raise_for_status().json()
    files = client.get(f"/v1/batches/{batch.name}").json()["files"]
    made.known = {
        "key": [*made.orders.values(), "released", "row-0", "row-1"], "line": ["2", "3"],
        "name": [batch.name, "home-row"], "file": [file["name"] for file in files], "upload": [upload["upload"]],
        "webhook": [hook["id"]], "import": [imported["id"]], "batch": [batch.name], "design": ["home-row"],
    }  # fmt: skip
    return made
