"""A shop whose API listens on a port of this process, and clients of it that wait for nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from cardpipe.client import Cardpipe
from cardpipe.settings import Settings
from cardpipe.wiring import Shop
from tests.api.served import listening, new_key
from tests.client.line import Line

#: ``order("A-1", message="Hello")``: an order by reference that every check passes, to somebody who gets no other.
MakeOrder = Callable[..., dict[str, Any]]
#: ``client()`` or ``client(url, tries=2)``: with a live key that may do everything; it never sleeps.
MakeClient = Callable[..., Cardpipe]
#: ``broken("before", "after")``: a line to the API with these fates.
MakeLine = Callable[..., Line]

BO = {"name": "Bo Lind", "street": "1 Main Street", "city": "Salem", "state": "OR", "postcode": "97301"}
_numbers = itertools.count(1)


def an_order(reference: str, **changes: Any) -> dict[str, Any]:
    number = next(_numbers)
    anna = {"name": f"Anna Berg {number}", "street": f"{number} Alder Lane", "city": "Portland", "state": "OR"}
    plain = {"occasion": "thank-you", "recipient": {**anna, "postcode": "97201"}, "sender": BO}
    return {"reference": reference, **plain, "message": "Dear {first_name}, thank you for the lamp.", **changes}


@pytest.fixture
def order() -> MakeOrder:
    return an_order


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with closing(Shop(Settings(data=tmp_path_factory.mktemp("data")))) as made:
        yield made


@pytest.fixture(scope="session")
def port(house: Shop) -> Iterator[int]:
    with listening(house, "127.0.0.1") as found:
        yield found


@pytest.fixture(scope="session")
def key(house: Shop) -> str:
    return new_key(house)


@pytest.fixture
def client(port: int, key: str) -> Iterator[MakeClient]:
    made: list[Cardpipe] = []

    def make(url: str = "", text: str = "", **options: Any) -> Cardpipe:
        options.setdefault("sleep", lambda seconds: None)
        made.append(Cardpipe(url or f"http://127.0.0.1:{port}", text or key, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def cards(client: MakeClient) -> Cardpipe:
    return client()


@pytest.fixture
def broken(port: int) -> Iterator[MakeLine]:
    made: list[Line] = []

    def make(*fates: str) -> Line:
        made.append(Line(port, *fates))
        return made[-1]

    yield make
    for each in made:
        each.close()
