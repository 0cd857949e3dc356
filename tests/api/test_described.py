"""What OpenAPI says of the API: all of it, once, and nothing that leads nowhere."""

from __future__ import annotations

import re
from typing import Any

import httpx

#: Routes as the contract of the API names them; an operation that goes missing is a client that breaks.
PROMISED = {
    "createOrder", "listOrders", "getOrder", "changeOrder", "cancelOrder", "approveOrder", "holdOrder", "resumeOrder",
    "eraseOrder", "uploadPicture", "planUpload", "putUpload", "finishUpload", "listBatches", "getBatch", "getBatchFile",
    "isAlive", "isReady", "getMetrics",
}  # fmt: skip


def operations(told: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, item) for path, items in told["paths"].items() for method, item in items.items()]


def test_described_by_openapi(client: httpx.Client) -> None:
    answer = client.get("/v1/openapi.json")
    told = answer.json()
    assert told["openapi"].startswith("3.1")
    ids = [item["operationId"] for _, _, item in operations(told)]
    assert len(ids) == len(set(ids)) and set(ids) >= PROMISED
    names = set(told["components"]["schemas"])
    referred = set(re.findall(r"#/components/schemas/([^\"]+)", answer.text))
    assert len(referred) > 20 and referred <= names


def test_every_operation_tells_of_its_problems(client: httpx.Client) -> None:
    told = client.get("/v1/openapi.json").json()
    for method, path, item in operations(told):
        for status in ("401", "404", "422", "429", "500", "503"):
            assert status in item["responses"], (method, path, status)
        assert item["summary"] and item.get("description"), (method, path)
    problem = told["components"]["schemas"]["ProblemShape"]
    assert {"status", "code", "detail", "request_id", "findings"} <= set(problem["required"])


def test_it_needs_no_key(caller: Any) -> None:
    assert caller().get("/v1/openapi.json").status_code == 200
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert caller().get(path).status_code == 404
