"""Tenants, keys and the audit log: walled off from each other, written down, and a chain that tells tampering. A pause
stops every release."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading

import pytest
from listeners import settled
from pressroom import TARGET, due, work

from cardpipe.model.errors import Bug, Conflict, Refused
from cardpipe.model.order import Scope, canonical
from cardpipe.model.scan import Scan, Stage
from cardpipe.model.tenant import NewKey, Tenant
from cardpipe.storage.store import SqlStore

SCOPE = Scope()


def a_key(number=1, tenant="acme", mode="live", **other):
    return NewKey(tenant, mode, f"k{number:07d}", f"{number:064x}", "a CRM", frozenset({"orders:write"}), **other)


def audited(store, tenant):
    return [(entry.actor, entry.action, entry.subject, entry.detail) for entry in store.audited(tenant, 50)][::-1]


def test_a_tenant_is_as_it_was_set(any_store):
    assert any_store.tenant("acme") == Tenant(name="acme")
    assert any_store.tenants() == []
    terms = Tenant(name="acme", zone="America/New_York", cut_off="16:30", retention_days=30, daily_limit=5000)
    any_store.set_tenant(terms, "user:anna")
    any_store.set_tenant(Tenant(name="zeta"), "user:anna")
    assert any_store.tenant("acme") == terms
    assert any_store.tenant("acme").cut_off == dt.time(16, 30)
    assert [tenant.name for tenant in any_store.tenants()] == ["acme", "zeta"]


def test_what_changes_of_a_tenant_is_written_down(any_store):
    any_store.set_tenant(Tenant(name="acme", retention_days=30), "user:anna")
    any_store.set_tenant(Tenant(name="acme", retention_days=90, closed=True), "user:bob")
    any_store.set_tenant(Tenant(name="acme", retention_days=90, closed=True), "user:bob")
    first, second = audited(any_store, "acme")
    assert first[:3] == ("user:anna", "tenant.created", "acme")
    assert first[3]["retention_days"] == 30
    assert second == ("user:bob", "tenant.changed", "acme", {"closed": True, "retention_days": 90})


def test_a_key_is_kept_by_its_digest_and_found_by_its_id(any_store):
    made = any_store.add_key(a_key(expires_at="2027-01-01T00:00:00.000Z"), "user:anna")
    assert any_store.key(made.id) == made
    assert (made.revoked_at, made.used_at, made.scopes) == (None, None, frozenset({"orders:write"}))
    assert any_store.key("k9999999") is None
    assert any_store.keys("acme") == [made]
    assert any_store.keys("zeta") == []
    assert audited(any_store, "acme")[0][:3] == ("user:anna", "key.created", made.id)
    assert made.digest not in str(audited(any_store, "acme"))


def test_a_key_that_is_there_already_is_not_made_twice(any_store):
    any_store.add_key(a_key(1), "user:anna")
    for same in (a_key(1), NewKey("zeta", "live", "k2", f"{1:064x}", "", frozenset())):
        with pytest.raises(Conflict) as caught:
            any_store.add_key(same, "user:bob")
        assert caught.value.findings[0].code == "key.taken"
    with pytest.raises(Refused):
        any_store.add_key(a_key(3, mode="lively"), "user:bob")
    assert len(any_store.keys("acme")) == 1
    assert len(audited(any_store, "acme")) == 1
    assert audited(any_store, "zeta") == []


def test_a_revoked_key_stays_and_is_revoked_once(store, clock):
    made = store.add_key(a_key(), "user:anna")
    gone = store.revoke_key("acme", made.id, "user:bob")
    clock.forward(60)
    assert store.revoke_key("acme", made.id, "user:eve") == gone == store.key(made.id)
    assert gone.revoked_at == "2026-11-21T09:00:00.000Z"
    assert [entry[:2] for entry in audited(store, "acme")] == [
        ("user:anna", "key.created"),
        ("user:bob", "key.revoked"),
    ]


def test_nobody_revokes_the_key_of_another_tenant(any_store):
    made = any_store.add_key(a_key(), "user:anna")
    with pytest.raises(Refused) as caught:
        any_store.revoke_key("zeta", made.id, "user:eve")
    assert caught.value.findings[0].code == "key.unknown"
    assert any_store.key(made.id).revoked_at is None
    assert audited(any_store, "zeta") == []


def test_a_keys_use_is_noted_once_a_minute(store, clock):
    made = store.add_key(a_key(), "user:anna")
    seen = []
    for seconds in (0, 1, 58, 1, 600):
        clock.forward(seconds)
        store.used_key(made.id)
        seen.append(store.key(made.id).used_at[11:19])
    assert seen == ["09:00:00", "09:00:00", "09:00:00", "09:01:00", "09:11:00"]
    clock.forward(-3600)  # a clock that was ahead: not silent until it is there again
    store.used_key(made.id)
    assert store.key(made.id).used_at[11:19] == "08:11:00"
    store.used_key("k9999999")


def test_noting_a_use_fails_no_request(store, tmp_path, monkeypatch):
    made = store.add_key(a_key(), "user:anna")
    monkeypatch.setattr("cardpipe.storage.engine.BUSY_SECONDS", 0.05)
    other = SqlStore(f"sqlite:///{tmp_path / 'cardpipe.db'}")
    with store.db.writing():
        other.used_key(made.id)
    other.close()
    assert store.key(made.id).used_at is None
    store.used_key(made.id)
    assert store.key(made.id).used_at is not None


def test_the_audit_log_is_paged_and_walled_off(any_store):
    for number in range(7):
        any_store.audit("acme" if number % 2 else "zeta", "key:k1", "order.proof", f"ord_{number}", sha256="ab" * 32)
    assert [entry.subject for entry in any_store.audited("zeta", 2)] == ["ord_6", "ord_4"]
    assert [entry.number for entry in any_store.audited("zeta", 9, before=5)] == [3, 1]
    assert [entry.subject for entry in any_store.audited("acme", 9)] == ["ord_5", "ord_3", "ord_1"]
    assert any_store.audit_broken() is None


@pytest.mark.parametrize(
    "detail", [{"why": "Ada moved"}, {"names": ["a b"]}, {"nested": {"a": 1}}, {"long": "x" * 201}]
)
def test_the_audit_log_takes_no_sentences(store, detail):
    with pytest.raises(Bug, match="ids only"):
        store.audit("acme", "user:anna", "order.looked_at", "ord_1", **detail)
    with pytest.raises(Bug, match="ids only"):
        store.audit("acme", "user:anna", "order.looked_at", "Ada Lovelace")
    assert store.audited("acme", 9) == []


@pytest.mark.parametrize(
    ("tampering", "number"),
    [
        ("UPDATE audit SET actor = 'user:bob' WHERE number = 1003", 1003),
        ("UPDATE audit SET detail = '{}' WHERE number = 2", 2),
        ("UPDATE audit SET at = '2026-01-01T00:00:00.000Z' WHERE number = 1", 1),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE number = 4) WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 7", 7),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number > 1004", 1005),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET number = 9999 WHERE number = 1005", 1005),
        ("DELETE FROM installation WHERE name = 'audit'", 1006),
    ],
)
def test_tampering_with_the_audit_log_is_noticed(store, sql, tampering, number):
    with store.db.writing() as tx:
        from cardpipe.storage import audit

        for each in range(1005):  # more than a page
            audit.add(tx, "acme", "user:anna", "order.looked_at", f"ord_{each}", piece=each)
    assert store.audit_broken() is None
    assert store.audit_head()[0] == 1005
    sql(store, tampering)
    assert store.audit_broken() == number


def test_an_entry_that_was_made_anew_with_its_hash_does_not_fit_the_next(store, sql):
    for number in range(1, 4):
        store.audit("acme", "user:anna", "order.looked_at", f"ord_{number}")
    one, two, _ = sql(store, "SELECT hash FROM audit ORDER BY number")
    entry = {"number": 2, "at": sql(store, "SELECT at FROM audit WHERE number = 2")[0][0], "tenant": "acme",
             "actor": "user:anna", "action": "order.looked_at", "subject": "ord_2", "detail": "{}"}  # fmt: skip
    assert hashlib.sha256(one[0].encode() + canonical(entry)).hexdigest() == two[0]
    forged = hashlib.sha256(one[0].encode() + canonical({**entry, "actor": "user:bob"})).hexdigest()
    sql(store, "UPDATE audit SET actor = 'user:bob', hash = :forged WHERE number = 2", forged=forged)
    assert store.audit_broken() == 3


def test_an_audit_log_without_entries_is_whole(any_store):
    assert any_store.audit_broken() is None
    assert any_store.audit_head() == (0, "")


def test_many_write_the_audit_log_at_once(any_store):
    failed = []

    def write(name):
        try:
            for number in range(10):
                any_store.audit("acme", f"user:{name}", "order.looked_at", f"ord_{number}")
        except Exception as problem:
            failed.append(problem)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(entry.number for entry in any_store.audited("acme", 99)) == list(range(1, 41))
    assert any_store.audit_broken() is None


def test_an_entry_is_written_with_what_it_tells_or_not_at_all(store):
    with pytest.raises(ZeroDivisionError), store.db.writing() as tx:
        from cardpipe.storage import tenants

        tenants.set_one(tx, Tenant(name="acme"), "user:anna")
        raise ZeroDivisionError
    assert (store.tenants(), store.audited("acme", 9)) == ([], [])


def test_a_database_knows_its_secret(any_store):
    any_store.check_secret("aa" * 32)
    any_store.check_secret("aa" * 32)
    with pytest.raises(Conflict) as caught:
        any_store.check_secret("bb" * 32)
    assert caught.value.findings[0].code == "secret.other"
    assert "bb" * 32 not in str(caught.value)


def test_a_pause_is_written_down_without_its_words(any_store):
    assert any_store.paused() is None
    any_store.pause("restored from the backup of Friday", "user:anna")
    any_store.pause("restored from the backup of Friday", "user:anna")
    assert any_store.paused() == "restored from the backup of Friday"
    any_store.pause(None, "user:bob")
    any_store.pause(None, "user:bob")
    assert any_store.paused() is None
    assert audited(any_store, "") == [
        ("user:anna", "release.paused", "installation", {}),
        ("user:bob", "release.resumed", "installation", {}),
    ]
    with pytest.raises(Refused):
        any_store.pause("  ", "user:anna")


def test_nothing_is_released_while_it_is_paused(any_store, batch):
    first, second = batch(any_store, 2), batch(any_store, 2, first=10)
    any_store.plan_release(SCOPE, first.id, TARGET)
    any_store.pause("not reconciled", "user:anna")
    with pytest.raises(Conflict) as caught:
        any_store.plan_release(SCOPE, second.id, TARGET)
    assert caught.value.findings[0].code == "release.paused"
    assert "not reconciled" in str(caught.value)
    assert due(any_store) == []  # the planned one stands still
    assert any_store.due_steps(50, 20) == []
    assert any_store.batch(SCOPE, first.id).state == "imposed"
    any_store.pause(None, "user:anna")
    assert work(any_store) == ["release"]
    assert any_store.batch(SCOPE, first.id).state == "released"
    assert any_store.batch(SCOPE, second.id).target is None


def test_who_hands_over_when_the_pause_begins_cannot_complete_it(any_store, batch):
    made = batch(any_store, 2)
    step = any_store.plan_release(SCOPE, made.id, TARGET)
    claim = any_store.claim(step, 60)
    any_store.pause("not reconciled", "user:anna")
    assert not any_store.heartbeat(claim)
    with pytest.raises(Conflict) as caught:
        any_store.complete_release(claim)
    assert caught.value.findings[0].code == "release.paused"
    assert any_store.batch(SCOPE, made.id).state == "imposed"


def test_resuming_a_batch_does_not_end_the_pause(any_store, batch):
    made = batch(any_store, 2)
    step = any_store.plan_release(SCOPE, made.id, TARGET)
    any_store.pause("not reconciled", "user:anna")
    any_store.hold(SCOPE, made.id, "look at it")
    any_store.resume(SCOPE, made.id, "looked at it")
    assert any_store.claim(step, 60) is None
    assert due(any_store) == []
    any_store.hold(SCOPE, made.id, "look at it again")
    any_store.pause(None, "user:anna")
    assert any_store.claim(step, 60) is None  # held by a person, whatever became of the pause
    any_store.resume(SCOPE, made.id, "looked at it")
    assert work(any_store) == ["release"]


def test_nothing_is_remade_while_it_is_paused(any_store, batch):
    made = batch(any_store, 3, "released")
    _, step = any_store.add_remake(SCOPE, made.id, [1], "smeared", "anna")
    claim = any_store.claim(step, 60)
    any_store.pause("not reconciled", "user:anna")
    for call in (
        lambda: any_store.add_remake(SCOPE, made.id, [2], "smeared", "anna"),
        lambda: any_store.complete_remake(claim, []),
    ):
        with pytest.raises(Conflict) as caught:
            call()
        assert caught.value.findings[0].code == "release.paused"
    assert any_store.tally(SCOPE, made.id).remade == 0
    any_store.record(SCOPE, made.id, [Scan(3, Stage.MAILED)], "a list", "1" * 64, "anna")  # what happened is told
    any_store.pause(None, "user:anna")
    assert any_store.complete_remake(claim, [])


def test_what_is_not_released_goes_on_during_a_pause(any_store, order, compose):
    any_store.pause("not reconciled", "user:anna")
    any_store.add_order(order(1))
    assert compose(any_store) == 1
    found = any_store.gatherable(SCOPE, "2026-11-25")
    any_store.gather(SCOPE, "2026-11-25", {found[0].group: [found[0].id]})
    assert work(any_store) == ["impose"]


def test_a_log_that_another_server_wrote_is_told_from_the_start(any_store, order, sql):
    """A server counts its transactions by itself: after a restore elsewhere its old numbers would lie in the future."""
    any_store.add_order(order(1))
    sql(any_store, "UPDATE events SET xact = 1000000000")
    assert any_store.told(SCOPE, None)[0] == []
    any_store.restored("restored from a dump: reconcile it", "user:anna")
    settled(any_store)
    assert [told.type for told in any_store.told(SCOPE, None)[0]] == ["order.accepted"]
    assert any_store.paused() == "restored from a dump: reconcile it"
