"""A day taken from its reports; and a small day built from fills and quotes, of which any part is lost.

The built day lasts ten minutes with a fill each second in turn in X and Y, bought and sold alternately at a mid of 100
that never moves, so that the position is flat at the end and the net edge is the mean of the fills' own.
"""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from mm_ops.domain.edge.report import build_edge_report
from mm_ops.domain.readiness.evidence import DayEvidence, DayReports, read_day
from mm_ops.domain.readiness.score import Readiness, score_readiness
from mm_ops.domain.readiness.what_if import GO, HOLD
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import START, edge_policy, fill, fills, instrument, instruments, quotes
from mm_ops_tests.domain.readiness.week import GATES, LAST, POLICY

EDGE: dict[str, dict[str, Any]] = {
    "identity": {"holds": True},
    "intake": {
        "max_rejected_share": 0.001,
        "max_unknown_share": 0.01,
        "max_crossed_share": 0.01,
        "books": {"crossed": {"count": 0}},
        "fills": {"rejected_share": 0.0, "rows": 2500, "alike_without_id": {"count": 0, "treat": "keep"}},
        "quotes": {"rejected_share": 0.0, "taken": 10_000},
        "aggressor": None,
    },
    "by_symbol": {"AAA": {"fills": 2500}, "BBB": {"fills": 1000}},
    "quality": {
        "measured_share": 1.0,
        "quote_coverage": 1.0,
        "quote_age_p95_ms": 600.0,
        "outside_touch_share_alone": 0.0,
        "wrong_side_share": 0.0,
        "mark_jump_bps": 18.0,
        "longest_fill_gap_s": 355.0,
    },
    "total": {
        "net_edge_bps": 3.0,
        "order_age_p95_ms": 250.0,
        "order_age_known_share": 1.0,
        "maker_share": 0.95,
        "taker_share": 0.05,
        "liquidity_known_share": 1.0,
    },
}
SLIS = {"guard_trips": {"value": 0.0, "coverage": 1.0}, "maker_share": {"value": 0.955, "coverage": 1.0}}
SOAK = {"ran": "1.0.0", "day": {"slis": SLIS}}
CHAOS = {"drill": "feed_cut", "outcome": "ok", "observed": {"breaker_open_s": 1.9, "quoting_again_s": 0.0}}
TESTS = {"verdict": "ok", "passed": 9, "skipped": 1, "total": 10}
REPORTS: dict[str, Any] = {"edge": EDGE, "soak": SOAK, "chaos": CHAOS, "tests": TESTS}


def read(**different: Any) -> DayEvidence:
    return read_day(LAST, DayReports(**{**REPORTS, **different}), POLICY, version="1.0.0", symbols=("AAA", "BBB"))


def edge_with(group: str, **different: Any) -> dict[str, Any]:
    return {**EDGE, group: {**EDGE[group], **different}}


@pytest.mark.parametrize(
    ("ran", "reason"),
    [
        ("0.9.0", "2026-11-20: version 0.9.0 ran, and 1.0.0 is judged"),
        (None, "2026-11-20: nothing says which version ran"),
    ],
)
def test_a_day_of_another_version_says_nothing_about_this_one(ran: str | None, reason: str):
    assert read(soak={**SOAK, "ran": ran}) == DayEvidence(date=LAST, absent=(reason,))


@pytest.mark.parametrize(
    ("by_symbol", "reason"),
    [
        ({"AAA": {"fills": 2500}}, "0 fills of BBB"),
        ({"AAA": {"fills": 2500}, "BBB": {"fills": 999}}, "999 fills of BBB"),
    ],
)
def test_an_edge_on_a_few_fills_or_without_a_symbol_is_no_days_edge(by_symbol: dict[str, Any], reason: str):
    day = read(edge={**EDGE, "by_symbol": by_symbol})
    assert (day.net_edge_bps, day.order_age_p95_ms, day.taker_share) == (None, None, None)
    assert f"2026-11-20: edge: {reason}, at least 1000 are needed" in day.absent


