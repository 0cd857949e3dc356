"""Lists of orders: each filter, page after page, and never by walking through all of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa
from pressroom import work

from cardpipe.model.errors import Refused
from cardpipe.model.order import Scope
from cardpipe.model.stored import OrderQuery
from cardpipe.storage import listing

SCOPE = Scope()


def _all(store, scope=SCOPE, **query):
    """References page by page, until the last page."""
    found, before, pages = [], None, 0
    while True:
        page, before = store.list_orders(scope, OrderQuery(before=before, **{"limit": 3, **query}))
        found += [stored.reference for stored in page]
        pages += 1
        if before is None:
            return found
        assert len(page) == query.get("limit", 3)
        assert pages < 50


def _refs(*numbers):
    return [f"ref-{number}" for number in numbers]


@pytest.fixture
def some(store, clock, order):
    """Ten orders, an hour apart, of every kind that can be asked for."""
    began = clock.moment
    for n in range(10):
        clock.moment = began + dt.timedelta(hours=n)
        store.add_order(
            replace(
                order(n, mail_on="2026-11-25" if n % 2 else "2026-11-26"), occasion="sympathy" if n == 7 else "birthday",
                design="heron" if n in (2, 3) else "fern", lane="imp_1" if n < 4 else "",
                metadata={"source": "crm", "contact": str(n % 3)} if n else {},
            )
        )  # fmt: skip
    store.cancel_order(SCOPE, "ref-4", "moved away")
    store.hold(SCOPE, store.order(SCOPE, "ref-5").id, "wait")
    store.add_order(order(0, tenant="other"))
    store.add_order(order(0, mode="test"))
    return began


def test_newest_first_page_by_page(store, some):
    assert _all(store) == _refs(*range(9, -1, -1))
    for limit in (1, 9, 10, 11):
        assert _all(store, limit=limit) == _refs(*range(9, -1, -1))
    assert _all(store, Scope("other")) == _all(store, Scope("local", "test")) == _refs(0)
    assert _all(store, Scope("nobody")) == []


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"states": ("cancelled",)}, [4]),
        ({"states": ("accepted",)}, [9, 8, 7, 6, 5, 3, 2, 1, 0]),
        ({"states": ("accepted", "cancelled")}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"states": ("refused",)}, []),
        ({"piece_states": ("cancelled",)}, [4]),
        ({"piece_states": ("waiting", "cancelled")}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"piece_states": ("composed",)}, []),
        ({"piece_states": ("waiting",), "states": ("cancelled",)}, []),
        ({"occasion": "sympathy"}, [7]),
        ({"design": "heron"}, [3, 2]),
        ({"mail_on": "2026-11-25"}, [9, 7, 5, 3, 1]),
        ({"held": True}, [5]),
        ({"held": False}, [9, 8, 7, 6, 4, 3, 2, 1, 0]),
        ({"metadata": {"contact": "1"}}, [7, 4, 1]),
        ({"metadata": {"contact": "1", "source": "crm"}, "states": ("accepted",)}, [7, 1]),
        ({"metadata": {"contact": "1", "source": "else"}}, []),
        ({"metadata": {"source": "crm"}}, [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ({"import_id": "imp_1"}, [3, 2, 1, 0]),
        ({"import_id": "imp_1", "design": "heron", "mail_on": "2026-11-26"}, [2]),
        ({"held": True, "metadata": {"contact": "2"}, "mail_on": "2026-11-25"}, [5]),
    ],
)
@pytest.mark.parametrize("few", [listing.FEW, 0])
def test_each_filter_however_many_fit(store, some, monkeypatch, query, numbers, few):
    monkeypatch.setattr(listing, "FEW", few)
    assert _all(store, **query) == _refs(*numbers)


@pytest.mark.parametrize("few", [listing.FEW, 0])
def test_since_and_until_in_whatever_way_they_are_written(store, some, monkeypatch, few):
    monkeypatch.setattr(listing, "FEW", few)
    third = some + dt.timedelta(hours=3)
    assert _all(store, since=third.isoformat()) == _refs(9, 8, 7, 6, 5, 4, 3)
    assert _all(store, since=third.isoformat().replace("+00:00", "Z")) == _refs(9, 8, 7, 6, 5, 4, 3)
    assert _all(store, until=third.isoformat()) == _refs(2, 1, 0)
    there = third.astimezone(dt.timezone(dt.timedelta(hours=-8)))
    assert _all(store, since=there.isoformat(), until=(there + dt.timedelta(hours=1)).isoformat()) == _refs(3)
    assert _all(store, since="2026-11-22") == []
    for never in ("yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        with pytest.raises(Refused) as refused:
            store.list_orders(SCOPE, OrderQuery(since=never))
        assert [(f.code, f.where) for f in refused.value.findings] == [("order.query.time", "since")]


def test_an_order_whose_id_was_promised_before_is_listed_by_when_it_was_accepted(store, clock, order, some):
    from cardpipe.storage.engine import new_id

    promised = new_id("ord", some.timestamp() - 86400)
    store.add_order(replace(order(20), order_id=promised))
    since = (clock.moment - dt.timedelta(minutes=1)).isoformat()
    assert _all(store, since=since) == _refs(9, 20)


def test_a_page_has_all_of_each_order(any_store, order):
    for n in range(3):
        any_store.add_order(replace(order(n), metadata={"n": str(n)}, approval="required"))
    page, more = any_store.list_orders(SCOPE, OrderQuery(limit=2))
    assert page == [any_store.order(SCOPE, f"ref-{n}") for n in (2, 1)]
    assert more == page[-1].id
    statements = []
    sa.event.listen(any_store.db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    any_store.list_orders(SCOPE, OrderQuery(limit=3))
    assert len([sql for sql in statements if "FROM orders" in sql]) == 1
    assert len([sql for sql in statements if "FROM pieces" in sql]) == 1
    assert len([sql for sql in statements if "FROM order_metadata" in sql]) == 1


def test_counts_go_no_further_than_they_are_asked_to(any_store, order):
    began = any_store.add_order(order(0))[0].accepted_at
    moment = dt.datetime.fromisoformat(began).timestamp()
    any_store.add_orders([order(n) for n in range(1, 6)])
    assert [any_store.count_since(SCOPE, moment - 1, most) for most in (0, 4, 6, 7, 100)] == [0, 4, 6, 6, 6]
    assert any_store.count_since(SCOPE, moment + 3600, 100) == 0
    assert any_store.count_since(Scope("other"), moment - 1, 100) == 0
    assert [any_store.backlog(most) for most in (4, 100)] == [4, 6]
    any_store.hold(SCOPE, any_store.order(SCOPE, "ref-1").id, "wait")
    assert any_store.backlog(100) == 5  # what is held is no work
    work(any_store, "compose")
    assert any_store.backlog(100) == 0


# ids and times as ``new_id`` and ``Tx.at`` make them, in the order of n
MANY = """
    INSERT INTO orders (tenant, mode, id, reference, state, request_digest, request, occasion, design, mail_on, findings,
                        accepted_at, import_id, held)
    WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :many)
    SELECT 'local', 'live', 'ord_' || (1000000 + n), 'ref-' || n, CASE WHEN n % 5000 = 0 THEN 'cancelled' ELSE 'accepted'
           END, 'd', :request, 'birthday', 'fern', CASE WHEN n % 1000 = 0 THEN '2026-12-24' ELSE '2026-11-25' END, '[]',
           '2026-11-21T09:' || (10 + n * 50 / (:many + 1)) || '\\:00.000Z', 'imp_' || (n / 5000),
           CASE WHEN n % 5000 = 1 THEN 'wait' END
    FROM counted
