"""What schemathesis is told of the shop that it asks, and what it looks for beside its own checks. Its own process loads
this (``SCHEMATHESIS_HOOKS``); :mod:`test_openapi` says in ``STOCK`` what there is."""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis
from hypothesis import strategies as st

_STOCK: dict[str, Any] = json.loads(os.environ["STOCK"])
#: Parameters of addresses by name, with values that lead somewhere; bodies by operation, that are taken as they stand.
_KNOWN: dict[str, list[str]] = _STOCK["known"]
_BODIES: dict[str, list[Any]] = _STOCK["bodies"]
_WORDS: list[str] = _STOCK["words"]
#: The rows that a customer handed in itself, and the press's own files, each with a scope of its own and audited.
_PERSONAL = {"getFailedRows", "getBatchFile"}


def _name(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def _values(path: str, name: str) -> list[str]:
    if name == "id":
        return _KNOWN["webhook" if "/webhooks" in path else "import"]
    if name == "name":
        return _KNOWN["design" if "/designs" in path else "batch"]
    return _KNOWN[name]


@schemathesis.hook
def flatmap_case(context: Any, case: Any) -> Any:
    """Two of three times an address that leads somewhere, and as often a body that would be taken, with a few fields
    of the one that was made up."""

    @st.composite
    def nearer(draw: Any) -> Any:
        made = case
        if made.path_parameters and draw(st.integers(0, 2)):
            for name in made.path_parameters:
                made.path_parameters[name] = draw(st.sampled_from(_values(made.operation.path, name)))
            if _name(made) == "changeOrder" and made.path_parameters["key"].startswith("ord_"):
                made.headers = {**(made.headers or {}), "If-Match": f'"{made.path_parameters["key"]}-1"'}
        bodies = _BODIES.get(_name(made))
        if bodies and draw(st.integers(0, 2)):
            good = draw(st.sampled_from(bodies))
            if isinstance(good, dict) and isinstance(made.body, dict):
                odd = draw(st.lists(st.sampled_from(sorted(made.body) or [""]), max_size=2))
                made.body = {**good, **{name: made.body[name] for name in odd if name in made.body}}
            elif isinstance(good, str) and made.media_type == "application/octet-stream":
                made.body = good.encode()
                made.query = {**(made.query or {}), "name": "people.csv"}
        return made

    return nearer()


@schemathesis.check
def nothing_personal(ctx: Any, response: Any, case: Any) -> None:
    """No answer of any kind, refusals of ours included, holds a planted word: neither in its body nor in its headers."""
    if _name(case) in _PERSONAL and response.status_code == 200:
        return
    said = response.content.lower() + json.dumps(response.headers).lower().encode()
    for word in _WORDS:
        assert word.lower().encode() not in said, f"the answer holds the planted word {word[:2]}…"
