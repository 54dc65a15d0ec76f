"""What is inside an answer of Prometheus: its JSON, its series, and its own words about what went wrong."""

import gc
import socket
from typing import Any

import numpy as np
import polars as pl
from pydantic_core import from_json

from mm_ops.domain.sli.series import labels_text
from mm_ops.domain.sli.series_table import Times, Values
from mm_ops.domain.windows import LAST_MOMENT, to_ns

_NS_PER_MS = 1_000_000
_LAST_S = to_ns(LAST_MOMENT) // 10**9
_SHOWN = 200


def parse_answer(body: bytes) -> Any:
    """Parse JSON without a run of the garbage collector: its objects form no cycle, and it would count each again.

    Half of the time went there. Only keys are looked up among known texts, since hardly two values are alike.

    Raises:
        ValueError: it is no JSON.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        return from_json(body, cache_strings="keys")
    finally:
        if enabled:
            gc.enable()


def read_series(series: Any) -> tuple[tuple[str, str], Times, Values]:
    """Take one series apart. Times are milliseconds written as seconds: rounded, they are exact again.

    Polars reads a number from text exactly as ``float`` does, and four times as fast.

    Raises:
        ValueError: it is no series, or has a sample without a value or without a time from 1970 to 2261.
    """
    try:
        return _read_series(series)
    except (ArithmeticError, AttributeError, LookupError, TypeError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{type(error).__name__} {error}") from error


def _read_series(series: Any) -> tuple[tuple[str, str], Times, Values]:
    metric = series["metric"]["__name__"]
    if not isinstance(metric, str):
        raise TypeError("a metric without a name")
    labels = labels_text({name: value for name, value in series["metric"].items() if name != "__name__"})
    times = np.array([pair[0] for pair in series["values"]], dtype=np.float64)
    texts = pl.Series([pair[1] for pair in series["values"]], dtype=pl.String)
    if texts.null_count() or np.isnan(times).any():
        raise ValueError("a sample without a time or a value")
    if not ((times >= 0) & (times < _LAST_S)).all():
        raise ValueError("a sample of a time that is not from 1970 to 2261")
    return (metric, labels), np.rint(times * 1000).astype(np.int64) * _NS_PER_MS, texts.cast(pl.Float64).to_numpy()


def error_of(found: Any) -> str:
    """Prometheus' own words, such as ``bad_data: parse error``."""
    if isinstance(found, dict) and isinstance(found.get("error"), str):
        return f"{found.get('errorType', 'error')}: {one_line(found['error'])}"
    return "an answer without status success"


def why_no_answer(error: BaseException) -> str:
    """Say what became of a request, and what to do: by the system's own error, which libraries wrap in theirs."""
    innermost = error
    while (inner := innermost.__cause__ or innermost.__context__) is not None:
        innermost = inner
    match innermost:
        case ConnectionRefusedError():
            return "connection refused; is Prometheus running there, and is this its address?"
        case socket.gaierror():
            return "no host of that name is known; is this the address of a Prometheus?"
        case _:
            return f"no whole answer: {one_line(str(error))}"


def one_line(text: str) -> str:
    """A text of somebody else, on one line of bearable length."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
