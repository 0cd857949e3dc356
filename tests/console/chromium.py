"""A real Chromium before the console: the machine's own, or Playwright's where it has one."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from cardpipe.console.app import make_console
from tests.console.floor import PASSWORD
from tests.pipeline.shopfloor import House

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: Wide as on a desk, and as a phone.
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def executable() -> str | None:
    """The machine's Chromium; None: Playwright's own. Where there is neither, the test is skipped at home, by name, and
    fails where everything is asked for."""
    if found := next(filter(None, map(shutil.which, _NAMES)), None):
        return found
    with sync_playwright() as playwright:
        if Path(playwright.chromium.executable_path).exists():
            return None
    if os.environ.get("CARDPIPE_TEST_REQUIRE") == "all":
        pytest.fail("no Chromium, and CARDPIPE_TEST_REQUIRE=all asks for it (Debian: chromium)")
    pytest.skip("Chromium: install chromium to run this")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser without a window."""
    own = executable()
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=own, args=args)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def listening(house: House, at_work: bool = True) -> Iterator[str]:
    """The console of a shop on an address of this machine, whose steps are done as they fall due."""
    server = uvicorn.Server(
        uvicorn.Config(make_console(house), host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1)
    )
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.3):
            house.run_steps()

    threads = [threading.Thread(target=server.run)]
    threads += [threading.Thread(target=work)] if at_work else []
    for thread in threads:
        thread.start()
    while not server.started:
        assert threads[0].is_alive(), "the server did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.should_exit = True
        for thread in threads:
            thread.join()


def log_in(browser: Browser, address: str, name: str, **context: Any) -> Page:
    """A page of somebody who typed name and password. Whatever the browser complains of in its console is kept in
    ``page.complaints`` (a policy that is broken, a script that failed)."""
    page = browser.new_context(base_url=address, viewport=WIDE, **context).new_page()
    page.complaints = []  # type: ignore[attr-defined]
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)  # type: ignore[attr-defined]
    page.on("pageerror", lambda failure: page.complaints.append(str(failure)))  # type: ignore[attr-defined]
    page.goto("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/")
    return page


def complaints(page: Page) -> list[str]:
    """What the browser complained of so far, but for answers that are errors on purpose, and for htmx's word that a
    page was left while it renewed a part of it."""
    meant = ("Failed to load resource", "status of", "htmx:sendAbort", "htmx:afterRequest, ")
    return [said for said in page.complaints if not any(each in said for each in meant)]  # type: ignore[attr-defined]


def judge(page: Page) -> list[str]:
    """What axe-core finds on the page as it is now: WCAG 2.1 A and AA, and its best practices."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {[node['html'][:160] for node in each['nodes'][:4]]}"
        for each in found
    ]
