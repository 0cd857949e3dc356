"""A group of more pieces than its press takes in a batch becomes several: every piece once, in mail order, whatever is
cancelled, held, gathered by somebody else or killed between two of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from crowd import ORDERS, PIECES
from pressroom import work

from cardpipe.catalog.press import presses
from cardpipe.model.batch import Batch
from cardpipe.model.errors import Unavailable
from cardpipe.model.order import Scope
from cardpipe.model.piece import Unsent
from cardpipe.pipeline.gather import gather, gathering, sizes
from cardpipe.ports import PRESORT_AWAITED, NewOrder
from cardpipe.storage.store import SqlStore

SCOPE, DAY, A2 = Scope(), "2026-11-25", "A2|digital|usps|matte"
Order = Callable[..., NewOrder]


@dataclass
class Floor:
    """A shop of which nothing is used but its database."""

    store: Any


def pinned(most: int, **mailing: str) -> dict[str, Any]:
    press = presses()["digital-coated"].model_copy(update={"pieces_per_batch": most})
    return {"press": press.model_dump(), "mailing": mailing}


def due(store: SqlStore, order: Order, most: int, *numbers: int, **other: Any) -> None:
    """These orders, composed, for a press that takes so many in a batch."""
    store.add_orders([replace(order(n, **other), spec=pinned(most)) for n in numbers])
    work(store, "compose")


def lying(store: SqlStore, scope: Scope = SCOPE) -> list[list[str]]:
    """What lies in each batch, by number; and no batch has a hole or says another count."""
    found = []
    for batch in store.batches(scope):
        members = list(store.members(batch.id))
        assert [piece.seq for piece in members] == list(range(1, batch.pieces + 1)) and batch.gathered == len(members)
        found.append([piece.reference for piece in members])
    return found


def refs(*numbers: int) -> list[str]:
    return [f"ref-{n}" for n in numbers]


@pytest.mark.parametrize(("pieces", "most", "found"), [
    (0, 5, []), (1, 5, [1]), (5, 5, [5]), (6, 5, [3, 3]), (11, 5, [4, 4, 3]), (10_001, 5000, [3334, 3334, 3333]),
    (5000, 5000, [5000]), (5001, 5000, [2501, 2500]), (3, 1, [1, 1, 1]),
])  # fmt: skip
def test_sizes(pieces: int, most: int, found: list[int]) -> None:
    assert sizes(pieces, most) == found


def test_no_batch_is_larger_than_allowed_and_none_is_small_beside_the_others() -> None:
    for pieces in range(1, 200):
        for most in range(1, 30):
            found = sizes(pieces, most)
            assert sum(found) == pieces and max(found) <= most and max(found) - min(found) <= 1
            assert len(found) == -(-pieces // most), "and no more batches than it takes"


@pytest.mark.parametrize(("many", "found"), [(5000, [5000]), (5001, [2501, 2500])])
def test_five_thousand_and_one_more(any_store: SqlStore, sql: Callable[..., Any], many: int, found: list[int]) -> None:
    """What is pinned says nothing of it where it is the usual number, as before there was one."""
    spec = pinned(5000)
    assert "pieces_per_batch" not in spec["press"]
    sql(any_store, ORDERS, many=many)
    sql(any_store, PIECES, spec=json.dumps(spec))
    if not any_store.db.sqlite:
        sql(any_store, "ANALYZE pieces")
    made = gather(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    assert [(batch.number, batch.of_day, batch.pieces) for batch in made] == [
        (place, place, size) for place, size in enumerate(found, 1)
    ]
    assert [ref for batch in lying(any_store) for ref in batch] == refs(*range(1, many + 1))
    assert any_store.gatherable(SCOPE, DAY) == []


def test_parts_follow_each_other_in_mail_order(any_store: SqlStore, order: Order) -> None:
    due(any_store, order, 4, *range(11, 0, -1))
    due(any_store, order, 2, 21, 20, 22, group=A2)
    due(any_store, order, 4, 30, tenant="b")
    made = gather(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    assert lying(any_store) == [refs(20, 21), refs(22), refs(1, 2, 3, 4), refs(5, 6, 7, 8), refs(9, 10, 11)]
    assert [batch.name for batch in made] == [batch.name for batch in any_store.batches(SCOPE)]
    assert [batch.of_day for batch in made] == [1, 2, 3, 4, 5]
    assert sorted(kind for _, kind in any_store.due_steps(99, 20)) == ["impose"] * 5
    assert lying(any_store, Scope("b")) == [], "another tenant's lies where it lay"


def test_each_part_waits_for_a_presort_of_its_own(any_store: SqlStore, order: Order) -> None:
    spec = pinned(2, presort="first", mailer_id="123456", service="040")
    any_store.add_orders([replace(order(n), spec=spec) for n in range(1, 4)])
    work(any_store, "compose")
    due(any_store, order, 2, 9, group=A2)
    made = gather(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    assert [(batch.pieces, batch.held) for batch in made] == [(1, None), (2, PRESORT_AWAITED), (1, PRESORT_AWAITED)]
    assert len(any_store.due_steps(99, 20)) == 1, "what waits is not imposed"


def order_of(store: SqlStore, number: int) -> str:
    return store.order(SCOPE, f"ref-{number}").id


def cancelled(store: SqlStore) -> None:
    store.cancel_order(SCOPE, order_of(store, 6), "in the last moment")


def held(store: SqlStore) -> None:
    store.hold(SCOPE, order_of(store, 6), "wait")


@pytest.mark.parametrize("harm", [cancelled, held])
def test_a_piece_that_goes_between_two_parts(
    any_store: SqlStore, order: Order, harm: Callable[[SqlStore], None]
) -> None:
    due(any_store, order, 4, *range(1, 12))
    making = gathering(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    first = next(making)
    harm(any_store)
    due(any_store, order, 4, 0)  # and one that would have been the first of all comes too late
    assert [first.pieces, *(batch.pieces for batch in making)] == [4, 3, 3]
    assert lying(any_store) == [refs(1, 2, 3, 4), refs(5, 7, 8), refs(9, 10, 11)]
    if harm is held:
        any_store.resume(SCOPE, order_of(any_store, 6), "go")
    gather(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    assert lying(any_store)[3:] == ([refs(0, 6)] if harm is held else [refs(0)]), "the next close has it"


def test_somebody_else_gathers_between_two_parts(any_store: SqlStore, order: Order) -> None:
    due(any_store, order, 4, *range(1, 12))
    making = gathering(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    mine = [next(making)]
    theirs = gathering(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    others: list[Batch] = []
    for turn in (theirs, making, theirs):
        (others if turn is theirs else mine).extend(each for each in [next(turn, None)] if each)
    mine += making
    others += theirs
    assert len(mine) + len(others) == 3 and others
    assert lying(any_store) == [refs(1, 2, 3, 4), refs(5, 6, 7, 8), refs(9, 10, 11)]


class Restless(SqlStore):
    """A store in which somebody holds a piece before each gather, and lets it go on before each look."""

    def gatherable(self, *asked: Any) -> list[Unsent]:
        piece = self.order(SCOPE, "ref-1").pieces[0]
        if piece.held:
            self.resume(SCOPE, piece.order_id, "go")
        return super().gatherable(*asked)

    def gather(self, *asked: Any) -> list[Batch]:
        self.hold(SCOPE, order_of(self, 1), "wait")
        return super().gather(*asked)


def test_what_never_stands_still_is_given_up(any_store: SqlStore, order: Order) -> None:
    due(any_store, order, 4, 1, 2)
    store = Restless(any_store.db.engine.url.render_as_string(hide_password=False))
    with pytest.raises(Unavailable, match="close it again"):
        gather(Floor(store), SCOPE, DAY)  # type: ignore[arg-type]
    store.close()
    assert any_store.batches(SCOPE) == []
    any_store.resume(SCOPE, order_of(any_store, 1), "go")
    assert [batch.pieces for batch in gather(Floor(any_store), SCOPE, DAY)] == [2]  # type: ignore[arg-type]


#: Dies once the second batch has its pieces: before that is written down for good, or right after.
KILLED = """
import os, signal, sys
import sqlalchemy as sa
from cardpipe.model.order import Scope
from cardpipe.pipeline.gather import gathering
from cardpipe.storage.store import SqlStore

