"""A drawing as a whole: one SVG element that stands alone, and the same as an image in Markdown."""

import base64
import re

from mm_ops.domain.charts.elements import element

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
_FONT_PX = 13


def image(width: int, height: int, words: str, *children: str) -> str:
    """Put the parts of a drawing into one SVG with the words that stand for it."""
    return element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=words,
        font_family=_FONT,
        font_size=_FONT_PX,
    )


def image_markdown(svg: str, words: str, title: str) -> str:
    """Write a drawing below its title as an image in Markdown, the drawing inside the address; Dagster's UI shows it.

    HTML in Markdown, as ``<svg>`` or ``<img>``, is not shown there, nor are the words that stand for an image.
    """
    drawing = base64.b64encode(svg.encode()).decode()
    escaped, above = re.sub(r"([\\\[\]])", r"\\\1", words), re.sub(r"([\\\[\]*_`<])", r"\\\1", title)
    return f"**{above}**\n\n![{escaped}](data:image/svg+xml;base64,{drawing})"
