"""A client of cardpipe's API, for programs in Python. It needs httpx and nothing else of this package.

    from cardpipe.client import Cardpipe

    with Cardpipe("https://cards.example", key) as cards:
        photo = cards.upload("anna.heic")
        order = cards.order({"reference": "crm-4711", "occasion": "birthday", …, "photo": photo})
        cards.wait_for_proof(order["id"]).save("proof.png")

What was not answered is sent again, with the same Idempotency-Key: a card is never ordered twice by a retry, and an
order that raised :class:`Unreachable` may be sent again with the same ``reference`` at any later time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import httpx

__all__ = ["Cardpipe", "Failed", "Finding", "Proof", "Unreachable", "verify_webhook"]

Json = dict[str, Any]

#: Answers after which the same request may be sent again.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Failures before a request was sent: nobody can have seen it.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
#: Our own mistakes, which no further try mends.
_OURS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
#: Who is asked to wait longer (Retry-After, in seconds) does not wait but says so.
_LONGEST_WAIT = 120.0
#: Seconds that a file of orders may take on its way.
_FILE_SECONDS = 600.0
#: A webhook older or newer than this is not believed, and a key has at least so many bytes (Standard Webhooks 1.0.0).
_TOLERANCE, _LEAST_KEY = 300.0, 24
#: Of an order or its piece: there will be no proof, unless a person does something.
_STUCK = frozenset({"refused", "cancelled", "needs_attention"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark: ``code`` is for programs and never changes its meaning, ``where`` names the field."""

    level: str
    code: str
    where: str
    message: str
    remedy: str


class Failed(Exception):
    """The API refused the request; asking again as it is does not help. ``findings`` has everything that is wrong.
    ``unsure``: an earlier try of this call was not answered and may have been heard, so this may be said because of
    what that one did."""

    def __init__(self, status: int, problem: Mapping[str, Any], *, unsure: bool = False) -> None:
        self.status = status
        self.unsure = unsure
        self.problem = dict(problem)
        said = ("level", "code", "where", "message", "remedy")
        found = [[str(each.get(name, "")) for name in said] for each in self.problem.get("findings", [])]
        self.findings = tuple(Finding(*each) for each in found)
        self.code = str(self.problem.get("code") or (self.findings[0].code if self.findings else ""))
        self.request_id = str(self.problem.get("request_id", ""))
        lines = [f"{status} {self.problem.get('detail', 'refused')}"]
        lines += [f"  {f.where}: {f.message} [{f.code}] {f.remedy}".rstrip() for f in self.findings]
        super().__init__("\n".join(lines))


class Unreachable(Exception):
    """The API did not answer, or has no room, after all tries. Of the request's fate nothing is known; but the same
    order with the same reference is the same card, however often it is sent."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as PNG, and the digest that an approval names."""

    png: bytes = field(repr=False)
    digest: str

    def save(self, path: str | Path) -> None:
        """Write the picture."""
        Path(path).write_bytes(self.png)


