import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mm_ops.domain.readiness.evidence import FIELDS
from mm_ops.domain.readiness.soundness import find_problems, find_replaced
from mm_ops_tests.domain.readiness.week import GATES, POLICY
from mm_ops_tests.domain.readiness.written import INPUTS, POLICY_DIGESTS, document

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
OTHER = "sha256:" + "0" * 64
EDGE = "paper/2026-11-14/reports/edge_report.json"


def problems(edited: object) -> list[str]:
    return find_problems(edited, POLICY, policies=POLICY_DIGESTS, gates=[one.gate for one in GATES], now=NOW)


@pytest.mark.parametrize(
    "different",
    [{}, {"net_edge_bps": 1.0}, {"taker_share": None}, {"chaos_ok": False}, {"order_age_p95_ms": 1 / 3}],
)
def test_what_was_written_is_sound(different: dict[str, Any]):
    assert problems(document(**different)) == []


def test_a_hold_may_lack_the_report_of_what_is_missing():
    lacking = document(tests_ok=None)
    for name in [name for name in INPUTS if name.endswith("test_results.json")]:
        del lacking["inputs"][name]
    assert problems(lacking) == []


Edit = Callable[[dict[str, Any]], Any]
EDITS: dict[str, tuple[Edit, str]] = {
    "the score": (lambda d: d.update(score=100.0), "score: expected 85.0 from the days in the file, was 100.0"),
    "the verdict": (lambda d: d.update(verdict="GO"), "verdict: expected 'HOLD' from the days in the file, was 'GO'"),
    "a section": (
        lambda d: d["sections"]["edge"].update(score=30.0),
        "sections.edge.score: expected 15.0 from the days in the file, was 30.0",
    ),
    "a section's reason": (lambda d: d["sections"]["edge"].update(reason=""), "sections.edge.reason: expected 'median"),
    "a gate that failed made to pass": (
        lambda d: d["gates"][0].update(verdict="fail"),
        "reasons: expected ('hard gate edge_bps_ema24h: fail: 3 bps'",
    ),
    "a gate left out": (lambda d: d["gates"].pop(), "gates: expected every hard gate once, by name; missing: ['iden"),
    "a gate too many": (
        lambda d: d["gates"].append({"gate": "luck", "verdict": "pass", "reason": ""}),
        "gates: expected every hard gate once, by name; missing: [], unknown: ['luck']",
    ),
    "a gate's word": (lambda d: d["gates"][0].update(verdict="ok"), "gates[0].verdict: expected 'pass', 'fail' or"),
    "a day's value in a section": (
        lambda d: d["sections"]["edge"]["values"].__setitem__(0, 9.0),
        "sections.edge.values: expected (1.25, ",
    ),
    "what one day less would do": (
        lambda d: d["sections"]["edge"]["one_less"].update(lowest=30.0),
        "sections.edge.one_less: expected {'lowest': 15.0",
    ),
    "the interval": (lambda d: d["interval"].update(lowest=100.0), "interval: expected {'lowest': 85.0"),
    "what would flip it": (lambda d: d.update(flips=[]), "flips: expected ("),
    "a section too few": (lambda d: d["sections"].pop("edge"), "sections: expected edge, latency, taker, guards, "),
    "a section too many": (
        lambda d: d["sections"].update(luck=d["sections"]["edge"]),
        "sections: expected edge, latency, taker, guards, chaos, tests, was ['chaos', 'edge', 'guards', 'latency', 'l",
    ),
    "a reason taken away": (lambda d: d.update(reasons=[]), "reasons: expected ('edge: median"),
    "something missing made up": (lambda d: d.update(missing=["x"]), "missing: expected () from the days in the file"),
    "a day's value": (
        lambda d: d["days"][0].update(net_edge_bps="3"),
        "days[0].net_edge_bps: expected a valid number, was '3'",
    ),
    "a day's answer": (lambda d: d["days"][0].update(chaos_ok=1), "days[0].chaos_ok: expected a valid boolean, was 1"),
    "a number as an answer": (
        lambda d: d["days"][0].update(taker_share=True),
        "days[0].taker_share: expected a valid number, was True",
    ),
    "a share above one": (
        lambda d: d["days"][0].update(taker_share=1.5),
        "days[0].taker_share: expected less than or equal to 1, was 1.5",
    ),
    "a negative age": (
        lambda d: d["days"][0].update(order_age_p95_ms=-1.0),
        "days[0].order_age_p95_ms: expected greater than or equal to 0, was -1",
    ),
    "a number that is none": (
        lambda d: d["days"][0].update(net_edge_bps=float("inf")),
        "days[0].net_edge_bps: expected a finite number, was inf",
    ),
    "a key too many": (lambda d: d.update(overridden="me"), "overridden: unknown key"),
    "an override in a word": (lambda d: d.update(override="me"), "override: expected an object, was 'me'"),
    "an override made up": (
        lambda d: d.update(override={"content": {}, "refused": [], "more": 1}),
        "override.more: unknown key",
    ),
    "a key of several lines": (lambda d: d.update({"a\nb": 1}), "'a\\nb': unknown key"),
    "a key too few": (lambda d: d.pop("inputs"), "inputs: missing"),
    "a field of a day gone": (lambda d: d["days"][0].pop("tests_ok"), "days[0].tests_ok: missing"),
    "a word that is neither": (
        lambda d: d.update(verdict="READY"),
        "verdict: expected 'GO' or 'HOLD', was 'READY'",
    ),
    "no date": (lambda d: d.update(day="today"), "day: expected a date such as 2026-11-20, was 'today'"),
    "a date of another form": (lambda d: d.update(day="20261120"), "day: expected a date such as 2026-11-20, was "),
    "a number for a date": (lambda d: d.update(day=20261120), "day: expected a date such as 2026-11-20, was 20261120"),
    "a day before which there is none": (
        lambda d: d.update(day="0001-01-01"),
        "day: expected a date such as 2026-11-20, was '0001-01-01'",
    ),
    "no list of days": (lambda d: d.update(days={}), "days: expected a valid array, was {}"),
    "days that are no objects": (lambda d: d.update(days=[1]), "days[0]: expected an object, was 1"),
    "no runtime": (lambda d: d.update(runtime={}), "runtime.utc: missing"),
    "no time": (lambda d: d["runtime"].update(utc="now"), "runtime.utc: expected an ISO time in UTC such as "),
    "a time without a zone": (
        lambda d: d["runtime"].update(utc="2026-11-21T00:30:00"),
        "runtime.utc: expected an ISO time in UTC such as ",
    ),
    "a number for a time": (lambda d: d["runtime"].update(utc=1), "runtime.utc: expected an ISO time in UTC such as "),
    "a time before the day ended": (
        lambda d: d["runtime"].update(utc="2026-11-20T23:59:59+00:00"),
        "runtime.utc: expected a time after the day, which ended 2026-11-21T00:00:00Z, was before",
    ),
    "a time more than a day from now": (
        lambda d: d["runtime"].update(utc="2026-11-22T06:00:01+00:00"),
        "runtime.utc: expected a time before now, 2026-11-21T06:00:00Z, was 2026-11-22T06:00:01+00:00",
    ),
    "a policy that nothing here reads": (
        lambda d: d["policies"].update({"edge.yaml": OTHER}),
        "policies: 'edge.yaml': expected readiness.yaml, slis.yaml, soak.yaml alone",
    ),
    "a version that is no text": (lambda d: d["runtime"].update(version=1), "runtime.version: expected a valid string"),
    "a version that says nothing": (lambda d: d["runtime"].update(version=""), "runtime.version: expected text to "),
    "a bot that is no text": (lambda d: d.update(bot=7), "bot: expected a valid string, was 7"),
    "another bot": (lambda d: d.update(bot="real"), "inputs: expected the digest of real/2026-11-14/reports/edge_repo"),
    "a day left out": (lambda d: d["days"].pop(), "days: expected the 7 days up to 2026-11-20, was '2026-11-14, 2026"),
    "no days": (lambda d: d.update(days=[]), "days: expected the 7 days up to 2026-11-20, was none"),
    "no inputs": (lambda d: d.update(inputs={}), f"inputs: expected the digest of {EDGE}, for days[0].net_edge_bps"),
    "a list of inputs": (lambda d: d.update(inputs=[]), "inputs: expected an object, was []"),
    "an input that is no digest": (
        lambda d: d["inputs"].update({EDGE: "sha256:" + "0" * 63}),
        "inputs.'paper/2026-11-14/reports/edge_report.json': expected text to match pattern",
    ),
    "an input of another day": (
        lambda d: d["inputs"].update({"paper/2026-11-13/reports/edge_report.json": OTHER}),
        "inputs: 'paper/2026-11-13/reports/edge_report.json': no report of this bot and these days",
    ),
    "no policy": (lambda d: d.update(policies={}), "policies: expected the digest of readiness.yaml, was missing"),
    "a policy that is no digest": (
        lambda d: d["policies"].update({"readiness.yaml": "latest"}),
        "policies.'readiness.yaml': expected text to match pattern",
    ),
    "another policy": (
        lambda d: d["policies"].update({"readiness.yaml": OTHER}),
        f"policies: readiness.yaml: expected {POLICY_DIGESTS['readiness.yaml']}, the one that is here, was {OTHER}: ",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_by_hand_is_found(name: str):
    edit, message = EDITS[name]
    edited = document(net_edge_bps=1.25)
    edit(edited)
    assert [problem for problem in problems(edited) if problem.startswith(message)], problems(edited)


def test_clocks_may_differ_by_a_day_and_no_more():
    made = document()
    made["runtime"]["utc"] = (NOW + timedelta(days=1)).isoformat()
    assert problems(made) == []


@pytest.mark.parametrize("odd", [[], None, 1, "GO", True, 1e308, "\ud800"])
def test_what_is_no_object_is_said(odd: object):
    (problem,) = problems(odd)
    assert problem.startswith("top level: ")


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a JSON value, itself among them."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*at, key))


def replace_at(value: Any, at: tuple[str | int, ...], new: Any) -> Any:
    """A copy with one place different."""
    if not at:
        return new
    edited = copy.deepcopy(value)
    spot = edited
    for step in at[:-1]:
        spot = spot[step]
    spot[at[-1]] = new
    return edited


def by_hand(edited: dict[str, Any]) -> bool:
    """Whether a week is GO, written down apart from the product: medians, sums, nothing null."""
    rows = edited["days"]
    if any(row[name] is None for row in rows for name in FIELDS) or any(row["absent"] for row in rows):
        return False
    edge, age, share = (median(row[name] for row in rows) for name in FIELDS[:3])
    clean = all(row["guard_trips"] == 0 and row["chaos_ok"] is True and row["tests_ok"] is True for row in rows)
    return bool(edge >= 2.5 and age <= 350 and share <= 0.15 and clean)


HEALTHY = document()
TEXTS = [
    "GO",
    "HOLD",
    "2026-11-20",
    "2026-11-20T00:00:00Z",
    "2026-11-22T00:00:00Z",
    "2027-01-01T00:00:00Z",
    OTHER,
    "0001-01-01",
    "9.9.9",
    "x",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FREE = re.compile(
    r"version|made_by|gates\.\d+\.reason|origin|sources|runtime\.(utc|version)|inputs\..*|days\.\d+\.[a-z0-9_]+_(bps|ms|share)"
)


@settings(max_examples=600)
@given(st.sampled_from(sorted(places(HEALTHY), key=str)), JSON | st.sampled_from(list(INPUTS.values())))
def test_no_value_replaced_by_anything_breaks_the_check_or_is_go_unless_the_file_still_says_so(
    at: tuple[str | int, ...], new: Any
):
    edited = replace_at(HEALTHY, at, new)
    found = problems(edited)
    assert all("\n" not in problem for problem in found)
    if not found and edited != HEALTHY:
        assert FREE.fullmatch(".".join(map(str, at))), at
        assert by_hand(edited)
        free = dict.fromkeys(("runtime", "inputs", "days", "version", "made_by", "origin", "sources", "gates"))
        assert {**edited, **free} == {**HEALTHY, **free}


@given(st.sampled_from(sorted(at for at in places(HEALTHY) if at)))
def test_nothing_can_be_left_out_of_a_go(at: tuple[str | int, ...]):
    edited = copy.deepcopy(HEALTHY)
    spot: Any = edited
    for step in at[:-1]:
        spot = spot[step]
    del spot[at[-1]]
    assert problems(edited)


@given(JSON)
def test_nothing_else_is_a_readiness_file(value: Any):
    assert problems(value)


def test_inputs_that_are_stored_as_they_were_are_not_replaced():
    assert find_replaced(HEALTHY, INPUTS) == []


def test_an_input_that_was_replaced_or_is_gone_is_named_with_both_digests():
    assert find_replaced(HEALTHY, {**INPUTS, EDGE: OTHER}) == [f"inputs: {EDGE}: expected {INPUTS[EDGE]}, was {OTHER}"]
    gone = json.loads(json.dumps({**INPUTS, EDGE: None}))
    assert find_replaced(HEALTHY, gone) == [f"inputs: {EDGE}: expected {INPUTS[EDGE]}, was not there"]
