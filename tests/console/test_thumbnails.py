"""Pictures of pieces, and the list of a batch's pieces: quick, few bytes, never at print quality, nobody else's."""

from __future__ import annotations

import io
import threading
import time

import sqlalchemy as sa
from PIL import Image

from cardpipe.console.pictures import Album
from cardpipe.model.batch import Batch
from cardpipe.model.user import Role
from tests.console.conftest import Browse
from tests.console.floor import SCOPE
from tests.console.test_batch import text
from tests.pipeline.shopfloor import House

MANY = 10_000


def test_a_piece_is_shown_from_all_sides(seeded: House, browse: Browse, batch: Batch) -> None:
    viewer = browse(Role.VIEWER)
    piece = next(iter(seeded.store.members(batch.id)))
    for what in ("outside", "inside", "envelope", "card"):
        answer = viewer.get(f"/pictures/{piece.id}/{what}")
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "private, no-cache"
        small = Image.open(io.BytesIO(answer.content))
        large = Image.open(io.BytesIO(viewer.get(f"/pictures/{piece.id}/{what}?size=page").content))
        assert max(small.size) < 900 and large.width > 2 * small.width
        # a card of 10 by 7 inches: nothing comes near the 300 ppi of a press
        assert max(large.size) < 2 * 1200
    guided = viewer.get(f"/pictures/{piece.id}/outside?size=page&guides=1")
    assert guided.content != viewer.get(f"/pictures/{piece.id}/outside?size=page").content


def test_it_is_drawn_once_and_asked_for_again(seeded: House, browse: Browse, batch: Batch) -> None:
    viewer = browse(Role.VIEWER)
    piece = next(iter(seeded.store.members(batch.id)))
    before = Album.of(seeded).drawn
    first = viewer.get(f"/pictures/{piece.id}/outside")
    viewer.get(f"/pictures/{piece.id}/inside")
    assert Album.of(seeded).drawn == before + 1  # both sides are drawn together
    again = viewer.get(f"/pictures/{piece.id}/outside", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    assert viewer.get(f"/pictures/{piece.id}/back").status_code == 404
    assert viewer.get("/pictures/pce_none/outside").status_code == 404


def test_what_is_not_composed_has_no_picture(seeded: House, browse: Browse) -> None:
    from tests.console.floor import an_order, take

    order = seeded.store.order(SCOPE, take(seeded, an_order(7000))[0])
    answer = browse().get(f"/pictures/{order.pieces[0].id}/card")
    assert answer.status_code == 422 and "wait until it is composed" in text(answer.text)


def test_the_album_forgets_and_draws_nothing_twice() -> None:
    album = Album(most=250)
    for name in "abcd":
        album.get((name,), (name,), lambda name=name: {(name,): bytes(100)})  # type: ignore[misc]
    assert album.size == 200 and album.drawn == 4
    album.get(("d",), ("d",), dict)  # kept: nothing is drawn
    calls = []

    def slow() -> dict[tuple[str, ...], bytes]:
        calls.append(1)
        time.sleep(0.05)
        return {("e", "outside"): b"o", ("e", "inside"): b"i"}

    threads = [
        threading.Thread(target=album.get, args=(("e", side), ("e",), slow)) for side in ("outside", "inside") * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]


def test_pieces_are_listed_in_mail_order(seeded: House, browse: Browse, batch: Batch) -> None:
    shown = browse().get(f"/batches/{batch.name}/pieces")
    assert [f'name="seq" value="{seq}"' in shown.text for seq in range(1, batch.pieces + 2)] == [
        True
    ] * batch.pieces + [False]
    assert shown.text.count('loading="lazy"') == 3 * batch.pieces
    assert "Eject pieces…" in shown.text and "Withdraw" not in shown.text
    viewer = browse(Role.VIEWER).get(f"/batches/{batch.name}/pieces")
    assert 'type="checkbox"' not in viewer.text
    assert browse().get(f"/batches/{batch.name}/pieces?go=900").status_code == 422
    led = browse().get(f"/batches/{batch.name}/pieces?go=2")
    assert led.status_code == 303 and led.headers["location"].endswith("?from=1&mark=2#piece-2")
    assert 'id="piece-2" class="marked"' in browse().get(led.headers["location"]).text


def test_a_hundred_of_ten_thousand_are_there_at_once(seeded: House, browse: Browse, batch: Batch) -> None:
    """Many pieces that share one card: what costs time is the list."""
    crowd(seeded, batch)
    operator = browse()
    best = 99.0
    for _ in range(3):  # the machine may be busy with something else
        began = time.perf_counter()
        answer = operator.get(f"/batches/{batch.id}/pieces?from=9950")
        best = min(best, time.perf_counter() - began)
        assert answer.status_code == 200 and answer.text.count('loading="lazy"') == 300
    assert "9,901 to 10,000 of 10,000" in text(answer.text)
    assert best < 0.8, best


def crowd(house: House, batch: Batch) -> None:
    """Make the batch one of ten thousand pieces."""
    engine = sa.create_engine(house.settings.database)
    with engine.begin() as tx:
        for table, own in (("orders", {"id": "id || '-' || n", "reference": "reference || '-' || n",
                                       "natural_key": "natural_key || n"}),
                           ("pieces", {"id": "id || '-' || n", "order_id": "order_id || '-' || n", "seq": "n",
                                       "reference": "reference || '-' || n"})):  # fmt: skip
            names = [row[1] for row in tx.execute(sa.text(f"PRAGMA table_info({table})"))]
            picked = ", ".join(own.get(name, name) for name in names)
            chosen = "id = (SELECT order_id FROM pieces WHERE batch_id = :batch AND seq = 1)" if table == "orders" else (
                "batch_id = :batch AND seq = 1")  # fmt: skip
            tx.execute(
                sa.text(f"""
                    WITH RECURSIVE many(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM many WHERE n < :last)
                    INSERT INTO {table} ({", ".join(names)}) SELECT {picked} FROM {table}, many WHERE {chosen}
                """),
                {"batch": batch.id, "first": batch.pieces + 1, "last": MANY},
            )  # fmt: skip
        tx.execute(sa.text("UPDATE batches SET pieces = :n, gathered = :n WHERE id = :id"), {"n": MANY, "id": batch.id})
    engine.dispose()
