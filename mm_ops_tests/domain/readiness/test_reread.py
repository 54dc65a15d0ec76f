import copy
from collections.abc import Callable
from typing import Any

import pytest

from mm_ops.domain.readiness.document import readiness_document
from mm_ops.domain.readiness.evidence import DayEvidence, DayReports, read_day
from mm_ops.domain.readiness.last_day import judge_last_day
from mm_ops.domain.readiness.reread import KINDS, find_contradictions, find_other_gates, find_strangeness
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.soundness import REPORTS
from mm_ops.domain.readiness.what_if import GO, HOLD
from mm_ops_tests.domain.readiness.week import EXPECTED, LAST, POLICY
from mm_ops_tests.domain.readiness.written import as_read, reports_of, rules

Reports = dict[str, dict[str, Any]]
FIRST = EXPECTED[0]
NAMES = {kind: f"paper/{FIRST}/reports/{report}" for kind, report in KINDS.items()}
LAST_NAMES = {kind: f"paper/{LAST}/reports/{report}" for kind, report in KINDS.items()}
SYMBOLS = ("AAA-USDT", "BBB-USDT")


def decide(reports: Reports, **doubts: str) -> dict[str, Any]:
    """The file as the product makes it of these reports; ``doubts`` are those of the first day, by kind."""
    days = [_read(reports, day, doubts if day == FIRST else {}) for day in EXPECTED]
    basis = {"bot": "paper", "version": "1.0.0", "inputs": dict.fromkeys(reports, "")}
    used = {kind: reports.get(name) for kind, name in LAST_NAMES.items()}
    gates = judge_last_day(used["edge"], used["soak"], rules(), "1.0.0")
    scored = score_readiness(days, EXPECTED, POLICY, gates)
    made = readiness_document(scored, days, gates, bot="paper", day=LAST, runtime={}, basis=basis)
    return as_read(made)


def _read(reports: Reports, day: Any, doubts: dict[str, str]) -> DayEvidence:
    stored = {kind: reports.get(f"paper/{day}/reports/{name}") for kind, name in KINDS.items()}
    used = DayReports(**{kind: None if kind in doubts else report for kind, report in stored.items()})
    known = read_day(day, used, POLICY, version="1.0.0", symbols=SYMBOLS)
    told = tuple(f"{day}: {text}" for text in doubts.values())
    return DayEvidence(**{**_fields(known), "absent": (*known.absent, *told)})


def _fields(day: DayEvidence) -> dict[str, Any]:
    return {name: getattr(day, name) for name in DayEvidence.__slots__}


def contradictions(document: dict[str, Any], reports: Reports, symbols: Any = SYMBOLS) -> list[str]:
    found = [find_contradictions(document, n, reports, POLICY, symbols=symbols) for n in range(len(EXPECTED))]
    return [text for texts in found for text in texts]


GATES_SAY: dict[str, tuple[Callable[[Reports], Any], str]] = {
    "a soak that broke a limit": (
        lambda r: r[LAST_NAMES["soak"]]["window"]["slis"]["edge_bps_ema24h"].update(value=1.0),
        "gates: edge_bps_ema24h: expected {'gate': 'edge_bps_ema24h', 'verdict': 'fail'",
    ),
    "an identity that broke": (
        lambda r: r[LAST_NAMES["edge"]]["identity"].update(holds=False),
        "gates: identity: expected {'gate': 'identity', 'verdict': 'fail'",
    ),
    "no soak": (
        lambda r: r.pop(LAST_NAMES["soak"]),
        "gates: bot_version: expected {'gate': 'bot_version', 'verdict': 'inconclusive'",
    ),
}


@pytest.mark.parametrize("name", GATES_SAY)
def test_a_gate_that_the_last_days_reports_do_not_give_is_found(name: str):
    change, message = GATES_SAY[name]
    reports = copy.deepcopy(reports_of())
    made = decide(reports)
    assert find_other_gates(made, reports, rules()) == []
    change(reports)
    found = find_other_gates(made, reports, rules())
    assert [text for text in found if text.startswith(message)], found


def test_a_gate_that_is_made_up_or_left_out_is_found():
    reports = reports_of()
    made = decide(reports)
    first = made["gates"].pop(0)
    made["gates"].append({"gate": "luck", "verdict": "pass", "reason": "good"})
    assert [text.split(": expected")[0] for text in find_other_gates(made, reports, rules())] == [
        f"gates: {first['gate']}",
        "gates: luck",
    ]