url, when = sys.argv[1:]
class Floor:
    store = SqlStore(url)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

taken = []
def count(conn, cursor, statement, *_):
    if "SET state = 'batched'" in statement:
        taken.append(statement)
        if when == "within" and len(taken) == 2:
            sa.event.listen(Floor.store.db.engine, "before_cursor_execute", die)

sa.event.listen(Floor.store.db.engine, "after_cursor_execute", count)
for made, batch in enumerate(gathering(Floor, Scope(), "2026-11-25"), 1):
    if when == "between" and made == 2:
        die()
"""


@pytest.fixture
def kill(any_store: SqlStore) -> Iterator[Callable[[str], None]]:
    """Has another process gather, which dies."""

    def run(when: str) -> None:
        url = any_store.db.engine.url.render_as_string(hide_password=False)
        ran = subprocess.run([sys.executable, "-c", KILLED, url, when], env=os.environ, timeout=120)
        assert ran.returncode == -signal.SIGKILL

    yield run


@pytest.mark.parametrize(("when", "there"), [("within", 1), ("between", 2)])
def test_a_death_between_two_parts(
    any_store: SqlStore, order: Order, kill: Callable[[str], None], when: str, there: int
) -> None:
    due(any_store, order, 4, *range(1, 12))
    kill(when)
    parts = [refs(1, 2, 3, 4), refs(5, 6, 7, 8), refs(9, 10, 11)]
    assert lying(any_store) == parts[:there], "a batch is there whole, or not at all"
    made = gather(Floor(any_store), SCOPE, DAY)  # type: ignore[arg-type]
    assert lying(any_store) == parts and [batch.number for batch in made] == [1, 2, 3][there:]
    assert gather(Floor(any_store), SCOPE, DAY) == []  # type: ignore[arg-type]
