"""Bars of 960 x 260: the plot reaches from 66 to 942 across and from 26 to 230 down."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.charts.bars import Bars, describe_bars
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.domain.charts.drawing import box, of_class, pictured, tooltips, words


def bars(*values: float | None, **different: Any) -> Bars:
    usual: dict[str, Any] = {
        "name": "by_hour",
        "title": "Net edge by hour",
        "unit": "bps",
        "labels": tuple(f"{n:02d}" for n in range(len(values))),
        "values": values,
    }
    return Bars(**{**usual, **different})


def test_a_bar_reaches_from_zero_to_its_value_up_or_down():
    """-5 to 10: the axis goes from -7.1 to 12.1, 10.625 px a unit; zero lies at 230 - 7.1 x 10.625 = 154.6."""
    root = pictured(bars(10.0, -5.0))
    ((left, top, width, height),) = (box(one) for one in of_class(root, "c-up"))
    ((_, under, _, depth),) = (box(one) for one in of_class(root, "c-down"))
    assert (left, width) == pytest.approx((66 + 438 * 0.11, 438 * 0.78), abs=0.01)
    assert (top + height, height) == pytest.approx((154.56, 106.25), abs=0.02)
    assert (under, depth) == pytest.approx((154.56, 53.13), abs=0.02)


def test_no_value_is_hatched_over_the_whole_height_and_not_a_bar_of_zero():
    root = pictured(bars(1.0, None, 0.0))
    (gap,) = of_class(root, "c-gap")
    assert box(gap)[1::2] == (26, 204)
    assert gap.get("fill") == "url(#none-by_hour-960)"
    assert len(of_class(root, "c-up")) == 2
    assert tooltips(root) == ["00: 1 bps", "01: no value", "02: 0 bps"]
    assert not of_class(pictured(bars(1.0)), "c-void")


def test_a_value_of_zero_can_be_seen():
    (zero,) = of_class(pictured(bars(0.0)), "c-up")
    assert box(zero)[3] == 1.5


def test_on_a_desk_24_bars_have_their_numbers_and_on_a_phone_every_third_name():
    day = bars(*(float(n - 3) for n in range(24)))
    assert {"10.0", "−3.00", "23"} <= set(words(pictured(day)))
    assert [word for word in words(pictured(day, 400)) if len(word) == 2 and word.isdigit()][-8:] == [
        f"{n:02d}" for n in range(0, 24, 3)
    ]
    assert "20.0" not in words(pictured(day, 400))


def test_the_words_name_the_ends_and_what_is_missing():
    assert describe_bars(bars(1.0, -2.0, None)) == (
        "Net edge by hour, 2 bars: lowest -2 bps at 01, highest 1 bps at 00; 1 below zero; 1 without a value"
    )
    assert describe_bars(bars(1.0)).endswith("none below zero")
    assert describe_bars(bars(None)) == "Net edge by hour: no values"
    assert len(of_class(pictured(bars(None)), "c-gap")) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused(value: float):
    with pytest.raises(SchemaError, match="bars by_hour: expected finite values or none"):
        bars(value)


@pytest.mark.parametrize("labels", [(), ("a",)])
def test_a_name_for_each_value_is_needed(labels: tuple[str, ...]):
    with pytest.raises(SchemaError, match="expected as many labels as values, and some"):
        bars(*([1.0, 2.0] if labels else []), labels=labels)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_whatever_the_values_every_bar_lies_in_the_plot(values: list[float | None]):
    for one in pictured(bars(*values)).iter():
        if "c-up" in (one.get("class") or "") or "c-down" in (one.get("class") or ""):
            left, top, width, height = box(one)
            assert left >= 66
            assert left + width <= 942.01
            assert top >= 25.99
            assert top + height <= 231.5


def test_a_bar_that_is_bad_is_drawn_so_whatever_its_height_and_is_called_so():
    held = bars(100.0, 100.0, None, bad=(False, True, False), bad_word="HOLD")
    root = pictured(held)
    assert (len(of_class(root, "c-up")), len(of_class(root, "c-down"))) == (1, 1)
    assert [text for text in tooltips(root) if text.endswith(", HOLD")] == ["01: 100 bps, HOLD"]
    assert "; 1 HOLD; 1 without a value" in describe_bars(held)
    assert "; none HOLD" in describe_bars(bars(1.0, bad=(False,), bad_word="HOLD"))


def test_which_bars_are_bad_is_said_of_each_or_of_none():
    with pytest.raises(SchemaError, match="expected of each bar whether it is bad, was 1"):
        bars(1.0, 2.0, bad=(True,))
