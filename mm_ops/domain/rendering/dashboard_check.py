"""Whether a dashboard is one: what Grafana would ignore, misread or leave empty, found before it is deployed.

In this order, and no further than the first stage that finds something, since the next relies on it: JSON that can
be read in one way only; every field known to the SDK and of its type; the same bytes after a round trip through the
SDK; and then layout, queries and limits together.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from mm_ops.domain import canonical
from mm_ops.domain.rendering.dashboard_layout import find_layout_faults
from mm_ops.domain.rendering.dashboard_limits import find_limit_faults
from mm_ops.domain.rendering.dashboard_queries import find_query_faults
from mm_ops.domain.rendering.dashboard_types import find_type_faults, through_sdk
from mm_ops.domain.rendering.faults import Fault, Path, shorten
from mm_ops.domain.rendering.panels import BOT
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.policy import SoakPolicy


def find_dashboard_faults(
    text: str, exported: AbstractSet[str] | None = None, policies: tuple[SliCatalogue, SoakPolicy] | None = None
) -> list[str]:
    """Find what is wrong with a dashboard, one line each with the panel and the field; none where all is well.

    Args:
        text: the dashboard as JSON.
        exported: every metric that the bot exports, buckets with their suffix; ``None`` does not compare.
        policies: the catalogue whose limits must be drawn; ``None`` does not compare.
    """
    try:
        document = json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError) as error:
        return [f"dashboard: not readable as JSON: {error}"]
    found = list(_find_json_faults(document, ()))
    found = found or list(find_type_faults(document)) or list(_find_differences(document, text))
    if not found:
        found = [*find_layout_faults(document), *find_query_faults(document, BOT, exported)]
        found += find_limit_faults(document, *policies) if policies else []
    return [fault.text(document) for fault in found]


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys stood twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.doubled = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]


def _find_json_faults(value: Any, path: Path) -> Iterator[Fault]:
    """Find what JSON readers do not agree about: doubled keys, and numbers that are none."""
    if isinstance(value, _Object):
        for key in value.doubled:
            yield Fault((*path, key), "the key stands twice; the last would win")
        for key, item in value.items():
            yield from _find_json_faults(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _find_json_faults(item, (*path, number))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Fault(path, f"expected a number, was {value}")


def _find_differences(document: Any, text: str) -> Iterator[Fault]:
    """Find what the SDK loses or adds when it reads the dashboard and writes it again."""
    try:
        returned = through_sdk(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield Fault((), f"the SDK does not read it: {type(error).__name__}: {error}")
        return
    yield from _compare(document, returned, ())
    if document == returned and canonical.encode(document).decode() != text:
        yield Fault((), "not the canonical text of its content: write it with mm-ops render")


def _compare(here: Any, there: Any, path: Path) -> Iterator[Fault]:
    if isinstance(here, dict) and isinstance(there, dict):
        for key in sorted(here.keys() | there.keys()):
            if key not in there:
                yield Fault((*path, key), f"the SDK drops it, was {shorten(here[key])}")
            elif key not in here:
                yield Fault((*path, key), f"expected {shorten(there[key])} as the SDK writes it, was nothing")
            else:
                yield from _compare(here[key], there[key], (*path, key))
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for number, (one, other) in enumerate(zip(here, there, strict=True)):
            yield from _compare(one, other, (*path, number))
    elif here != there:
        yield Fault(path, f"expected {shorten(there)} as the SDK writes it, was {shorten(here)}")