def test_a_week_whose_only_fault_is_a_hard_gate_holds_and_says_which():
    reports = copy.deepcopy(reports_of())
    reports[LAST_NAMES["soak"]]["window"]["slis"]["edge_bps_ema24h"].update(value=1.0)
    made = decide(reports)
    assert (made["score"], made["verdict"], made["flips"]) == (100.0, HOLD, [])
    assert made["reasons"][0].startswith("hard gate edge_bps_ema24h: fail: ")


def test_every_kind_has_its_report():
    assert set(KINDS.values()) == set(REPORTS)


def test_a_go_says_what_its_reports_say():
    reports = reports_of()
    made = decide(reports)
    assert made["verdict"] == GO
    assert contradictions(made, reports) == []
    assert contradictions(made, reports, None) == []


SAYS: dict[str, tuple[Callable[[Reports], Any], str]] = {
    "a drill that failed": (
        lambda r: r[NAMES["chaos"]].update(outcome="failed"),
        f"days[0].chaos_ok: expected False from the stored reports of {FIRST}, was True",
    ),
    "tests that failed": (
        lambda r: r[NAMES["tests"]].update(verdict="failed"),
        f"days[0].tests_ok: expected False from the stored reports of {FIRST}, was True",
    ),
    "another edge": (
        lambda r: r[NAMES["edge"]]["total"].update(net_edge_bps=-3.0),
        f"days[0].net_edge_bps: expected -3.0 from the stored reports of {FIRST}, was 3.0",
    ),
    "an older age": (
        lambda r: r[NAMES["edge"]]["total"].update(order_age_p95_ms=None),
        f"days[0].order_age_p95_ms: expected None from the stored reports of {FIRST}, was 250.0",
    ),
    "an edge whose identity broke": (
        lambda r: r[NAMES["edge"]]["identity"].update(holds=False),
        f"days[0].taker_share: expected None from the stored reports of {FIRST}, was 0.05",
    ),
    "an edge on a few fills of one symbol": (
        lambda r: r[NAMES["edge"]]["by_symbol"].pop("BBB-USDT"),
        f"days[0].net_edge_bps: expected None from the stored reports of {FIRST}, was 3.0",
    ),
    "a guard trip": (
        lambda r: r[NAMES["soak"]]["day"]["slis"]["guard_trips"].update(value=1.0),
        f"days[0].guard_trips: expected 1.0 from the stored reports of {FIRST}, was 0.0",
    ),
    "another version that ran": (
        lambda r: r[NAMES["soak"]].update(ran="0.9.0"),
        f"days[0].absent: expected ['{FIRST}: version 0.9.0 ran, and 1.0.0 is judged'] from the stored",
    ),
    "the report of another day": (
        lambda r: r[NAMES["chaos"]].update(stored_as="paper/2026-11-15/reports/chaos_drill.json"),
        f"inputs: {NAMES['chaos']}: expected what was stored as it, was 'paper/2026-11-15/reports/chaos_drill.json'",
    ),
    "no report": (
        lambda r: r.pop(NAMES["tests"]),
        f"days[0].tests_ok: expected None from the stored reports of {FIRST}, was True",
    ),
}


@pytest.mark.parametrize("name", SAYS)
@pytest.mark.parametrize("symbols", [SYMBOLS, None])
def test_a_file_that_says_more_than_its_reports_is_found_with_both_values(name: str, symbols: Any):
    change, message = SAYS[name]
    reports = reports_of()
    made = decide(reports)
    change(reports)
    found = contradictions(made, reports, symbols)
    assert [text for text in found if text.startswith(message)], found


def test_a_file_that_says_less_than_its_reports_is_found_too():
    reports = reports_of()
    failed = copy.deepcopy(reports)
    failed[NAMES["chaos"]]["outcome"] = "failed"
    assert contradictions(decide(failed), reports) == [
        f"days[0].chaos_ok: expected True from the stored reports of {FIRST}, was False"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_that_was_doubted_when_the_file_was_made_may_be_absent_with_its_reason(kind: str):
    reports = reports_of()
    made = decide(reports, **{kind: "altered since it was materialised"})
    assert contradictions(made, reports) == []
    made["days"][0]["absent"] = made["days"][0]["absent"][:-1]
    assert contradictions(made, reports) == [
        f"days[0].absent: says that {NAMES[kind]} is not stored, which it is, and not why it is doubted"
    ]


def test_a_report_that_is_not_stored_is_absent_and_needs_no_other_reason():
    reports = reports_of()
    del reports[NAMES["edge"]]
    assert contradictions(decide(reports), reports) == []


def test_a_file_of_another_version_than_the_one_that_is_judged_is_said():
    assert find_strangeness({"version": "1.0.0"}, "1.0.0") == []
    (problem,) = find_strangeness({"version": "1.0.0"}, "1.1.0")
    assert problem == "version: expected 1.1.0, which bots.yaml names, was 1.0.0"