def test_an_edge_of_which_too_much_was_left_out_is_no_days_edge():
    intake = {**EDGE["intake"], "fills": {"rejected_share": 0.5}}
    day = read(edge={**EDGE, "intake": intake})
    assert day.net_edge_bps is None
    assert day.absent == (f"{LAST}: edge: inputs: 0.5 of the fills were rejected, at most 0.001 is allowed",)


def test_a_whole_day_lacks_nothing():
    day = read()
    assert (day.missing(), day.absent) == ([], ())
    assert (day.net_edge_bps, day.guard_trips, day.chaos_ok, day.tests_ok) == (3.0, 0.0, True, True)


@pytest.mark.parametrize(
    ("report", "fields"),
    [
        ("edge", ["net_edge_bps", "order_age_p95_ms", "taker_share"]),
        ("soak", ["guard_trips"]),
        ("chaos", ["chaos_ok"]),
        ("tests", ["tests_ok"]),
    ],
)
def test_a_report_that_is_not_stored_is_named_with_what_it_would_have_said(report: str, fields: list[str]):
    day = read(**{report: None})
    assert day.missing() == [f"{LAST}: {field}" for field in fields]
    assert day.absent == (f"{LAST}: no {report} report is stored",)


@pytest.mark.parametrize("holds", [False, None])
def test_an_edge_whose_identity_does_not_hold_counts_as_missing(holds: object):
    day = read(edge={**EDGE, "identity": {"holds": holds}})
    assert day.net_edge_bps is None
    assert day.absent == (f"{LAST}: the identity of the edge report does not hold",)


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        ({"value": 0.0, "coverage": 0.5}, "guard trips cover 50.0% of the day, at least 99.0% is needed"),
        ({"value": None, "coverage": 1.0}, "guard trips were not measured"),
    ],
)
def test_guard_trips_of_a_day_that_was_not_watched_are_missing_and_not_zero(measured: dict[str, Any], why: str):
    day = read(soak={"ran": "1.0.0", "day": {"slis": {**SLIS, "guard_trips": measured}}})
    assert (day.guard_trips, day.absent) == (None, (f"{LAST}: {why}",))


def test_guard_trips_that_nobody_measures_are_missing():
    assert read(soak={"day": {"slis": {}}}).guard_trips is None


def test_failures_are_answers_and_not_absence():
    day = read(chaos={"drill": "feed_cut", "outcome": "failed"}, tests={"verdict": "failed"})
    assert (day.chaos_ok, day.tests_ok, day.missing()) == (False, False, [])


def test_a_test_run_in_which_nothing_ran_is_missing():
    assert read(tests={"verdict": "missing"}).tests_ok is None


THIN = {
    "measured_share": (0.98996, "measured_share was 0.98996, at least 0.99 is needed"),
    "quote_coverage": (0.04, "quote_coverage was 0.04, at least 0.999 is needed"),
    "quote_age_p95_ms": (36957.5, "quote_age_p95_ms was 36957.5, at most 2000 is allowed"),
    "outside_touch_share_alone": (0.87, "outside_touch_share_alone was 0.87, at most 0.01 is allowed"),
    "wrong_side_share": (0.497, "wrong_side_share was 0.497, at most 0.01 is allowed"),
    "mark_jump_bps": (3000.0, "mark_jump_bps was 3000, at most 300 is allowed"),
    "longest_fill_gap_s": (901.0, "longest_fill_gap_s was 901, at most 900 is allowed"),
}


@pytest.mark.parametrize("name", THIN)
@pytest.mark.parametrize("known", [True, False])
def test_an_edge_on_too_few_fills_or_quotes_counts_as_missing_with_the_number(name: str, *, known: bool):
    value, why = THIN[name]
    day = read(edge=edge_with("quality", **{name: value if known else None}))
    assert (day.net_edge_bps, day.order_age_p95_ms, day.taker_share) == (None, None, None)
    assert day.absent == (f"{LAST}: edge: {why if known else f'{name} was not measured'}",)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("measured_share", 0.99),
        ("quote_coverage", 0.999),
        ("outside_touch_share_alone", 0.01),
        ("wrong_side_share", 0.01),
        ("mark_jump_bps", 300.0),
        ("longest_fill_gap_s", 900.0),
    ],
)
def test_exactly_the_limit_suffices(name: str, limit: float):
    assert read(edge=edge_with("quality", **{name: limit, "quote_age_p95_ms": 2000.0})).missing() == []


