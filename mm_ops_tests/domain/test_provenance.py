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
WHOSE = {"version": "1.0.0", "made_by": "0.1.0", "origin": "sha256:o"}
SOURCES = {"days/day.json": "sha256:7"}
METRICS = stored(**WHOSE, policies=POLICIES, inputs={"day.json": digest(SAMPLES)})
SUMMARY = {**WHOSE, "policies": POLICIES, "inputs": {"metrics.json": digest(METRICS)}}
STORE = {"day.json": SAMPLES, "metrics.json": METRICS}


def departures(
    document: object = SUMMARY,
    *,
    store: dict[str, bytes] | None = None,
    policies: dict[str, str] | None = None,
    version: str = "1.0.0",
    made_by: str = "0.1.0",
    origin: str = "sha256:o",
    known_good: str | None = None,
) -> list[str]:
    there, known = STORE if store is None else store, POLICIES if policies is None else policies
    current = Current(
        read=there.get,
        policy=known.get,
        source=SOURCES.get,
        version=version,
        made_by=made_by,
        origin=origin,
        known_good=known_good,
    )
    return find_departures(document, current, where="summary")


def test_what_rests_on_what_is_there_departs_in_nothing():
    assert departures() == []
    assert departures({**SUMMARY, "stored_as": "summary"}) == []
    assert departures({**SUMMARY, "known_good": "sha256:k"}, known_good="sha256:k") == []
    assert departures(known_good="sha256:k") == []  # this one compares with nothing


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"document": {**SUMMARY, "stored_as": "yesterday"}}, "summary: is what was stored as yesterday; materialise"),
        ({"made_by": "0.2.0"}, "summary: made by mm_ops 0.1.0, and 0.2.0 judges"),
        ({"origin": "sha256:p"}, "summary: the bot's evidence comes from elsewhere now"),
        (
            {"document": {**SUMMARY, "sources": {"days/day.json": "sha256:8"}}},
            "summary: days/day.json was recorded again",
        ),
        (
            {"document": {**SUMMARY, "known_good": None}, "known_good": "sha256:k"},
            "summary: compared with another known-good soak than the one that bots.yaml names; materialise it again",
        ),
        (
            {"document": {**SUMMARY, "known_good": "sha256:k"}},
            "summary: compared with another known-good soak than the one that bots.yaml names; materialise it again",
        ),
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


def test_a_document_of_no_version_departs_in_all_that_it_does_not_say():
    assert len(departures({"policies": POLICIES, "inputs": {}})) == 3


def test_a_source_that_is_gone_or_the_same_does_not_unsay_what_was_read_from_it():
    assert departures({**SUMMARY, "sources": {"days/gone.json": "sha256:9", "days/day.json": "sha256:7"}}) == []


@pytest.mark.parametrize("data", [b"PK\x03", b"[]", b"{"])
def test_an_input_that_is_no_document_is_told_and_no_crash(data: bytes):
    found = departures({**SUMMARY, "inputs": {"x.json": digest(data)}}, store={"x.json": data})
    assert found == ["summary: rests on x.json, which is not the JSON that was stored; materialise both again"]


@given(name=st.sampled_from(sorted(STORE)), at=st.integers(0), mask=st.integers(1, 255))
def test_any_changed_byte_of_any_input_is_found(name: str, at: int, mask: int):
    data = bytearray(STORE[name])
    data[at % len(data)] ^= mask
    assert departures(store={**STORE, name: bytes(data)})
