"""What the console asks is answered along indexes: among 100,000 pieces that were printed long ago, no question reads
more than what it shows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from cardpipe.model.batch import match_code
from cardpipe.model.order import Scope
from cardpipe.model.stored import OrderQuery

SCOPE = Scope()
TODAY = "2026-11-20"
#: A hundred days of so many cards; the last day's are still to leave, and one of each of the last ten is stuck. PER is
#: how many a day has (PostgreSQL takes minutes to fill in 100,000), NUMBER an order's own.
PER = {"sqlite": 1000, "postgresql": 200}
_NUMBER = "(CAST(substr(id, 5) AS integer) - 1000000)"
ORDERS = """
    INSERT INTO orders (tenant, mode, id, reference, state, request_digest, request, occasion, design, mail_on, findings,
                        accepted_at, held, held_code, done_at)
    WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :many)
    SELECT 'local', 'live', 'ord_' || (1000000 + n), 'ref-' || n, 'accepted', 'd',
           '{"recipient"\\: {"name"\\: "Ada ' || n || '", "postcode"\\: "' || n || '"}, "message"\\: "' || :words || '"}',
           'birthday', 'fern', DAY, '[]', '2026-11-21T09\\:00\\:00.000Z', CASE WHEN n % 100 = 1 THEN 'wait' END,
           CASE WHEN n % 100 = 1 THEN 'operator' END, CASE WHEN n <= 99 * PER THEN '2026-11-21T09\\:00\\:00.000Z' END
    FROM counted
"""
_DAY = {"sqlite": "date('2026-08-13', ((n - 1) / PER) || ' days')",
        "postgresql": "to_char(date '2026-08-13' + (n - 1) / PER, 'YYYY-MM-DD')"}  # fmt: skip
_BATCH = """
    INSERT INTO batches (tenant, mode, id, number, mail_on, of_day, group_key, format, press, carrier, state, revision,
                         pieces, findings, gathered_at, gathered, label_start, target, held)
    WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :many)
    SELECT 'local', 'live', 'bat_' || (1000000 + n), n, '2026-08-13', n, 'g', 'A7', 'p', 'c',
           CASE WHEN n = 7 THEN 'imposed' ELSE 'settled' END, 1, 99, '[]', '2026-08-13T09\\:00\\:00.000Z', 99, 1, 'x',
           CASE WHEN n % 500 = 7 THEN 'paper' END
    FROM counted
"""
_STUCK = "NUMBER % PER = 77 AND NUMBER > 90 * PER"
PIECES = f"""
    INSERT INTO pieces (tenant, mode, id, order_id, copy, reference, state, mail_on, group_key, sort_key, spec, card,
                        envelope, composed_findings, findings, batch_id, seq, held)
    SELECT tenant, mode, 'pce_' || id, id, 1, reference,
           CASE WHEN {_STUCK} THEN 'needs_attention' WHEN done_at IS NULL THEN 'composed' ELSE 'mailed' END, mail_on,
           'g', 's', '{{"words"\\: "' || :words || '"}}', 'c', 'e', '[]',
           CASE WHEN {_STUCK} THEN '[{{"level"\\: "error", "code"\\: "art.font", "where"\\: "a", "message"\\: "b"}}]'
                ELSE '[]' END,
           CASE WHEN {_STUCK} OR done_at IS NULL THEN NULL ELSE 'bat_' || (1000001 + NUMBER % PER) END,
           CASE WHEN {_STUCK} OR done_at IS NULL THEN NULL ELSE NUMBER / PER + 1 END, held
    FROM orders
"""
NAMES = """
    INSERT INTO order_metadata (tenant, mode, order_id, name, value)
    SELECT tenant, mode, id, 'contact', 'C' || reference FROM orders
    UNION ALL SELECT tenant, mode, id, 'source', 'crm' FROM orders
"""
ROWS = """
    INSERT INTO intake (tenant, mode, id, line, chunk, reference, request_digest, state, request, cells, findings, at)
    SELECT tenant, mode, id, 1, 'c', reference, '', CASE WHEN NUMBER % PER = 33 THEN 'refused' ELSE 'accepted' END, '{}',
           '[]', '[{"level"\\: "error", "code"\\: "art.font", "where"\\: "a", "message"\\: "b"}]', 'x' FROM orders
"""
AUDIT = """
    INSERT INTO audit (number, at, tenant, actor, action, subject, detail, hash)
    SELECT NUMBER, 'x', tenant, 'user:anna', 'download', 'bat_' || (1000001 + NUMBER % PER), '{}', 'h' FROM orders
