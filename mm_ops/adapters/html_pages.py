"""What the pages share in being written: one environment of templates, and what every template may call."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mm_ops import __version__
from mm_ops.domain.charts.scale import quantity
from mm_ops.domain.charts.time_axis import lasting, moment, moment_with_year

_ANSWERS = {"pass": "Pass", "fail": "Fail", "inconclusive": "Inconclusive"}
_SIGNS = {"pass": "✓", "fail": "✕", "inconclusive": "?"}


def write_page(template: str, **content: Any) -> bytes:
    """Fill a template of this package, as UTF-8; every text is escaped, and no moment of writing is in it."""
    environment = Environment(
        loader=PackageLoader("mm_ops.adapters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "quantity": quantity,
        "moment": moment,
        "dated": moment_with_year,
        "lasting": lasting,
        "answers": _ANSWERS,
        "signs": _SIGNS,
        "version": __version__,
    }
    return environment.get_template(template).render(**content).encode()


def drawing(svg: str) -> Markup:
    """Let a drawing of :mod:`mm_ops.domain.charts`, which escapes what it writes, stand in a page as it is."""
    return Markup(svg)  # noqa: S704 - the charts escape
