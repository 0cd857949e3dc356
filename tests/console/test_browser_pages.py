"""Every page of the console in a real browser: by axe-core's rules, wide and light, narrow and dark; nothing sticks out
of a telephone's screen, and the browser complains of nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from cardpipe.console.app import make_console
from cardpipe.model.user import Role
from tests.console.chromium import NARROW, WIDE, complaints, judge, listening, log_in, open_browser
from tests.console.conftest import browser
from tests.console.floor import SCOPE, employ, open_house
from tests.console.test_stuck import zipped
from tests.pipeline.shopfloor import House, picture

pytestmark = pytest.mark.xdist_group("browser")

#: Not pages: pictures, files, streams.
_OTHER = ("/live", "/pictures/", "/static/", "/proof/", "/photo/", "/signature", "/picture/", "/papers/", "/tried/",
          "/photos/", "/now", "/entry")  # fmt: skip


@pytest.fixture(scope="module")
def house(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("pages") / "data"
    shutil.copytree(furnished, data)
    made = open_house(data)
    employ(made, "ada", Role.ADMINISTRATOR)
    zipped(made, picture(700, 520))
    yield made
    made.close()
    made.store.close()


@pytest.fixture(scope="module")
def pages(house: House) -> Iterator[dict[str, Page]]:
    """A desk's screen and a telephone's, both logged in."""
    with listening(house, at_work=False) as address, open_browser() as browser:
        yield {
            "wide and light": log_in(browser, address, "ada", color_scheme="light"),
            "narrow and dark": log_in(browser, address, "ada", color_scheme="dark"),
        }


def paths(house: House) -> list[str]:
    """Each page's address, its places filled from the shop."""
    batch = house.store.batches(SCOPE)[0]
    (held,) = house.store.stuck_orders(SCOPE, "held", "order.duplicate")[0]
    row, coarse = (
        house.store.refused_rows(SCOPE, code)[0][0] for code in ("address.state.unknown", "photo.resolution.low")
    )
    made = house.store.imports(SCOPE, 10)[0][0]
    order = house.store.find(SCOPE, "CRM-01000")[0]
    people = browser(house, "ada").get("/people").text  # no name stands in an address
    person = next(iter(re.findall(r'href="/people/([^"/]+)"', people)))
    filled = {
        "/batches/{name}": {"name": batch.name, "act": "release"}, "/orders/{key}": {"key": order.id},
        "/imports/{id}": {"id": made.id}, "/stuck/twins/{id}": {"id": held.id}, "/stuck/rows/{id}": {"id": row.id},
        "/stuck/{kind:str}": {"kind:str": "held"}, "/designs/{name}": {"name": "home-row"},
        "/hands/{name}": {"name": "caveat"}, "/people/{id}": {"id": person},
    }  # fmt: skip
    found = []
    for route in make_console(house).app.routes:
        if "GET" not in (route.methods or ()) or any(part in route.path for part in _OTHER):
            continue
        path = route.path
        for begin, values in filled.items():
            if path.startswith(begin):
                for name, value in values.items():
                    path = path.replace(f"{{{name}}}", value)
        if "{" not in path:
            found.append(path)
    found += [f"/stuck/refused?code={row.findings[0].code}", f"/stuck/rows/{coarse.id}", "/nowhere"]
    return found


def test_every_page(house: House, pages: dict[str, Page]) -> None:
    wrong: list[str] = []
    every = paths(house)
    assert len(every) > 25, every
    for how, page in pages.items():
        page.set_viewport_size(WIDE if how.startswith("wide") else NARROW)
        for path in every:
            page.complaints.clear()  # type: ignore[attr-defined]
            answer = page.goto(path)
            status = answer.status if answer else 0
            if path in ("/login",):
                continue  # one who is logged in is led on
            if status != (404 if path == "/nowhere" else 200) and status not in (409, 422):
                wrong.append(f"{path}, {how}: {status}")
                continue
            wrong += [f"{path}, {how}: {line}" for line in (*judge(page), *complaints(page))]
            out = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if out > 1:
                wrong.append(f"{path}, {how}: sticks out by {out} px")
    assert wrong == [], "\n".join(wrong)
