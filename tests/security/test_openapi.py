"""The API against its own description, asked by schemathesis: whatever a program sends, sensible or not, to addresses
that lead somewhere and to others, is answered as OpenAPI says, never by a failure of ours, never with what is personal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as metric_families

from tests.security import planted
from tests.security.conftest import Door
from tests.security.stocked import Stock, table

ROOT = Path(__file__).parents[2]
#: 503 is what /readyz has to say here: nobody supervises this data folder.
UNREADY = ["--exclude-operation-id", "isReady"]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,missing_required_header,ignored_auth,"
    "use_after_free,nothing_personal"
)


def bodies(door: Door, stocked: Stock) -> dict[str, list[Any]]:
    """Bodies that are taken as they stand, by operation."""
    order = door.client.get(f"/v1/orders/{stocked.orders['composed']}").json()
    asked = [planted.asked(f"wild-{number}", 100 + number) for number in range(3)]
    trial = {"design": "home-row", "message": f"Dear {{first_name}}, {planted.WORD}.", "recipient": planted.person()}
    rows = table(*(planted.asked(f"wild-row-{number}", 200 + number) for number in range(3))).decode()
    return {
        "createOrder": asked, "mendRow": asked, "changeOrder": [{"message": f"Oh, {planted.WORD}!"}, {"ink": "blue"}],
        "approveOrder": [{"proof": order["proof"]["digest"]}], "tryFit": [trial], "createImport": [rows],
        "previewImport": [rows], "createWebhook": [{"url": "https://example.com/wild"}],
        "resumeOrder": [{"reason": "on purpose", "allow_duplicate": True}],
        "replayWebhook": [{"since": "2026-01-01T00:00:00Z"}],
    }  # fmt: skip


def ask(door: Door, stocked: Stock, *options: str) -> str:
    """Have schemathesis ask; what it says. Fails with all of that where it found anything."""
    told = {"known": stocked.known, "bodies": bodies(door, stocked), "words": [*planted.WORDS, stocked.secret]}
    environment = {
        **os.environ, "SCHEMATHESIS_HOOKS": "tests.security.asking_wildly", "PYTHONPATH": str(ROOT), "NO_PROXY": "*",
        "STOCK": json.dumps(told), "COLUMNS": "120",
    }  # fmt: skip
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{door.url}/v1/openapi.json", "--no-color",
        "-H", f"Authorization: Bearer {door.key}", "--generation-database", "none", "--checks", CHECKS, *options,
    ]  # fmt: skip
    done = subprocess.run(
        command, env=environment, cwd=door.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def answered(door: Door) -> dict[str, set[str]]:
    """The statuses that each address answered with until now."""
    found: dict[str, set[str]] = {}
    for family in metric_families(door.client.get("/metrics").text):
        for sample in family.samples:
            if sample.name == "cardpipe_http_requests_total":
                found.setdefault(sample.labels["route"], set()).add(sample.labels["status"])
    return found


def test_every_operation_answers_as_it_is_described(door: Door, stocked: Stock) -> None:
    seed = ["--seed", "41"] if os.environ.get("CI") else []
    ask(door, stocked, "--phases", "examples,coverage,fuzzing", "-n", "12", *UNREADY, *seed)
    seen = answered(door)
    good = {route for route, statuses in seen.items() if any(status.startswith("2") for status in statuses)}
    bad = {route for route, statuses in seen.items() if any(status.startswith("4") for status in statuses)}
    assert len(good) > 30 and len(bad) > 35, "it came further than to the door"
    assert not any(status.startswith("5") for statuses in seen.values() for status in statuses)


def test_an_address_names_every_method_that_it_takes(door: Door, stocked: Stock) -> None:
    """Also one that several routes share. An order's address may name more: a reference may end as an action does."""
    told = door.client.get("/v1/openapi.json").json()["paths"]
    for path, item in told.items():
        allowed = door.client.request("TRACE", path).headers["allow"].split(", ")
        assert {method.upper() for method in item} <= set(allowed) and len(set(allowed)) == len(allowed), path
    assert len(told) > 30


@pytest.mark.parametrize("given", ["0", "1764547200", "0.5", "20261201", " 2026-12-01", "２026-12-01", ""])
@pytest.mark.parametrize(
    "where", ["/v1/orders?mail_on=", "/v1/orders?since=", "/v1/orders?until=", "/v1/batches?mail_on="]
)
def test_a_number_is_no_date(door: Door, where: str, given: str) -> None:
    """Read as seconds since 1970, it would find nothing, and a program would believe that there is nothing."""
    answer = door.client.get(where + given)
    assert answer.status_code == 422 and answer.json()["code"] == "request.parameter", answer.text
    assert door.client.get(where + "2026-12-01").status_code == 200


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_same_for_longer(door: Door, stocked: Stock) -> None:
    ask(door, stocked, "--max-time", "240", "-n", "200", *UNREADY)
