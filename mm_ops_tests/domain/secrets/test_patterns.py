import re

import pytest

from mm_ops.domain.secrets.patterns import compile_secret, find_unbounded


@pytest.mark.parametrize(
    "pattern", [r"[A-Za-z0-9]{64}", r"a{1,9}[*+]\*\+", r"x(?:a|b)?[^}]{0,200}?y", r"[]+*]{2}", r"-{5}BEGIN \{3,\}"]
)
def test_a_pattern_with_all_its_bounds_is_let_through(pattern: str):
    assert find_unbounded(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a*", "repeats without a bound: write {n,m}"),
        ("[ab]+", "repeats without a bound: write {n,m}"),
        ("a{3,}", "repeats without a bound: write {n,m}"),
        ("(?:a{1,9}){1,9}", "repeats a group"),
        (r"(a)\1", "refers back to a group"),
        ("(?P<x>a)(?P=x)", "refers back to a group"),
    ],
)
def test_a_pattern_whose_time_has_no_bound_is_told(pattern: str, why: str):
    assert find_unbounded(pattern) == why


def test_a_secret_stands_alone_or_is_given_to_a_name():
    alone, given = compile_secret("[a-z]{4}", assigned=False), compile_secret("[a-z]{4}", assigned=True)
    assert alone.search(b" abcd,")
    assert not alone.search(b"abcde")
    assert not given.search(b" abcd,")
    for text in (
        b"key: abcd",
        b'"apiKey":"abcd"',
        b"KEY=abcd",
        b"--token abcd",
        b"a['secret'] = 'abcd'",
        b'("key", "abcd")',
    ):
        found = given.search(text)
        assert found
        assert found["secret"] == b"abcd"


def test_a_group_says_what_the_secret_is_in_what_stands_around_it():
    found = compile_secret("user:(?P<secret>[a-z]{4})@", assigned=False).search(b"xuser:abcd@")
    assert found
    assert found["secret"] == b"abcd"


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(re.error):
        compile_secret("[a-z", assigned=False)
