"""What a soak measured, as it is stored: every SLI's value with its evidence, and read back for the gates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.sli.catalogue import Sli, SliCatalogue
from mm_ops.domain.sli.measurement import Measurement, Problem, Scope, not_measured
from mm_ops.domain.sli.series import Series
from mm_ops.domain.soak.buckets import measure_buckets
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.summary import field_of
from mm_ops.domain.soak.sustained import measure_sustained, unmeasured_sustained
from mm_ops.domain.windows import TimeWindow

_MEASURED = frozenset(field.name for field in fields(Measurement))
_ADAPTER = TypeAdapter(Measurement)


def measure_slis(
    slis: SliCatalogue,
    table: Sequence[Series],
    window: TimeWindow,
    scrape_interval: timedelta,
    *,
    source: str | None = None,
) -> dict[str, Any]:
    """Measure every SLI over a window.

    Args:
        slis: what to measure.
        table: raw samples; those outside the window are left out, so one table serves a soak and its last day.
        window: half-open.
        scrape_interval: how often the bot is scraped, for the coverage.
        source: where the samples came from, in words.

    Returns:
        ``source``, ``window`` (start/end), ``window_s``, ``scrape_interval_s``, and ``slis``: for each name
        ``kind``, ``unit``, ``query`` and the fields of ``Measurement``.
    """
    scope = Scope(window, scrape_interval)
    measured = {sli.name: _entry(sli, sli.measure.evaluate(table, scope), window) for sli in slis.slis}
    return _document(measured, scope, source)


def measure_soak(
    slis: SliCatalogue, soak: SoakPolicy, table: Sequence[Series], window: TimeWindow, *, source: str | None = None
) -> dict[str, Any]:
    """Measure all that the rules of a soak look at.

    Returns:
        What :func:`measure_slis` gives, with ``sustained`` (each gate's alert, replayed) and ``buckets`` (every SLI
        over the parts of the window).

    Raises:
        PolicyError: a gate without its SLI, or a window that is not a whole number of buckets.
    """
    scope = Scope(window, soak.scrape_interval)
    inside = [series.within(window) for series in table]
    return {
        **measure_slis(slis, inside, window, soak.scrape_interval, source=source),
        "sustained": {
            gate.name: measure_sustained(gate, slis.of(gate.sli), inside, scope, soak.evaluation_interval)
            for gate in soak.watched
        },
        "buckets": measure_buckets(slis.slis, inside, scope, soak.buckets),
    }


def unmeasured_soak(
    slis: SliCatalogue, soak: SoakPolicy, why: str, window: TimeWindow, *, source: str | None = None
) -> dict[str, Any]:
    """State for all of it that the source did not answer, in the same form as :func:`measure_soak`."""
    nothing = not_measured(Problem.SOURCE_ERROR, why, window)
    measured = {sli.name: _entry(sli, nothing, window) for sli in slis.slis}
    return {
        **_document(measured, Scope(window, soak.scrape_interval), source),
        "sustained": {
            gate.name: unmeasured_sustained(gate, slis.of(gate.sli), why, window, soak.evaluation_interval)
            for gate in soak.watched
        },
        "buckets": None,
    }


def version_in(document: Mapping[str, Any], soak: SoakPolicy) -> str | None:
    """The one version that ran, in every sample of the window; ``None`` where the samples do not say.

    Raises:
        SchemaError: the document is not what :func:`measure_slis` gives.
    """
    measured = measurements_from(document)
    for gate in soak.gates:
        found = measured.get(gate.sli)
        if gate.version_label and found and found.value is not None and not found.not_finite:
            return found.labels.get(gate.version_label)
    return None


def measurements_from(document: Mapping[str, Any]) -> dict[str, Measurement]:
    """Read the measurements back from what :func:`measure_soak` gave.

    Raises:
        SchemaError: a field is absent, unknown or of another type; names it.
    """
    return {name: _measurement(name, entry) for name, entry in entries_from(document).items()}


def entries_from(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Read what is stored for each SLI, unchecked but for its being there.

    Raises:
        SchemaError: there is no mapping of SLIs.
    """
    entries: dict[str, dict[str, Any]] = field_of(document, "slis", dict)
    for name, entry in entries.items():
        if not isinstance(entry, Mapping):
            raise SchemaError(f"soak metrics: slis.{name}: expected an object, was {type(entry).__name__}")
    return entries


def _entry(sli: Sli, measurement: Measurement, window: TimeWindow) -> dict[str, Any]:
    query = sli.measure.promql(window.duration, measurement.labels)
    about = {"kind": sli.measure.kind, "unit": sli.unit, "query": query}
    return about | {name: getattr(measurement, name) for name in sorted(_MEASURED)}


def _document(measured: Mapping[str, Any], scope: Scope, source: str | None) -> dict[str, Any]:
    document: dict[str, Any] = to_plain(
        {
            "source": source,
            "window": str(scope.window),
            "window_s": scope.window.duration,
            "scrape_interval_s": scope.scrape_interval,
            "slis": measured,
        }
    )
    return document


def _measurement(name: str, entry: Mapping[str, Any]) -> Measurement:
    absent = sorted(_MEASURED - set(entry))
    if absent:
        raise SchemaError(f"soak metrics: slis.{name}: expected the fields {', '.join(absent)}, was without")
    try:
        text = json.dumps({key: entry[key] for key in _MEASURED}, allow_nan=False)
        return _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in fault["loc"])
        raise SchemaError(f"soak metrics: slis.{name}.{field}: {fault['msg']}, was {fault['input']!r}") from error
    except (TypeError, ValueError) as error:
        raise SchemaError(f"soak metrics: slis.{name}: not the JSON that was stored: {error}") from error
