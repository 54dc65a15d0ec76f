from dataclasses import replace
from typing import Any

import pytest

from mm_ops.domain.edge.limits import QualityLimit
from mm_ops.domain.edge.page import (
    answers,
    carried_words,
    certainty_words,
    concerns,
    headline,
    quality_rows,
    remarks,
    rows,
    standing,
)
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.edge_pages import LIMITS, doubtful, empty, group, page, report, sound
from mm_ops_tests.edge_pages import answers as said


def named(name: str, **quality: Any) -> Any:
    content = report()
    content["quality"] |= quality
    return next(one for one in concerns(page(content)) if one.name == name)


def test_the_headline_says_the_net_edge_and_how_sure_it_is():
    assert headline(report()) == "Net edge +2.60 bps"
    assert headline(report(total=group(net=-0.314))) == "Net edge −0.31 bps"
    assert certainty_words(report()) == "95 % interval +2.10 to +3.10 bps"


def test_without_a_net_edge_or_an_interval_the_words_say_so():
    assert headline({}) == "Net edge not measured"
    assert certainty_words(empty().report) == "No interval: 0 fills were measured"
    assert certainty_words({}) == "No interval: the report has none"
    assert certainty_words({"net_edge": {"low_bps": 1.0, "high_bps": 2.0}}) == "No interval: the report has none"


def test_what_is_carried_is_told_the_largest_first():
    assert carried_words(report()) == "Carried at the end: −617.9 BBB-USDT, 20 AAA-USDT, 3.14 % of the notional"
    assert carried_words(empty().report) == carried_words({}) == "Carried at the end: not measured"
    none = {"share": 0.0, "by_symbol": {"X": {"position": 0.0, "value": 0.0}}}
    assert carried_words({"carried_position": none}) == "Carried at the end: nothing, 0 % of the notional"
    many = {f"S{at}": {"position": at, "value": 10.0 * at} for at in range(1, 6)}
    told = carried_words({"carried_position": {"share": 0.5, "by_symbol": many}})
    assert told == "Carried at the end: 5 S5, 4 S4, 3 S3 and 2 more, 50 % of the notional"
    assert carried_words({"carried_position": {"share": 0.5}}) == "Carried at the end: nothing, 50 % of the notional"


def test_each_limit_is_answered_the_lowest_first():
    content = {"net_edge": {"above": list(reversed(said("yes", "no", "not decided")))}}
    assert [(one.limit, one.words, one.verdict) for one in answers(content)] == [
        ("0 bps", "yes", Verdict.PASS),
        ("2 bps", "no", Verdict.FAIL),
        ("2.5 bps", "not decided", Verdict.INCONCLUSIVE),
    ]


@pytest.mark.parametrize("answer", [None, "perhaps", True, ["yes"]])
def test_an_answer_that_is_none_is_not_decided(answer: Any):
    (found,) = answers({"net_edge": {"above": [{"limit_bps": 0, "answer": answer}]}})
    assert (found.words, found.verdict) == ("not decided", Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("net_edge", [None, {}, {"above": None}, {"above": "yes"}, {"above": [1]}])
def test_a_report_without_limits_has_no_answers(net_edge: Any):
    assert answers({"net_edge": net_edge}) == []


@pytest.mark.parametrize(
    ("above", "verdict"),
    [
        (said("yes", "yes", "yes"), Verdict.PASS),
        (said("yes", "yes", "not decided"), Verdict.INCONCLUSIVE),
        (said("yes", "no", "no"), Verdict.INCONCLUSIVE),
        (said("not decided", "no", "no"), Verdict.INCONCLUSIVE),
        (said("no", "no", "no"), Verdict.FAIL),
        ([{"answer": "no"}, {"limit_bps": 0.0, "answer": "yes"}], Verdict.FAIL),
        ([], Verdict.INCONCLUSIVE),
    ],
)
def test_the_headline_is_good_above_all_limits_and_bad_below_the_lowest(above: Any, verdict: Verdict):
    assert standing(page(report(net_edge={"above": above}))) is verdict


@pytest.mark.parametrize(
    "lost",
    [{"measured_share": 0.98}, {"measured_share": None}, {"quote_coverage": 0.9989}, {"quote_age_p95_ms": 2001.0},
     {"outside_touch_share_alone": 0.011}, {"wrong_side_share": 0.508}, {"mark_jump_bps": 5331.0},
     {"longest_fill_gap_s": 901.0}],
)  # fmt: skip
def test_numbers_that_rest_on_too_little_are_never_good(lost: dict[str, Any]):
    content = dict(sound().report)
    content["quality"] = content["quality"] | lost
    assert standing(sound()) is Verdict.PASS
    assert standing(replace(sound(), report=content)) is Verdict.INCONCLUSIVE


def test_without_a_net_edge_nothing_is_good():
    content = dict(sound().report) | {"total": group(net=None)}
    assert standing(replace(sound(), report=content)) is Verdict.INCONCLUSIVE


def test_the_bad_comes_first_and_what_is_not_known_before_what_holds():
    assert [(one.name, one.verdict) for one in concerns(doubtful())] == [
        ("fills measured", Verdict.FAIL),
        ("window covered by quotes", Verdict.INCONCLUSIVE),
        ("money counted two ways", Verdict.PASS),
        ("age of the quote at the fill, p95", Verdict.PASS),
        ("lone fills outside the touch", Verdict.PASS),
        ("fills on the wrong side of the mid", Verdict.PASS),
        ("last mid from its hour's", Verdict.PASS),
        ("longest time without a fill", Verdict.PASS),
    ]


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.name for limit in LIMITS])
def test_at_its_limit_a_condition_holds_and_just_beyond_it_does_not(limit: QualityLimit):
    worse = -1e-9 if limit.bound == "at_least" else 1e-6
    assert named(limit.words, **{limit.name: limit.limit}).verdict is Verdict.PASS
    assert named(limit.words, **{limit.name: limit.limit + worse}).verdict is Verdict.FAIL
    assert named(limit.words, **{limit.name: None}).verdict is Verdict.INCONCLUSIVE


