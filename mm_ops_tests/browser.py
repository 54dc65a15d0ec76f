"""What a page looks like to a browser, measured at several widths."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
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


def measure(page: bytes, widths: Sequence[int], folder: Path) -> list[dict[str, Any]]:
    """Of each width: by how much it scrolls sideways, what sticks out or is cut, which drawings are seen, how small."""
    (folder / "page.html").write_bytes(page)
    ruler = folder / "ruler.html"
    ruler.write_text(RULER + "".join(FRAME.format(width=width) for width in widths), encoding="utf-8")
    dump = browse(folder, "--window-size=1400,4000", "--virtual-time-budget=5000", "--dump-dom", ruler.as_uri())
    seen: list[dict[str, Any]] = json.loads(unescape(dump.split("<title>")[1].split("</title>")[0]))
    assert sorted(one["width"] for one in seen) == sorted(widths)
    return seen
