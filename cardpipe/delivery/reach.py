"""Which servers of other people may be called: URLs and network addresses judged as values, before anything is asked.

An address is public when the whole internet may reach it. What only stands for another one (v4-mapped, 6to4, Teredo,
NAT64, ISATAP) is refused whatever it stands for: the machine that unpacks it is on our side of the wall.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

from cardpipe.model.errors import Refused, Unavailable
from cardpipe.model.finding import Finding, error

Address = IPv4Address | IPv6Address
Report = Callable[[str, str, str], None]

MOST_CHARACTERS = 4096  # a pre-signed URL with a session token has 2,000
PORTS = {"https": 443, "http": 80}
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")  # what a lenient reader takes for an IPv4 address (WHATWG URL 3.5)
_UNICAST = ip_network("2000::/3")  # all that is handed out of IPv6 (RFC 4291 2.4): NAT64, v4-mapped, ::/96 lie outside
_NEVER = tuple(
    ip_network(block)
    for block in (
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "2001::/23",  # protocol assignments with Teredo, RFC 2928, RFC 4380; newer Pythons call parts of it global
        "2001:db8::/32",
        "2002::/16",  # 6to4, RFC 3056
        "3fff::/20",  # documentation, RFC 9637; Python 3.11 does not know it
    )
)
_SAFE = "/%:@!$&'()*+,;=~-._?[]"  # what stands in paths and queries as it is, RFC 3986 3.3; the rest is encoded
_ASK_OPERATOR = "; or the operator names it in CARDPIPE_OUTBOUND_ALLOW"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be called as far as its text tells. ``path`` (with the query) may hold tokens and is never shown.
    ``allowed``: the operator named this host and port, so its address may be private."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    allowed: bool = False

    @property
    def authority(self) -> str:
        """Host and port as the Host header carries them: the usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str, where: str, *, allow: frozenset[str] = frozenset(), http: bool = False) -> Target:
    """The URL's parts, without its fragment. Raises Refused with all that is wrong with it; asks nobody, so that a name
    which leads to a private address is found only by the call itself.

    Only https on port 443; http on port 80 where the caller allows ``http``; any port and either scheme where ``allow``
    names the host and port (``crm.local:8000``, ``[::1]:8000``).
    """
    found: list[Finding] = []
    target = _target(url, allow, http, lambda code, message, remedy: found.append(error(code, where, message, remedy)))
    if found or target is None:
        raise Refused("the URL cannot be called", found)
    return target


def allow_list(written: str) -> frozenset[str]:
    """CARDPIPE_OUTBOUND_ALLOW as a set: ``HOST:PORT``, comma separated. Raises Refused with all that is none."""
    found, allowed = [], set()
    for place, entry in enumerate((part.strip() for part in written.split(",")), 1):
        name, _, port = entry.lower().rpartition(":")
        bracketed = name.startswith("[") and name.endswith("]")
        host = _host(name[1:-1] if bracketed else name, bracketed)
        if host and re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536:
            allowed.add(_key(host, int(port)))
        elif entry:
            remedy = "write HOST:PORT, comma separated, such as 127.0.0.1:8000, [::1]:8000, crm.local:443"
            found.append(
                error("outbound.allow", "CARDPIPE_OUTBOUND_ALLOW", f"entry {place} names no host and port", remedy)
            )
    if found:
        raise Refused("CARDPIPE_OUTBOUND_ALLOW cannot be read", found)
    return frozenset(allowed)


def address_of(text: str) -> Address | None:
    """A network address in its one strict spelling, else None: no octal, no hex, no missing parts."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether the whole internet may reach it, and it stands for no other one."""
    if isinstance(address, IPv6Address):
        isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE  # RFC 5214 6.1: an IPv4 address in the last 32 bits
        if address.scope_id is not None or address not in _UNICAST or isatap:
            return False
    odd = address.is_multicast or address.is_reserved or any(address in block for block in _NEVER)
    return address.is_global and not odd


def private(host: str) -> tuple[str, str, str]:
    """Code, message and remedy of a finding: the host is one of ours, or of nobody. Its address is never told, since
    that would show strangers how the network is laid out."""
    remedy = "name a server that the whole internet can reach" + _ASK_OPERATOR
    return "url.private", f"{host} does not lead to a public address only", remedy


def refused(where: str, code: str, message: str, remedy: str) -> Refused:
    """One finding that calling again does not mend."""
    return Refused(message, [error(code, where, message, remedy)])


def unavailable(where: str, message: str) -> Unavailable:
    """A failure that calling again may mend."""
    return Unavailable(message, [error("url.unavailable", where, message, "the same call may be made again later")])


def _target(url: str, allow: frozenset[str], http: bool, report: Report) -> Target | None:
    """What can be read of it; what is wrong is reported. None: nothing more can be said of it."""
    remedy = "write https://HOST/PATH"
    if len(url) > MOST_CHARACTERS:
        report("url.form", f"has {len(url)} characters, more than {MOST_CHARACTERS}", "give a shorter one")
        return None
    if not url.isprintable() or {" ", "\\"} & set(url):
        report("url.form", "holds a space, a backslash or characters that cannot be printed", remedy)
        return None
    try:
        parts = urlsplit(url)
        written = parts.port
    except ValueError:  # a port that is no number, brackets that do not match
        report("url.form", "cannot be read as a URL", remedy)
        return None
    if parts.scheme not in PORTS:
        report("url.scheme", "is neither https nor http", remedy)
        return None
    if "@" in parts.netloc:
        report("url.userinfo", "holds a user or a password before the host", "leave them out, and change that password")
    host = _host(parts.hostname or "", "[" in parts.netloc)
    if host is None:
        message = "names no host, or one in an odd spelling (numbers, other scripts, a dot at its end, a zone)"
        report("url.host", message, "write the host's full name in ASCII (xn--… for other scripts)")
        return None
    port = PORTS[parts.scheme] if written is None else written
    allowed = _key(host, port) in allow
    if not allowed:
        _judge(parts.scheme, host, port, http, report)
    query = "?" + quote(parts.query, safe=_SAFE) if parts.query else ""
    return Target(parts.scheme, host, port, quote(parts.path or "/", safe=_SAFE) + query, allowed)


def _judge(scheme: str, host: str, port: int, http: bool, report: Report) -> None:
    """What holds for everything that the operator did not name."""
    if scheme == "http" and not http:
        report("url.scheme", "is http: on its way anybody could read and change it", "write https://" + _ASK_OPERATOR)
    if port != PORTS[scheme]:
        message = f"names port {port}; {scheme} is called on port {PORTS[scheme]} only"
        report("url.port", message, "leave the port out" + _ASK_OPERATOR)
    literal = address_of(host)
    if (literal and not is_public(literal)) or host == "localhost" or host.endswith(".localhost"):
        report(*private(host))
    elif literal is None and "." not in host:
        report("url.host", f"{host} is no full name", "write the host's full name" + _ASK_OPERATOR)


def _host(name: str, bracketed: bool) -> str | None:
    """The host in its one spelling, or None."""
    literal = address_of(name)
    if bracketed:
        return str(literal) if isinstance(literal, IPv6Address) and literal.scope_id is None else None
    if isinstance(literal, IPv4Address):
        return str(literal)
    return name if _NAME.fullmatch(name) and not _NUMBER.fullmatch(name) else None


def _key(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
