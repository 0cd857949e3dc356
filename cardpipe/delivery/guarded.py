"""The way out: HTTP to servers whose addresses strangers wrote, which cannot be made to reach our own.

A name is resolved once, every address of it is judged, and a judged address is what is connected to: a second answer of
the DNS cannot lead elsewhere. TLS still proves the name. Proxies and .netrc of the environment are not looked at, and
bytes and seconds are bounded at every place. What is said about a failure names the host, never path or query.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import httpcore

from cardpipe import __version__
from cardpipe.delivery.names import Resolver, addresses, ask_dns
from cardpipe.delivery.reach import Target, refused, unavailable
from cardpipe.model.errors import Bug, CardpipeError, Refused

logging.getLogger("httpcore").setLevel(logging.INFO)  # its DEBUG writes headers, and with them signatures and tokens


@dataclass(frozen=True, slots=True)
class Reach:
    """Who may be called. ``allow``: "HOST:PORT" that may be private, on any port, and unencrypted; ``http``: whether
    others may be called unencrypted; ``resolve`` and ``trust`` (TLS) are this machine's own unless given."""

    allow: frozenset[str] = frozenset()
    http: bool = False
    resolve: Resolver = ask_dns
    trust: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken (bytes) and how long is waited (seconds): ``connect`` for the DNS and for each address,
    ``read`` for one silence, ``wall`` for everything together. ``whole``: a part of the body is of no use, nor is the
    body of anything but a 200."""

    body: int
    head: int = 32_768
    connect: float = 5.0
    read: float = 10.0
    wall: float = 30.0
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Received:
    """What came back. Names of headers are lower case. ``fault``: why ``body`` is not all of it."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    fault: CardpipeError | None = None


def call(
    target: Target,
    where: str,
    limits: Limits,
    reach: Reach,
    *,
    headers: Mapping[str, str],
    method: str = "GET",
    body: bytes | None = None,
) -> Received:
    """One request on a connection of its own, and what was answered, with whatever status; redirects are answers too.
    Raises Refused where the target may not be called (``url.private``, ``url.certificate``) or has headers without end,
    Unavailable where nobody answered."""
    way = _Way(target, where, limits, reach)
    said = {"host": target.authority, "user-agent": f"cardpipe/{__version__}", "accept-encoding": "identity"}
    said |= {"connection": "close"} | ({} if body is None else {"content-length": str(len(body))})
    lines = [(name.encode("ascii"), value.encode("ascii")) for name, value in (said | dict(headers)).items()]
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    patience = {"connect": limits.connect, "read": limits.read, "write": limits.read}
    request = httpcore.Request(method, url, headers=lines, content=body, extensions={"timeout": patience})
    try:
        with httpcore.HTTPConnection(url.origin, reach.trust or _trust(), network_backend=way) as connection:
            response = connection.handle_request(request)
            way.head = None
            got = {name.decode("latin-1").lower(): value.decode("utf-8", "replace") for name, value in response.headers}
            taken, fault = _body(way, response, got)
            return Received(response.status, got, taken, fault)
    except Exception as problem:
        raise _told(way, problem) from None


def _body(way: _Way, response: httpcore.Response, headers: Mapping[str, str]) -> tuple[bytes, CardpipeError | None]:
    """As much of it as is allowed, and why it is not all. A status that came is never lost to what came after it."""
    if way.limits.whole and response.status != 200:
        return b"", None
    taken, most = bytearray(), way.limits.body
    declared = headers.get("content-length", "")
    try:
        if way.limits.whole and declared.isdigit() and int(declared[:20]) > most:
            raise way.large("a body", most)
        for part in response.iter_stream():
            taken += part
            if len(taken) > most:
                raise way.large("a body", most)
    except Exception as problem:
        return bytes(taken[:most]), _told(way, problem)
    return bytes(taken), None


class _Way(httpcore.NetworkBackend):
    """The way to one target, for one connection. ``head``: how many bytes may still come before the body."""

    def __init__(self, target: Target, where: str, limits: Limits, reach: Reach) -> None:
        self.target, self.where, self.limits, self.reach = target, where, limits, reach
        self.head: int | None = limits.head
        self._ends = time.monotonic() + limits.wall

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A line to the first address that takes the call; none is called before all have been judged."""
        if (host, port) != (self.target.host, self.target.port):
            raise Bug("a connection was to be made to another host than the one that was judged")
        failure: OSError = ConnectionError()
        for address in addresses(self.target, self.where, self.reach.resolve, self.left(timeout)):
            try:
                link = socket.create_connection((address, port), self.left(timeout))
            except OSError as problem:
                failure = problem
                continue
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Line(link, self)
        raise failure

    def left(self, most: float | None) -> float:
        """The seconds that one step may take. Raises TimeoutError when all are used up."""
        rest = self._ends - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        return rest if most is None else min(rest, most)

    def large(self, what: str, most: int) -> Refused:
        """More came than is allowed."""
        message = f"{self.target.host} sends {what} of more than {most:,} bytes"
        return refused(self.where, "url.large", message, "have it send less")


class _Line(httpcore.NetworkStream):
    """A socket of which every wait ends with the call's own time."""

    def __init__(self, link: socket.socket, way: _Way) -> None:
        self._link, self._way = link, way

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        head = self._way.head
        if head == 0:
            raise self._way.large("headers", self._way.limits.head)
        self._link.settimeout(self._way.left(timeout))
        data = self._link.recv(max_bytes if head is None else min(max_bytes, head))
        if head is not None:
            self._way.head = head - len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        while buffer:
            self._link.settimeout(self._way.left(timeout))
            try:
                buffer = buffer[self._link.send(buffer) :]
            except ConnectionError as problem:  # it may have answered before it hung up: then the answer is read
                raise httpcore.WriteError(str(problem)) from None

    def close(self) -> None:
        self._link.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._link.settimeout(self._way.left(timeout))
            # a body that ends with the line must have been ended by the server, not by somebody in between
            link = ssl_context.wrap_socket(self._link, server_hostname=server_hostname, suppress_ragged_eofs=False)
        except BaseException:
            self._link.close()
            raise
        return _Line(link, self._way)


@cache
def _trust() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


def _told(way: _Way, problem: Exception) -> CardpipeError:
    """What went wrong in words of ours: the libraries' own may quote what was sent."""
    host, where = way.target.host, way.where
    match problem:
        case CardpipeError():
            return problem
        case ssl.SSLCertVerificationError():
            why = str(problem.verify_message).partition(",")[0]
            message = f"{host} shows a certificate that does not prove its name ({why})"
            return refused(where, "url.certificate", message, "have that server's certificate renewed or completed")
        case TimeoutError():
            return unavailable(where, f"{host} did not answer in time")
        case socket.gaierror():
            return unavailable(where, f"{host} is not found in the DNS")
        case ConnectionRefusedError():
            return unavailable(where, f"{host} refuses connections")
        case ssl.SSLError():
            return unavailable(where, f"{host} does not speak TLS as it should, or broke off")
        case OSError():
            return unavailable(where, f"the line to {host} broke or was never made")
        case httpcore.RemoteProtocolError():
            return unavailable(where, f"{host} broke off, or does not speak HTTP as it should")
    return Bug(f"calling {host} ended in {type(problem).__name__}")