@pytest.mark.parametrize(
    ("observed", "ok", "absent"),
    [
        ({"breaker_open_s": 2.0, "quoting_again_s": 10.0}, True, ()),
        ({"breaker_open_s": 2.1, "quoting_again_s": 0.0}, False, ()),
        ({"quoting_again_s": 0.0}, None, (f"{LAST}: chaos: breaker_open_s was not observed",)),
        ({"breaker_open_s": -0.1, "quoting_again_s": 0.0}, None, (f"{LAST}: chaos: breaker_open_s was not observed",)),
        ({"breaker_open_s": True, "quoting_again_s": 0.0}, None, (f"{LAST}: chaos: breaker_open_s was not observed",)),
    ],
)
def test_a_drill_is_held_against_the_policys_limits_and_not_its_own(
    observed: dict[str, Any], ok: object, absent: tuple[str, ...]
):
    day = read(
        chaos={
            "drill": "feed_cut",
            "outcome": "ok",
            "expected": {"coffee": "hot"},
            "observed": {"coffee": "hot", **observed},
        }
    )
    assert (day.chaos_ok, day.absent) == (ok, absent)


def test_a_drill_of_another_name_says_nothing_of_the_one_that_is_asked_for():
    day = read(chaos={**CHAOS, "drill": "made_coffee"})
    assert (day.chaos_ok, day.absent) == (None, (f"{LAST}: chaos: the drill was made_coffee, expected feed_cut",))


LIVE: dict[str, Any] = {
    **CHAOS,
    "drill": "live",
    "kind": "live",
    "drills": [{"drill": "deafness"}, {"drill": "feed_cut"}],
    "bot": {"version": "1.0.0"},
}


def test_of_several_drills_on_a_live_bot_the_one_that_is_asked_for_counts():
    assert read(chaos=LIVE).chaos_ok is True
    assert read(chaos={**LIVE, "outcome": "failed"}).chaos_ok is False
    without = read(chaos={**LIVE, "drills": LIVE["drills"][:1]})
    assert (without.chaos_ok, without.absent) == (
        None,
        (f"{LAST}: chaos: the drill was deafness, expected feed_cut",),
    )


@pytest.mark.parametrize("version", ["1.0.1", None])
def test_a_drill_on_a_live_bot_of_another_version_says_nothing_of_this_one(version: str | None):
    day = read(chaos={**LIVE, "bot": {"version": version}})
    said = f"{LAST}: chaos: a bot of version {version} was drilled, and 1.0.0 is judged"
    assert (day.chaos_ok, day.absent) == (None, (said,))


@pytest.mark.parametrize(
    ("passed", "skipped", "reason"),
    [
        (8, 0, "tests: 8 passed, at least 9 are needed"),
        (9, 2, "tests: 2 of 11 were skipped, at most 10% may be"),
    ],
)
def test_a_part_of_a_test_run_is_none(passed: int, skipped: int, reason: str):
    run = {"verdict": "ok", "passed": passed, "skipped": skipped, "total": passed + skipped}
    day = read(tests=run)
    assert (day.tests_ok, day.absent) == (None, (f"{LAST}: {reason}",))


def test_an_edge_report_of_a_version_that_did_not_look_counts_as_missing():
    day = read(edge={**EDGE, "quality": {}})
    assert day.net_edge_bps is None
    assert len(day.absent) == 7


