"""The two doors through which strangers hand in files: whatever comes, it is taken or refused, the API goes on and
stays small, and of a file of orders no row is lost on the way."""

from __future__ import annotations

import io
import json
import os
import random
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cardpipe.model.errors import Refused
from cardpipe.model.intake import ImportState
from cardpipe.pipeline.mapping import suggest
from cardpipe.prepress.photo import PhotoOrder
from cardpipe.prepress.picture import ALLOWED, MAX_PIXELS
from tests.security import mutants, planted
from tests.security.conftest import Door
from tests.security.stocked import LIVE, table, work

#: Seconds for each door, and how many files at most; `make test-long` has ten times as many.
SHORT, LONG = (20.0, 260), (150.0, 3000)
#: By how much the process of the API may grow at its largest: four pictures of 25 MB in memory, and some room.
MOST_MB = 250
#: Half an inch, for which the pictures here have pixels enough.
FRAME = PhotoOrder(36, 36, min_ppi=50)
#: At home others each time.
SEED = 20_261_122 if os.environ.get("CI") else random.randrange(1 << 30)
BOUNDS = [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.long)]


def peak_mb(*, anew: bool = False) -> float:
    """The largest that this process, in which the API runs, was since it was last asked ``anew``."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1]) / 1024


def judged(door: Door, data: bytes, name: str, use: str = "photo") -> int:
    """Hand a picture in and look at the answer; its status. What is taken is developed, too, as a worker will do it:
    that may be refused with findings, and fail in no other way."""
    answer = door.client.post("/v1/pictures", params={"use": use}, content=data)
    assert answer.status_code in (200, 201, 413, 422, 503), (name, SEED, answer.status_code, answer.text)
    said = answer.json()
    if answer.status_code >= 400:
        assert said["findings"] and all(found["remedy"] for found in said["findings"]), (name, said)
        return answer.status_code
    assert said["format"] in ALLOWED and 0 < said["width"] * said["height"] <= MAX_PIXELS, (name, said)
    try:
        assert door.house.darkroom.develop(data, FRAME).jpeg.startswith(b"\xff\xd8\xff"), name
    except Refused as problem:
        assert problem.findings, name
    return answer.status_code


@pytest.mark.parametrize("bounds", BOUNDS)
def test_the_door_of_pictures(door: Door, bounds: tuple[float, int]) -> None:
    dice = random.Random(SEED)
    assert {judged(door, mutants.picture(kind), kind) for kind in mutants.KINDS} <= {200, 201}
    before = peak_mb(anew=True)
    until, seen = time.monotonic() + bounds[0], Counter[int]()
    while time.monotonic() < until and seen.total() < bounds[1]:
        kind = dice.choice(mutants.KINDS)
        data = mutants.mutant(mutants.picture(kind), dice)
        seen[judged(door, data, f"{kind} {seen.total()}", dice.choice(("photo", "photo", "signature")))] += 1
    assert seen[422] > 20 and seen.total() > 60, (seen, SEED)
    assert peak_mb() - before < MOST_MB
    assert door.client.get("/healthz").status_code == 200
    assert judged(door, mutants.picture("JPEG", 320, 200), "a good one afterwards") in (200, 201)


def test_what_is_known_to_be_sent(door: Door) -> None:
    """Bombs, loops, two files in one. None is taken for a picture larger than may be, and none costs the API memory."""
    names = dict(mutants.crafted())
    before = peak_mb(anew=True)
    statuses = {name: judged(door, data, name) for name, data in names.items()}
    assert peak_mb() - before < MOST_MB
    taken = {name for name, status in statuses.items() if status < 300}
    assert taken <= {  # whose head and skeleton are good: what is behind them is for the darkroom to find, or harmless
        "JPEG and ZIP", "JPEG with a page in its comment", "PNG with a text of 200 MB", "PNG with 100,000 chunks",
        "PNG with an international text of 200 MB", "TIFF whose directories go round", "JPEG with 300 scans",
        "TIFF of fax lines", "TIFF packed in an old way", "PNG with pixels of 200 MB",
    }, taken  # fmt: skip
    assert len(statuses) > 50 and judged(door, mutants.picture("PNG", 320, 200), "a good one afterwards") in (200, 201)


ROWS = 6
_SENDER = {f"sender.{name}": text for name, text in planted.asked("x")["sender"].items()}
#: What a vCard leaves unsaid.
CARDS = (
    suggest(("UID", "FN", "N", "ORG", "ADR", "BDAY"))
    .columns()
    .model_copy(update={"defaults": {"reference": "x-{UID}", "occasion": "birthday", "message": "Hi", **_SENDER}})
)


def orders(start: int) -> list[dict[str, Any]]:
    return [
        planted.asked(f"fuzz-{n}", n, message=f"Hello {n}, said Anna; \"so it is\" she wrote,\nand more.") for n in range(start, start + ROWS)
    ]  # fmt: skip


def seeds(start: int) -> list[tuple[str, bytes]]:
    """Good files of orders of every kind, by name."""
    rows = orders(start)
    flat = table(*rows)
    illustrated = table(*({**row, "photos": {"home": "photos/home.jpg"}} for row in rows[:2]), *rows[2:])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("orders.csv", illustrated)
        made.writestr("photos/home.jpg", mutants.picture("JPEG", 1000, 800))
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{}\r\nFN:Anna Berg\r\nADR:;;{} Oak St;Salem;OR;97301;USA\r\nEND:VCARD\r\n"
    cards = "".join(card.format(f"fuzz-card-{start + n}", 1 + start + n) for n in range(ROWS))
    return [
        ("o.csv", flat), ("o.csv", flat.decode().encode("utf-16")), ("o.csv", flat.replace(b",", b";")),
        ("o.ndjson", b"\n".join(json.dumps(row).encode() for row in rows)), ("o.json", json.dumps(rows).encode()),
        ("o.vcf", cards.encode()), ("o.zip", packed.getvalue()), ("o.zip", packed.getvalue()),
    ]  # fmt: skip


def taken_in(door: Door, name: str, data: bytes, note: str, **terms: str) -> tuple[int, dict[str, Any]]:
    """Hand a file of orders in and have it judged; the status, and the import as it is shown."""
    if name.endswith("vcf"):
        terms["columns"] = CARDS.model_dump_json()
    answer = door.client.post("/v1/imports", params={"name": name, **terms}, content=data)
    assert answer.status_code in (202, 400, 413, 422), (note, SEED, answer.status_code, answer.text)
    if answer.status_code != 202:
        assert answer.json()["findings"], (note, answer.text)
        return answer.status_code, {}
    preview = door.client.post("/v1/imports/preview", params={"name": name}, content=data)
    assert preview.status_code in (200, 422), (note, SEED, preview.text)
    work(door.house, "import", "accept")
    told = door.client.get(f"/v1/imports/{answer.json()['id']}").json()
    assert told["state"] in (ImportState.FINISHED, ImportState.REFUSED), (note, SEED, told)
    assert (told["state"] == ImportState.REFUSED) == bool(told["findings"]), (note, SEED, told)
    if told["state"] == ImportState.FINISHED:
        assert told["counts"]["received"] == 0 and sum(told["counts"].values()) == told["rows"], (note, SEED, told)
        rows = door.house.store.rows(LIVE, told["id"], None, 0, 500)
        assert len(rows) == min(told["rows"], 500), (note, SEED)
        assert all(row.findings for row in rows if row.state == "refused"), (note, SEED, "refused and nobody says why")
    return 202, told


@pytest.mark.parametrize("bounds", BOUNDS)
def test_the_door_of_orders(door: Door, bounds: tuple[float, int]) -> None:
    dice = random.Random(SEED)
    good = [taken_in(door, name, data, name, dry_run="true")[1] for name, data in seeds(0)]
    assert {(told["rows"], told["counts"]["accepted"]) for told in good} == {(ROWS, ROWS)}, good
    before, begun = peak_mb(anew=True), time.monotonic()
    seen, most = Counter[str](), bounds[1] // 2
    while time.monotonic() < begun + bounds[0] and seen.total() < most:
        name, data = dice.choice(seeds(ROWS * seen.total()))
        status, told = taken_in(
            door, name, mutants.mutant(data, dice), f"{name} {seen.total()}", dry_run=dice.choice(("true", "false"))
        )
        seen[str(told.get("state", status))] += 1
    assert seen["finished"] > 5 and seen["refused"] > 5, (seen, SEED)
    assert peak_mb() - before < MOST_MB
    last = 900_000 + int(bounds[0]) * ROWS  # the door is the same for both bounds, and knows what it took before
    assert taken_in(door, "o.csv", table(*orders(last)), "a good one afterwards")[1]["counts"]["accepted"] == ROWS


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_no_row_is_lost_without_a_word(door: Door, kind: str) -> None:
    """Damage within the cells leaves as many rows as there were lines, each taken or refused with a reason."""
    dice = random.Random(SEED)
    reasons = Counter[str]()
    for trial in range(12):
        rows = [
            planted.asked(f"lost-{kind}-{trial}-{n}", 5000 + 100 * trial + n, message="Hello there")
            for n in range(ROWS)
        ]
        data = table(*rows) if kind == "csv" else b"\n".join(json.dumps(row).encode() for row in rows)
        made = bytearray(data)
        lines = [
            n for n, byte in enumerate(data) if n > (data.index(b"\n") if kind == "csv" else 0) and chr(byte).isalnum()
        ]
        for at in dice.sample(lines, dice.choice((1, 5, 40))):
            made[at] = dice.choice(b"xyz0189 .*=@\t\x01\x7f")
        _, told = taken_in(door, f"o.{kind}", bytes(made), f"{kind} {trial}")
        assert told["state"] == ImportState.FINISHED and told["rows"] == ROWS, (trial, SEED, told)
        reasons.update({state: count for state, count in told["counts"].items() if count})
    assert reasons["accepted"] > ROWS and reasons["refused"] > ROWS and reasons.total() == 12 * ROWS, (reasons, SEED)
