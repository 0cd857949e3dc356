"""A shop with something in it for the console to show, and somebody who works there."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from cardpipe.console.guard import csrf_of, digest_of
from cardpipe.model.batch import Batch
from cardpipe.model.order import Scope
from cardpipe.model.user import Role, User
from cardpipe.pipeline import intake
from cardpipe.pipeline.accept import accept
from cardpipe.pipeline.gather import gather
from cardpipe.pipeline.mapping import Columns
from cardpipe.settings import Settings
from tests.pipeline.shopfloor import House, picture
from tests.storage.fresh import lay

SCOPE = Scope("local", "live")
PASSWORD = "a card for the wall"
DAY, LATER = "2026-12-01", "2026-12-08"
_DEMO = Path(__file__).resolve().parents[1] / "demo"
_NAMES = (
    "Zoë Łukasz", "Nguyễn Thị Hằng", "Bartholomew Featherstonehaugh", "Ana Šárka", "Kofi Mensah", "Lena Ortiz",
    "Mei-Ling Chow", "Jonas Åkesson", "Priya Raman", "Tom O’Hara",
)  # fmt: skip
_DESIGNS = (
    ("thank-you-fern", "thank-you", False), ("congratulations-bravo", "congratulations", True),
    ("home-row", "new-home", False),
)  # fmt: skip


def an_order(number: int, **changes: Any) -> dict[str, Any]:
    """One that is accepted as it stands; every third one has a photo."""
    design, occasion, photo = _DESIGNS[number % len(_DESIGNS)]
    given = {"photo": f"photo-{number % 5}"} if photo else {}
    return {
        "reference": f"CRM-{number:05d}", "occasion": occasion, "design": design,
        "recipient": {
            "name": f"{_NAMES[number % len(_NAMES)]} {number}", "street": f"{number} Main St", "city": "Tucson",
            "state": "AZ", "postcode": f"{85701 + number % 40}", "country": "US",
        },
        "sender": {"name": "June Abara", "street": "12 Birch St", "city": "Portland", "state": "OR", "postcode": "97201"},
        "message": "Dear {first_name},\n\nThank you for the garden with the lights on.\n\nJune",
        **given, **changes,
    }  # fmt: skip


def take(house: House, *orders: dict[str, Any], day: str = DAY, scope: Scope = SCOPE) -> list[str]:
    """Accept these; their ids."""
    ids = []
    for one in orders:
        verdict = accept(house, scope, one, lambda ref, _: picture(1500 + int(ref[-1]), 1100), day)
        assert verdict.order is not None, verdict.findings
        ids.append(verdict.order.id)
    return ids


def import_csv(house: House, name: str, data: bytes, dry_run: bool = False) -> str:
    """Take a file in and judge it; the import's id."""
    source = house.artifacts.put(SCOPE, data)
    made = intake.take_in(house, SCOPE, name, source, Columns(), {"mail_on": DAY}, dry_run=dry_run, actor="key:floor")
    house.run_steps()
    return made.id


def furnish(house: House, pieces: int = 12) -> Batch:
    """A day: one batch imposed, some composed for later, one of each trouble. The batch."""
    take(house, *(an_order(number) for number in range(pieces)))
    house.run_steps()
    gather(house, SCOPE, DAY)
    house.run_steps()
    batches = house.store.batches(SCOPE)
    assert batches and batches[0].files, [(batch.state, batch.held) for batch in batches]
    take(house, *(an_order(1000 + number) for number in range(4)), day=LATER)
    (held, twin) = take(house, an_order(2000), an_order(2001), day=LATER)
    house.store.hold(SCOPE, held, "the address is asked for", actor="user:floor")
    take(house, {**an_order(2001), "reference": "CRM-02001-again"}, day=LATER)  # looks like a second one
    assert twin
    bad = (_DEMO / "orders.csv").read_bytes().split(b"\n", 1)[0]
    rows = b"\nBAD-1,birthday,,,Ana Bell,,12 Elm St,,Tucson,ZZ,85705,US,Dear Ana,,,,,,,,June Abara,,12 Birch St,,Portland,OR,97201,"
    import_csv(house, "monday.csv", bad + rows + b"\n")
    house.run_steps()
    return batches[0]


def employ(house: House, name: str, role: Role, tenants: tuple[str, ...] = ()) -> None:
    """Somebody who may log in with :data:`PASSWORD`."""
    house.store.add_user(User(name, role, tenants, _hashed()), "test")


@cache
def _hashed() -> str:
    """:data:`PASSWORD` as it is stored, made at a hundredth of what the product takes for it (``test_password`` does):
    what it cost stands in the text itself, so that hundreds of logins of tests are real ones and cost as little."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


def open_house(data: Path) -> House:
    """A shop on that data folder; where nothing lies there yet, on a database that was migrated before."""
    if not data.exists():
        lay(data / "cardpipe.db")
    return House(Settings(data=data))


__all__ = ["DAY", "LATER", "PASSWORD", "SCOPE", "an_order", "csrf_of", "digest_of", "employ", "furnish", "import_csv",
           "open_house", "take"]  # fmt: skip
