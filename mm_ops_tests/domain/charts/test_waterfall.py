import itertools
import math

import pytest

from mm_ops.domain.charts.waterfall import Step, Waterfall, describe_waterfall, shows
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.domain.charts.drawing import box, of_class, pictured, tooltips, words

STEPS = (Step(("spread", "capture"), 4.0), Step(("adverse", "selection"), -1.5), Step(("fees",), -3.0))


def fall(total: float = -0.5, steps: tuple[Step, ...] = STEPS) -> Waterfall:
    return Waterfall(name="fall", title="Edge", unit="bps", steps=steps, total=Step(("net", "edge"), total))


def test_each_step_begins_where_the_last_one_ended_and_the_total_at_zero():
    """0 to 4, 4 to 2.5, 2.5 to -0.5, and 0 to -0.5: on 4.5 + 2 x 0.14 x 4.5 bps the plot has 188 px."""
    root = pictured(fall())
    per_bps = 188 / (4.5 * 1.28)
    zero = 214 - per_bps * (0.5 + 0.14 * 4.5)
    ups, downs = ([box(one) for one in of_class(root, name)] for name in ("c-up", "c-down"))
    tops = [(top, height) for _, top, _, height in [*ups, *downs]]
    expected = [(4, 4), (4, 1.5), (2.5, 3), (0, 0.5)]
    for (top, height), (upper, size) in zip(tops, expected, strict=True):
        assert (top, height) == pytest.approx((zero - upper * per_bps, size * per_bps), abs=0.02)


def test_the_total_is_framed():
    ((total,),) = ([*one] for one in of_class(pictured(fall()), "c-total"))
    assert "c-down" in (total.get("class") or "")


def test_names_and_signed_numbers_are_written():
    root = pictured(fall())
    assert {"spread", "capture", "+4.00", "−1.50", "−3.00", "−0.50", "net", "bps"} <= set(words(root))
    assert tooltips(root)[0] == "spread capture: +4 bps"
    assert tooltips(root)[-1] == "net edge: -0.5 bps"


@pytest.mark.parametrize("width", [400, 960])
def test_no_name_lies_on_the_next_one(width: int):
    """About 0.56 of its size for each character, as the page's fonts have."""
    steps = (*STEPS, Step(("inventory",), 1.0), Step(("no mid", "at 300s"), 1.0))
    root = pictured(fall(1.5, steps), width)
    names = {word for step in steps for word in step.lines}
    texts = [one for one in root.iter() if one.text in names]
    reach = [
        (float(one.get("x", "")), float(one.get("y", "")), 0.56 * float(one.get("font-size", "")) * len(one.text or ""))
        for one in texts
    ]
    for (x, y, one), (other_x, other_y, other) in itertools.combinations(reach, 2):
        assert y != other_y or abs(x - other_x) >= (one + other) / 2


def test_steps_that_do_not_add_up_are_refused():
    with pytest.raises(SchemaError, match=r"waterfall fall: expected steps of 1 in sum, was -0\.5 bps"):
        fall(1.0)
    with pytest.raises(SchemaError, match="expected steps of 1 in sum, was 0 bps"):
        fall(1.0, ())


def test_what_could_not_be_seen_is_no_fault():
    """A thousandth of the largest step."""
    assert fall(-0.5 + 0.0039).total.change == pytest.approx(-0.4961)
    assert (shows(0.0041, STEPS), shows(0.0039, STEPS), shows(0.0, ())) == (True, False, False)


@pytest.mark.parametrize("total", [math.nan, math.inf])
def test_what_is_no_number_is_refused(total: float):
    with pytest.raises(SchemaError, match="expected finite steps"):
        fall(total)


def test_the_words_tell_every_step():
    assert describe_waterfall(fall()) == (
        "Edge: spread capture +4 bps, adverse selection -1.5 bps, fees -3 bps; net edge -0.5 bps"
    )
