"""Looking up: the pieces of a batch page by page, orders by whatever a person has in hand, who got which files; and
nothing of another tenant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pressroom import work

from cardpipe.model.batch import base36, match_code
from cardpipe.model.errors import Refused
from cardpipe.model.order import Scope
from cardpipe.storage import lookup

SCOPE, ACME = Scope(), Scope("acme")


def refs(found):
    return [order.reference for order in found]


@pytest.fixture
def people(any_store, order):
    """Orders for several people, by number; one of another tenant and one of a test key have the same."""

    def add(number, name="", company="", postcode="", metadata=(), **other):
        new = order(number, **other)
        request = {**new.request, "recipient": {"name": name, "company": company, "postcode": postcode, "city": "Bonn"}}
        new = replace(new, request=request, request_digest=f"{number:064d}", metadata=dict(metadata))
        return any_store.add_order(new)[0]

    add(1, "José Müller-Lüdenscheidt", "", "53111", [("contact", "C 17"), ("list", "spring")])
    add(2, "Anna Smith", "Smith & Sons", "SW1A 1AA", [("contact", "C 18"), ("list", "spring")])
    add(3, "", "Grünwald Reisen", "10115")
    add(30, "Joan Baker", "", "53113")
    for other in ({"tenant": "acme"}, {"mode": "test"}):
        add(1, "Anna Smith", "", "53111", [("contact", "C 17")], **other)
    return any_store


def test_the_pieces_of_a_batch_page_by_page(any_store, batch):
    made = batch(any_store, 7)
    batch(any_store, 2, first=20)
    seen, after = [], 0
    while page := any_store.page_of_members(SCOPE, made.id, after, 3):
        assert len(page) <= 3
        seen += [piece.seq for piece in page]
        after = page[-1].seq
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert any_store.page_of_members(SCOPE, made.name, 5) == list(any_store.members(made.id))[5:]
    assert any_store.member(SCOPE, made.id, 4) == any_store.member(SCOPE, made.name, 4) == page_of(any_store, made)[3]
    any_store.eject(SCOPE, made.id, [4], "a wrong photo", "anna")
    assert [piece.seq for piece in page_of(any_store, made)] == [1, 2, 3, 4, 5, 6]


def page_of(store, batch):
    return store.page_of_members(SCOPE, batch.id)


def test_nobody_looks_into_the_batch_of_another_tenant(any_store, batch):
    made = batch(any_store, 2)
    for scope in (ACME, Scope("local", "test")):
        for look in (
            lambda scope=scope: any_store.page_of_members(scope, made.id),
            lambda scope=scope: any_store.member(scope, made.id, 1),
            lambda scope=scope: any_store.member(scope, made.name, 1),
            lambda scope=scope: any_store.given_out(scope, made.id),
        ):
            with pytest.raises(Refused) as caught:
                look()
            assert caught.value.findings[0].code == "batch.unknown"
        assert any_store.batch_page(scope) == ([], None)
    for seq in (0, 3, -1):
        with pytest.raises(Refused) as caught:
            any_store.member(SCOPE, made.id, seq)
        assert [(f.code, f.where) for f in caught.value.findings] == [("batch.no_such_piece", f"piece {seq}")]


def test_an_order_is_found_by_what_it_is_called(people):
    first = people.order(SCOPE, "ref-1")
    assert people.find(SCOPE, first.id) == [first]
    assert people.find(SCOPE, f"  {first.pieces[0].id}\n") == [first]
    assert refs(people.find(SCOPE, "ref-3")) == ["ref-3", "ref-30"], "the very same first"
    assert refs(people.find(SCOPE, "ref-")) == ["ref-30", "ref-3", "ref-2", "ref-1"]
    assert refs(people.find(SCOPE, "ref-", limit=2)) == ["ref-30", "ref-3"]
    assert people.find(ACME, first.id) == people.find(ACME, first.pieces[0].id) == people.find(ACME, "ref-2") == []
    assert [order.scope for order in people.find(ACME, "ref-1")] == [ACME]
    for nothing in ("", "   ", "ref-4", "%", "_", "ref\x00", "'", "\U0001f600", "x" * 5000, "\udc80"):
        assert people.find(SCOPE, nothing) == []


def test_a_beginning_is_meant_letter_by_letter(any_store, order):
    for reference in ("a%1", "a_1", "ab1", "A%1", "a%2", "a\\1"):
        any_store.add_order(replace(order(1), reference=reference, request_digest=reference))
    assert refs(any_store.find(SCOPE, "a%")) == ["a%2", "a%1"]
    assert refs(any_store.find(SCOPE, "a_")) == ["a_1"]
    assert refs(any_store.find(SCOPE, "a\\")) == ["a\\1"]
    assert refs(any_store.find(SCOPE, "A")) == ["A%1"]


def test_an_order_is_found_by_its_metadata(people):
    assert refs(people.find(SCOPE, "C 17")) == ["ref-1"]
    assert refs(people.find(SCOPE, "spring")) == ["ref-2", "ref-1"]
    assert [order.scope for order in people.find(ACME, "C 17")] == [ACME]
    assert people.find(SCOPE, "C 1") == people.find(SCOPE, "c 17") == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("müller", [1]),
        ("Muller", [1]),
        ("JOSE", [1]),
        ("jo", [30, 1]),
        ("jo mu", [1]),
        ("mu jo", [1]),
        ("ludenscheidt", [1]),
        ("sons", [2]),
        ("Smith & Sons", [2]),
        ("grunwald", [3]),
        ("5311", [30, 1]),
        ("53113 baker", [30]),
        ("sw1a 1aa", [2]),
        ("SW1A1AA", [2]),
        ("bonn", []),
        ("iller", []),
        ("anna baker", []),
    ],
)
def test_an_order_is_found_by_its_recipient(people, text, numbers):
    assert refs(people.find(SCOPE, text)) == [f"ref-{number}" for number in numbers]


def test_recipients_are_looked_for_among_the_newest_alone(people, monkeypatch):
    monkeypatch.setattr(lookup, "_PAGE", 1)
    assert refs(people.find(SCOPE, "jo")) == ["ref-30", "ref-1"]
    assert refs(people.find(SCOPE, "jo", limit=1)) == ["ref-30"]
    monkeypatch.setattr(lookup, "NEWEST", 3)
    assert refs(people.find(SCOPE, "jo")) == ["ref-30"]


def test_what_was_erased_is_found_by_no_name(people):
    order = people.order(SCOPE, "ref-1")
    people.cancel_order(SCOPE, order.id, "by mistake")
    people.erase_order(SCOPE, order.id, "anna", "erased:" + "0" * 64)
    assert people.find(SCOPE, "jose") == people.find(SCOPE, "C 17") == []
    assert refs(people.find(SCOPE, "ref-1")) == ["ref-1"]


def test_an_order_is_found_by_the_match_code_of_its_card(any_store, batch):
    batch(any_store, 2)
    made = batch(any_store, 3, first=10)
    for seq in (1, 2, 3):
        for role in "OIE":
            (found,) = any_store.find(SCOPE, match_code(made.number, seq, role).lower())
            assert found.pieces[0].seq == seq and found.pieces[0].batch_id == made.id
    assert any_store.find(SCOPE, match_code(made.number, 4, "O")) == []
    assert any_store.find(SCOPE, match_code(made.number + 7, 1, "O")) == []
    assert any_store.find(ACME, match_code(made.number, 1, "O")) == []
    assert base36(made.number, 4) in match_code(made.number, 1, "O")


def test_the_match_code_of_a_piece_that_was_withdrawn_finds_it_still(any_store, batch):
    made = batch(any_store, 3, "released")
    gone = any_store.member(SCOPE, made.id, 2)
    any_store.withdraw(SCOPE, made.id, [2], "it was torn", "anna")
    assert refs(any_store.find(SCOPE, match_code(made.number, 2, "E"))) == [gone.reference]
    assert any_store.find(ACME, match_code(made.number, 2, "E")) == []


def test_a_number_that_two_revisions_of_a_batch_had_finds_both(any_store, batch):
    made = batch(any_store, 3)
    was, now = any_store.member(SCOPE, made.id, 2), any_store.member(SCOPE, made.id, 3)
    any_store.eject(SCOPE, made.id, [2], "a wrong photo", "anna")
    assert refs(any_store.find(SCOPE, match_code(made.number, 2, "O"))) == [now.reference, was.reference]


def test_batches_come_newest_first_in_pages(any_store, batch):
    states = ["mailed", "imposed", "released", "gathered", "gathered", "gathered"]
    made = [batch(any_store, 1, state, first=10 * place) for place, state in enumerate(states, 1)]
    batch(any_store, 1, "gathered", tenant="acme")

    def all_of(limit, **query):
        seen, before = [], None
        while True:
            page, before = any_store.batch_page(SCOPE, before, limit, **query)
            seen += page
            if before is None:
                return seen
            assert len(page) == limit and before == page[-1].id

    assert all_of(4) == all_of(6) == all_of(99) == made[::-1]
    assert all_of(2, states=("gathered",)) == [made[5], made[4], made[3]]
    assert all_of(1, states=("mailed", "gathered", "gathered")) == [made[5], made[4], made[3], made[0]]
    assert all_of(9, states=("settled",)) == []
    assert [batch.scope for batch in any_store.batch_page(ACME)[0]] == [ACME]
    assert any_store.batch_page(SCOPE)[0][3].files == made[2].files != ()


def test_who_got_which_files_of_a_batch(any_store, batch):
    made, other = batch(any_store, 3, "released"), batch(any_store, 2, first=20)
    remake, _ = any_store.add_remake(SCOPE, made.id, [1], "smeared", "anna")
    work(any_store, "remake")
    any_store.audit("local", "user:anna", "release", made.id, to="file:///house")
    any_store.audit("local", "key:k1", "download", made.id, file="x.pdf")
    any_store.audit("local", "user:ben", "download", remake.id, file="x_R01.pdf")
    any_store.audit("local", "user:ben", "download", other.id, file="y.pdf")
    any_store.audit("local", "user:anna", "looked_at", made.id)
    any_store.audit("acme", "user:eve", "download", made.id, file="x.pdf")
    found = any_store.given_out(SCOPE, made.name)
    assert [(entry.actor, entry.action, entry.subject) for entry in found] == [
        ("user:anna", "release", made.id),
        ("key:k1", "download", made.id),
        ("user:ben", "download", remake.id),
    ]
    assert [entry.detail for entry in found][1] == {"file": "x.pdf"}
    assert found == [entry for entry in any_store.audited("local", 99)[::-1] if entry in found]
    assert [entry.actor for entry in any_store.given_out(SCOPE, other.id)] == ["user:ben"]