class Cardpipe:
    """The API at ``url`` with an API key (or that of the environment's CARDPIPE_KEY). ``tries`` per call; ``timeout``
    in seconds, of each try. Threads may share one. Raises ValueError for an address that is none, or no key."""

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        tries: int = 5,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        key = (key or os.environ.get("CARDPIPE_KEY", "")).strip()
        if not key:
            raise ValueError("an API key is needed: give one, or set CARDPIPE_KEY")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError("the API's address is needed, such as https://cards.example")
        self._tries, self._sleep = max(1, tries), sleep
        self._file_timeout = httpx.Timeout(_FILE_SECONDS, connect=timeout)
        headers = {"authorization": f"Bearer {key}", "user-agent": "cardpipe-client/1"}
        self._http = httpx.Client(base_url=url, timeout=timeout, transport=transport, headers=headers)

    def __enter__(self) -> Cardpipe:
        return self

    def __exit__(self, *how: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    # pictures and orders
    def upload(self, picture: str | Path | bytes, use: str = "photo") -> str:
        """Upload a photo (or, with ``use="signature"``, a signature); the ``sha256:…`` that orders name it by."""
        data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        bare = {"content-type": "application/octet-stream"}
        return str(self._json("POST", "/v1/pictures", params={"use": use}, content=data, headers=bare)["picture"])

    def order(self, order: Mapping[str, Any], *, idempotency_key: str = "") -> Json:
        """Order a card. Without a key of one's own one is made, and used for every try of this call."""
        headers = {"idempotency-key": idempotency_key or f"py-{secrets.token_hex(16)}"}
        return self._json("POST", "/v1/orders", json=dict(order), headers=headers)

    def get(self, order: str) -> Json:
        """An order by its id or by your reference."""
        return self._json("GET", _order(order))

    def orders(self, metadata: Mapping[str, str] | None = None, **filters: Any) -> Iterator[Json]:
        """Orders, newest first, page by page as they are asked for: ``state``, ``piece_state``, ``occasion``,
        ``design``, ``mail_on``, ``held``, ``since``, ``until``, ``import_``."""
        query = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
        query |= {f"metadata[{name}]": value for name, value in (metadata or {}).items()}
        yield from self._pages("/v1/orders", "orders", query)

    def change(self, order: str, changes: Mapping[str, Any], etag: str = "") -> Json:
        """Change an order that is not in a print file yet: only what is given changes, None takes a field away. With
        the ``etag`` of the order that you looked at, it is changed if it is still that one (else Failed, 412); without
        one, as it stands. Raises Unreachable where a try was not answered and the order is another one since: look."""
        tries_left = 0 if etag else self._tries
        while True:
            named = {"if-match": etag or str(self.get(order)["etag"])}
            try:
                return self._json("PATCH", _order(order), json=dict(changes), headers=named)
            except Failed as problem:
                if problem.status == 412 and etag and problem.unsure:
                    raise Unreachable(f"{order} was changed by this call or by another; get it and look") from None
                if problem.status != 412 or tries_left <= 1:
                    raise
            tries_left -= 1

    def cancel(self, order: str, reason: str) -> Json:
        """Withdraw an order. The reason stands in the log, so no names in it."""
        return self._json("POST", _order(order, "cancel"), json={"reason": reason})

    def approve(self, order: str, proof: str) -> Json:
        """Approve the proof of that digest: just that will be printed."""
        return self._json("POST", _order(order, "approve"), json={"proof": proof})

    def hold(self, order: str, reason: str) -> Json:
        """Keep an order out of every batch."""
        return self._json("POST", _order(order, "hold"), json={"reason": reason})

    def resume(self, order: str, reason: str, *, allow_duplicate: bool = False) -> Json:
        """End your own hold. An order that looks like a second card goes on only with ``allow_duplicate``."""
        return self._json("POST", _order(order, "resume"), json={"reason": reason, "allow_duplicate": allow_duplicate})

    def erase(self, order: str) -> Json:
        """Erase the personal data of an order that is mailed or cancelled."""
        return self._json("POST", _order(order, "erase"))

    def actions(self, order: str) -> list[Json]:
        """What may still be done to it, and until when."""
        return list(self._json("GET", _order(order, "actions"))["actions"])

    def explain(self, order: str) -> list[Json]:
        """Every decision about it, with its reason code."""
        return list(self._json("GET", _order(order, "explain"))["decisions"])

    def proof(self, order: str, side: str = "card") -> Proof:
        """The proof of its card or envelope. Raises Failed ``proof.not_ready`` before it is composed."""
        answer = self._send("GET", _order(order, "proof"), params={"side": side})
        return Proof(answer.content, answer.headers["proof-digest"])

    def wait_for_proof(self, order: str, seconds: float = 120.0) -> Proof:
        """The proof, as soon as there is one. Raises TimeoutError; and Failed, with what was found, where there will be
        none."""
        until, pause = time.monotonic() + seconds, 0.2
        while True:
            found = self.get(order)
            if (found.get("proof") or {}).get("ready"):
                try:
                    return self.proof(order)
                except Failed as problem:  # it was changed since we looked
                    if problem.code != "proof.not_ready":
                        raise
            if found["erased_at"] or _STUCK & {found["state"], *(piece["state"] for piece in found["pieces"])}:
                findings = [*found["findings"], *(each for piece in found["pieces"] for each in piece["findings"])]
                raise Failed(409, {"detail": f"{order} has no proof: {found['shown']}", "findings": findings})
            if time.monotonic() + pause > until:
                raise TimeoutError(f"{order} was not composed within {seconds:g} s: {found['shown']}")
            self._sleep(pause)
            pause = min(3.0, pause * 1.5)

    def fit(self, message: str, **trial: Any) -> Json:
        """Whether a message fits a design (``design``, ``hand``, ``signature``): lines, size, missing characters."""
        return self._json("POST", "/v1/fit", json={"message": message, **trial})

    # files of many
    def import_file(
        self,
        file: str | Path,
        columns: Mapping[str, Any] | None = None,
        *,
        terms: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        idempotency_key: str = "",
    ) -> Json:
        """Hand in a CSV, NDJSON, vCard or ZIP of orders; the import, to be asked for by :meth:`import_`. ``columns``:
        ``{"columns": {header: field}, "defaults": {field: text}}``; ``terms`` hold for rows without. Without a key the
        file's digest with all that is said of it is one: the same again is the same import, whenever it comes."""
        path = Path(file)
        form = {"columns": json.dumps(columns or {}), "terms": json.dumps(terms or {}), "dry_run": str(dry_run).lower()}
        named = {"idempotency-key": idempotency_key or f"file-{_digest(path, json.dumps(form, sort_keys=True))}"}
        with path.open("rb") as opened:  # read from its beginning at each try
            files = {"file": (path.name, opened)}
            return self._json("POST", "/v1/imports", data=form, files=files, headers=named, timeout=self._file_timeout)

    def import_(self, import_id: str) -> Json:
        """How far an import has come."""
        return self._json("GET", f"/v1/imports/{_part(import_id)}")

    def wait_for_import(self, import_id: str, seconds: float = 3600.0) -> Json:
        """The import when every row has its verdict. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while (found := self.import_(import_id))["state"] in ("received", "judging"):
            if time.monotonic() > until:
                raise TimeoutError(f"{import_id} is {found['state']} after {seconds:g} s")
            self._sleep(1.0)
        return found

    def failed_rows(self, import_id: str, to: BinaryIO) -> None:
        """Write the file of the rows that were refused, to be mended and handed in again."""
        to.write(self._send("GET", f"/v1/imports/{_part(import_id)}/failed.csv").content)

    # events
    def events(self, after: str = "", types: Sequence[str] = ()) -> Iterator[Json]:
        """What happened since that cursor, oldest first; ends when nothing is new. Keep the ``cursor`` of the last one
        that you dealt with and go on from there: none is passed over, and up to a page of them may come again, known
        by their ``id``."""
        query: dict[str, Any] = {"type": list(types)} if types else {}
        while True:
            page = self._json("GET", "/v1/events", params={**query, **({"after": after} if after else {})})
            told, behind = page["events"], str(page["next"] or after)
            for number, event in enumerate(told, 1):
                yield {**event, "cursor": behind if number == len(told) else after}
            if not told or behind == after:
                return
            after = behind

    def add_webhook(self, url: str, types: Sequence[str] = ()) -> Json:
        """Be told of what happens (of everything, without types). The answer's ``secret`` is shown this once: keep it
        for :func:`verify_webhook`. Sent once; where it raises Unreachable, see :meth:`webhooks` what became of it."""
        return self._json("POST", "/v1/webhooks", once=True, json={"url": url, "types": list(types)})

    def rotate_webhook(self, webhook: str) -> Json:
        """Replace its secret; for a day the one before signs as well. Sent once, like :meth:`add_webhook`."""
        return self._json("POST", f"/v1/webhooks/{_part(webhook)}/rotate", once=True)

    def webhooks(self) -> list[Json]:
        """Who is told, without the secrets."""
        return list(self._json("GET", "/v1/webhooks")["webhooks"])

    def drop_webhook(self, webhook: str) -> None:
        """Tell it nothing any more. One that is gone already is no failure."""
        try:
            self._send("DELETE", f"/v1/webhooks/{_part(webhook)}")
        except Failed as problem:
            if problem.status != 404:
                raise

    # how requests are made
    def _pages(self, path: str, name: str, query: Json) -> Iterator[Json]:
        asked = {"limit": 100, **query}
        while True:
            page = self._json("GET", path, params=asked)
            yield from page[name]
            if not page["next"]:
                return
            asked["cursor"] = page["next"]

    def _json(self, method: str, path: str, *, once: bool = False, **request: Any) -> Json:
        return _object(self._send(method, path, once=once, **request))

    def _send(self, method: str, path: str, *, once: bool = False, **request: Any) -> httpx.Response:
        """Send until there is an answer that another try would not change; with ``once``, never again after somebody
        may have heard it."""
        unsure, attempt = False, 0
        while True:
            attempt += 1
            wait = min(30.0, 0.5 * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
            try:
                answer = self._http.request(method, path, **request)
            except _OURS as error:
                raise ValueError(f"the request cannot be sent: {type(error).__name__}") from None
            except httpx.TransportError as error:
                problem, heard = type(error).__name__, not isinstance(error, _NOT_SENT)
            else:
                if answer.is_success:
                    return answer
                told = _problem(answer)
                asked = answer.headers.get("retry-after", "")  # whole seconds, RFC 9110, 10.2.3
                wait = max(wait, float(asked) if asked.isdecimal() else 0.0)
                busy = answer.status_code == 409 and told.get("code") == "in_progress"
                final = attempt == self._tries or wait > _LONGEST_WAIT
                if not (answer.status_code in _AGAIN or busy) or (answer.status_code == 429 and final):
                    raise Failed(answer.status_code, told, unsure=unsure)
                problem, heard = f"{answer.status_code} {told.get('detail', '')}".strip(), answer.status_code != 429
            unsure = unsure or heard
            if attempt == self._tries or wait > _LONGEST_WAIT or (once and heard):
                raise Unreachable(f"{problem}, after {attempt} of {self._tries} tries")
            self._sleep(wait)


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> Json:
    """The message of a webhook, if it was signed with this ``whsec_…`` secret (Standard Webhooks 1.0.0) within five
    minutes; ``body`` as it came, before anything read it. Raises ValueError otherwise: then answer 401 and do nothing.
    The same ``webhook-id`` may come twice; what it tells happened once."""
    try:
        key = b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < _LEAST_KEY:
        raise ValueError("the secret is none: it is the whsec_… that was shown when the webhook was added")
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp, signatures = (given[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        sent = int(stamp)
    except (KeyError, ValueError):
        raise ValueError("a webhook without its id, timestamp or signature") from None
    if abs((time.time() if now is None else now) - sent) > _TOLERANCE:
        raise ValueError("the webhook's timestamp is more than five minutes away")
    signed = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, "sha256")
    expected = b"v1," + b64encode(signed)
    if not any(hmac.compare_digest(expected, each.encode()) for each in signatures.split()):
        raise ValueError("the webhook's signature is wrong")
    told: Json = json.loads(body)
    return told


def _order(order: str, verb: str = "") -> str:
    return f"/v1/orders/{_part(order)}" + (f"/{verb}" if verb else "")


def _part(text: str) -> str:
    if not text:
        raise ValueError("an id or a reference is needed, not an empty one")
    return quote(text, safe="").replace(".", "%2E")  # a reference may be "..", which addresses are shortened by


def _object(answer: httpx.Response) -> Json:
    found = answer.json() if answer.content else {}
    return found if isinstance(found, dict) else {"answer": found}


def _problem(answer: httpx.Response) -> Json:
    with suppress(ValueError):
        if isinstance(found := answer.json(), dict):
            return found
    return {"detail": f"an answer that is no problem document ({len(answer.content)} bytes)"}


def _digest(path: Path, said: str) -> str:
    """Of a file and of what is said of it."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(content + said.encode()).hexdigest()
