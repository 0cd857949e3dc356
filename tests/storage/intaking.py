"""A desk where files of orders are taken in and judged, for tests: rows as read, claims, verdicts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from cardpipe.model.finding import error, warning
from cardpipe.model.intake import NewImport, NewRow
from cardpipe.model.order import Scope
from cardpipe.model.stored import NewOrder

SCOPE = Scope()
BAD = error("address.postcode", "recipient.postcode", "has 4 figures, not 5", "mend it")
ODD = warning("photo.small", "photo", "is 180 ppi", "send a larger one")
FILE = NewImport(SCOPE, "spring.csv", "a" * 64, {"message": "Text"}, {"mail_on": "2026-11-25"}, False, "key_1")


def row(line, **other):
    """A row as read: ``row(3)``, ``row(4, findings=(BAD,))``."""
    request = {"reference": f"ref-{line}", "message": other.pop("message", "Hi")}
    return NewRow(line, request, (f"cell {line}",), reference=f"ref-{line}", request_digest=f"{line:064d}", **other)


def new_order(number, **other):
    """The order that a row of that line becomes."""
    request = {"reference": f"ref-{number}"}
    fields = {"reference": f"ref-{number}", "request_digest": f"{number:064d}", "request": request, **other}
    return NewOrder(
        SCOPE, spec={}, occasion="birthday", design="fern", mail_on="2026-11-25", group="A7|p|c", sort_key="1", **fields
    )


def judge(store, claim, bad=()):
    """The verdicts of a worker that finds nothing wrong with anybody but those whose line is in ``bad``."""
    found = []
    for each in store.chunk(claim):
        new = None if each.line in bad else new_order(each.line)
        found.append(store.settle_row(claim, each, new, (BAD,) if new is None else ()))
    return found


def claim_on(store, kind):
    """The step of that kind, hinted and taken."""
    return next(store.claim(step, 60) for step, its in store.due_steps(64, 0.0) if its == kind)


def claims_on(store, kind):
    return [store.claim(step, 60) for step, its in store.due_steps(64, 0.0) if its == kind]


def read_through(store, rows, new=FILE):
    """An import that was read through; its id and the claims on its chunks."""
    made = store.add_import(new)
    claim = claim_on(store, "import")
    assert store.add_rows(claim, rows)
    assert store.complete_import(claim, ["Name", "Text"])
    return made.id, claims_on(store, "accept")


def told(store, subject):
    return [(event.old, event.new) for event in store.events(SCOPE, subject)]


def states(store, import_id):
    """Of the rows, without those states that none is in."""
    return {state: number for state, number in store.import_(SCOPE, import_id).counts.items() if number}


def at_once(number, work):
    ready = threading.Barrier(number)

    def run(which):
        ready.wait()
        return work(which)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))
