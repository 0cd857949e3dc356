"""A restored system releases nothing until it knows what was delivered since, and then prints none of it again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from shopfloor import DAY, SCOPE, House, order

from cardpipe.lettershop.manifest import Row, read_json
from cardpipe.model.errors import Conflict
from cardpipe.model.status import PieceState
from cardpipe.pipeline.gather import gather
from cardpipe.pipeline.release import release
from cardpipe.pipeline.restored import reconcile


def delivered(folder: Path) -> list[tuple[str, list[Row]]]:
    found = sorted(folder.glob("*/*_MANIFEST.json"))
    assert found
    return [(path.name.removesuffix("_MANIFEST.json"), read_json(path.read_bytes())[0]) for path in found]


@pytest.mark.one_machine
def test_what_was_delivered_after_the_backup_is_not_printed_again(
    make_house: Callable[[str], House], tmp_path: Path
) -> None:
    before = make_house("data")
    for number in (1, 2):
        before.take(order(number))
    before.run_steps()
    with before.store.db.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(tmp_path / "data", tmp_path / "restored")  # the backup
    before.take(order(3))
    before.run_steps()
    (batch,) = gather(before, SCOPE, DAY)
    before.run_steps()
    release(before, SCOPE, batch.id, f"file://{tmp_path / 'house'}")

    after = make_house("restored")
    after.store.pause("restored from a backup", "user:x")
    after.take(order(4))
    after.run_steps()
    (other,) = gather(after, SCOPE, DAY, [after.store.order(SCOPE, "R-4").id])
    after.run_steps()
    with pytest.raises(Conflict, match="restored"):
        release(after, SCOPE, other.id, f"file://{tmp_path / 'house2'}")

    found = reconcile(after, SCOPE, delivered(tmp_path / "house"), "user:x")
    assert (sorted(found.taken_out), found.written_down, found.known) == (["R-1", "R-2"], ["R-3"], [])
    again = reconcile(after, SCOPE, delivered(tmp_path / "house"), "user:x")
    assert (again.taken_out, again.written_down) == ([], []) and len(again.known) == 3
    after.store.pause(None, "user:x")
    release(after, SCOPE, other.id, f"file://{tmp_path / 'house2'}")
    assert gather(after, SCOPE, "2027-01-01") == [], "nothing of it is left to be printed"
    retried = after.take(order(3))
    assert retried.order is None, "its CRM's next try is answered, and not printed"
    assert [finding.code for finding in retried.findings] == ["order.reference_reused"]
    states = {piece.state for number in (1, 2, 3) for piece in after.store.order(SCOPE, f"R-{number}").pieces}
    assert states == {PieceState.CANCELLED}


def test_what_lies_in_a_batch_already_is_held(make_house: Callable[[str], House], tmp_path: Path) -> None:
    house = make_house("data")
    (batch,) = house.printed(order(1))
    release(house, SCOPE, batch.id, f"file://{tmp_path / 'house'}")
    restored = make_house("restored")
    (same,) = restored.printed(order(1))
    found = reconcile(restored, SCOPE, delivered(tmp_path / "house"), "user:x")
    assert found.taken_out == ["R-1"] and found.batches_held == [same.name]
    with pytest.raises(Conflict, match="held"):
        release(restored, SCOPE, same.id, f"file://{tmp_path / 'house2'}")
