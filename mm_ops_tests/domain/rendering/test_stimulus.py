import re
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.stimulus import Level, Phase, Stimulus, series_texts, stimulate
from mm_ops.domain.sli.histograms import histogram_quantile
from mm_ops.domain.sli.series import Selector
from mm_ops.domain.soak.bound import Bound
from mm_ops_tests.policies_of_rules import project, watched, with_gate, with_measure

LABELS = {"bot": "paper"}
WINDOW = 20


def of(name: str, hold: int = 40, **different: Any) -> Stimulus:
    return stimulate(watched(with_gate(project(), name, **different), name), LABELS, WINDOW, hold)


def expand(text: str) -> list[float]:
    """promtool's notation: ``a+bxn`` is a, a+b, … n times more; ``axn`` repeats."""
    values: list[float] = []
    for part in text.split():
        found = re.fullmatch(r"(-?[\d.e]+)(?:([+-][\d.e]+))?(?:x(\d+))?", part)
        assert found, part
        first, step, times = float(found[1]), float(found[2] or 0), int(found[3] or 0)
        values += [first + step * n for n in range(times + 1)]
    return values


def ratio(level: Level, numerator: str, *denominator: str) -> Fraction:
    sizes = {name.split("{")[0]: size for name, size in level.items()}
    return sizes[numerator] / sum(sizes[name] for name in denominator)


@pytest.mark.parametrize(
    ("bound", "limit", "beyond", "inside"),
    [
        # room 0.02 to the best (0), a fifth of a twentieth of it: 0.0002
        (Bound.AT_MOST, 0.02, "0.0202", "0.0198"),
        # room 0.98 to the best (1): 0.98 / 100
        (Bound.AT_LEAST, 0.02, "0.0102", "0.0298"),
        (Bound.AT_MOST, 1.0, "1.01", "0.99"),
    ],
)
def test_a_ratio_of_two_counters_is_broken_and_kept_by_little(
    bound: Bound, limit: float, beyond: str, inside: str
) -> None:
    made = of("deadline_miss_ratio", bound=bound, limit=limit)
    assert ratio(made.beyond, "mm_deadline_miss_total", "mm_ticks_total") == Fraction(beyond)
    assert ratio(made.inside, "mm_deadline_miss_total", "mm_ticks_total") == Fraction(inside)
    assert ratio(made.best, "mm_deadline_miss_total", "mm_ticks_total") == (1 if bound is Bound.AT_LEAST else 0)
    assert made.value == made.last == float(Fraction(beyond))


def test_a_share_of_a_sum_counts_what_stands_on_both_sides() -> None:
    made = of("md_cache_hit_ratio")
    names = ("mm_md_cache_hit_total", "mm_md_cache_miss_total")
    # room 0.3 to the best (1), a hundredth of it: 0.003
    assert ratio(made.beyond, names[0], *names) == Fraction("0.697")
    assert ratio(made.inside, names[0], *names) == Fraction("0.703")
    assert ratio(made.best, names[0], *names) == 1
    for level in (made.beyond, made.inside, made.best):
        assert sum(level.values()) == 1


def test_one_good_step_after_a_breach_ends_it() -> None:
    """19 steps at 0.697 and one at 1 have 0.71215 in all, above 0.7; so have 19 at 0.0202 and one at 0: 0.01919."""
    for name, limit in (("md_cache_hit_ratio", 0.7), ("deadline_miss_ratio", 0.02)):
        made = of(name)
        after = (19 * made.value + (1 if name.startswith("md") else 0)) / 20
        one = watched(project(), name)
        assert made.tail == 1
        assert one.gate.bound.margin(after, limit) > 0 > one.gate.bound.margin(made.value, limit)


def quantile(level: Level, q: float) -> float:
    bounds = {re.search(r'le="([^"]+)"', name): count for name, count in level.items()}
    value, _ = histogram_quantile(q, {float(found[1]): float(count) for found, count in bounds.items() if found})
    return value


@pytest.mark.parametrize(
    ("bound", "value"),
    [
        # 94.95 % at most 150 ms: 150 + 50 · (0.95 − 0.9495) / (1 − 0.9495) = 150.495
        (Bound.AT_MOST, 150.49504950495),
        # 95.95 % at most 150 ms: 100 + 50 · 0.95 / 0.9595 = 149.505
        (Bound.AT_LEAST, 149.50495049505),
    ],
)
def test_a_quantile_is_moved_across_its_bucket_s_bound(bound: Bound, value: float) -> None:
    made = of("tick_latency_p95_ms", bound=bound)
    assert made.value == pytest.approx(value, rel=1e-9)
    assert quantile(made.beyond, 0.95) == made.value
    assert bound.margin(quantile(made.inside, 0.95), 150) > 0
    assert next(iter(made.beyond)) == 'mm_stage_duration_ms_bucket{bot="paper",le="100.0",stage="tick_total"}'
    assert len(made.beyond) == 4


