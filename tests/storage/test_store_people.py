"""Users and their sessions: always somebody who can let others in, nobody who stays in after a change, and a pause for
whoever guesses, whether the name is anybody's or nobody's."""

from __future__ import annotations

import threading

import pytest

from cardpipe.model.errors import Conflict, Refused
from cardpipe.model.user import Role, User
from cardpipe.storage import sessions
from cardpipe.storage.store import SqlStore
from cardpipe.storage.tables_console import metadata

HASHED = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"
OTHER = "$argon2id$v=19$m=65536,t=3,p=4$b3RoZXI$b3RoZXI"
BY = "user:root"


def a_user(name="anna", role=Role.OPERATOR, *tenants, password=HASHED):
    return User(name, role, tenants, password)


def codes(caught):
    return [finding.code for finding in caught.value.findings]


def audited(store):
    return [(entry.actor, entry.action, entry.subject, dict(entry.detail)) for entry in store.audited("", 50)][::-1]


@pytest.fixture
def in_(any_store):
    """A database with anna, an operator of everybody's orders, logged in as ``d1``."""
    any_store.add_user(a_user(), BY)
    any_store.add_session("d1", "anna", "local", "live")
    return any_store


def test_roles_are_ordered():
    viewer, operator, administrator = Role
    assert administrator.may(operator) and operator.may(operator) and operator.may(viewer)
    assert not viewer.may(operator) and not operator.may(administrator)


def test_a_user_is_as_it_was_added(any_store):
    any_store.add_user(a_user("zoe", Role.VIEWER, "b", "a", "b"), BY)
    any_store.add_user(a_user(), BY)
    found = any_store.user("zoe")
    assert (found.role, found.tenants, found.password, found.disabled_at) == (Role.VIEWER, ("a", "b"), HASHED, None)
    assert found.created_at.endswith("Z") and found.sees("a") and not found.sees("local")
    assert [user.name for user in any_store.users()] == ["anna", "zoe"]
    assert any_store.user("anna").sees("whoever")
    assert [any_store.user(name) for name in ("nobody", "", "anna\0", "\udc80", "x" * 9999)] == [None] * 5
    assert audited(any_store)[0] == (BY, "user.created", "zoe", {"role": "viewer", "tenants": ["a", "b"]})
    assert HASHED not in str(audited(any_store)) and HASHED not in repr(found)


def test_all_that_is_wrong_with_a_new_user_is_told_at_once(any_store):
    with pytest.raises(Refused) as caught:
        any_store.add_user(a_user("Anna B", Role.VIEWER, "local", "No Tenant", password="secret words"), BY)
    assert codes(caught) == ["user.name", "user.tenant", "user.password"]
    assert caught.value.findings[1].where == "tenants.1" and "secret" not in str(caught.value.findings)
    with pytest.raises(Refused):
        any_store.add_user(a_user("anna\n"), BY)
    any_store.add_user(a_user(), BY)
    with pytest.raises(Conflict) as taken:
        any_store.add_user(a_user(role=Role.ADMINISTRATOR), BY)
    assert codes(taken) == ["user.taken"] and any_store.user("anna").role is Role.OPERATOR
    assert len(audited(any_store)) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"role": Role.VIEWER}, {"role": "viewer"}),
        ({"tenants": ["local"]}, {"tenants": ["local"]}),
        ({"password": OTHER}, {"password": True}),
        ({"disabled": True}, {"disabled": True}),
    ],
)
def test_whatever_changes_of_a_user_ends_his_sessions(in_, change, told):
    in_.add_user(a_user("ben"), BY)
    in_.add_session("d2", "anna", "local", "live")
    in_.add_session("d3", "ben", "local", "live")
    changed = in_.change_user("anna", BY, **change)
    assert changed == in_.user("anna") and changed != in_.user("ben")
    assert in_.session("d1") is None and in_.session("d2") is None
    assert in_.session("d3").user.name == "ben"
    assert audited(in_)[-1] == (BY, "user.changed", "anna", {**told, "sessions_ended": 2})
    assert OTHER not in str(audited(in_))
    before = audited(in_)
    assert in_.change_user("anna", BY, **change) == changed
    assert audited(in_) == before, "the same again is no change"


