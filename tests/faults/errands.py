"""What the customers do: each order is an errand that goes on until it is answered, whatever happens to the API.

An errand is a generator: it yields the seconds after which it wants to go on, so that a few customers can have many
orders under way. Nothing here looks behind the API.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

from cardpipe.client import Cardpipe, Failed, Unreachable
from tests.faults.placing import Wish

T = TypeVar("T")
Errand = Generator[float, None, T]
#: What is not an answer to the order, but to the moment: the same call may be made again.
_LATER = {"in_progress", "rate.limit", "shop.backlog", "shop.no_room", "tenant.daily_limit"}


class Desk:
    """The API as the customers of a drill know it: an address, a key a tenant and mode, and the day they order for."""

    #: How many of them think for a while about what they ordered before they do anything more about it.
    leisure = 0.5

    def __init__(self, url: str, keys: dict[tuple[str, str], str], mail_on: str, seed: int) -> None:
        self.url, self.keys, self.mail_on = url, keys, mail_on
        self.rng = random.Random(seed)
        self.counted: Counter[str] = Counter()
        #: By tenant, the orders that stand in its file.
        self.files: dict[str, list[Wish]] = {}
        self._own = threading.local()

    def client(self, wish: Wish) -> Cardpipe:
        """This customer's own connection with that key; it tries twice, and then the errand waits."""
        if not hasattr(self._own, "clients"):
            self._own.clients = {
                key: Cardpipe(self.url, text, tries=2, timeout=20, sleep=lambda _: time.sleep(0.2))
                for key, text in self.keys.items()
            }
        return self._own.clients[wish.tenant, wish.mode]

    def insist(self, wish: Wish, what: str, call: Callable[[Cardpipe], T]) -> Errand[T]:
        """Call until there is an answer; Failed is one, if it is about the order."""
        while True:
            try:
                answer = call(self.client(wish))
            except Unreachable:
                self.counted[f"{what}, again"] += 1
                yield self.rng.uniform(0.3, 1.5)
            except Failed as problem:
                if problem.code not in _LATER and problem.status < 500:
                    raise
                self.counted[f"{what}, later"] += 1
                yield self.rng.uniform(0.5, 2.0)
            else:
                self.counted[what] += 1
                return answer

    # what they do
    def run(self, wish: Wish, ready: Callable[[int], Wish]) -> Errand[None]:
        """All that becomes of one order. ``ready`` finds another one that this one looks like."""
        if wish.kind == "imported":
            yield from self.imported(wish)
            return
        if wish.twin:
            while not ready(wish.twin).id:
                yield 1.0
        told = yield from self.order(wish)
        if wish.kind == "test":
            wish.fate = "test"
        elif wish.kind == "unapproved":
            wish.fate = "waits for approval"
        elif wish.kind in ("second", "allowed"):
            yield from self.duplicate(wish, told)
        else:
            wish.fate = "printed"
        if self.rng.random() < self.leisure:
            yield self.rng.uniform(0.1, 3.0)
        if wish.kind in ("changed", "photo changed"):
            yield from self.change(wish)
        elif wish.kind == "cancelled":
            yield from self.cancel(wish)
        elif wish.kind in ("held", "resumed"):
            yield from self.hold(wish)
        elif wish.kind == "approved":
            yield from self.approve(wish)
        if wish.kind in ("twice", "test") or self.rng.random() < 0.2:
            yield self.rng.uniform(0.1, 4.0)
            if wish.version == 1:
                yield from self.order(wish)

    def picture(self, wish: Wish) -> Errand[str]:
        data = wish.picture()
        return (yield from self.insist(wish, "upload", lambda client: client.upload(data)))

    def order(self, wish: Wish) -> Errand[dict[str, Any]]:
        """Hand it in, under one key each time or under none that lasts: its reference must be enough."""
        digest = (yield from self.picture(wish)) if wish.photo else ""
        body = wish.body(self.mail_on, digest)
        key = f"key-{wish.mode}-{wish.number}" if wish.number % 3 else ""
        if wish.kind == "twice" and not wish.id:
            told = yield from self.at_once(wish, body, key)
        else:
            told = yield from self.insist(wish, "order", lambda client: client.order(body, idempotency_key=key))
        if wish.id and told["id"] != wish.id:
            wish.complaints.append(f"was answered with {wish.id} and then with {told['id']}")
        wish.id = told["id"]
        return told

    def at_once(self, wish: Wish, body: dict[str, Any], key: str) -> Errand[dict[str, Any]]:
        """Two of his programs hand the same order in at the same moment."""
        other: list[str] = []

        def also() -> None:
            try:
                with Cardpipe(self.url, self.keys[wish.tenant, wish.mode], tries=1, timeout=20) as client:
                    other.append(client.order(body, idempotency_key=key)["id"])
            except (Failed, Unreachable):
                pass  # the one below insists

        beside = threading.Thread(target=also, daemon=True)
        beside.start()
        told = yield from self.insist(wish, "order", lambda client: client.order(body, idempotency_key=key))
        beside.join(30)
        if other and other[0] != told["id"]:
            wish.complaints.append(f"two at once were answered with {other[0]} and {told['id']}")
        return told

    def imported(self, wish: Wish) -> Errand[None]:
        """It stands in its tenant's file, which the first of that file hands in twice under one key."""
        if self.files.setdefault(wish.tenant, [wish])[0] is wish:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / f"{wish.tenant}.ndjson"
                file.write_text("".join(json.dumps(row.body(self.mail_on)) + "\n" for row in self.files[wish.tenant]))
                ids = set()
                for _ in range(2):
                    told = yield from self.insist(wish, "import", lambda client: client.import_file(file))
                    ids.add(told["id"])
                    yield self.rng.uniform(0.1, 2.0)
            if len(ids) > 1:
                wish.complaints.append(f"one file is {len(ids)} imports")
        while True:
            try:
                told = yield from self.insist(wish, "get", lambda client: client.get(wish.reference))
            except Failed as problem:
                if problem.status != 404:
                    raise
            else:
                if told["state"] == "accepted":
                    wish.id, wish.fate = told["id"], "printed"
                    return
                if told["state"] == "refused":
                    raise AssertionError(f"its row was refused: {told['findings']}")
            yield 1.5

    def duplicate(self, wish: Wish, told: dict[str, Any]) -> Errand[None]:
        """It looks like a second card: held, and printed only if that was allowed."""
        told = yield from self.insist(wish, "get", lambda client: client.get(wish.id))
        held = told["held"] or {}
        if held.get("code") != "order.duplicate":
            wish.complaints.append(f"looks like a second card and is {told['state']}, held: {held.get('code')}")
        wish.fate = "held as a duplicate"
        if wish.kind == "allowed":
            yield from self.insist(
                wish, "resume", lambda client: client.resume(wish.id, "on purpose", allow_duplicate=True)
            )
            wish.fate = "printed"

    def change(self, wish: Wish) -> Errand[None]:
        """Other words or another photo, until he is told that it is so, or that it is too late."""
        other = Wish(wish.number, wish.tenant, wish.kind, wish.photo, wish.twin, wish.version + 1)
        changes: dict[str, Any] = {"message": other.message()}
        if wish.kind == "photo changed":
            changes["photo"] = yield from self.picture(other)
        while True:
            try:
                yield from self.insist(wish, "change", lambda client: client.change(wish.id, changes))
                wish.version = other.version
                return
            except Failed as problem:
                if problem.status == 412 or problem.code == "order.revision":  # his first try may have gone through
                    yield 0.1
                    continue
                if problem.code != "order.change.too_late":
                    raise
            told = yield from self.insist(wish, "get", lambda client: client.get(wish.id))
            if told["revision"] > 1:
                wish.version = other.version
            else:
                self.counted["change, too late"] += 1
            return

    def cancel(self, wish: Wish) -> Errand[None]:
        try:
            yield from self.insist(wish, "cancel", lambda client: client.cancel(wish.id, "not wanted any more"))
        except Failed as problem:
            if problem.status != 409:
                raise
            self.counted["cancel, too late"] += 1
        else:
            wish.fate = "cancelled"

    def hold(self, wish: Wish) -> Errand[None]:
        """Whether it came in time, the answer tells: the piece lies in a batch, or it does not."""
        try:
            told = yield from self.insist(wish, "hold", lambda client: client.hold(wish.id, "the address is asked for"))
        except Failed as problem:
            if problem.status != 409:
                raise
            self.counted["hold, too late"] += 1
            return
        if any(piece["batch"] for piece in told["pieces"]):
            return
        wish.fate = "held"
        if wish.kind == "resumed":
            yield self.rng.uniform(0.5, 5.0)
            yield from self.insist(wish, "resume", lambda client: client.resume(wish.id, "it is right"))
            wish.fate = "printed"

    def approve(self, wish: Wish) -> Errand[None]:
        wish.fate = "waits for approval"
        while True:
            told = yield from self.insist(wish, "get", lambda client: client.get(wish.id))
            if told["proof"] and told["proof"]["ready"]:
                break
            yield 1.0
        digest = told["proof"]["digest"]
        yield from self.insist(wish, "approve", lambda client: client.approve(wish.id, digest))
        wish.fate = "printed"