def test_the_first_bucket_has_none_below_it() -> None:
    made = of("tick_latency_p95_ms", limit=5.0)
    # 94.95 % at most 5 ms, the rest at most 10 ms: 5 + 5 · 0.0005 / 0.0505
    assert made.value == pytest.approx(5.0495049505)
    assert len(made.beyond) == 3


def test_a_gauge_is_broken_by_a_hundredth_and_kept_at_the_limit_itself() -> None:
    made = of("edge_bps_ema24h")
    assert made.beyond == {'mm_edge_bps_ema24h{bot="paper"}': Fraction("1.98")}
    assert made.inside == made.best == {'mm_edge_bps_ema24h{bot="paper"}': Fraction(2)}
    assert (made.lead, made.tail, made.value) == (0, 1, 1.98)
    assert of("edge_bps_ema24h", limit=-2.0).value == -2.02
    assert of("edge_bps_ema24h", limit=0.0).value == -1
    assert of("ws_lag_max_ms").value == 202


def test_a_condition_holds_or_does_not() -> None:
    made = of("circuit_open_seconds")
    name = 'mm_circuit_breaker_state{bot="paper",state="open"}'
    assert (made.beyond, made.inside) == ({name: Fraction(1)}, {name: Fraction(0)})
    assert made.apart == {"state": "open"}
    closed = with_measure(project(), "circuit_open_seconds", equals=0.0)
    made = stimulate(watched(closed, "circuit_open_seconds"), LABELS, 0, 20)
    assert (made.beyond, made.inside) == ({name: Fraction(0)}, {name: Fraction(1)})


@pytest.mark.parametrize(("hold", "at_fire"), [(0, 3), (4, 15), (40, 60)])
def test_a_count_is_one_more_than_is_allowed(hold: int, at_fire: int) -> None:
    """3 a step where 2 are allowed in a window of 20: after 1 + hold steps the window has 3 · min(1 + hold, 20)."""
    made = of("guard_trips", hold, limit=2.0)
    grown = 'mm_guard_trip_total{bot="paper",guard="max_position"}'
    assert {name for name, size in made.beyond.items() if size} == {grown}
    assert (made.beyond[grown], made.burst[grown], made.inside[grown]) == (Fraction(3), Fraction(2), Fraction(0))
    assert len(made.beyond) == 4
    assert (made.value, made.last, made.tail) == (at_fire, 3, WINDOW)
    assert made.apart == {"guard": "max_position"}


@pytest.mark.parametrize(
    ("name", "different", "why"),
    [
        ("tick_latency_p95_ms", {"limit": 1000.0}, "≤ 1000 ms can never be broken: the quantile is at most 1000 ms"),
        ("md_cache_hit_ratio", {"bound": Bound.AT_MOST, "limit": 1.0}, "can never be broken: no counts have a ratio"),
        ("deadline_miss_ratio", {"bound": Bound.AT_LEAST, "limit": 0.0}, "≥ 0 ratio can never be broken: a share is"),
        ("guard_trips", {"bound": Bound.AT_LEAST, "limit": 1.0}, "guard_trips: alert: expected bound at_most"),
    ],
)
def test_a_limit_that_nothing_can_break_is_refused(name: str, different: Any, why: str) -> None:
    with pytest.raises(PolicyError) as refused:
        of(name, **different)
    assert why in str(refused.value)


def test_a_ratio_of_a_counter_to_itself_is_refused() -> None:
    same = with_measure(project(), "deadline_miss_ratio", numerator=(Selector("mm_ticks_total"),))
    with pytest.raises(PolicyError, match=r"can never be broken: no counts have a ratio of 0\.0202"):
        stimulate(watched(same, "deadline_miss_ratio"), LABELS, WINDOW, 40)


def test_counters_grow_by_their_level_and_begin_again_after_a_restart() -> None:
    up, slow = {"x": Fraction(3, 2)}, {"x": Fraction(1)}
    texts = series_texts([Phase(up, 3), Phase(slow, 2), Phase(up, 2, reset=True)], counted=True)
    assert texts == {"x": "0 3+3x2 11+2x1 0+3x1"}
    assert expand(texts["x"]) == [0, 3, 6, 9, 11, 13, 0, 3]


def test_gauges_stand_at_their_level_from_the_first_sample_on() -> None:
    texts = series_texts([Phase({"x": Fraction("1.98")}, 3), Phase({"x": Fraction(2)}, 1)], counted=False)
    assert texts == {"x": "1.98x3 2x0"}
    assert expand(texts["x"]) == [1.98, 1.98, 1.98, 1.98, 2]


def test_the_hold_of_the_alert_is_not_the_stimulus_s_business_but_for_counts() -> None:
    longer = with_gate(project(), "ws_lag_max_ms", alert_hold=timedelta(hours=1))
    assert stimulate(watched(longer, "ws_lag_max_ms"), LABELS, 0, 240) == of("ws_lag_max_ms")
