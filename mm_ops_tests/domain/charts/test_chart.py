from typing import Any

import numpy as np
import pytest

from mm_ops.domain.charts.chart import describe, worst_point
from mm_ops.domain.charts.spans import Breach, Moment
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.domain.charts.small import at, chart, span, times

NAN = float("nan")


@pytest.mark.parametrize(
    ("different", "message"),
    [
        ({"name": "a b"}, "chart a b: name: expected letters, digits, underscores or dots, was 'a b'"),
        ({"name": '"><script>'}, "name: expected letters"),
        ({"times_ns": times([1.0])}, r"chart ws_lag: expected as many times as values, was \(1,\) and \(2,\)"),
        ({"times_ns": times([1.0, 1.0])}, "times_ns: expected times that increase"),
        ({"times_ns": times([2.0, 1.0])}, "times_ns: expected times that increase"),
        ({"limit": NAN}, "limit: expected a finite number or none, was nan"),
        ({"limit": float("inf")}, "limit: expected a finite number or none, was inf"),
        ({"bound": "below"}, "bound: expected at_most or at_least, was below"),
    ],
)
def test_a_chart_that_cannot_be_drawn_truly_is_refused(different: dict[str, Any], message: str):
    with pytest.raises(SchemaError, match=message):
        chart([1.0, 2.0], **different)


def test_points_outside_the_half_open_window_are_not_drawn():
    found, values = chart(values=np.array([1.0, 2.0, 3.0]), times_ns=times([-1.0, 0.0, 3600.0])).drawn()
    assert (found.tolist(), values.tolist()) == ([at(0)], [2.0])


@pytest.mark.parametrize(
    ("bound", "limit", "word", "expected"),
    [
        ("at_most", 8.0, "worst", (at(120), 9.0)),
        ("at_least", 2.0, "worst", (at(60), 1.0)),
        ("at_most", None, "highest", (at(120), 9.0)),
        ("at_least", None, "lowest", (at(60), 1.0)),
    ],
)
def test_the_worst_sample_is_the_first_one_nearest_to_the_forbidden_side(
    bound: str, limit: float | None, word: str, expected: tuple[int, float]
):
    drawn = chart([5.0, 1.0, 9.0, NAN, 1.0, 9.0], bound=bound, limit=limit)
    assert worst_point(drawn) == expected
    assert f"{word} at" in describe(drawn)


def test_nothing_is_worst_where_there_is_no_value():
    assert worst_point(chart([NAN, float("inf")])) is None


def test_the_words_say_what_the_drawing_shows():
    drawn = chart(
        [5.0, 1.0, 9.0, NAN],
        limit=8.0,
        breaches=(Breach(span(120, 180), 9.0, "SoakWSLagHigh"),),
        gaps=(span(180, 3600), span(0, 1)),
        restarts=(at(60),),
        moments=(Moment(at(150), "stopped"),),
    )
    assert describe(drawn) == (
        "Websocket lag, 18 Nov 00:00 to 18 Nov 01:00 UTC: 3 samples from 1 ms to 9 ms, worst at 18 Nov 00:02; "
        "limit ≤ 8 ms; 1 breach, 2 gaps, 1 restart, stopped at 18 Nov 00:02:30"
    )


def test_the_words_say_when_there_is_nothing_to_show():
    assert describe(chart(bound="at_least")).endswith("no samples; no limit; no breaches, no gaps, no restarts")
