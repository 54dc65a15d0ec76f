from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.edge.times import TimeUnit, to_ns
from mm_ops.domain.errors import SchemaError

NS = 1_795_132_800_123_456_789  # 2026-11-20T00:00:00.123456789Z: 20,777 days of 86,400 s, and the fraction

UNITS = {
    "nanoseconds as they are": ([NS], "ns", NS),
    "microseconds": ([NS // 1000], "us", NS // 1000 * 1000),
    "milliseconds": ([NS // 1_000_000], "ms", NS // 1_000_000 * 1_000_000),
    "seconds": ([1_795_132_800], "s", 1_795_132_800_000_000_000),
    "whole milliseconds in floating point": ([1_795_132_800_123.0], "ms", 1_795_132_800_123_000_000),
    "ISO text with a Z": (["2026-11-20T00:00:00.123456789Z"], "iso", NS),
    "ISO text with an offset": (["2026-11-20T05:30:00.123456789+05:30"], "iso", NS),
    "ISO text with a blank": (["2026-11-20 00:00:00.123456789+00:00"], "iso", NS),
}


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_becomes_the_same_nanoseconds(name: str):
    values, unit, expected = UNITS[name]
    assert to_ns(pl.Series("t", values), unit, "f: t").to_list() == [expected]  # type: ignore[arg-type]


def test_times_with_a_zone_are_the_same_moment_in_utc():
    moment = datetime(2026, 11, 20, 2, tzinfo=timezone(timedelta(hours=2))).astimezone(UTC)
    column = pl.Series("t", [moment]).dt.convert_time_zone("America/New_York")
    assert to_ns(column, "iso", "f: t").to_list() == [1_795_132_800_000_000_000]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)), st.integers(0, 999))  # noqa: DTZ001 - UTC is added
def test_text_is_read_to_the_nanosecond(moment: datetime, ns: int):
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{ns:03d}Z"
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    expected = since // timedelta(microseconds=1) * 1000 + ns
    assert to_ns(pl.Series("t", [text]), "iso", "f: t").to_list() == [expected]


REFUSED: dict[str, tuple[pl.Series, TimeUnit, str]] = {
    "milliseconds": (
        pl.Series([NS, 1_795_132_800_123]),
        "ns",
        r"row 1: expected nanoseconds of 1990 to 2099, was 1795132800123 \(looks like milliseconds\) \(1 such rows\)",
    ),
    "microseconds": (pl.Series([1_795_132_800_123_456]), "ns", "looks like microseconds"),
    "seconds": (pl.Series([1_795_132_800]), "ns", "looks like seconds"),
    "nanoseconds as milliseconds": (pl.Series([NS]), "ms", r"expected milliseconds .* \(looks like nanoseconds\)"),
    "zero": (pl.Series([0]), "ns", r"was 0 \(1 such rows\)"),
    "a year that nanoseconds cannot hold": (pl.Series(["2500-01-01T00:00:00Z"]), "iso", "of 1990 to 2099"),
    "a moment before 1990": (pl.Series(["1989-12-31T23:59:59.999999Z"]), "iso", "was 631151999999999"),
    "a broken second": (pl.Series([1_795_132_800.5]), "s", "row 0: expected a whole number below 2.53 or Int64"),
    "nanoseconds in floating point": (pl.Series([float(NS)]), "ns", "row 0: expected a whole number below"),
    "not a number": (pl.Series([float("nan")]), "s", "row 0: expected a whole number"),
    "text where numbers are": (pl.Series(["1"]), "ns", "expected Int64, was String"),
    "unsigned numbers": (pl.Series([NS], dtype=pl.UInt64), "ns", "expected Int64, was UInt64"),
    "numbers where text is": (pl.Series([NS]), "iso", "expected text or times with a zone, was Int64"),
    "times without a zone": (
        pl.Series([datetime(2026, 11, 20)]),  # noqa: DTZ001 - that is what is refused
        "iso",
        "expected text or times with a zone, was Datetime",
    ),
    "times of a year beyond": (pl.Series([datetime(2500, 1, 1, tzinfo=UTC)]), "iso", "of 1990 to 2099"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_time_in_its_unit_is_refused_in_one_line(name: str):
    column, unit, message = REFUSED[name]
    with pytest.raises(SchemaError, match=f"^f: t: {message}" if message.startswith("row") else message) as refusal:
        to_ns(column, unit, "f: t")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("values", "kind", "unit"),
    [([None, NS], pl.Int64, "ns"), ([None], pl.Null, "ns"), ([None, 1_795_132_800.0], pl.Float64, "s")],
)
def test_a_null_stays_null(values: list[Any], kind: Any, unit: TimeUnit):
    assert to_ns(pl.Series("t", values, dtype=kind), unit, "f: t").is_null().to_list()[0]


@pytest.mark.parametrize("text", ["soon", "2026-11-20T00:00:00", "", None])
def test_text_that_is_no_time_with_a_zone_becomes_null(text: str | None):
    assert to_ns(pl.Series("t", [text], dtype=pl.String), "iso", "f: t").to_list() == [None]


@pytest.mark.parametrize(("value", "good"), [(631_152_000, True), (631_151_999, False), (4_102_444_800, False)])
def test_the_years_are_1990_to_2099_to_the_second(value: int, good: bool):  # noqa: FBT001 - a table
    if good:
        assert to_ns(pl.Series([value]), "s", "f").to_list() == [value * 10**9]
    else:
        with pytest.raises(SchemaError):
            to_ns(pl.Series([value]), "s", "f")
