"""Keeping the shop by its commands: tenants, keys, the audit log, backup, restore, reconcile."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cardpipe.model import apikey
from tests import starting

ROOT = Path(__file__).resolve().parent.parent.parent


class Desk:
    """A person at a keyboard, with a data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def say(self, *words: object, code: int = 0) -> Any:
        """What a command answers as JSON; it must end with this code."""
        environment = {**os.environ, "CARDPIPE_DATA": str(self.data)}
        done = starting.run([*map(str, words), "--json"], environment, ROOT, 150)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else None


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data")


def test_a_tenants_terms_are_set_one_by_one(desk: Desk) -> None:
    desk.say("tenant", "set", "birch", "--zone", "America/New_York", "--cut-off", "17:30")
    told = desk.say("tenant", "set", "birch", "--retention-days", "30", "--approval", "required")
    assert (told["zone"], told["cut_off"], told["retention_days"], told["approval"]) == (
        "America/New_York", "17:30:00", 30, "required"
    )  # fmt: skip
    assert desk.say("tenant", "set", "birch", "--cut-off", "none")["cut_off"] is None
    assert [tenant["name"] for tenant in desk.say("tenant", "list")] == ["birch"]
    wrong = desk.say("tenant", "set", "birch", "--zone", "Nowhere", "--approval", "maybe", "--cut-off", "late", code=2)
    assert {finding["where"] for finding in wrong["findings"]} == {"--zone", "--approval", "--cut-off"}
    assert desk.say("tenant", "show", "birch")["zone"] == "America/New_York", "nothing of it was taken"
    assert desk.say("tenant", "set", "No Slug", code=2)["findings"][0]["where"] == "--name"


def test_a_key_is_shown_once_and_ended(desk: Desk) -> None:
    made = desk.say("key", "new", "--tenant", "birch", "--mode", "test", "--scope", "orders:read", "--label", "CRM")
    shown = apikey.read(made["key"])
    assert shown is not None and (shown.mode, shown.id) == ("test", made["id"])
    (listed,) = desk.say("key", "list", "--tenant", "birch")
    assert (listed["id"], listed["scopes"], listed["revoked_at"]) == (made["id"], ["orders:read"], None)
    assert made["key"] not in json.dumps(listed)
    for path in desk.data.rglob("*"):
        assert not path.is_file() or made["key"].encode() not in path.read_bytes(), "its text is stored nowhere"
    assert desk.say("key", "revoke", made["id"], "--tenant", "birch")["revoked_at"]
    assert desk.say("key", "revoke", made["id"], "--tenant", "other", code=2)["findings"][0]["code"] == "key.unknown"
    wrong = desk.say("key", "new", "--scope", "orders:everything", "--mode", "real", code=2)
    assert {finding["where"] for finding in wrong["findings"]} == {"--scope", "--mode"}


def test_who_did_what_cannot_be_changed_unseen(desk: Desk) -> None:
    desk.say("tenant", "set", "local", "--rate", "60")
    key = desk.say("key", "new", "--scope", "admin")
    entries = desk.say("audit", "list")
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        ("key.created", key["id"]), ("tenant.created", "local")
    ]  # fmt: skip
    assert all(entry["actor"].startswith("user:") for entry in entries)
    assert desk.say("audit", "verify") == {"whole": True}
    with sqlite3.connect(desk.data / "cardpipe.db") as db:
        db.execute("UPDATE audit SET actor = 'user:nobody' WHERE number = 1")
    assert "entry 1" in desk.say("audit", "verify", code=70)["message"]


def _submit(desk: Desk, folder: Path, *numbers: int) -> None:
    orders = folder / "orders.ndjson"
    address = {"street": "12 Alder Lane", "city": "Portland", "state": "OR", "postcode": "97201"}
    lines = [
        {"reference": f"K-{n}", "occasion": "thank-you", "design": "thank-you-fern",
         "recipient": {"name": f"Anna Berg {n}", **address}, "sender": {"name": "June", **address},
         "message": "Dear {first_name},\n\nthank you.", "mail_on": "2026-12-01"}
        for n in numbers
    ]  # fmt: skip
    orders.write_text("\n".join(json.dumps(line) for line in lines))
    desk.say("print", orders, "--out", folder / "house", "--mail-on", "2026-12-01")


def test_a_restored_shop_prints_nothing_a_second_time(desk: Desk, tmp_path: Path) -> None:
    _submit(desk, tmp_path, 1)
    made = desk.say("backup", tmp_path / "shop.tar")
    assert made["artifacts"] > 5 and (tmp_path / "shop.tar").stat().st_size == made["bytes"]
    assert desk.say("backup", tmp_path / "shop.tar", code=3)["findings"][0]["code"] == "backup.exists"
    _submit(desk, tmp_path, 2)  # printed after the backup
    restored = Desk(tmp_path / "restored")
    assert "reconcile" in restored.say("restore", tmp_path / "shop.tar")["paused"]
    assert restored.say("restore", tmp_path / "shop.tar", code=3)["findings"][0]["code"] == "restore.not_empty"
    assert "paused" in json.dumps(restored.say("doctor", code=4))
    shutil.rmtree(desk.data)

    assert restored.say("reconcile", tmp_path / "nothing", code=2)["findings"][0]["code"] == "reconcile.folder"
    told = restored.say("reconcile", tmp_path / "house")
    assert (told["known"], told["written_down"]) == (["K-1"], ["K-2"]) and told["paused"]
    assert restored.say("reconcile", "--done", "all of it was shown")["paused"] is None
    orders = tmp_path / "orders.ndjson"  # the CRM's next try with the second one
    again = restored.say("print", orders, "--out", tmp_path / "again", "--mail-on", "2026-12-01", code=2)
    assert again["batches"] == [] and again["orders"][0]["findings"][-1]["code"] == "order.reference_reused"


def test_a_server_that_was_restored_is_said_to_be(desk: Desk, tmp_path: Path) -> None:
    _submit(desk, tmp_path, 1)
    told = desk.say("reconcile", tmp_path / "house", "--restored", "last night's dump")
    assert "last night's dump" in told["paused"] and told["known"] == ["K-1"]
    assert desk.say("reconcile", "--done", "shown")["paused"] is None