"""
MANY_PIECES = """
    INSERT INTO pieces (tenant, mode, id, order_id, copy, reference, state, mail_on, group_key, sort_key, spec,
                        composed_findings, findings)
    SELECT tenant, mode, 'pce' || id, id, 1, reference, CASE WHEN state = 'cancelled' THEN 'cancelled'
           WHEN id LIKE '%777' THEN 'needs_attention' ELSE 'waiting' END, mail_on, 'g', 's', '{}', '[]', '[]' FROM orders
"""
MANY_NAMES = """
    INSERT INTO order_metadata (tenant, mode, order_id, name, value)
    SELECT tenant, mode, id, 'contact', reference FROM orders
    UNION ALL SELECT tenant, mode, id, 'source', 'crm' FROM orders
"""
#: What a CRM and an operator ask for every day.
QUERIES = {
    "newest": OrderQuery(),
    "accepted": OrderQuery(states=("accepted",)),
    "cancelled": OrderQuery(states=("cancelled",)),
    "waiting": OrderQuery(piece_states=("waiting", "composing")),
    "attention": OrderQuery(piece_states=("needs_attention",)),
    "day": OrderQuery(mail_on="2026-11-25"),
    "rare day": OrderQuery(mail_on="2026-12-24"),
    "import": OrderQuery(import_id="imp_0"),
    "held": OrderQuery(held=True),
    "unheld": OrderQuery(held=False),
    "contact": OrderQuery(metadata={"contact": "ref-77"}),
    "source": OrderQuery(metadata={"source": "crm"}),
    "both": OrderQuery(metadata={"contact": "ref-77", "source": "crm"}),
    "lately": OrderQuery(since="2026-11-21T09:59:00Z"),
    "all day": OrderQuery(since="2026-11-21T00:00:00Z"),
}


@pytest.fixture(params=["as it is", "analyzed"])
def many(any_store, sql, request):
    """20,000 orders. PostgreSQL analyzes by itself; until then its checks of links walk through tables."""
    postgres = any_store.db.engine.dialect.name == "postgresql"
    sql(any_store, MANY, many=20_000, request='{"message": "' + "x" * 1500 + '"}')
    if postgres:
        sql(any_store, "ANALYZE orders")
    sql(any_store, MANY_PIECES)
    sql(any_store, MANY_NAMES)
    if request.param == "analyzed":
        sql(any_store, "ANALYZE")
    elif postgres:
        pytest.skip("PostgreSQL is looked at when it has analyzed")
    return any_store


def _sqlite_work(store, query):
    """How many thousand instructions of SQLite's machine one page takes: to walk through 20,000 orders takes 100."""
    count = 0

    def one_more():
        nonlocal count
        count += 1
        return 0

    with store.db.reading() as tx:
        driver = tx.conn.connection.driver_connection
        driver.set_progress_handler(one_more, 1000)
        page, _ = listing.page(tx, SCOPE, query)
        driver.set_progress_handler(None, 0)
    return page, count


