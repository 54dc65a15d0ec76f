"""What the soak page really looks like to a browser; skipped where there is none, since it decides nothing."""

import json
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from mm_ops.adapters.soak_html import render_soak_page
from mm_ops_tests.soak_pages import broken, healthy, missing

pytestmark = pytest.mark.integration
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGES = {"healthy": healthy(), "broken": broken(), "missing": missing()}
WIDTHS = (360, 760, 761, 1020, 1021, 1300)
RULER = """<!doctype html><meta charset="utf-8"><title>[]</title><body><script>
const seen = [];
function measure(frame) {
  const page = frame.contentDocument, width = page.documentElement.clientWidth;
  const box = (e) => e.getBoundingClientRect();
  const drawings = [...page.querySelectorAll('svg[role=img]')].filter((e) => box(e).width > 0);
  const scale = (svg) => box(svg).width / svg.viewBox.baseVal.width;
  const texts = drawings.flatMap((svg) => [...svg.querySelectorAll('text')].map((text) => [svg, text]));
  seen.push({
    width,
    scrolls: page.documentElement.scrollWidth - width,
    beyond: [...page.querySelectorAll('body *')].filter((e) => box(e).right > width + 1 && !e.closest('thead')).length,
    drawings: drawings.map((svg) => svg.viewBox.baseVal.width),
    smallest: Math.min(...texts.map(([svg, text]) => scale(svg) * parseFloat(getComputedStyle(text).fontSize))),
    cut: texts.filter(([svg, text]) => box(text).right > box(svg).right + 1).length
      + texts.filter(([svg, text]) => box(text).left < box(svg).left - 1).length,
  });
  document.title = JSON.stringify(seen);
}
</script>"""
FRAME = '<iframe src="page.html" style="border:0;height:4000px;width:{width}px" onload="measure(this)"></iframe>'


def browse(folder: Path, *arguments: str) -> str:
    """Run the browser, headless, with a profile of its own."""
    if BROWSER is None:
        pytest.skip("no chromium here (apt-get install chromium): how the page looks was not tried")
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files")
    command = [BROWSER, *quiet, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("name", PAGES)
def test_from_phone_to_desk_nothing_sticks_out_and_no_text_of_a_chart_is_cut_or_too_small(name: str, tmp_path: Path):
    """Up to 760 px the two narrow drawings are shown, beyond it the two wide ones, and never both."""
    (tmp_path / "page.html").write_bytes(render_soak_page(PAGES[name]))
    ruler = tmp_path / "ruler.html"
    ruler.write_text(RULER + "".join(FRAME.format(width=width) for width in WIDTHS), encoding="utf-8")
    dump = browse(tmp_path, "--window-size=1400,4000", "--virtual-time-budget=5000", "--dump-dom", ruler.as_uri())
    seen = json.loads(unescape(dump.split("<title>")[1].split("</title>")[0]))
    assert sorted(one["width"] for one in seen) == list(WIDTHS)
    for one in seen:
        assert (one["scrolls"], one["beyond"], one["cut"]) == (0, 0, 0), one
        assert one["drawings"] == ([400, 400] if one["width"] <= 760 else [960, 960])
        assert one["smallest"] >= 9.5
