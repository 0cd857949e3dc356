"""What many cards share is made once a worker; counted, not timed. And the database is touched as often for any card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from cardpipe.model.errors import Refused
from cardpipe.model.order import Scope
from cardpipe.model.piece import Piece
from cardpipe.pipeline import compose, pictures, pinned
from cardpipe.prepress import card, photo
from tests.pipeline.shopfloor import SCOPE, House, order, picture

AGENT = {"occasion": "congratulations", "design": "congratulations-bravo", "photo": "agent"}
PICTURES = {"agent": picture(2400, 1800), "other": picture(1800, 2400)}


@pytest.fixture(autouse=True)
def a_fresh_worker() -> None:
    pinned.forget()


@contextmanager
def counted(house: House) -> Iterator[Counter[str]]:
    """How often what is dear is done, by the real parts."""
    seen: Counter[str] = Counter()

    def noted(name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **named: Any) -> Any:
            seen[name] += 1
            return do(*args, **named)

        return counting

    with (
        patch.object(house.darkroom, "develop", noted("develop", house.darkroom.develop)),
        patch.object(house.darkroom, "judge", noted("judge", house.darkroom.judge)),
        patch.object(house.darkroom, "lift", noted("lift", house.darkroom.lift)),
        patch.object(house.darkroom, "art", noted("art", house.darkroom.art)),
        patch.object(house.artifacts, "get", noted("get", house.artifacts.get)),
        patch.object(house.catalog, "design_from", noted("design", house.catalog.design_from)),
        patch.object(house.catalog, "font_from", noted("font", house.catalog.font_from)),
        patch.object(card, "fit_message", noted("fit", card.fit_message)),
    ):
        yield seen


def taken(house: House, *orders: dict[str, Any], scope: Scope = SCOPE) -> list[Piece]:
    made = []
    for one in orders:
        verdict = house.take(one, PICTURES, scope)
        assert verdict.order is not None, verdict.findings
        made += verdict.order.pieces
    return made


def test_one_photo_on_many_cards_is_developed_once_and_is_the_same(house: House) -> None:
    pieces = taken(house, *(order(number, **AGENT) for number in range(1, 6)))
    with counted(house) as seen:
        cards = [house.artifacts.get(SCOPE, compose.make(house, piece).card) for piece in pieces]
        assert seen["develop"] == 1
    first = cards[0]
    start = first.index(b"\xff\xd8\xff")
    jpeg = first[start : first.index(b"\xff\xd9", start) + 2]
    assert len(jpeg) > 50_000
    assert all(jpeg in each for each in cards)
    assert len(set(cards)) == len(cards), "each is written to somebody else"
    pinned.forget()
    with counted(house) as seen:
        again = compose.make(house, pieces[3])
        assert seen["develop"] == 1
    assert house.artifacts.get(SCOPE, again.card) == cards[3], "remembered or made anew: the same bytes"


@pytest.mark.parametrize("other", [{"photo": "other"}, {"photo_focus": [0.0, 0.0]}])
def test_another_photo_or_crop_is_developed_anew(house: House, other: dict[str, Any]) -> None:
    pieces = taken(house, order(1, **AGENT), order(2, **{**AGENT, **other}), order(3, **AGENT))
    with counted(house) as seen:
        for piece in pieces:
            compose.make(house, piece)
        assert seen["develop"] == 2


def test_the_same_photo_for_another_press_is_developed_anew(house: House) -> None:
    (piece,) = taken(house, order(1, **AGENT))
    digest = piece.spec["photos"]["main"]
    asked = photo.PhotoOrder(144, 144, focus=(0.5, 0.5))
    with counted(house) as seen:
        for profile in ("one", "other", "one"):
            for placed in (asked, replace(asked, tone="gentle")):
                pinned.photo(house, SCOPE, {"profile": profile}, digest, placed)
        assert seen["develop"] == 4


def test_nothing_is_remembered_for_another_tenant(house: House) -> None:
    """The bytes are the same, and so is the picture; whose they are is not."""
    theirs = Scope("somebody-else", "live")
    pieces = [*taken(house, order(1, **AGENT)), *taken(house, order(1, **AGENT), scope=theirs)]
    pieces += taken(house, order(2, **AGENT), scope=Scope(SCOPE.tenant, "test"))
    with counted(house) as seen:
        for piece in pieces:
            compose.make(house, piece)
        assert seen["develop"] == len(pieces) == 3
        assert seen["fit"] == 3


def test_one_photo_is_looked_at_once_for_many_orders_of_one_tenant(house: House) -> None:
    with counted(house) as seen:
        taken(house, *(order(number, **AGENT) for number in range(1, 6)))
        assert seen["judge"] == 1
        taken(house, order(6, **{**AGENT, "photo": "other"}))
        assert seen["judge"] == 2
        taken(house, order(1, **AGENT), scope=Scope("somebody-else", "live"))
        assert seen["judge"] == 3
    small = {"agent": picture(300, 200), "other": picture(300, 200)}
    with patch.dict(PICTURES, small):
        told = [house.take(order(number, **AGENT), PICTURES) for number in (7, 8)]
    assert all(each.order is None for each in told)
    codes = [[(finding.code, finding.where) for finding in each.findings] for each in told]
    assert codes[0] == codes[1] != [], "the second one is told as much as the first"


def test_a_photo_that_was_uploaded_is_not_looked_at_anew(house: House) -> None:
    with counted(house) as seen:
        kept = pictures.keep(house, SCOPE, PICTURES["agent"], "photo", "file")
        assert (seen["judge"], kept.facts.findings) == (1, ())
        (piece,) = taken(house, order(1, **{**AGENT, "photo": kept.ref}))
        assert seen["judge"] == 1 and f"sha256:{piece.spec['photos']['main']}" == kept.ref
        with pytest.raises(Refused) as caught:
            pictures.keep(house, SCOPE, PICTURES["agent"][:9000], "photo", "file")
        assert [(found.code, found.where) for found in caught.value.findings] == [("photo.truncated", "file")]
        assert seen["judge"] == 2


def test_a_photo_that_cannot_be_used_is_judged_each_time(house: House) -> None:
    (piece,) = taken(house, order(1, **AGENT))
    refused = 0

    def broken(data: bytes, asked: Any) -> Any:
        nonlocal refused
        refused += 1
        raise compose.Refused("the picture cannot be used", [])

    with patch.object(house.darkroom, "develop", broken):
        for _ in range(2):
            compose._photos(house, piece, pinned.design(house, piece.scope, piece.spec).design,
                            pinned.layout(piece.spec), [])  # fmt: skip
    assert refused == 2


def test_photos_are_forgotten_by_their_weight() -> None:
    recent, made = pinned.Recent(1000, len), []

    def make(name: str, size: int) -> bytes:
        made.append(name)
        return bytes(size)

    for name, size in (("a", 400), ("b", 400), ("a", 400), ("c", 400), ("a", 400), ("b", 400)):
        recent.get((name,), lambda name=name, size=size: make(name, size))  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"], "what was longest not asked for goes"
    assert len(recent.get(("huge",), lambda: make("huge", 5000))) == 5000
    recent.get(("huge",), lambda: make("huge", 5000))
    assert made[-2:] == ["huge", "huge"], "what weighs more than all that may stay does not stay"


def test_the_same_words_are_laid_out_once_and_written_each_time(house: House) -> None:
    words = {"message": "Thank you all for the garden with the lights on.\n\nJune"}
    pieces = taken(house, *(order(number, **words) for number in range(1, 5)), order(5, message="Thank you.\n\nJune"))
    with counted(house) as seen:
        made = [compose.make(house, piece).card for piece in pieces]
        assert seen["fit"] == 2
    assert len(set(made)) == len(pieces), "no two are written alike"


def test_designs_and_hands_are_opened_once(house: House) -> None:
    pieces = taken(house, *(order(number, **AGENT) for number in range(1, 6)))
    compose.make(house, pieces[0])
    with counted(house) as seen:
        for piece in pieces[1:]:
            compose.make(house, piece)
        assert not {"develop", "design", "font", "art", "lift"} & set(seen), seen
        assert seen["get"] == 0, "nothing is read again"


def test_a_card_touches_the_database_as_often_whatever_is_on_it(house: House) -> None:
    both = {"occasion": "job-completed", "design": "job-well-done", "photos": {"before": "agent", "after": "other"}}
    kinds = [order(1), order(2, **AGENT), order(3, **both), order(4, message="Thank you. " * 12)]
    begun: list[Any] = []
    for one in kinds:
        taken(house, one)
    sa.event.listen(house.store.db.engine, "begin", begun.append)
    steps = house.store.due_steps(1000, 0.0)
    assert {kind for _, kind in steps} == {"compose"} and len(steps) == 4
    counts = []
    for step, _ in steps:
        begun.clear()
        compose.run(house, step)
        counts.append(len(begun))
    assert len(set(counts)) == 1, counts
    assert 1 <= counts[0] <= 5