def test_a_share_is_never_rounded_to_the_better_side():
    assert named("fills measured", measured_share=0.98999).value == "98.99 %"
    assert named("fills measured", measured_share=0.57).value == "57 %"
    assert named("lone fills outside the touch", outside_touch_share_alone=0.010001).value == "1.01 %"
    assert named("lone fills outside the touch", outside_touch_share_alone=0.01).value == "1 %"
    assert named("fills measured", measured_share=None).value == "not measured"
    assert named("fills measured").limit == "≥ 99 %"
    assert named("lone fills outside the touch").limit == "≤ 1 %"


@pytest.mark.parametrize(
    ("identity", "words", "verdict"),
    [
        ({"holds": True}, "holds", Verdict.PASS),
        ({"holds": False}, "does not hold", Verdict.FAIL),
        ({"holds": None}, "not checked", Verdict.INCONCLUSIVE),
        ({"holds": 1}, "not checked", Verdict.INCONCLUSIVE),
        (None, "not checked", Verdict.INCONCLUSIVE),
    ],
)
def test_money_that_does_not_close_speaks_against_all_numbers(identity: Any, words: str, verdict: Verdict):
    content = page(report(identity=identity))
    found = next(one for one in concerns(content) if one.name == "money counted two ways")
    assert (found.value, found.verdict) == (words, verdict)


def test_every_group_has_a_row_the_total_first_and_symbols_by_notional():
    found = rows(page())
    assert [(one.name, one.kind) for one in found] == [
        ("total", ""),
        ("BBB-USDT", "symbol"),
        ("AAA-USDT", "symbol"),
        ("buy", "side"),
        ("sell", "side"),
        ("paper", "venue"),
    ]
    assert [one.interval for one in found[:4]] == ["+2.10 to +3.10", "+2.10 to +3.10", "+2.10 to +3.10", ""]
    total = found[0]
    assert (total.fills, total.notional, total.net, total.markout, total.adverse) == (
        "1,000", "2,000,000", "+2.60", "+3.00", "+1.00",
    )  # fmt: skip
    assert (total.fee, total.maker_share, total.order_age) == ("+0.20", "95 %", "251 ms")


def test_a_number_that_is_not_there_is_not_measured():
    (row,) = rows(empty())
    assert (row.fills, row.net, row.notional, row.maker_share, row.order_age) == ("0", *["not measured"] * 4)
    assert row.interval == ""
    assert rows(page({})) == []
    assert rows(page({"by_symbol": {"X": None}}))[0].fills == "not measured"
    assert rows(page({"total": {"notional": 3.25}}))[0].notional == "3.25"


def test_every_count_of_the_quality_is_told():
    assert dict(quality_rows(report())) | {"measured share": "1"} == dict(quality_rows(report()))
    assert dict(quality_rows(report()))["last quote age s"] == "0.383"
    assert dict(quality_rows(empty().report))["quote coverage"] == "not measured"
    assert quality_rows({}) == []


def test_how_many_sides_were_inferred_is_remarked():
    def inferred(given: float | None) -> dict[str, Any]:
        return report(intake={"aggressor": None if given is None else {"given_share": given}})

    assert remarks(inferred(0.59999)) == ["The side of 40.01 % of the fills was not given, and inferred."]
    assert remarks(inferred(1.0)) == remarks(inferred(None)) == remarks(report()) == []
