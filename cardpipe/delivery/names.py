"""From a host's name to addresses that may be called: asked once, within a time, and every one judged."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from itertools import zip_longest

from cardpipe.delivery.reach import Target, address_of, is_public, private, refused

Resolver = Callable[[str, int], Sequence[str]]


def ask_dns(host: str, port: int) -> list[str]:
    """Every address of the name, as this machine finds them. Raises socket.gaierror where there is none."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def addresses(target: Target, where: str, resolve: Resolver, seconds: float) -> list[str]:
    """Where to call, best first. Raises Refused (``url.private``) when one of them is not public and the operator did
    not allow this target; OSError (TimeoutError among them) when nobody knows the name."""
    literal = address_of(target.host) is not None
    found = list(dict.fromkeys([target.host] if literal else _within(seconds, resolve, target)))
    if not found:
        raise socket.gaierror
    if target.allowed:
        return found
    judged = [address for text in found if (address := address_of(text)) and is_public(address)]
    if len(judged) < len(found):
        raise refused(where, *private(target.host))
    first = [str(address) for address in judged if address.version == judged[0].version]
    other = [str(address) for address in judged if address.version != judged[0].version]
    # in turns: where the one kind leads nowhere, the other is tried before the time is used up
    return [text for pair in zip_longest(first, other) for text in pair if text]


def _within(seconds: float, resolve: Resolver, target: Target) -> Sequence[str]:
    """The resolver knows no time limit: it is asked aside, and left alone when it takes too long."""
    answers: queue.SimpleQueue[tuple[Sequence[str], Exception | None]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put((resolve(target.host, target.port), None))
        except Exception as problem:
            answers.put(((), problem))

    threading.Thread(target=ask, name="dns", daemon=True).start()
    try:
        found, problem = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if problem:
        raise problem
    return found