def _postgres_work(store, query):
    """How many thousand rows and entries of indexes PostgreSQL reads for one page."""
    seen = []

    def keep(conn, cursor, statement, values, *rest):
        seen.append((statement, values))

    sa.event.listen(store.db.engine, "before_cursor_execute", keep)
    page, _ = store.list_orders(SCOPE, query)
    sa.event.remove(store.db.engine, "before_cursor_execute", keep)
    asked = [each for each in seen if "FROM orders" in each[0] or "FROM pieces" in each[0] or "metadata" in each[0]]
    assert len(asked) >= 3
    with store.db.reading() as tx:
        told = [tx.conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values) for sql, values in asked]
        return page, sum(_read(each.scalar_one()[0]["Plan"]) for each in told) / 1000


def _read(plan):
    here = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return (here if "Relation Name" in plan else 0) + sum(_read(part) for part in plan.get("Plans", []))


@pytest.mark.parametrize("before", [None, "ord_1010000"])
def test_no_list_walks_through_all_orders(many, before):
    postgres = many.db.engine.dialect.name == "postgresql"
    work, most = (_postgres_work, 5) if postgres else (_sqlite_work, 50)
    took = {}
    for name, query in QUERIES.items():
        page, took[name] = work(many, replace(query, before=before))
        assert page or before
    assert {name: much for name, much in took.items() if much > most} == {}
    _, walk = work(many, OrderQuery(occasion="none"))
    assert walk > most  # what has no index shows that walking would be seen


BEHIND = """
    UPDATE pieces SET state = 'composed', card = 'x', envelope = 'y'
    WHERE state = 'waiting' AND order_id < 'ord_1005000'
"""


@pytest.mark.parametrize("other", [{}, {"states": ("accepted",)}, {"occasion": "birthday"}, {"before": "ord_1004000"}])
def test_what_is_composed_is_found_behind_all_that_waits(many, sql, other):
    """5,000 orders with composed pieces, older than the 15,000 that wait: a page of them is read, and nothing of these."""
    sql(many, BEHIND)
    if many.db.engine.dialect.name == "postgresql":
        sql(many, "ANALYZE pieces")
    postgres = many.db.engine.dialect.name == "postgresql"
    work, most = (_postgres_work, 5) if postgres else (_sqlite_work, 50)
    query = OrderQuery(piece_states=("composed",), limit=20, **other)
    page, took = work(many, query)
    newest = int((query.before or "ord_1005000")[4:]) - 1000000 - 1
    expected = [f"ref-{n}" for n in range(newest, 0, -1) if n % 1000 != 777][:20]
    assert [stored.reference for stored in page] == expected
    assert took <= most
    both = OrderQuery(piece_states=("composed", "needs_attention"), limit=20, **{**other, "before": "ord_1000780"})
    page, took = work(many, both)
    assert [stored.reference for stored in page] == [f"ref-{n}" for n in range(779, 759, -1)] and took <= most


def test_where_most_of_the_newest_do_not_fit_the_others_are_found_all_the_same(many, sql):
    sql(many, BEHIND)
    sql(many, "UPDATE orders SET occasion = 'sympathy' WHERE id IN ('ord_1000001', 'ord_1004998')")
    page, more = many.list_orders(SCOPE, OrderQuery(piece_states=("composed",), occasion="sympathy", limit=2))
    assert [stored.reference for stored in page] == ["ref-4998", "ref-1"] and more is None
