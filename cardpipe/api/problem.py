"""Answers to what went wrong: RFC 9457 problem documents with every finding, and the four errors' HTTP statuses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from cardpipe.model.errors import Bug, CardpipeError, Conflict, Refused, Unavailable
from cardpipe.model.finding import Finding, error

log = structlog.get_logger("cardpipe.api")

#: A look-up that found nothing: 404 instead of the 422 of other refusals.
_UNKNOWN = {
    "order.unknown", "piece.unknown", "batch.unknown", "subject.unknown", "import.unknown", "row.unknown",
    "webhook.unknown", "delivery.unknown", "upload.unknown", "upload.missing",
}  # fmt: skip
#: Refusals that HTTP has another status for.
_STATUS = {"upload.large": 413}
#: Seconds after which the same call may be made again: nothing answered; the shop is full; another is at it just now.
RETRY_SECONDS, FULL_SECONDS, BUSY_SECONDS = 5, 30, 1
_FULL = {"shop.backlog", "shop.no_room"}
_KINDS = {412: "conflict", 428: "conflict", 429: "unavailable"}


class Problem(Response):
    """One problem document. ``kind`` is the error's name: refused, conflict, unavailable, bug."""

    media_type = "application/problem+json"

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        request_id: str,
        findings: Iterable[Finding] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        found = list(findings)
        told = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "error": kind,
            "code": found[0].code if found else "",
            "detail": detail,
            "request_id": request_id,
            "findings": [finding.as_dict() for finding in found],
        }
        super().__init__(json.dumps(told, ensure_ascii=False).encode(), status, headers)


class Turned(CardpipeError):
    """A request that HTTP itself has a status for: without a key, too large, of the wrong kind, too slow, too many."""

    def __init__(
        self,
        status: int,
        code: str,
        where: str,
        message: str,
        remedy: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(f"{where} {message}; {remedy}", [error(code, where, message, remedy)])


def bug(request_id: str) -> Problem:
    """What a caller hears of a failure that is ours: that nothing was printed, and what to report."""
    said = f"cardpipe contradicted itself, and its log says where; report {request_id}. Nothing was printed."
    return Problem(500, "bug", said, request_id)


def answer(request: Request, problem: CardpipeError) -> Problem:
    """The answer to one of the four errors."""
    request_id = request.state.request_id
    if isinstance(problem, Bug):
        log.error("bug", request=request_id, problem=str(problem))
        return bug(request_id)
    codes = {finding.code for finding in problem.findings}
    status, headers = problem.status, {}
    if isinstance(problem, Turned):
        headers = dict(problem.headers)
    elif codes & _UNKNOWN:
        status = 404
    elif said := codes & _STATUS.keys():
        status = _STATUS[said.pop()]
    if status in (Unavailable.status, 429):
        headers.setdefault("retry-after", str(FULL_SECONDS if codes & _FULL else RETRY_SECONDS))
    if isinstance(problem, Conflict) and "in_progress" in codes:
        headers["retry-after"] = str(BUSY_SECONDS)
    if status in (408, 413, 415):
        headers["connection"] = "close"  # what is left of the body is not worth reading
    kind = next((kind for kind in (Conflict, Unavailable) if isinstance(problem, kind)), Refused).__name__.lower()
    return Problem(status, _KINDS.get(status, kind), str(problem), request_id, problem.findings, headers)


def install(app: FastAPI, routes: Sequence[Route]) -> None:
    """Have every error of the API, which has these routes, answered as a problem document."""

    async def ours(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, CardpipeError)
        return answer(request, problem)

    async def http(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)
        said = {404: "there is nothing at this address", 405: "this address does not take that method"}
        detail = said.get(problem.status_code, "the request cannot be answered")
        headers = {name.lower(): value for name, value in (problem.headers or {}).items()}
        if problem.status_code == 405:
            headers["allow"] = ", ".join(_methods(routes, request))
        return Problem(problem.status_code, "refused", detail, request.state.request_id, (), headers)

    async def parameters(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, RequestValidationError)
        findings = [_parameter(item) for item in problem.errors()]
        return Problem(422, "refused", "the request's parameters cannot be used", request.state.request_id, findings)

    app.add_exception_handler(CardpipeError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, parameters)


def _methods(routes: Sequence[Route], request: Request) -> list[str]:
    """All that the address takes (RFC 9110, 10.2.1), which may be several routes; the framework names the first one's
    alone."""
    found = (route.methods or () for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for methods in found for method in methods})


def _parameter(item: Any) -> Finding:
    place = ".".join(str(part) for part in item["loc"][1:]) or "request"
    return error("request.parameter", place, str(item["msg"]).removeprefix("Value error, "), "see /v1/openapi.json")
