import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.comparison import MAX_DEPTH, PathTolerance, Tolerance, compare, path_text, tolerance_at
from mm_ops.domain.errors import SchemaError

EXACT = Tolerance(0.0, 0.0)
LOOSE = Tolerance(absolute=0.5, relative=0.01)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)

DRIFTS: dict[str, tuple[Any, Any, str, str]] = {
    "a number beyond both tolerances": ({"a": 10.0}, {"a": 10.6}, "$.a", "number"),
    "a key that went away": ({"a": 1, "b": 2}, {"a": 1}, "$.b", "key missing"),
    "a key that came": ({"a": 1}, {"a": 1, "b": 2}, "$.b", "key not in the baseline"),
    "a list that grew": ([1], [1, 1], "$", "length"),
    "a number that became text": ({"a": 1}, {"a": "1"}, "$.a", "type: expected a number, was text"),
    "a boolean is no number": ([True], [1], "$[0]", "type: expected a boolean, was a number"),
    "a number is no boolean": ([0], [False], "$[0]", "type: expected a number, was a boolean"),
    "null is no number": ({"a": None}, {"a": 0.0}, "$.a", "type: expected null, was a number"),
    "a list is no object": ([], {}, "$", "type: expected a list, was an object"),
    "another text": ({"a": "x"}, {"a": "y"}, "$.a", "value"),
    "another answer": ({"a": True}, {"a": False}, "$.a", "value"),
    "nan where a number was": ({"a": 1.0}, {"a": math.nan}, "$.a", "number"),
    "a number where nan was": ({"a": math.nan}, {"a": 1.0}, "$.a", "number"),
    "nan is not even nan": ({"a": math.nan}, {"a": math.nan}, "$.a", "number"),
    "infinity is not near anything": ({"a": 1.0}, {"a": math.inf}, "$.a", "number"),
    "a number larger than any": ({"a": 10**400}, {"a": 1}, "$.a", "number"),
    "a key that is no word": ({"a b\n": 1}, {"a b\n": 2}, '$["a b\\n"]', "number"),
    "deep inside": ({"a": [{"b": 1.0}]}, {"a": [{"b": 3.0}]}, "$.a[0].b", "number"),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_a_difference_is_found_with_its_path(name: str):
    baseline, actual, path, why = DRIFTS[name]
    (drift,) = compare(baseline, actual, LOOSE)
    assert (drift.path, drift.why) == (path, why)


@pytest.mark.parametrize(
    ("baseline", "actual"), [(10.0, 10.5), (10.5, 10.0), (1000.0, 1010.0), (0.0, -0.5), (2, 2.0), (0.0, -0.0)]
)
def test_numbers_within_either_tolerance_agree(baseline: float, actual: float):
    assert compare({"a": baseline}, {"a": actual}, LOOSE) == []


def test_a_drift_of_a_number_says_by_how_much_and_what_was_allowed():
    (drift,) = compare(100.0, 103.0, LOOSE)
    assert (drift.difference, drift.tolerance) == (3.0, 1.03)


def test_every_difference_is_listed_and_not_only_the_first():
    drifts = compare({"a": 1, "b": [1, 2]}, {"a": 2, "b": [1, 3], "c": 0}, EXACT)
    assert [drift.path for drift in drifts] == ["$.a", "$.b[1]", "$.c"]


@given(VALUES)
def test_a_value_equals_itself(value: Any):
    assert compare(value, value, EXACT) == []


@given(VALUES, VALUES)
def test_which_of_two_is_the_baseline_does_not_decide_whether_they_differ(one: Any, other: Any):
    assert bool(compare(one, other, LOOSE)) == bool(compare(other, one, LOOSE))


def test_a_list_and_a_tuple_are_the_same_in_json():
    assert compare([1, 2], (1, 2), EXACT) == []


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_the_deepest_allowed_nesting_is_compared():
    assert compare(nested(MAX_DEPTH), nested(MAX_DEPTH), EXACT) == []


def test_deeper_nesting_is_refused_and_not_a_recursion_error():
    with pytest.raises(SchemaError, match="nested deeper than 100 levels"):
        compare(nested(5000), nested(5000), EXACT)


NOISY = PathTolerance("$.rows[*].noisy", Tolerance(1.0, 0.0))
FIRST = PathTolerance("$.rows[0].*", Tolerance(5.0, 0.0))
ODD = PathTolerance('$["a.b"].x', Tolerance(9.0, 0.0))


@pytest.mark.parametrize(
    ("paths", "path", "absolute"),
    [
        ([NOISY, FIRST], "$.rows[0].noisy", 1.0),
        ([FIRST, NOISY], "$.rows[0].noisy", 5.0),
        ([NOISY, FIRST], "$.rows[1].noisy", 1.0),
        ([NOISY, FIRST], "$.rows[1].quiet", 0.0),
        ([NOISY, FIRST], "$.rows[0]", 0.0),
        ([ODD], '$["a.b"].x', 9.0),
        ([], "$.rows[0].noisy", 0.0),
    ],
)
def test_the_first_path_that_fits_decides_and_nothing_but_numbers_is_tolerated(
    paths: list[PathTolerance], path: str, absolute: float
):
    assert tolerance_at(path, EXACT, paths).absolute == absolute


def test_every_number_has_the_tolerance_of_its_path():
    one = {"rows": [{"noisy": 1.0, "quiet": 1.0}, {"noisy": 1.0}], "a.b": {"x": 1.0}, "text": "a"}
    two = {"rows": [{"noisy": 1.5, "quiet": 2.0}, {"noisy": 2.5}], "a.b": {"x": 9.5}, "text": "b"}
    found = {item.path: item.tolerance for item in compare(one, two, EXACT, [NOISY, ODD])}
    assert found == {"$.rows[0].quiet": 0.0, "$.rows[1].noisy": 1.0, "$.text": None}


PLACES = st.lists(st.text(min_size=1, max_size=4) | st.integers(0, 9), min_size=1, max_size=4)


@given(PLACES)
def test_a_path_as_it_is_written_finds_its_own_tolerance(steps: list[str | int]):
    written = path_text(tuple(steps))
    assert "\n" not in written
    assert tolerance_at(written, EXACT, [PathTolerance(written, LOOSE)]) == LOOSE


@given(VALUES, VALUES)
def test_a_tolerance_for_other_paths_changes_nothing(one: Any, other: Any):
    elsewhere = [PathTolerance("$.not.there", Tolerance(99.0, 0.0))]
    assert len(compare(one, other, LOOSE, elsewhere)) == len(compare(one, other, LOOSE))


def test_a_path_may_be_held_tighter_than_the_rest():
    tight = [PathTolerance("$.a", EXACT), PathTolerance("$.rows[1]", EXACT)]
    one, two = {"a": 1.0, "b": 1.0, "rows": [1.0, 1.0]}, {"a": 1.1, "b": 1.1, "rows": [1.1, 1.1]}
    assert [item.path for item in compare(one, two, LOOSE, tight)] == ["$.a", "$.rows[1]"]
    assert compare(one, two, LOOSE) == []