@pytest.mark.parametrize(
    ("share", "field"), [("order_age_known_share", "order_age_p95_ms"), ("liquidity_known_share", "taker_share")]
)
@pytest.mark.parametrize(
    ("value", "why"), [(0.5, "was 0.5, at least 0.99 is needed"), (None, "was not measured")], ids=["few", "none"]
)
def test_what_few_fills_make_known_is_missing_and_nothing_else(share: str, field: str, value: object, why: str):
    day = read(edge=edge_with("total", **{share: value}))
    assert day.missing() == [f"{LAST}: {field}"]
    assert day.absent == (f"{LAST}: edge: {share} {why}",)


WINDOW = TimeWindow(START, START + timedelta(minutes=10))
BOTH = instruments(instrument(), instrument(symbol="Y"))
# its takers earn the spread too, and so lie on the wrong side of the mid
ONE_DAY = replace(POLICY, days=1, edge=replace(POLICY.edge, max_fill_gap_s=10, max_wrong_side_share=0.7))
QUOTES = pl.concat(
    [quotes(*((n / 2, 99.9, 100.1) for n in range(1200)), symbol=symbol).with_row_index() for symbol in ("X", "Y")]
)
# by symbol: capture in bps, order age in ms, each how many is a taker's
KINDS = {"good": {"X": (4.0, 100, 20), "Y": (3.0, 200, 20)}, "bad": {"X": (6.0, 100, 20), "Y": (-4.0, 700, 2)}}
SLACK = {
    # Coverage leaves 0.6 s of 600 s without a quote, so at most a fill of each symbol, less than 1 %, is not measured:
    # that moves the mean by at most 0.01/0.99 · (6 + 4) = 0.1 bps, 1.2 of 30 points, and the taker share of 0.275 to
    # at least 0.265/0.99 = 0.268, 0.2 of 15 points.
    "quotes": 1.4,
    "values": 0.0,
    "day": 0.0,
}


@cache
def fills_of(kind: str) -> pl.DataFrame:
    rows = []
    for n in range(600):
        symbol, bought = "XY"[n % 2], n // 2 % 2 == 0
        capture, age_ms, taken = KINDS[kind][symbol]
        price = 100 - (1 if bought else -1) * capture / 100
        sent = fill(n + 0.25, "buy", 1)["ts_ns"] - age_ms * 1_000_000
        liquidity = "taker" if n // 2 % taken == 0 else "maker"
        side = "buy" if bought else "sell"
        rows.append(fill(n + 0.25, side, price, symbol=symbol, order_ts_ns=sent, liquidity=liquidity))
    return fills(*rows).with_row_index()


def score(ours: pl.DataFrame, market: pl.DataFrame, kind: str) -> Readiness:
    policy = edge_policy(stale_after=timedelta(seconds=60))
    edge = build_edge_report(ours, market, policy=policy, instruments=BOTH, window=WINDOW) | {"intake": EDGE["intake"]}
    # half of the fills are of each symbol and nearly equal in notional; the bot counted them all, whatever is lost here
    taken = sum(1 / KINDS[kind][symbol][2] for symbol in "XY") / 2
    soak = {**SOAK, "day": {"slis": {**SLIS, "maker_share": {"value": 1 - taken, "coverage": 1.0}}}}
    day = read_day(LAST, DayReports(**{**REPORTS, "edge": edge, "soak": soak}), ONE_DAY, version="1.0.0", symbols=())
    return score_readiness([day], [LAST], ONE_DAY, GATES)


@cache
def score_of(kind: str) -> Readiness:
    return score(fills_of(kind), QUOTES, kind)


LOST = st.one_of(
    st.tuples(st.just("span"), st.integers(0, 1200), st.integers(1, 1200)).map(
        lambda drawn: pl.col("index").is_between(drawn[1], drawn[1] + drawn[2], closed="left")
    ),
    st.tuples(st.integers(1, 100), st.integers(0, 99)).map(
        lambda drawn: pl.col("index").hash(drawn[1]) % 100 < drawn[0]  # so many in a hundred, at random
    ),
)
SYMBOLS = st.sampled_from([("X",), ("Y",), ("X", "Y")])


