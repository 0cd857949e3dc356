"""The console beside the API, as ``cardpipe serve`` has it: below its own address, with a cookie that goes nowhere else."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from cardpipe.api.app import make_app
from cardpipe.cli import serving
from cardpipe.console.app import make_console
from cardpipe.model.errors import Refused
from cardpipe.model.user import Role
from tests.console.floor import PASSWORD, employ
from tests.pipeline.shopfloor import House


@pytest.fixture
def client(shop: House) -> TestClient:
    employ(shop, "ada", Role.ADMINISTRATOR)
    return TestClient(serving._beside(make_console(shop), make_app(shop)), follow_redirects=False)


def test_each_door_has_its_own_address(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/console/"
    assert client.get("/healthz").status_code == 200
    assert client.get("/v1/orders").status_code == 401
    assert client.get("/console/v1/orders").status_code == 404
    assert client.get("/consoles").headers["content-type"].startswith("application/problem+json")


def test_everything_that_a_page_names_lies_below_the_console(client: TestClient) -> None:
    answer = client.post("/console/login", data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 303 and answer.headers["location"] == "/console/"
    assert "Path=/console/" in answer.headers["set-cookie"]
    page = client.get("/console/")
    assert page.status_code == 200
    named = re.findall(r'(?:href|src|action|hx-get|data-live-at)="([^"#]+)"', page.text)
    assert len(named) > 15 and all(address.startswith("/console/") for address in named), named
    for address in {a.replace("&amp;", "&") for a in named if not a.endswith(("/live", "/find"))}:
        assert client.get(address).status_code in (200, 405), address
    assert client.get("/v1/orders").status_code == 401, "a session opens no door of the API"


def test_alone_it_needs_servers(shop: House) -> None:
    with pytest.raises(Refused) as refused:
        serving._with_servers(shop, "console")
    assert refused.value.findings[0].code == "serve.alone"
