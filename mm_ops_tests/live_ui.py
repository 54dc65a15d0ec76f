"""The Dagster UI of a deployment in a folder, its daemon beside it, and a browser that opens it."""

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from mm_ops_tests.browser import BROWSER
from mm_ops_tests.live_daemon import ended
from mm_ops_tests.live_paperbot import free_port
from mm_ops_tests.requirements import require_binary

_READY_WITHIN_S = 90
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without these Chromium asks hosts outside for updates."""


@contextmanager
def webserver(root: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """Serve the UI on a loopback port until the block ends; gives its address."""
    port, log = free_port(), root / "webserver.log"
    command = [
        sys.executable,
        "-m",
        "dagster_webserver",
        "-m",
        "mm_ops.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    with ended(command, log, root, variables):
        url = f"http://127.0.0.1:{port}"
        _await(f"{url}/server_info", log)
        yield url


@contextmanager
def served_files(folder: Path) -> Iterator[str]:
    """Serve a folder as `make ui` does; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    with ended(command, folder.parent / "files.log", folder, {}):
        _await(f"http://127.0.0.1:{port}", folder.parent / "files.log")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def browser_page() -> Iterator[Page]:
    """Open a page of the system's Chromium; without one it skips, or fails where servers are required."""
    found = BROWSER or require_binary("chromium")
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=found, args=list(_QUIET))
        stack.callback(browser.close)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(60_000)
        yield page


def _await(url: str, log: Path) -> None:
    end = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - ours, on loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"{url} did not answer within {_READY_WITHIN_S} s: {log.read_text(encoding='utf-8')[-2000:]}")
