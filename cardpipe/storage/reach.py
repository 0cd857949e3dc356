"""The way to an S3-compatible server: its address, a client that is bounded in time, and what its errors mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from cardpipe.model.errors import Bug, Refused, Unavailable
from cardpipe.model.finding import Finding, error

if TYPE_CHECKING:
    from obstore.store import S3Config

_WHERE = "CARDPIPE_ARTIFACTS_URL"
_FORM = "s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_QUERY = ("endpoint", "region", "allow_http")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_RETRIES = 4
_CONNECT_SECONDS = 5.0

#: The process that first asked a server. The client's threads do not survive a fork, and what is forked off after that
#: waits for ever at its first call (obstore 0.12: seen).
_asked_by: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where the bucket is. Without an endpoint it is Amazon's of that region, or AWS_ENDPOINT_URL's."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    allow_http: bool = False


def parse(url: str) -> Address:
    """``s3://BUCKET/PREFIX?endpoint=…&region=…&allow_http=1``; all but the bucket may be left away. Keys never stand in
    it: they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or their like. Plain http leads to this machine only,
    unless ``allow_http=1`` is there. Raises Refused with all that is wrong, and never repeats the address."""
    wrong: list[Finding] = []

    def say(code: str, message: str, remedy: str = f"write it as {_FORM}") -> None:
        wrong.append(error(f"artifacts.{code}", _WHERE, message, remedy))

    parts = _split(url)
    if parts is None or parts.scheme != "s3" or parts.fragment:
        say("address", "cannot be read as the address of a bucket")
        raise Refused("the artifacts' address cannot be used", wrong)
    if "@" in parts.netloc:
        say("secret", "holds a user or a password", "take it out; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    elif not _BUCKET.fullmatch(parts.netloc):
        say("bucket", "names no bucket: 3 to 63 lower-case letters, figures, dots and hyphens")
    prefix = parts.path.strip("/")
    if prefix and not all(_FOLDER.fullmatch(folder) for folder in prefix.split("/")):
        say("prefix", "has a prefix of other than letters, figures, dots, hyphens and underscores between slashes")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    if unknown := sum(name not in _QUERY for name, _ in pairs):
        say("setting", f"holds {unknown} settings that are unknown here", f"only these are known: {', '.join(_QUERY)}")
    if len(query) < len(pairs):
        say("setting", "names a setting twice")
    if (region := query.get("region", "")) and not _REGION.fullmatch(region):
        say("region", "names no region: lower-case letters, figures and hyphens")
    if (allowed := query.get("allow_http", "0")) not in ("0", "1"):
        say("setting", "has an allow_http that is neither 0 nor 1")
    plain = False
    if endpoint := query.get("endpoint", ""):
        server = _split(endpoint)
        if server is None or server.scheme not in ("http", "https") or not server.hostname or _more(server):
            say("endpoint", "has an endpoint that is no http(s)://HOST:PORT, or holds more than that")
        else:
            plain = server.scheme == "http"
            if plain and allowed != "1" and not _loopback(server.hostname):
                remedy = "use https, or add allow_http=1 where the way to the server is a private one"
                say("plain", "has a plain http endpoint on another machine", remedy)
    if wrong:
        raise Refused("the artifacts' address cannot be used", wrong)
    return Address(parts.netloc, prefix, endpoint.rstrip("/"), region, plain or allowed == "1")


class Line:
    """The client of one address, made when it is first needed, for each process anew. A request is given up after
    ``patience`` seconds, a failing one is tried again for as long, at most four times."""

    def __init__(self, address: Address, patience: float) -> None:
        self.address = address
        self.patience = patience
        self._store: S3Store | None = None

    def store(self) -> S3Store:
        """The client. Raises Bug in a process that was forked off one that had already asked."""
        global _asked_by
        _asked_by = _asked_by or os.getpid()
        if _asked_by != os.getpid():
            raise Bug("this process was forked off one that had asked the bucket; start it anew instead of forking it")
        if self._store is None:
            self._store = self._make()
        return self._store

    def _make(self) -> S3Store:
        ours, bound = self.address, timedelta(seconds=self.patience)
        config: S3Config = {"disable_bulk_delete": True, "conditional_put": "etag"}
        if ours.endpoint:
            config["endpoint"] = ours.endpoint
        if ours.region:
            config["region"] = ours.region
        return S3Store(
            ours.bucket,
            config=config,
            client_options={
                "allow_http": ours.allow_http,
                "timeout": bound,
                "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, self.patience)),
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": bound,
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2,
                },
            },
        )  # fmt: skip


@contextmanager
def asked(done: str, what: str) -> Iterator[None]:
    """A server that does not answer, is slow or refuses is no piece's fault: Unavailable, and tried again later. Its
    own words are not passed on: they may hold keys' names and signatures."""
    try:
        yield
    except BaseError as problem:
        raise _unavailable(problem, done, what) from None
    except FileNotFoundError as problem:
        if problem.errno is not None:  # of the disk
            raise
        raise _unavailable(problem, done, what) from None


def said(problem: FileNotFoundError, done: str, what: str) -> Unavailable | None:
    """A 404 that is not about the object, for the bucket itself is not there: Unavailable. Else None."""
    return None if code(problem) in ("NoSuchKey", "404", "") else _unavailable(problem, done, what)


def code(problem: Exception) -> str:
    """What the server answered: S3's word for it, or the HTTP status; empty where it did not answer."""
    found = _CODE.search(str(problem)) or _STATUS.search(str(problem))
    return found[1] if found else ""


def _unavailable(problem: Exception, done: str, what: str) -> Unavailable:
    answer = code(problem)
    if isinstance(problem, PermissionDeniedError | UnauthenticatedError) or answer in ("AccessDenied", "403", "401"):
        why = f"the server refuses our keys ({answer or 'no right'}); see AWS_ACCESS_KEY_ID and the bucket's policy"
    elif answer == "NoSuchBucket":
        why = "there is no such bucket (NoSuchBucket); make it, or mend CARDPIPE_ARTIFACTS_URL"
    elif answer:
        why = f"the server answered {answer}"
    else:
        why = "the server did not answer"
    return Unavailable(f"An artifact could not be {done} ({what}): {why}.")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port if parts.scheme != "s3" else None  # a port that is no number is told here
        return parts
    except ValueError:
        return None


def _more(server: SplitResult) -> bool:
    return bool("@" in server.netloc or server.query or server.fragment)


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
