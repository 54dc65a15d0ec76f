"""The readiness page as one HTML file: no network, no script, the same bytes for the same page."""

from collections.abc import Mapping
from typing import Any

from mm_ops.adapters.html_pages import drawing, write_page
from mm_ops.domain.canonical import to_plain
from mm_ops.domain.charts.bars import Bars
from mm_ops.domain.charts.picture import picture_svg, picture_words
from mm_ops.domain.readiness.evidence import FIELDS
from mm_ops.domain.readiness.override import override_words

_WIDE, _NARROW = (960, 240), (400, 240)
_STANDING = {"GO": "pass", "HOLD": "fail"}


def render_readiness_page(document: Mapping[str, Any], history: Bars) -> bytes:
    """Write the page as UTF-8; every text is escaped, and no moment of writing is in it."""
    plain = to_plain(document)
    override = plain["override"]
    return write_page(
        "readiness.html.j2",
        page=plain,
        fields=FIELDS,
        standing=_STANDING[plain["verdict"]],
        override=None if override is None or override["content"] is None else override_words(override["content"]),
        wide=drawing(picture_svg(history, *_WIDE)),
        narrow=drawing(picture_svg(history, *_NARROW)),
        words=picture_words(history),
    )
