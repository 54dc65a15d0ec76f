import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from mm_ops.domain.canonical import digest, encode, number_text, to_plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Word(Enum):
    GO = "GO"


@dataclass
class Pair:
    b: Any
    a: Any


@given(JSON)
def test_what_was_written_reads_back_equal_and_writes_the_same_bytes(value: Any):
    data = encode(value)
    assert json.loads(data) == value
    assert encode(json.loads(data)) == data


def test_keys_are_sorted_and_the_file_ends_with_a_newline():
    assert encode({"b": 1, "a": [0.1, None]}) == b'{\n "a": [\n  0.1,\n  null\n ],\n "b": 1\n}\n'


def test_types_of_ours_have_one_form_each():
    value = Pair(b=Word.GO, a=(date(2026, 11, 20), datetime(2026, 11, 20, tzinfo=UTC), timedelta(minutes=1)))
    assert to_plain(value) == {"b": "GO", "a": ["2026-11-20", "2026-11-20T00:00:00+00:00", 60.0]}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_refused(value: float):
    with pytest.raises(ValueError, match="Out of range float"):
        encode({"a": value})


@pytest.mark.parametrize("value", [{1, 2}, Pair, object()])
def test_a_value_with_no_single_form_is_refused(value: object):
    with pytest.raises(TypeError, match="expected a value with one textual form, was"):
        to_plain(value)


def test_a_digest_names_its_algorithm():
    # printf '' | sha256sum
    assert digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("value", "text"),
    [(150.0, "150"), (0.02, "0.02"), (1_234_567.0, "1234567.0"), (0.1 + 0.2, "0.30000000000000004"), (-0.5, "-0.5")],
)
def test_a_number_is_short_where_that_loses_nothing(value: float, text: str):
    assert number_text(value) == text
    assert float(number_text(value)) == value
