"""A furnished console to look at: ``python -m tests.console.stage FOLDER --port 8100``. Users viewer, operator and
administrator; the password is printed. Steps that clicks make due are done in a thread. ``--demo``: the demo's orders
instead, gathered for their day, with a few more for the days after."""

from __future__ import annotations

import argparse
import datetime as dt
import threading
import time
from pathlib import Path

import uvicorn

from cardpipe.cli.orders import take as take_files
from cardpipe.console.app import make_console
from cardpipe.model.user import Role
from cardpipe.pipeline.gather import gather
from tests.console.floor import PASSWORD, SCOPE, an_order, employ, furnish, import_csv, open_house, take
from tests.pipeline.shopfloor import House

_DEMO = Path(__file__).resolve().parents[1] / "demo"


def demo(house: House) -> None:
    """The demo's orders, in batches of their day."""
    day = next_mail_date(house.clock.now().date(), 0)
    taken = take_files(house, [_DEMO / "orders.csv", _DEMO / "more.ndjson"], day)
    house.run_steps()
    for date in sorted({row.verdict.order.mail_on for row in taken if row.verdict.order}):
        gather(house, SCOPE, date)
    house.run_steps()
    later = [next_mail_date(house.clock.now().date(), ahead) for ahead in (1, 2, 3, 4)]
    for number in range(22):
        take(house, an_order(number), day=later[number % 7 % 4])
    (held,) = take(house, an_order(2000), day=later[0])
    house.store.hold(SCOPE, held, "the address is asked for", actor="user:operator")
    bad = (_DEMO / "orders.csv").read_bytes().split(b"\n", 1)[0]
    cells = b"\nBAD-1,birthday,,,Ana Bell,,12 Elm St,,Tucson,ZZ,85705,US,Dear Ana,,,,,,,,June Abara,,12 Birch St,,Portland,OR,97201,"
    import_csv(house, "monday.csv", bad + cells + b"\n")
    house.run_steps()


def next_mail_date(day: dt.date, ahead: int) -> str:
    """So many weekdays later."""
    while ahead or day.weekday() > 4:
        day += dt.timedelta(days=1)
        ahead -= day.weekday() < 5 and ahead > 0
    return day.isoformat()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--port", type=int, default=8100)
    words.add_argument("--pieces", type=int, default=24)
    words.add_argument("--demo", action="store_true")
    asked = words.parse_args()
    house = open_house(asked.folder)
    if not house.store.users():
        for role in Role:
            employ(house, str(role), role)
        if asked.demo:
            demo(house)
        else:
            furnish(house, asked.pieces)

    def work() -> None:
        while True:
            house.store.beat("dispatcher:stage:1")
            house.run_steps()
            time.sleep(0.5)

    threading.Thread(target=work, daemon=True).start()
    print(f"http://127.0.0.1:{asked.port}/ viewer, operator, administrator: {PASSWORD}")
    uvicorn.run(make_console(house), host="127.0.0.1", port=asked.port, log_level="warning")


if __name__ == "__main__":
    main()