def test_nothing_given_is_nothing_changed(in_):
    assert in_.change_user("anna", BY) == in_.user("anna") == in_.session("d1").user
    with pytest.raises(Refused) as unknown:
        in_.change_user("nobody", BY, role=Role.VIEWER)
    with pytest.raises(Refused) as wrong:
        in_.change_user("anna", BY, tenants=["A B"], password="plain")
    assert codes(unknown) == ["user.unknown"] and codes(wrong) == ["user.tenant", "user.password"]
    assert in_.session("d1") is not None


def test_a_disabled_user_comes_back_with_all_there_was(in_):
    in_.change_user("anna", BY, disabled=True)
    with pytest.raises(Refused) as caught:
        in_.add_session("d2", "anna", "local", "live")
    assert codes(caught) == ["user.unknown"]
    back = in_.change_user("anna", BY, disabled=False)
    assert (back.disabled_at, back.role, back.password) == (None, Role.OPERATOR, HASHED)
    in_.add_session("d2", "anna", "local", "live")
    assert in_.session("d2") is not None and in_.session("d1") is None


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": Role.OPERATOR}, {"tenants": ["local"]}])
def test_there_is_always_one_who_can_let_others_in(any_store, change):
    any_store.add_user(a_user("root", Role.ADMINISTRATOR), BY)
    any_store.add_user(a_user("half", Role.ADMINISTRATOR, "local"), BY)
    any_store.add_user(a_user("gone", Role.ADMINISTRATOR), BY)
    any_store.change_user("gone", BY, disabled=True)
    with pytest.raises(Conflict) as caught:
        any_store.change_user("root", BY, **change)
    assert codes(caught) == ["user.last_administrator"] and any_store.user("root").presides
    any_store.change_user("root", BY, password=OTHER)  # which takes nothing from him
    any_store.change_user("half", BY, tenants=())
    any_store.change_user("root", BY, **change)
    assert not any_store.user("root").presides


