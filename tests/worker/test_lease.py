"""A step's work under a lease: whose fault a failure is, and what becomes of the step."""

from __future__ import annotations

import errno
import threading
import time

import pytest
import structlog.testing

from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.finding import error
from cardpipe.model.order import Scope
from cardpipe.model.piece import Composed
from cardpipe.model.status import PieceState
from cardpipe.pipeline import lease

SCOPE = Scope()
CARD = Composed("a" * 64, "b" * 64, 1, 1)
PRIVATE = "Mrs Private, 12 Secret Lane"


@pytest.fixture(autouse=True)
def _fresh_breaker(monkeypatch):
    monkeypatch.setattr(lease, "_breaker", lease.Breaker())


@pytest.fixture
def step(shop, add):
    (piece,) = add(shop.store, 1)
    return piece, shop.store.due_steps(9, 20)[0][0]


def _work(shop, step_id, make, pauses=None):
    pause = (lambda seconds: None) if pauses is None else pauses.append
    return lease.work(shop, step_id, make, shop.store.complete_compose, pause=pause)


def _raise(problem):
    def make(claim):
        raise problem

    return make


def test_done_once(shop, step):
    piece, step_id = step
    seen = []
    assert _work(shop, step_id, lambda claim: (seen.append(claim.subject), CARD)[1])
    assert not _work(shop, step_id, lambda claim: (seen.append(claim.subject), CARD)[1])
    assert seen == [piece]
    assert shop.store.piece(SCOPE, piece).composed == CARD


def test_a_refusal_is_final_and_keeps_every_finding(shop, step):
    found = [error("photo.missing", "photo", "x"), error("text.too-long", "message", "y")]
    assert not _work(shop, step[1], _raise(Refused("no", found)))
    piece = shop.store.piece(SCOPE, step[0])
    assert piece.state is PieceState.NEEDS_ATTENTION
    assert piece.findings == tuple(found)


class PictureKilled(Exception):
    finding = error("photo.decoder_died", "photo", "the decoder died")


class DecoderDied(Refused):
    retried = True


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (PictureKilled(), "photo.decoder_died"),
        (DecoderDied("died", [error("photo.decoder_died", "photo", "x")]), "photo.decoder_died"),
        (Bug("no such role: X"), "piece.bug"),
        (KeyError(PRIVATE), "piece.bug"),
        (Bug("inspected", [error("pdf.boxes", "page 1", "x")]), "pdf.boxes"),
        (OSError(errno.EACCES, "denied"), "piece.bug"),
        (RecursionError(PRIVATE), "piece.bug"),
    ],
)
def test_everything_else_is_tried_three_times_and_then_a_person_looks(shop, step, problem, code):
    piece, step_id = step
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert shop.store.piece(SCOPE, piece).state is PieceState.WAITING
            assert not _work(shop, step_id, _raise(problem))
            shop.clock.forward(60)
    stuck = shop.store.piece(SCOPE, piece)
    assert stuck.state is PieceState.NEEDS_ATTENTION
    assert stuck.findings[0].code == code
    assert len(logs) == 3
    assert PRIVATE not in str(logs) + str(stuck.findings) + str(shop.store.events(SCOPE, piece))
    if code == "piece.bug":
        assert type(problem).__name__ in stuck.findings[0].message
        assert "test_lease.py" in str(logs[0]["frames"])


@pytest.mark.parametrize("problem", [Unavailable("no room"), OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "bad")])
def test_the_shops_faults_are_given_back_slower_and_slower_and_never_counted(shop, step, problem):
    piece, step_id = step
    pauses = []
    for _ in range(8):
        assert not _work(shop, step_id, _raise(problem), pauses)
        assert shop.store.piece(SCOPE, piece).state is PieceState.WAITING
        assert not _work(shop, step_id, lambda claim: CARD, pauses)  # it rests
        shop.clock.forward(60)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert _work(shop, step_id, lambda claim: CARD)
    assert lease._breaker.failures == 0
    assert shop.store.piece(SCOPE, piece).findings == ()


def test_without_a_database_nothing_is_raised_and_nothing_is_done(shop, step, monkeypatch):
    def gone(*args, **named):
        raise Unavailable("the database did not answer")

    pauses = []
    with monkeypatch.context() as patch:
        patch.setattr(shop.store, "claim", gone)
        assert not _work(shop, step[1], lambda claim: CARD, pauses)
    with monkeypatch.context() as patch:  # it goes between claim and completion: the lease runs out by itself
        patch.setattr(shop.store, "complete_compose", gone)
        patch.setattr(shop.store, "give_back", gone)
        assert not _work(shop, step[1], lambda claim: CARD, pauses)
    assert pauses == [1, 4]
    assert shop.store.due_steps(9, 20) == []
    shop.clock.forward(61)
    assert _work(shop, step[1], lambda claim: CARD)


def test_heartbeats_keep_the_lease_while_the_work_lasts(shop, step, monkeypatch):
    shop.lease_seconds = 0.15
    beats = []
    real = shop.store.heartbeat
    monkeypatch.setattr(shop.store, "heartbeat", lambda claim: (beats.append(1), real(claim))[1])
    assert _work(shop, step[1], lambda claim: (time.sleep(0.4), CARD)[1])
    assert 4 <= len(beats) <= 9
    assert threading.active_count() == 1 or not [t for t in threading.enumerate() if "heartbeat" in t.name]


def test_whoever_lost_the_lease_stops_quietly(shop, step):
    piece, step_id = step
    shop.lease_seconds = 0.15

    def overtaken(claim):
        shop.clock.forward(1)
        other = shop.store.claim(step_id, 60)
        assert shop.store.complete_compose(other, Composed("c" * 64, "d" * 64, 1, 1))
        time.sleep(0.3)
        return CARD

    called = []
    assert not lease.work(shop, step_id, overtaken, lambda claim, made: called.append(1) or True)
    assert called == []  # the heartbeat knew before the end
    assert shop.store.piece(SCOPE, piece).composed.card == "c" * 64
