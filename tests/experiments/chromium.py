"""A real browser for tests of pages: no network, everything it complains about on record."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Milliseconds, of a machine that others use as well.
PATIENCE = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, without a window. Raises FileNotFoundError where there is none."""
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if path is None:
        raise FileNotFoundError(
            "tests of pages need a Chromium: apt-get install chromium, or google-chrome on the path"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page in the browser. complaints: of its console, of scripts that raised, of dialogs. asked: for addresses."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def run(self, script: str, argument: Any = None) -> Any:
        """What a function of JavaScript returns inside the page."""
        return self.page.evaluate(script, argument)


@contextmanager
def opened(browser: Browser, path: Path, *, width: int = 1280, **options: Any) -> Iterator[Opened]:
    """A file in a window of its own, away from the network; its scripts have come to their end.

    options: of playwright's context, such as color_scheme or java_script_enabled.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
    context.set_default_timeout(PATIENCE)
    found = Opened(context.new_page())
    page = found.page
    page.on("console", lambda message: found.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: found.complaints.append(f"raised: {error}"))
    page.on("dialog", lambda dialog: (found.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: found.asked.append(request.url))
    try:
        page.goto(path.resolve().as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]", state="attached")
        yield found
    finally:
        context.close()
