import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.canonical import digest
from mm_ops.domain.provenance import Current, find_departures

POLICIES = {"soak.yaml": "sha256:1"}


def stored(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


SAMPLES = stored(files={"samples": "abc"})
METRICS = stored(version="1.0.0", policies=POLICIES, inputs={"day.json": digest(SAMPLES)})
SUMMARY = {"version": "1.0.0", "policies": POLICIES, "inputs": {"metrics.json": digest(METRICS)}}
STORE = {"day.json": SAMPLES, "metrics.json": METRICS}


def departures(
    document: object = SUMMARY,
    store: dict[str, bytes] | None = None,
    policies: dict[str, str] | None = None,
    version: str = "1.0.0",
) -> list[str]:
    there, known = STORE if store is None else store, POLICIES if policies is None else policies
    return find_departures(document, Current(there.get, known.get, version), where="summary")


def test_what_rests_on_what_is_there_departs_in_nothing():
    assert departures() == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": "1.1.0"}, "summary: made for version 1.0.0, and 1.1.0 is judged"),
        ({"policies": {"soak.yaml": "sha256:2"}}, "summary: made with another soak.yaml than the one that is there"),
        ({"policies": {}}, "summary: made with another soak.yaml than the one that is there"),
        ({"store": {"day.json": SAMPLES}}, "summary: rests on metrics.json, which is gone"),
        ({"store": {**STORE, "metrics.json": b"{}"}}, "summary: rests on another metrics.json than the one that is"),
        ({"document": {**SUMMARY, "inputs": {"day.json": None}}}, "summary: made before there was a day.json"),
        ({"document": {}}, "summary: does not say what it rests on"),
        ({"document": []}, "summary: does not say what it rests on"),
        ({"document": {**SUMMARY, "inputs": None}}, "summary: does not say what it rests on"),
    ],
)
def test_each_thing_that_was_replaced_is_named(changed: dict[str, Any], words: str):
    assert departures(**changed)[0].startswith(words)


def test_a_change_far_up_the_chain_is_found():
    found = departures(store={**STORE, "day.json": b"{}"})
    assert found == [
        "metrics.json: rests on another day.json than the one that is stored; materialise it again",
    ]


def test_what_was_absent_and_still_is_has_not_changed():
    assert departures({**SUMMARY, "inputs": {"other.json": None}}) == []


def test_a_document_of_no_version_departs_in_none():
    assert departures({"policies": POLICIES, "inputs": {}}) == []


@given(name=st.sampled_from(sorted(STORE)), at=st.integers(0), mask=st.integers(1, 255))
def test_any_changed_byte_of_any_input_is_found(name: str, at: int, mask: int):
    data = bytearray(STORE[name])
    data[at % len(data)] ^= mask
    assert departures(store={**STORE, name: bytes(data)})
