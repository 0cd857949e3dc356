"""An operator's day in a real browser: import, one row mended, cut-off, download, checksums, two pieces spoiled and
made again, reconciled, handed to post, settled. Workers work beside; nothing is clicked by anybody else."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cardpipe.model.batch import match_code
from cardpipe.model.status import BatchState, PieceState
from cardpipe.model.user import Role
from tests.console.chromium import complaints, judge, listening, log_in, open_browser
from tests.console.floor import SCOPE, an_order, employ, open_house
from tests.pipeline.shopfloor import House

pytestmark = pytest.mark.xdist_group("browser")
_PATIENCE = 120_000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = open_house(tmp_path / "data")
    employ(made, "olga", Role.OPERATOR)
    yield made
    made.close()
    made.store.close()


@pytest.fixture
def page(house: House) -> Iterator[Page]:
    with listening(house) as address, open_browser() as browser:
        made = log_in(browser, address, "olga", accept_downloads=True)
        made.set_default_timeout(_PATIENCE)
        yield made


@pytest.mark.timeout(600)
def test_from_the_file_to_the_post(house: House, page: Page, tmp_path: Path) -> None:
    wait = expect
    wait.set_options(timeout=_PATIENCE)
    orders = [an_order(3 * number) for number in range(6)]  # no photos: they come beside the file, in a ZIP
    orders[4]["recipient"]["state"] = "ZZ"
    file = tmp_path / "november.ndjson"
    file.write_text("\n".join(json.dumps(order) for order in orders))

    # import: a dry run tells of the bad row, and nothing is ordered by it
    rooms = page.get_by_role("navigation", name="Rooms")
    rooms.get_by_role("link", name="Import").click()
    page.goto("/imports/new")
    page.get_by_label("Drop a file of orders here, or choose one").set_input_files(file)
    if page.get_by_role("button", name="Look at it").is_visible():
        page.get_by_role("button", name="Look at it").click()
    wait(page.get_by_role("heading", name="november.ndjson")).to_be_visible()
    assert judge(page) == []
    page.get_by_role("button", name="Dry run of").click()
    wait(page.get_by_text("dry run").first).to_be_visible()
    wait(page.get_by_role("button", name="Order 5 cards")).to_be_visible()
    assert house.store.imports(SCOPE, 10)[0][0].counts["refused"] == 1 and not house.store.batches(SCOPE)
    page.get_by_role("button", name="Order 5 cards").click()
    page.get_by_role("button", name="Order them").click()
    wait(page.get_by_role("button", name="Download the 1 refused")).to_be_visible()

    # one is stuck: mended where it is shown
    rooms.get_by_role("link", name="Stuck").click()
    page.get_by_role("link", name="Unknown state").click()
    page.get_by_role("link", name="Mend it").click()
    page.locator("input[value=ZZ]").fill("AZ")
    page.get_by_role("button", name="Mend it and judge it again").click()
    page.wait_for_timeout(500)
    assert until_state(page, house, 6), states(house)

    # the cut-off
    page.goto("/")
    page.get_by_role("link", name="Close this day").click()
    mail_on = house.store.pieces_of(SCOPE, [order.id for order in house.store.find(SCOPE, "CRM-000")])[0].mail_on
    page.goto(f"/close?day={mail_on}")
    page.get_by_role("button", name="Close it: 6 pieces into").click()
    assert until(page, lambda: bool(batches(house)) and all(b.state is BatchState.IMPOSED for b in batches(house)))
    names = [batch.name for batch in batches(house)]
    assert sum(batch.pieces for batch in batches(house)) == 6

    for name in names:
        batch = house.store.batch(SCOPE, name)
        codes = [match_code(batch.number, seq, role) for seq in range(1, batch.pieces + 1) for role in "OE"]
        # release by download, and the zip's checksums
        page.goto(f"/batches/{name}")
        page.get_by_role("link", name="Release…").click()
        page.get_by_role("button", name=f"Release {batch.pieces} pieces").click()
        fetch = page.get_by_role("button", name="files in one zip")
        wait(fetch).to_be_visible()
        with page.expect_download() as fetched:
            fetch.click()
        verify(Path(fetched.value.path()), batch.pieces)
        page.goto(f"/batches/{name}/do/printed")
        page.get_by_role("button", name="Mark").click()
        assert until(page, lambda name=name: house.store.batch(SCOPE, name).state is BatchState.PRINTED)

        # the inserter ruins two
        spoiled = [1, 2][: batch.pieces]
        page.goto(f"/batches/{name}/do/spoil")
        page.get_by_label("Pieces").fill(" ".join(map(str, spoiled)))
        page.get_by_label("Why").fill("the inserter jammed")
        page.get_by_role("button", name="Spoil").click()
        assert until(page, lambda batch=batch: any(remake.made for remake in house.store.remakes(SCOPE, batch.id)))
        page.goto(f"/batches/{name}")
        wait(page.get_by_role("heading", name="Remake R01")).to_be_visible()
        assert judge(page) == []

        # reconciled by scanner: card and envelope of each
        page.goto(f"/batches/{name}/scan")
        reconcile(page, codes)
        assert until(page, lambda batch=batch: house.store.tally(SCOPE, batch.id).inserted == batch.pieces)

        page.goto(f"/batches/{name}/do/mailed")
        page.get_by_role("button", name="Mark").click()
        assert until(page, lambda name=name: house.store.batch(SCOPE, name).state is BatchState.MAILED)
        page.goto(f"/batches/{name}/do/settle")
        page.get_by_role("button", name="Settle").click()
        assert until(page, lambda name=name: house.store.batch(SCOPE, name).state is BatchState.SETTLED)
        tally = house.store.tally(SCOPE, batch.id)
        assert (tally.gathered, tally.mailed, tally.missing) == (batch.pieces, batch.pieces, ())
        assert tally.remade == len(spoiled)

    assert states(house) == {str(PieceState.MAILED): 6}
    page.goto("/")
    wait(page.get_by_role("heading").first).to_be_visible()
    assert complaints(page) == []


def reconcile(page: Page, codes: list[str]) -> None:
    """Scan all codes as a keyboard-wedge scanner types them."""
    page.locator("[data-scan-form]").get_by_text("inserted", exact=False).first.click()
    page.get_by_label("Card and envelope, one after the other").check()
    box = page.get_by_label("Code", exact=True)
    for code in codes:
        box.fill(code)
        box.press("Enter")


def verify(path: Path, pieces: int) -> None:
    """Every file of the zip is what its list of checksums says, and the manifest has a row a piece."""
    with zipfile.ZipFile(path) as found:
        names = found.namelist()
        assert found.testzip() is None
        sums = next(name for name in names if name.endswith("SHA256SUMS"))
        folder = sums.rpartition("/")[0]
        listed = [line.split() for line in found.read(sums).decode().splitlines()]
        assert len(listed) >= 6
        for digest, name in listed:
            at = f"{folder}/{name.lstrip('*')}" if folder else name.lstrip("*")
            assert hashlib.sha256(found.read(at)).hexdigest() == digest, name
        manifest = next(name for name in names if name.endswith("_MANIFEST.json"))
        assert (
            len(json.loads(found.read(manifest))["rows" if "rows" in json.loads(found.read(manifest)) else "pieces"])
            == pieces
        )


def batches(house: House) -> list:
    return house.store.batches(SCOPE)


def states(house: House) -> dict[str, int]:
    ids = [order.id for order in house.store.find(SCOPE, "CRM-000")]
    return dict(house.store.piece_states(SCOPE, ids))


def until_state(page: Page, house: House, count: int) -> bool:
    return until(page, lambda: states(house).get(str(PieceState.COMPOSED)) == count)


def until(page: Page, told) -> bool:
    """Wait as somebody who looks at the screen does."""
    for _ in range(_PATIENCE // 250):
        if told():
            return True
        page.wait_for_timeout(250)
    return False
