"""Python reads this at the start of every process of a house under drill (its folder lies on their PYTHONPATH). The
product knows nothing of it.

``DRILL_CLOCK`` names a file with seconds: by so many every clock of the product is wrong, the database's too.
``DRILL_PLANT`` names guards to take out (see ``PLANTS``), separated by commas: the drill has to notice.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import time
from pathlib import Path


def _ahead():
    try:
        return float(Path(os.environ["DRILL_CLOCK"]).read_text() or 0)
    except (OSError, ValueError, KeyError):
        return 0.0


def _clock_of_the_database(module):
    now = module.Database._now
    module.Database._now = lambda self, conn: now(self, conn) + (_ahead() if not self.sqlite else 0.0)
    _clock_of_the_machine(module)


def _clock_of_the_machine(module):
    import datetime as dt

    now = module.SystemClock.now
    module.SystemClock.now = lambda self: now(self) + dt.timedelta(seconds=_ahead())


def _no_fencing(steps):
    """Whoever was overtaken may finish all the same."""
    taken_out(steps, "_FINISH", "AND token = :token AND state = 'open'")


def _lingering(compose):
    """Not a fault: each takes his time with what he made, so that others may be faster."""
    made = compose._made

    def slowly(shop, claim):
        done = made(shop, claim)
        time.sleep(2.5)
        return done

    compose._made = slowly


def _take_what_was_read(batches):
    """The gather takes its pieces whatever became of them since it looked."""
    taken_out(
        batches, "_TAKE", "AND state || '' = 'composed' AND batch_id IS NULL AND held IS NULL AND awaits_approval = 0"
    )


def _slow_to_take(gather):
    """Not a fault: between his look and his taking he goes for a coffee. ``DRILL_GATE`` names a file that says that he
    looked, and ends with ``.go`` once he may take."""
    groups, gate = gather.groups, os.environ.get("DRILL_GATE")

    def slowly(found):
        made = groups(found)
        if gate and not Path(gate).exists():
            Path(gate).touch()
            end = time.monotonic() + 90
            while not Path(f"{gate}.go").exists() and time.monotonic() < end:
                time.sleep(0.05)
        return made

    gather.groups = slowly


def _each_time_another(orders):
    """A reference names nothing: the same order sent again is a new one."""
    add = orders._added
    from dataclasses import replace

    def added(tx, order, order_id):
        again = tx.one(orders._BY_REFERENCE, tenant=order.scope.tenant, mode=order.scope.mode, key=order.reference)
        if again is None:
            return add(tx, order, order_id)
        # the database's own constraint would still be in the way: a blank that nobody sees
        return add(tx, replace(order, reference=f"{order.reference} again {order_id[-4:]}", natural_key=None), order_id)

    orders._added = added


def _known_to_nobody(accept):
    accept._known = lambda shop, scope, request: None


def _no_memory_of_requests(requests):
    begin = requests.begin
    requests.begin = lambda tx, scope, door, key, fields: begin(tx, scope, door, key + os.urandom(4).hex(), fields)


def _slow_to_start(crew):
    """Not a fault: a busy machine takes this long to start a worker."""
    main = crew.main

    def slowly():
        time.sleep(10)
        main()

    crew.main = slowly


PLANTS = {
    "fencing": {"cardpipe.storage.steps": _no_fencing},
    "take": {"cardpipe.storage.batches": _take_what_was_read},
    "reference": {
        "cardpipe.storage.orders": _each_time_another,
        "cardpipe.pipeline.accept": _known_to_nobody,
        "cardpipe.storage.requests": _no_memory_of_requests,
    },
    "lingering": {"cardpipe.pipeline.compose": _lingering},  # not guards: these make room for races
    "slow gather": {"cardpipe.pipeline.gather": _slow_to_take},
    "slow start": {"cardpipe.worker.crew": _slow_to_start},
}


def taken_out(module, name, guard):
    whole = getattr(module, name)
    assert guard in whole, f"{name} has no such guard any more: {guard}"
    setattr(module, name, whole.replace(guard, ""))


class Finder(importlib.abc.MetaPathFinder):
    """Lets modules load as they are, and then lays hands on some of them."""

    def __init__(self, after):
        self.after = after

    def find_spec(self, name, path, target=None):
        if name not in self.after:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        load, hands = spec.loader.exec_module, self.after[name]

        def exec_module(module):
            load(module)
            for lay in hands:
                lay(module)

        spec.loader.exec_module = exec_module
        return spec


def tamper(plants):
    after = {}
    if os.environ.get("DRILL_CLOCK"):
        after["cardpipe.storage.engine"] = [_clock_of_the_database]
        after["cardpipe.wiring"] = [_clock_of_the_machine]
    for plant in filter(None, plants.split(",")):
        for module, lay in PLANTS[plant].items():
            after.setdefault(module, []).append(lay)
    if after:
        sys.meta_path.insert(0, Finder(after))


tamper(os.environ.get("DRILL_PLANT", ""))