"""
ASKED = {
    "due today": lambda store: store.due(SCOPE, TODAY, TODAY),
    "due never": lambda store: store.due(SCOPE, "2027-01-01", "2027-01-31"),
    "stuck": lambda store: store.stuck(SCOPE),
    "attention": lambda store: store.stuck_orders(SCOPE, "attention", "art.font", None, 20),
    "held": lambda store: store.stuck_orders(SCOPE, "held", "operator", None, 20),
    "refused": lambda store: store.refused_rows(SCOPE, "art.font", "ord_1005000", 20),
    "members": lambda store: store.page_of_members(SCOPE, "bat_1000008", 40, 20),
    "member": lambda store: store.member(SCOPE, "bat_1000008", 40),
    "batches": lambda store: store.batch_page(SCOPE, "bat_1000100", 20),
    "imposed batches": lambda store: store.batch_page(SCOPE, None, 20, ("gathered", "imposed")),
    "given out": lambda store: store.given_out(SCOPE, "bat_1000008"),
    "id": lambda store: store.find(SCOPE, "ord_1000777"),
    "piece": lambda store: store.find(SCOPE, "pce_ord_1000777"),
    "match code": lambda store: store.find(SCOPE, match_code(8, 40, "E")),
    "reference": lambda store: store.find(SCOPE, "ref-7", 5),
    "metadata": lambda store: store.find(SCOPE, "Cref-7777", 1),
    "name": lambda store: (store.find(SCOPE, "ada nobody"), "looked at 5,000"),
}
#: What grows with what is due, or stuck, or with the 5,000 that are looked through, in thousands; all else is small.
LARGE = {
    "sqlite": {"due today": 220, "due never": 220, "stuck": 60, "name": 90, "": 20},
    "postgresql": {"due today": 8, "due never": 8, "name": 11, "": 2},
}


def _filled(store, sql, analyzed):
    """The orders of a hundred days. PostgreSQL analyzes by itself, and until then its checks of links walk through
    tables."""
    kind = store.db.engine.dialect.name
    words, per = "x" * 600, str(PER[kind])

    def fill(statement):
        bound = {"words": words, "many": PER[kind] * (1 if statement is _BATCH else 100)}
        statement = statement.replace("DAY", _DAY[kind]).replace("NUMBER", _NUMBER).replace("PER", per)
        sql(store, statement, **{name: value for name, value in bound.items() if f":{name}" in statement})

    fill(_BATCH)
    fill(ORDERS)
    if kind == "postgresql":
        sql(store, "ANALYZE")
    for statement in (PIECES, NAMES, ROWS, AUDIT):
        fill(statement)
    if analyzed:
        sql(store, "ANALYZE")


def _sqlite_work(store, ask):
    """How many thousand instructions of SQLite's machine: to walk through 100,000 pieces takes 500."""
    count, seen = 0, []

    def one_more():
        nonlocal count
        count += 1
        return 0

    def watch(conn, *rest):
        driver = conn.connection.driver_connection
        if driver not in seen:
            seen.append(driver)
            driver.set_progress_handler(one_more, 1000)

    sa.event.listen(store.db.engine, "before_cursor_execute", watch)
    found = ask(store)
    sa.event.remove(store.db.engine, "before_cursor_execute", watch)
    for driver in seen:
        driver.set_progress_handler(None, 0)
    assert seen
    return found, count


def _postgres_work(store, ask):
    """How many thousand rows and entries of indexes PostgreSQL reads."""
    seen = []

    def keep(conn, cursor, statement, values, *rest):
        seen.append((statement, values))

    sa.event.listen(store.db.engine, "before_cursor_execute", keep)
    found = ask(store)
    sa.event.remove(store.db.engine, "before_cursor_execute", keep)
    asked = [each for each in seen if " FROM " in each[0] and "clock_timestamp" not in each[0]]
    assert asked
    with store.db.reading() as tx:
        told = [tx.conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values) for sql, values in asked]
        return found, sum(_read(each.scalar_one()[0]["Plan"]) for each in told) / 1000


def _read(plan):
    here = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return (here if "Relation Name" in plan else 0) + sum(_read(part) for part in plan.get("Plans", []))


@pytest.mark.parametrize("analyzed", [False, True])
def test_no_question_reads_what_was_printed_long_ago(any_store, sql, analyzed):
    kind = any_store.db.engine.dialect.name
    postgres, most = kind == "postgresql", LARGE[kind]
    if postgres and not analyzed:
        pytest.skip("PostgreSQL is looked at when it has analyzed")
    _filled(any_store, sql, analyzed)
    work = _postgres_work if postgres else _sqlite_work
    took = {}
    for name, ask in ASKED.items():
        found, took[name] = work(any_store, ask)
        assert found and found != ([], None), name
    assert {name: much for name, much in took.items() if much > most.get(name, most[""])} == {}
    _, walk = work(any_store, lambda store: sum(1 for _ in store.list_orders(SCOPE, OrderQuery(occasion="none"))))
    assert walk > most[""]  # what has no index shows that walking would be seen
    _right(any_store, PER[kind])


def _right(store, per):
    (today, *late) = sorted(store.due(SCOPE, TODAY, TODAY), key=lambda each: each.mail_on != TODAY)
    assert today.mail_on == TODAY and sum(today.pieces.values()) == per and today.held == per // 100
    assert len(late) == 9 and all(sum(each.pieces.values()) == per for each in late)
    assert {(each.kind, each.code): each.count for each in store.stuck(SCOPE)} == {
        ("attention", "art.font"): 10, ("held", "operator"): per // 100, ("refused", "art.font"): 100,
        ("batch", "operator"): 1,
    }  # fmt: skip
    assert [order.reference for order in store.find(SCOPE, "ref-7", 3)][:2] == ["ref-7", "ref-7999"] or per == 1000
    assert len(store.given_out(SCOPE, "bat_1000008")) == 100
