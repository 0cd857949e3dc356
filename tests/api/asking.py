"""What the API's tests have in common: findings of an answer, people, and the workers' steps run in this process."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx

from cardpipe.model.order import Scope
from cardpipe.pipeline import compose, intake, tell
from cardpipe.wiring import Shop

LIVE = Scope("local", "live")
_RUN = {"compose": compose.run, "import": intake.read, "accept": intake.judge, "events": tell.run}
_FIRST = ("Ada", "Bela", "Cara", "Dora", "Edda", "Fina", "Gesa", "Hilda", "Ines", "Jana", "Karla", "Lina")
_LAST = ("Almond", "Birch", "Cedar", "Dogwood", "Elder", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch", "Maple")


def codes(answer: httpx.Response) -> set[str]:
    """The codes of a problem's findings."""
    return {finding["code"] for finding in answer.json()["findings"]}


def person(name: str) -> dict[str, str]:
    """A recipient of that name's own: no two tests send the same person a second card."""
    drawn = hashlib.sha256(name.encode()).digest()
    first, last = _FIRST[drawn[0] % 12], _LAST[drawn[1] % 12] + "".join(chr(97 + byte % 26) for byte in drawn[2:8])
    number = int.from_bytes(drawn[8:10]) + 1
    return {
        "name": f"{first} {last}",
        "street": f"{number} Alder Lane",
        "city": "Portland",
        "state": "OR",
        "postcode": "97201",
    }


def card(order: Any, reference: str, **changes: Any) -> dict[str, Any]:
    """An order to somebody who gets no other."""
    return dict(order(reference, **{"recipient": person(reference), **changes}))


def work(house: Shop, *kinds: str, subject: str = "") -> int:
    """Do what is to be done of these kinds (for one subject), as workers would; how many steps."""
    done = 0
    while True:
        with house.store.db.reading() as tx:
            rows = tx.all("SELECT id, kind, subject FROM steps WHERE state = 'open' AND held IS NULL ORDER BY id")
        todo = [row for row in rows if row["kind"] in kinds and subject in ("", row["subject"])]
        if not todo or done > 500:
            return done
        for row in todo:
            _RUN[row["kind"]](house, row["id"])
            done += 1


def composed(house: Shop, client: httpx.Client, asked: dict[str, Any]) -> dict[str, Any]:
    """An order that was handed in and composed, as it is shown."""
    told = client.post("/v1/orders", json=asked)
    assert told.status_code == 202, told.text
    piece = told.json()["pieces"][0]["id"]
    assert work(house, "compose", subject=piece) == 1
    shown: dict[str, Any] = client.get(f"/v1/orders/{told.json()['id']}").json()
    assert shown["pieces"][0]["state"] == "composed", shown
    return shown
