"""What the soak page really looks like to a browser; skipped where there is none, since it decides nothing."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from mm_ops.adapters.soak_html import render_soak_page
from mm_ops.domain.soak.page import Page
from mm_ops_tests.soak_pages import broken, healthy, missing

pytestmark = pytest.mark.integration
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGES = {"healthy": healthy(), "broken": broken(), "missing": missing()}
RULER = """<!doctype html><body style="margin:0"><iframe src="page.html" style="border:0;width:{width}px;height:4000px"
onload="const d=this.contentDocument, w=d.documentElement.clientWidth;
const out=[...d.querySelectorAll('body *')].filter(e=>e.getBoundingClientRect().right>w+1&&!e.closest('svg,thead'));
const shown=[...d.querySelectorAll('svg[role=img]')].filter(e=>e.getBoundingClientRect().width>0);
const small=shown.flatMap(s=>{{const k=s.getBoundingClientRect().width/s.viewBox.baseVal.width;
  return [...s.querySelectorAll('text')].map(t=>k*parseFloat(getComputedStyle(t).fontSize))}});
document.title=[d.documentElement.scrollWidth-w,out.length,shown.length,Math.min(...small).toFixed(1)].join(' ')"></iframe>"""


@dataclass(frozen=True)
class Browser:
    """Headless, with a profile and files of its own."""

    folder: Path

    def run(self, *arguments: str) -> str:
        if BROWSER is None:
            pytest.skip("no chromium here (apt-get install chromium): how the page looks was not tried")
        quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files")
        profile = f"--user-data-dir={self.folder / 'profile'}"
        done = subprocess.run(
            [BROWSER, *quiet, profile, *arguments], capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout

    def put(self, shown: Page) -> str:
        (self.folder / "page.html").write_bytes(render_soak_page(shown))
        return (self.folder / "page.html").as_uri()


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 720, 721, 1020, 1021, 1300])
def test_nothing_sticks_out_and_no_text_of_a_chart_is_too_small(browser: Browser, name: str, width: int):
    """On a phone the narrow drawings are shown, on a desk the wide ones, and never both."""
    browser.put(PAGES[name])
    ruler = browser.folder / "ruler.html"
    ruler.write_text(RULER.format(width=width))
    seen = browser.run("--window-size=1400,4000", "--virtual-time-budget=2000", "--dump-dom", ruler.as_uri())
    beyond, sticking_out, drawings, smallest = seen.split("<title>")[1].split("</title>")[0].split()
    assert (int(beyond), int(sticking_out), int(drawings)) == (0, 0, 2)
    assert float(smallest) >= 9.5