def test_two_administrators_cannot_disable_each_other_at_one_moment(any_store):
    for name in ("a", "b"):
        any_store.add_user(a_user(name, Role.ADMINISTRATOR), BY)
    ready, refused = threading.Barrier(2), []

    def disable(name):
        ready.wait()
        try:
            any_store.change_user(name, BY, disabled=True)
        except Conflict as problem:
            refused.append(problem)

    threads = [threading.Thread(target=disable, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1 and sum(user.presides for user in any_store.users()) == 1


def test_a_session_says_who_looks_at_what(in_):
    found = in_.session("d1")
    assert (found.user, found.tenant, found.mode) == (in_.user("anna"), "local", "live")
    assert found.begun_at == found.seen_at and "d1" not in repr(found)
    in_.turn_session("d1", "acme", "test")
    in_.turn_session("d1", "acme", "test")
    assert (in_.session("d1").tenant, in_.session("d1").mode) == ("acme", "test")
    in_.end_session("d1")
    in_.end_session("d1")
    assert in_.session("d1") is None and in_.session("never") is None
    assert [entry[:3] for entry in audited(in_)[1:]] == [
        ("user:anna", "session.begun", "anna"),
        ("user:anna", "session.turned", "anna"),
        ("user:anna", "session.ended", "anna"),
    ]


def test_nobody_looks_at_a_tenant_that_is_not_his(any_store):
    any_store.add_user(a_user("anna", Role.ADMINISTRATOR, "acme"), BY)
    with pytest.raises(Refused) as begun:
        any_store.add_session("d1", "anna", "local", "lively")
    assert codes(begun) == ["session.tenant", "session.mode"] and any_store.session("d1") is None
    any_store.add_session("d1", "anna", "acme", "live")
    with pytest.raises(Refused) as turned:
        any_store.turn_session("d1", "local", "live")
    assert codes(turned) == ["session.tenant"] and any_store.session("d1").tenant == "acme"
    for name in ("nobody", ""):
        with pytest.raises(Refused) as unknown:
            any_store.add_session("d2", name, "acme", "live")
        assert codes(unknown) == ["user.unknown"]
    with pytest.raises(Refused) as over:
        any_store.turn_session("d2", "acme", "live")
    assert codes(over) == ["session.unknown"]


def test_a_session_ends_when_nobody_uses_it(store, clock):
    store.add_user(a_user(), BY)
    store.add_session("d1", "anna", "local", "live")
    for _ in range(13):  # 6.5 days, each time before it is idle
        clock.forward(12 * 3600 - 1)
        store.saw_session("d1")
        assert store.session("d1") is not None
    clock.forward(12 * 3600 + 1)
    assert store.session("d1") is None
    store.saw_session("d1")
    assert store.session("d1") is None, "one that is over does not begin again"


def test_a_session_ends_a_week_after_it_began_however_much_it_is_used(store, clock):
    store.add_user(a_user(), BY)
    store.add_session("d1", "anna", "local", "live")
    for _ in range(7 * 24):
        assert store.session("d1") is not None
        clock.forward(3600)
        store.saw_session("d1")
    assert store.session("d1") is None
    with pytest.raises(Refused):
        store.turn_session("d1", "acme", "live")


def test_sessions_that_are_over_are_thrown_away(store, clock, sql):
    store.add_user(a_user(), BY)
    store.add_session("idle", "anna", "local", "live")
    clock.forward(11 * 3600)
    store.add_session("used", "anna", "local", "live")
    clock.forward(2 * 3600)
    store.add_session("new", "anna", "local", "live")
    assert sorted(row[0] for row in sql(store, "SELECT digest FROM sessions")) == ["new", "used"]


def test_the_use_of_a_session_is_noted_once_a_minute(store, clock):
    store.add_user(a_user(), BY)
    store.add_session("d1", "anna", "local", "live")
    seen = []
    for seconds in (0, 59, 1, 59, 600):
        clock.forward(seconds)
        store.saw_session("d1")
        seen.append(store.session("d1").seen_at[11:19])
    assert seen == ["09:00:00", "09:00:00", "09:01:00", "09:01:00", "09:11:59"]


def test_noting_the_use_of_a_session_fails_no_request(store, clock, tmp_path, monkeypatch):
    store.add_user(a_user(), BY)
    store.add_session("d1", "anna", "local", "live")
    clock.forward(600)
    monkeypatch.setattr("cardpipe.storage.engine.BUSY_SECONDS", 0.05)
    other = SqlStore(f"sqlite:///{tmp_path / 'cardpipe.db'}", clock)
    with store.db.writing():
        other.saw_session("d1")
    other.close()
    assert store.session("d1").seen_at[11:16] == "09:00"
    store.saw_session("d1")
    assert store.session("d1").seen_at[11:16] == "09:10"


def test_all_sessions_of_a_user_end_together(in_):
    in_.add_session("d2", "anna", "local", "live")
    assert in_.end_sessions("anna", BY) == 2 and in_.end_sessions("anna", BY) == 0
    assert in_.session("d1") is None and in_.session("d2") is None
    assert audited(in_)[-1] == (BY, "sessions.ended", "anna", {"sessions_ended": 2})


def test_whoever_guesses_waits_twice_as_long_each_time(store, clock):
    store.add_user(a_user(), BY)
    waits = {name: [] for name in ("anna", "nobody", "Wrong Field: correct horse")}
    for name, seen in waits.items():
        for _ in range(12):
            store.failed_login(name)
            seen.append(store.login_pause(name))
            clock.forward(seen[-1])
            assert store.login_pause(name) == 0
    assert waits["anna"] == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    assert waits["anna"] == waits["nobody"] == waits["Wrong Field: correct horse"]


def test_the_pause_passes_and_the_right_password_ends_it(store, clock):
    for _ in range(5):
        store.failed_login("anna")
    clock.forward(10)
    assert store.login_pause("anna") == 20
    assert store.login_pause("ben") == 0
    store.logged_in("anna")
    assert store.login_pause("anna") == 0
    for _ in range(4):
        store.failed_login("anna")
    assert store.login_pause("anna") == 0, "it counts from one again"


def test_a_day_without_a_failure_forgets_those_before(store, clock, sql):
    for _ in range(9):
        store.failed_login("anna")
    clock.forward(86_401)
    assert store.login_pause("anna") == 0
    store.failed_login("ben")
    assert len(sql(store, "SELECT * FROM failed_logins")) == 1
    for _ in range(4):
        store.failed_login("anna")
    assert store.login_pause("anna") == 0


def test_a_clock_that_went_back_keeps_nobody_out_for_longer(store, clock):
    for _ in range(5):
        store.failed_login("anna")
    clock.forward(-3600)
    assert store.login_pause("anna") == 30


def test_an_administrator_ends_a_pause_and_the_log_tells_it(in_):
    before = len(audited(in_))
    in_.failed_login("anna")
    assert in_.paused_logins() == {}, "one failure is no pause"
    for _ in range(5):
        in_.failed_login("anna")
    for _ in range(9):
        in_.failed_login("nobody")
    assert list(in_.paused_logins()) == ["anna"]
    assert in_.unlock_user("anna", BY) is True
    assert in_.login_pause("anna") == 0 and in_.paused_logins() == {}
    assert in_.login_pause("nobody") > 0 and in_.session("d1") is not None
    assert in_.unlock_user("anna", BY) is False, "twice is once"
    assert audited(in_)[before + 2 :] == [(BY, "user.unlocked", "anna", {"failures": 6, "paused": True})]
    for _ in range(4):
        in_.failed_login("anna")
    assert in_.login_pause("anna") == 0, "it counts from one again"
    assert in_.unlock_user("anna", BY) is False and audited(in_)[-1][3] == {"failures": 4, "paused": False}
    for name in ("nobody", "No Name"):
        with pytest.raises(Refused) as caught:
            in_.unlock_user(name, BY)
        assert codes(caught) == ["user.unknown"]


def test_until_when_a_name_is_paused(store, clock):
    for name in ("anna", "ben"):
        store.add_user(a_user(name), BY)
    now = clock.now()
    for _ in range(6):
        store.failed_login("anna")
    assert store.paused_logins() == {"anna": f"{now:%Y-%m-%dT%H}:{now.minute + 1:02d}:{now:%S}.000Z"}
    clock.forward(59.9)
    assert list(store.paused_logins()) == ["anna"]
    clock.forward(0.1)
    assert store.paused_logins() == {} and store.login_pause("anna") == 0


def test_failures_of_ten_thousand_names_end_nobodys_pause(any_store, sql, monkeypatch):
    monkeypatch.setattr(sessions, "_MOST_NAMES", 20)
    for _ in range(6):
        any_store.failed_login("anna")
    for number in range(50):
        any_store.failed_login(f"name{number}")
    assert len(sql(any_store, "SELECT * FROM failed_logins")) == 20
    assert 0 < any_store.login_pause("anna") <= 60


def test_the_table_of_failures_tells_no_names(any_store, sql):
    any_store.failed_login("correct horse battery")
    (row,) = sql(any_store, "SELECT * FROM failed_logins")
    assert len(row[0]) == 16 and "horse" not in str(row)
    salt = sql(any_store, "SELECT value FROM installation WHERE name = 'logins'")[0][0]
    any_store.failed_login("correct horse battery")
    assert sql(any_store, "SELECT value FROM installation WHERE name = 'logins'")[0][0] == salt
    assert [each[1] for each in sql(any_store, "SELECT * FROM failed_logins")] == [2]


def test_that_somebody_guesses_stands_in_the_audit_log_for_users_alone(in_):
    before = len(audited(in_))
    for name in ("anna", "nobody", "my pass word", "\0\udc80"):
        for _ in range(6):
            in_.failed_login(name)
    assert audited(in_)[before:] == [
        ("cardpipe", "login.paused", "anna", {"failures": 5}),
        ("cardpipe", "login.paused", "anna", {"failures": 6}),
    ]


def test_failures_at_one_moment_are_all_counted(any_store, sql):
    ready = threading.Barrier(6)

    def fail(name):
        ready.wait()
        any_store.failed_login(name)

    threads = [threading.Thread(target=fail, args=(name,)) for name in ("a", "a", "a", "b", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row[0] for row in sql(any_store, "SELECT failures FROM failed_logins")) == [1, 2, 3]


def test_what_changes_a_user_and_what_ends_a_session_do_not_wait_in_a_circle(any_store):
    any_store.add_user(a_user("root", Role.ADMINISTRATOR), BY)
    any_store.add_user(a_user(), BY)
    failed = []

    def often(what):
        try:
            for number in range(15):
                what(number)
        except Refused:
            pass  # the session was ended meanwhile
        except Exception as problem:
            failed.append(problem)

    jobs = [
        lambda n: (any_store.add_session(f"a{n}", "anna", "local", "live"), any_store.end_session(f"a{n}")),
        lambda n: any_store.change_user("anna", BY, role=(Role.VIEWER, Role.OPERATOR)[n % 2]),
        lambda n: any_store.end_sessions("anna"),
        lambda n: any_store.failed_login("anna"),
    ]
    threads = [threading.Thread(target=often, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and any_store.audit_broken() is None


def test_the_audit_log_stays_whole(in_):
    in_.change_user("anna", BY, role=Role.VIEWER, password=OTHER)
    assert in_.audit_broken() is None and {"users", "sessions", "failed_logins"} <= set(metadata.tables)
