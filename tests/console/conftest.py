"""The console on a real shop, and browsers of people with a role (Starlette's client; Chromium is in test_browser_…)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from httpx import Response
from starlette.testclient import TestClient

from cardpipe.console import drawing
from cardpipe.console.app import make_console
from cardpipe.console.guard import COOKIE, csrf_of, digest_of
from cardpipe.model.batch import Batch
from cardpipe.model.user import Role
from tests.console.floor import PASSWORD, employ, furnish, open_house
from tests.pipeline.shopfloor import House

#: ``browse(Role.OPERATOR)``: a browser of somebody who is logged in.
Browse = Callable[..., "Browser"]


class Browser(TestClient):
    """A browser that posts forms as the console's own pages do."""

    house: House

    def send_form(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Response:
        """POST a form with the session's token."""
        token = csrf_of(self.house, digest_of(self.cookies[COOKIE]))
        return self.post(path, data={"csrf": token, **(data or {})}, **more)


def browser(house: House, name: str = "") -> Browser:
    """A browser; logged in as that user."""
    made = Browser(make_console(house), base_url="http://testserver", follow_redirects=False)
    made.house = house
    if name:
        answer = made.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
    return made


@pytest.fixture(scope="session", autouse=True)
def easels() -> Iterator[WeakSet[drawing.Easel]]:
    """Whatever draws for a console of the tests."""
    made: WeakSet[drawing.Easel] = WeakSet()
    set_up = drawing.Easel.__init__

    def seen(easel: drawing.Easel, house: House) -> None:
        set_up(easel, house)
        made.add(easel)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing.Easel, "__init__", seen)
        yield made


@pytest.fixture(autouse=True)
def nobody_goes_on_drawing(easels: WeakSet[drawing.Easel]) -> Iterator[None]:
    """A page of designs or hands has them all drawn behind it, for half a minute; after the test nobody asks for them."""
    yield
    for easel in list(easels):
        with easel._lock:
            while easel._waiting:
                del easel._kept[easel._waiting.popitem()[0]]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[House]:
    """An empty shop."""
    house = open_house(tmp_path / "data")
    yield house
    house.close()
    house.store.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a furnished shop, to be copied."""
    data = tmp_path_factory.mktemp("furnished") / "data"
    house = open_house(data)
    furnish(house)
    house.close()
    house.store.close()
    return data


@pytest.fixture
def seeded(furnished: Path, tmp_path: Path) -> Iterator[House]:
    """A furnished shop of the test's own: one batch imposed, orders for later, held and refused ones."""
    shutil.copytree(furnished, tmp_path / "seeded")
    house = open_house(tmp_path / "seeded")
    yield house
    house.close()
    house.store.close()


@pytest.fixture
def batch(seeded: House) -> Batch:
    """The imposed batch of the furnished shop."""
    return seeded.store.batches(seeded.scope)[0]


@pytest.fixture
def browse(seeded: House) -> Browse:
    """Browsers of the furnished shop."""

    def make(role: Role = Role.OPERATOR, tenants: tuple[str, ...] = ()) -> Browser:
        name = f"the-{role}" + "".join(f"-{tenant}" for tenant in tenants)
        if seeded.store.user(name) is None:
            employ(seeded, name, role, tenants)
        return browser(seeded, name)

    return make