def test_the_two_days_are_a_go_and_a_hold():
    assert (score_of("good").verdict, score_of("good").score) == (GO, 100.0)
    # edge (6 − 4)/2 = 1 of 2.5: 12 of 30; p95 of the age 700: 12.5 of 25; of X 5 %, of Y 50 % taken: 0.15/0.275 of 15
    assert score_of("bad").verdict == HOLD
    assert score_of("bad").score == pytest.approx(12 + 12.5 + 15 * 0.15 / 0.275 + 30, abs=0.02)


@given(
    st.sampled_from(list(KINDS)),
    st.sampled_from(list(SLACK)),
    LOST,
    SYMBOLS,
    st.sampled_from(["order_ts_ns", "liquidity"]),
)
@settings(deadline=None)
def test_losing_any_part_of_a_day_never_raises_the_score_nor_turns_hold_into_go(
    kind: str, what: str, lost: pl.Expr, symbols: tuple[str, ...], column: str
):
    chosen = lost & pl.col("symbol").is_in(symbols)
    ours, before = fills_of(kind), score_of(kind)
    match what:
        case "quotes":
            after = score(ours, QUOTES.filter(~chosen), kind)
        case "values":
            after = score(ours.with_columns(pl.when(~chosen).then(column).alias(column)), QUOTES, kind)
        case _:
            nothing = read_day(LAST, DayReports(**{**REPORTS, "edge": None}), ONE_DAY, version="1.0.0", symbols=())
            after = score_readiness([nothing], [LAST], ONE_DAY, GATES)
    assert after.score <= before.score + SLACK[what] + 1e-9
    assert not (before.verdict == HOLD and after.verdict == GO)


THINNED = {
    "96 in a hundred at random": pl.col("index").hash(1) % 100 < 96,
    "all of the symbol that loses": pl.col("symbol") == "Y",
    "a stretch of a minute and a half": pl.col("index").is_between(500, 680),
    "the last two minutes": pl.col("index") >= 960,
}


@pytest.mark.parametrize("name", THINNED)
@pytest.mark.parametrize("kind", KINDS)
def test_a_day_without_most_of_its_quotes_is_no_day(name: str, kind: str):
    after = score(fills_of(kind), QUOTES.filter(~THINNED[name]), kind)
    assert (after.verdict, after.sections["edge"].score) == (HOLD, 0.0)
    assert [text for text in after.missing if " edge: quote_" in text or " edge: measured_share" in text]


WITNESSES = {
    "all taker fills are lost": (
        0.9642,
        "taker: maker share 0.95 by the fills, 0.9642 by the bot: they may differ by 0.01",
    ),
    "the bot's own is not known": (None, "taker: the bot's own maker share was not measured"),
}


@pytest.mark.parametrize("name", WITNESSES)
def test_a_taker_share_that_the_bot_itself_contradicts_is_missing(name: str):
    value, words = WITNESSES[name]
    day = read(soak={**SOAK, "day": {"slis": {**SLIS, "maker_share": {"value": value, "coverage": 1.0}}}})
    assert (day.taker_share, day.net_edge_bps) == (None, 3.0)
    assert day.absent[0].startswith(f"{LAST}: {words}")
    assert read(soak={**SOAK, "day": {"slis": {"guard_trips": SLIS["guard_trips"]}}}).taker_share is None


@pytest.mark.parametrize("first", [0, 200, 588], ids=["from the start", "between", "to the end"])
@pytest.mark.parametrize("symbol", ["X", "Y"])
def test_a_day_on_which_the_fills_of_one_symbol_are_lost_for_long_is_no_day(symbol: str, first: int):
    lost = (pl.col("symbol") == symbol) & pl.col("index").is_between(first, first + 12)  # 12 s; the other one trades
    after = score(fills_of("good").filter(~lost), QUOTES, "good")
    assert (after.verdict, after.sections["edge"].score) == (HOLD, 0.0)
    assert [text for text in after.missing if " edge: longest_fill_gap_s was 1" in text]