class Customers:
    """A few threads that run the errands of many orders."""

    def __init__(self, desk: Desk, wishes: list[Wish], threads: int, over: float = 0.0) -> None:
        self.desk, self.wishes = desk, wishes
        for wish in wishes:
            if wish.kind == "imported":
                desk.files.setdefault(wish.tenant, []).append(wish)
        by_number = {wish.number: wish for wish in wishes}
        self._turn = itertools.count()
        now = time.monotonic()
        #: (when, turn, wish, errand): new orders come in spread over so many seconds
        self._queue: list[tuple[float, int, Wish, Errand[None]]] = [
            (now + over * place / max(1, len(wishes)), next(self._turn), wish, desk.run(wish, by_number.__getitem__))
            for place, wish in enumerate(wishes)
        ]
        self._open = len(wishes)
        self._lock = threading.Lock()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    @property
    def open(self) -> int:
        """How many errands are not done."""
        return self._open

    def _work(self) -> None:
        while not self.stop.is_set() and self._open:
            with self._lock:
                due = bool(self._queue) and self._queue[0][0] <= time.monotonic()
                taken = heapq.heappop(self._queue) if due else None
            if taken is None:
                time.sleep(0.02)
                continue
            _, _, wish, errand = taken
            try:
                wait = next(errand)
            except StopIteration:
                self._done()
            except Exception as problem:
                where = traceback.extract_tb(problem.__traceback__)[-1]
                wish.complaints.append(f"{type(problem).__name__}: {problem} ({where.name})")
                self._done()
            else:
                with self._lock:
                    heapq.heappush(self._queue, (time.monotonic() + wait, next(self._turn), wish, errand))

    def _done(self) -> None:
        with self._lock:
            self._open -= 1
