"""A stranger with nothing but curl, from an empty folder to cards that are handed to post, told of every step."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from standardwebhooks import Webhook

from tests.client.shopfront import Served, serving, until
from tests.delivery.receiver import Receiver, answer

DEMO = Path(__file__).parents[1] / "demo"
DAY = "2026-12-01"
#: What nobody may ever be answered with: names, places and words that occur nowhere else.
PLANTED = ("Quillfeather", "Wobblethatch", "marmalade", "Plumthorn", "Gingerbread")


def card(reference: str, name: str, photo: str, **changes: Any) -> dict[str, Any]:
    recipient = {"name": f"{name} Quillfeather", "street": "77 Wobblethatch Row", "city": "Rutland", "state": "VT"}
    sender = {"name": "Ida Plumthorn", "street": "5 Gingerbread Yard", "city": "Asheville", "state": "NC"}
    return {
        "reference": reference, "occasion": "new-home", "design": "home-row", "mail_on": DAY, "photo": photo,
        "recipient": {**recipient, "postcode": "05701"}, "sender": {**sender, "postcode": "28801"},
        "message": "Dear {first_name},\n\nMay there always be marmalade. Welcome home!", **changes,
    }  # fmt: skip


@dataclass
class Stranger:
    """Somebody at a prompt. ``heard``: every answer with its headers, as it came."""

    shop: Served
    folder: Path
    heard: list[bytes] = field(default_factory=list)

    def curl(self, path: str, *words: str, expect: int = 0) -> bytes:
        """The body of the answer, whose status must be ``expect`` (0: any that is good)."""
        head, body = self.folder / "head", self.folder / "body"
        body.unlink(missing_ok=True)
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", "--oauth2-bearer", self.shop.key,
             "--dump-header", head, "--output", body, "--write-out", "%{http_code}", *words, self.shop.url + path],
            capture_output=True, check=True,
        )  # fmt: skip
        told = body.read_bytes() if body.exists() else b""
        self.heard += [head.read_bytes(), told]
        status = int(done.stdout)
        assert status == expect or (not expect and 200 <= status < 300), (status, path, told[:2000])
        return told

    def json(self, path: str, *words: str, expect: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.curl(path, *words, expect=expect)))

    def send(self, path: str, what: dict[str, Any], *words: str, expect: int = 0) -> dict[str, Any]:
        kind = ("--header", "Content-Type: application/json")
        return self.json(path, "--data", json.dumps(what), *kind, *words, expect=expect)

    def piece(self, reference: str) -> dict[str, Any]:
        return dict(self.json(f"/v1/orders/{reference}")["pieces"][0])


@pytest.fixture(scope="module")
def crm() -> Iterator[Receiver]:
    made = Receiver()
    made.routes["/cards"] = answer(204)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory, crm: Receiver) -> Iterator[Stranger]:
    if shutil.which("curl") is None:
        assert os.environ.get("CARDPIPE_TEST_REQUIRE") != "all", "curl is missing"
        pytest.skip("curl is missing")
    folder = tmp_path_factory.mktemp("stranger")
    with serving(folder / "data", CARDPIPE_OUTBOUND_ALLOW=f"127.0.0.1:{crm.port}") as shop:
        yield Stranger(shop, folder)


def told(crm: Receiver, secret: str, reference: str) -> list[tuple[str, str]]:
    """Type and words of every message about an order, as they came in; each is signed."""
    found = []
    for asked in list(crm.asked):
        headers = {name.lower(): value for name, value in asked.headers.items()}
        message = Webhook(secret).verify(asked.body, headers)
        if message["data"]["reference"] == reference:
            found.append((message["type"], message["data"]["shown"]))
    return found


def test_from_an_empty_folder_to_the_post(stranger: Stranger, crm: Receiver) -> None:
    hook = stranger.send("/v1/webhooks", {"url": crm.url("/cards")}, expect=201)
    secret = hook["secret"]
    photo = stranger.json("/v1/pictures?use=photo", "--form", f"file=@{DEMO / 'photos' / 'grey-cat.heic'}", expect=201)
    assert photo["format"] == "HEIC"

    # ordered; and once more, as a program does that did not hear the answer
    keep = card("S-keep", "Zsuzsanna", photo["picture"])
    first = stranger.send("/v1/orders", keep, "--header", "Idempotency-Key: one", expect=202)
    again = stranger.send("/v1/orders", keep, "--header", "Idempotency-Key: one", expect=202)
    assert first == again and b"idempotent-replayed: true" in stranger.heard[-2].lower()
    stranger.send("/v1/orders", card("S-drop", "Bartholomew", photo["picture"]), expect=202)

    # what is wrong is said by its field, never by its words
    wrong = card("S-wrong", "Quillfeather", photo["picture"], message="Dear {nobody} 猫 marmalade", seal="Plumthorn")
    refused = stranger.send("/v1/orders", {**wrong, "mail_on": "Wobblethatch"}, expect=422)
    assert {found["where"] for found in refused["findings"]} >= {"seal", "mail_on"}
    stranger.send(
        "/v1/orders", card("S-wrong", "Zoë", photo["picture"], message="Dear {nobody} 猫 marmalade"), expect=422
    )
    stranger.curl("/v1/orders/S-wrong", expect=404)

    # a proof that can be looked at and not printed from
    until("the proof", lambda: stranger.json("/v1/orders/S-keep")["proof"]["ready"])
    design = next(each for each in stranger.json("/v1/designs")["designs"] if each["name"] == "home-row")
    assert design["format"]["fold"] == "top", "its paper is twice as high as the card that is held in the hand"
    width, height = (side / 25.4 for side in design["format"]["trim_mm"])
    with Image.open(io.BytesIO(stranger.curl("/v1/orders/S-keep/proof?ppi=150"))) as proof:
        assert proof.format == "PNG"
        pages = proof.convert("RGB")
    across, down = paper(pages)
    assert 140 < across / (2 * width) <= 154 and 140 < down / (2 * height) <= 151, "two sides of it, and a gap between"
    assert watermark(pages) > 0.01, "a word in grey lies across the paper"
    stranger.curl("/v1/orders/S-keep/proof?ppi=300", expect=422)

    # one is withdrawn, the other goes to press
    assert stranger.send("/v1/orders/S-drop/cancel", {"reason": "moved away"})["shown"] == "cancelled"
    until("the card", lambda: stranger.piece("S-keep")["state"] == "composed")
    stranger.shop.cardpipe("batch", "close", "--mail-on", DAY)
    piece = stranger.piece("S-keep")
    assert piece["shown"] == "in a print file" and piece["seq"] == 1
    (batch,) = stranger.json(f"/v1/batches?mail_on={DAY}")["batches"]
    assert (batch["name"], batch["pieces"]) == (piece["batch"], 1)
    late = stranger.send("/v1/orders/S-keep/cancel", {"reason": "too late"}, expect=409)
    assert late["findings"][0]["remedy"]

    out = stranger.folder / "house"
    stranger.shop.cardpipe("batch", "release", batch["name"], "--out", out)
    assert stranger.piece("S-keep")["shown"] == "at the print and mail house"
    stranger.shop.cardpipe("batch", "verify", out / batch["name"])
    (manifest,) = out.rglob("*_MANIFEST.csv")
    rows = list(csv.DictReader(io.StringIO(manifest.read_text(encoding="utf-8-sig"))))
    assert [row["reference"] for row in rows] == ["S-keep"] and "Quillfeather" in manifest.read_text()

    heard_of = [words for _, words in told(crm, secret, "S-keep")]
    assert "handed to post" not in heard_of, "nobody said so yet"
    stranger.shop.cardpipe("batch", "mark", batch["name"], "mailed")
    assert stranger.piece("S-keep")["shown"] == "handed to post"

    # and was told of all of it, in the order in which it happened
    until("the last message", lambda: "piece.mailed" in dict(told(crm, secret, "S-keep")))
    assert told(crm, secret, "S-keep") == [
        ("order.accepted", "accepted"), ("piece.composed", "composed"), ("piece.batched", "in a print file"),
        ("piece.released", "at the print and mail house"), ("piece.mailed", "handed to post"),
    ]  # fmt: skip
    dropped = [kind for kind, _ in told(crm, secret, "S-drop")]
    assert dropped[0] == "order.accepted" and {"order.cancelled", "piece.cancelled"} == set(dropped[-2:])
    assert not {"piece.batched", "piece.mailed"} & set(dropped)
    listed = [event for event in stranger.json("/v1/events")["events"] if event["data"]["reference"] == "S-keep"]
    assert [event["type"] for event in listed] == [kind for kind, _ in told(crm, secret, "S-keep")]


def test_nothing_personal_was_said_to_anybody(stranger: Stranger, crm: Receiver) -> None:
    """After the test above: every door about the order is asked once more, and all that was ever heard is searched."""
    order = stranger.json("/v1/orders/S-keep")
    for door in ("", "/actions", "/explain", "/events", "/proof?side=card", "/proof?side=envelope"):
        stranger.curl(f"/v1/orders/{order['id']}{door}")
    hooks = stranger.json("/v1/webhooks")["webhooks"]
    doors = ("/v1/orders", "/v1/events", "/v1/batches", "/v1/tenant", "/v1/imports", "/readyz", "/metrics")
    for door in (*doors, *(f"/v1/webhooks/{hook['id']}/deliveries" for hook in hooks)):
        stranger.curl(door)
    heard = {"answers": b"\n".join(stranger.heard), "log": stranger.shop.log().encode()}
    heard["webhooks"] = b"\n".join(b"\n".join((str(each.headers).encode(), each.body)) for each in crm.asked)
    assert b"S-keep" in heard["answers"] and b"S-keep" in heard["webhooks"] and len(heard["log"]) > 1000
    for word in PLANTED:
        assert [place for place, said in heard.items() if word.lower().encode() in said.lower()] == [], word
    assert stranger.shop.key.encode() not in b"".join(heard.values())


def paper(pages: Image.Image) -> tuple[int, int]:
    """Width and height, in dots, of what lies on the proof's grey ground."""
    seen = np.asarray(pages).astype(int)
    there = np.abs(seen - seen[2, 2]).sum(axis=2) > 12
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    return int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def watermark(pages: Image.Image) -> float:
    """The share of dots of the inside, right half of the picture, that are the even light grey of the word."""
    inside = np.asarray(pages).astype(int)[:, pages.width // 2 + 20 : -30]
    even = np.ptp(inside, axis=2) == 0
    return float((even & (inside[..., 0] >= 228) & (inside[..., 0] <= 236)).mean())
