import json

import pytest

from mm_ops.domain.sentinel.content import fault_of_bytes, fault_of_document
from mm_ops.domain.sentinel.tasks import Content

GO = Content(field="verdict", expected=("GO", "HOLD"))


@pytest.mark.parametrize(
    ("content", "data", "fault"),
    [
        (Content(), b"x", ""),
        (Content(), b"", "the result is empty"),
        (Content(), b" \n", "the result is empty"),
        (GO, b'{"verdict": "GO"}', ""),
        (GO, b'{"verdict": "MAYBE"}', 'verdict is "MAYBE": expected "GO", "HOLD"'),
        (GO, b'{"verdict": null}', 'verdict is null: expected "GO", "HOLD"'),
        (GO, b"{}", 'the result has no verdict: expected "GO", "HOLD"'),
        (GO, b"[1]", 'the result has no verdict: expected "GO", "HOLD"'),
        (
            GO,
            b"{",
            "the result is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (GO, b"", "the result is empty"),
        (GO, b"[" * 100_000, "the result is no JSON: maximum recursion depth exceeded"),
        (Content(field="gates.0.passed", expected=(True,)), b'{"gates": [{"passed": true}]}', ""),
        (
            Content(field="gates.0.passed", expected=(True,)),
            b'{"gates": [{"passed": 1}]}',
            "gates.0.passed is 1: expected true",
        ),
        (
            Content(field="gates.1.passed", expected=(True,)),
            b'{"gates": []}',
            "the result has no gates.1.passed: expected true",
        ),
        (Content(field="count", expected=(0,)), json.dumps({"count": "x" * 99}).encode(), f'count is "{"x" * 59}…'),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_result_must_hold_what_it_must(content: Content, data: bytes, fault: str):
    assert fault_of_bytes(content, data).startswith(fault)
    assert bool(fault_of_bytes(content, data)) is bool(fault)


def test_metadata_is_asked_like_a_document():
    assert fault_of_document(GO, {"verdict": "HOLD"}) == ""
