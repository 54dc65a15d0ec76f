from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from mm_ops.domain.soak.baseline import NOT_NAMED, compare, evaluate_baseline
from mm_ops.domain.soak.bucket_rules import Baseline
from mm_ops.domain.soak.buckets import Buckets
from mm_ops.domain.soak.sides import Side
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops_tests.builders import WORDS
from mm_ops_tests.domain.soak.bucketed import GOOD, buckets, sli_buckets

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
Array = NDArray[np.float64]
RULE = Baseline(
    name="lag_baseline",
    sli="x",
    better="lower",
    unit="ms",
    relative=0.2,
    absolute=0.0,
    confidence=0.95,
    min_points=10,
    seed=1,
    severity=Severity.HARD,
    source=WORDS,
)
HIGHER = replace(RULE, better="higher")
random = np.random.default_rng(1)
LEVEL = 100 + 5 * random.normal(size=72)
OTHER = 100 + 5 * random.normal(size=72)


def soak(values: Sequence[float | None] | Array, name: str = "this soak", **different: Any) -> Side:
    measurement = different.pop("measurement", GOOD)
    found = [None if value is None else float(value) for value in values]
    return Side(name=name, buckets=buckets(found, **different), measurement=measurement)


def earlier(side: Side) -> Side:
    """The same soak a year before, so that it is another one."""
    if side.buckets is None:
        return side
    starts = tuple(start - timedelta(days=365) for start in side.buckets.starts)
    return replace(side, buckets=replace(side.buckets, starts=starts))


def judged(this: Side, known_good: Side | None, rule: Baseline = RULE) -> Finding:
    that = None if known_good is None else earlier(known_good)
    return evaluate_baseline(rule, this, that, "start/end", "query")


def verdict(
    this: Sequence[float | None] | Array, that: Sequence[float | None] | Array, rule: Baseline = RULE
) -> Verdict:
    return judged(soak(this), soak(that, "0.4.1"), rule).verdict


def test_two_soaks_alike_pass_and_the_finding_carries_both() -> None:
    finding = judged(soak(LEVEL), soak(OTHER, "0.4.1"))
    assert finding.verdict is PASS
    assert (finding.gate, finding.severity, finding.bound, finding.unit) == (
        "lag_baseline",
        Severity.HARD,
        "at_most",
        "ms",
    )
    assert (finding.window, finding.query, finding.samples, finding.coverage) == ("start/end", "query", 17280, 1.0)
    assert finding.limit is not None
    assert finding.value is not None
    assert finding.limit == pytest.approx(120, abs=2)
    assert finding.margin == finding.limit - finding.value
    assert "at 95 % each end; Cliff's delta towards worse" in finding.reason
    assert finding.reason.endswith(", 72 and 72 points")


def test_constants_are_compared_exactly() -> None:
    """100 against 80 and 20 % of it: 4 beyond the 96, in every draw."""
    finding = judged(soak([100.0] * 72), soak([80.0] * 72, "0.4.1"))
    assert (finding.verdict, finding.value, finding.limit, finding.margin) == (FAIL, 100.0, 96.0, -4.0)
    assert finding.reason == (
        "x was 100 ms in the mean of buckets, 80 ms in the known-good soak, at most 96 ms; beyond it by 4 ms to 4 ms "
        "at 95 % each end; Cliff's delta towards worse 1.00 (large), 72 and 72 points: "
        "worse beyond chance and tolerance"
    )
    assert verdict([96.0] * 72, [80.0] * 72) is PASS


def test_the_absolute_tolerance_adds_to_the_relative_one() -> None:
    rule = replace(RULE, absolute=4.0)
    finding = judged(soak([100.0] * 72), soak([80.0] * 72), rule)
    assert (finding.verdict, finding.limit) == (PASS, 100.0)


def test_where_higher_is_better_less_is_worse() -> None:
    assert verdict([79.0] * 72, [100.0] * 72, HIGHER) is FAIL
    assert verdict([80.0] * 72, [100.0] * 72, HIGHER) is PASS
    assert verdict([200.0] * 72, [100.0] * 72, HIGHER) is PASS
    finding = judged(soak([80.0] * 72), soak([100.0] * 72), HIGHER)
    assert (finding.bound, finding.limit, finding.margin) == ("at_least", 80.0, 0.0)


def test_a_negative_baseline_does_not_turn_its_tolerance_around() -> None:
    """A share of 20 % of -100 is 20, whichever side is better."""
    assert verdict([-81.0] * 72, [-100.0] * 72) is PASS
    assert verdict([-79.0] * 72, [-100.0] * 72) is FAIL
    assert verdict([-119.0] * 72, [-100.0] * 72, HIGHER) is PASS
    assert verdict([-121.0] * 72, [-100.0] * 72, HIGHER) is FAIL


def test_a_shift_of_everything_beyond_the_tolerance_fails() -> None:
    assert verdict(1.3 * LEVEL, OTHER) is FAIL
    assert verdict(1.1 * LEVEL, OTHER) is PASS
    assert verdict(0.5 * LEVEL, OTHER) is PASS


@pytest.mark.parametrize("heavy", [range(7), range(3, 10), [0, 1, 3, 4, 6, 7, 9]])
def test_seven_of_ten_points_at_a_hundred_times_the_baseline_fail(heavy: Sequence[int]) -> None:
    this = np.ones(10)
    this[list(heavy)] = 100.0
    assert verdict(this, np.ones(10)) is FAIL


@pytest.mark.parametrize("seed", range(20))
def test_zero_heavy_counters_at_a_hundred_times_the_baseline_fail_though_their_medians_agree(seed: int) -> None:
    """Three of ten hours have any event; both medians are 0, and Cliff's delta hardly sees a difference."""
    random = np.random.default_rng(seed)
    that, this = (random.permutation([*[1.0] * 22, *[0.0] * 50]) for _ in range(2))
    finding = judged(soak(100 * this), soak(that))
    assert np.median(this) == np.median(that) == 0.0
    assert finding.verdict is FAIL
    assert "in the mean of buckets" in finding.reason
    assert "(negligible)" in finding.reason


def test_a_bad_hour_of_the_known_good_soak_does_not_hide_that_all_hours_are_worse_now() -> None:
    """Its mean is 237 with the one of 10,000, and 100 in the median; this soak has 200 throughout."""
    that = np.where(np.arange(72) == 30, 10_000.0, 100.0)
    finding = judged(soak(np.full(72, 200.0)), soak(that, "0.4.1"))
    assert finding.verdict is FAIL
    assert "x was 200 ms in the median of buckets, 100 ms in the known-good soak, at most 120 ms" in finding.reason


def test_one_hour_at_a_hundred_times_is_no_pass() -> None:
    """One of 72 buckets may be chance: whether it comes again cannot be told."""
    finding = judged(soak(np.where(np.arange(72) == 30, 10_000.0, 100.0)), soak(np.full(72, 100.0)))
    assert finding.verdict is INCONCLUSIVE
    assert finding.reason.endswith(": too uncertain to tell")


def test_what_is_within_the_tolerance_on_paper_only_is_no_pass() -> None:
    """Both means near 1, spread 1: a tolerance of 20 % is less than chance alone."""
    random = np.random.default_rng(3)
    this, that = (np.exp(random.normal(size=72)) for _ in range(2))
    assert verdict(this, that) is INCONCLUSIVE
    assert verdict(this, that, replace(RULE, absolute=2.0)) is PASS


def normal(random: np.random.Generator) -> Array:
    return 100 + 20 * random.normal(size=72)


def carried(random: np.random.Generator) -> Array:
    value, values = 0.0, []
    for step in random.normal(size=122):
        value = 0.6 * value + step
        values.append(value)
    return 100 + 16 * np.array(values[50:])


def zero_heavy(random: np.random.Generator) -> Array:
    return random.poisson(0.1, 72).astype(np.float64)


@pytest.mark.parametrize(
    ("draw", "different", "least_passes"),
    [
        pytest.param(normal, {}, 60, id="independent, tolerance 20 %"),
        pytest.param(carried, {}, 45, id="each hour like the last, tolerance 20 %"),
        pytest.param(zero_heavy, {"relative": 0.0, "absolute": 0.5}, 60, id="mostly zero, tolerance half an event"),
    ],
)
def test_the_same_distribution_twice_does_not_fail(
    draw: Callable[[np.random.Generator], Array], different: dict[str, Any], least_passes: int
) -> None:
    """Of 60 pairs none fails; where hours are alike some are too uncertain to tell."""
    rule, seen = replace(RULE, **different), Counter[Verdict]()
    for seed in range(60):
        random = np.random.default_rng(seed)
        seen[verdict(draw(random), draw(random), rule)] += 1
    assert seen[FAIL] == 0
    assert seen[PASS] >= least_passes


def test_without_any_tolerance_the_same_distribution_fails_in_about_a_tenth() -> None:
    """Two locations, one end each at 95 %: at most 10 % but for few draws; nothing hides behind the tolerance."""
    rule = replace(RULE, relative=0.0)
    fails = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        fails += verdict(normal(random), normal(random), rule) is FAIL
    assert 1 <= fails <= 15


def test_zero_in_every_bucket_of_both_passes_and_says_so_loudly() -> None:
    finding = judged(soak([0.0] * 72), soak([0.0] * 72, "0.4.1"), replace(RULE, unit="count"))
    assert finding.verdict is INCONCLUSIVE
    finding = judged(soak([0.0] * 72), soak([0.0] * 72, "0.4.1"))
    assert (finding.verdict, finding.value, finding.limit, finding.margin) == (PASS, 0.0, 0.0, 0.0)
    assert finding.reason == (
        "x was zero in every bucket of the known-good soak and ZERO IN EVERY ONE now: nothing was compared but the "
        "absence, which leaves 4.07 % of buckets unseen at 95 %, at most 5 %"
    )


@pytest.mark.parametrize(
    ("size", "different", "expected"),
    [
        pytest.param(59, {}, PASS, id="0.05 ** (1 / 59) is 0.9505"),
        pytest.param(58, {}, INCONCLUSIVE, id="0.05 ** (1 / 58) is 0.9497"),
        pytest.param(72, {"max_unseen": 0.04}, INCONCLUSIVE, id="72 hours leave 4.07 %"),
        pytest.param(72, {"confidence": 0.99}, INCONCLUSIVE, id="who wants to be surer must see more"),
        pytest.param(10, {"max_unseen": 1.0}, PASS, id="a policy that asks for nothing says so"),
    ],
)
def test_zeros_pass_only_where_enough_of_them_were_seen(
    size: int, different: dict[str, Any], expected: Verdict
) -> None:
    finding = judged(soak([0.0] * size), soak([0.0] * size), replace(RULE, **different))
    assert finding.verdict is expected
    assert finding.reason.endswith(" buckets are too few to tell") is (expected is INCONCLUSIVE)


@given(st.integers(10, 400))
def test_the_bound_on_what_was_not_seen_is_within_the_rule_of_three(size: int) -> None:
    """Were more buckets than told beyond the limit, none of so many would be seen in fewer than one soak of 20."""
    finding = judged(soak([0.0] * size), soak([0.0] * size))
    told = float(finding.reason.split("which leaves ")[1].split(" %")[0]) / 100
    assert (1 - told - 1e-4) ** size <= 0.05 + 1e-9 <= (1 - told) ** size + 2e-9
    assert 0.8 * 3 / size < told < 3 / size


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("events", [1, 2, 3])
def test_a_sparse_baseline_says_too_little_for_a_pass(events: int, seed: int) -> None:
    """As many events as before is no pass: chance alone gives one more or less."""
    random = np.random.default_rng(seed)
    that, this = (random.permutation([1.0] * events + [0.0] * (72 - events)) for _ in range(2))
    assert verdict(this, that) is INCONCLUSIVE
    assert verdict(np.where(np.arange(72) < 36, 100.0, 0.0), that) is FAIL


@pytest.mark.parametrize("that", [[0.0] * 10, [0.0] * 9 + [1.0], [1.0] * 10])
def test_seven_of_ten_points_at_a_hundred_fail_whatever_the_baseline_has(that: list[float]) -> None:
    assert verdict([100.0] * 7 + [0.0] * 3, that) is FAIL


def test_any_occurrence_where_there_was_none_fails() -> None:
    """One event in one of 72 hours moves no interval beyond chance."""
    once = [0.0] * 71 + [1.0]
    finding = judged(soak(once), soak([0.0] * 72))
    assert (finding.verdict, finding.value, finding.margin) == (FAIL, 1.0, -1.0)
    assert finding.reason == (
        "x was zero in every bucket of the known-good soak and beyond 0 ms in 1 of 72 now, up to 1 ms"
    )


def test_an_occurrence_within_the_absolute_tolerance_passes_and_is_told() -> None:
    finding = judged(soak([0.0] * 71 + [1.0]), soak([0.0] * 72), replace(RULE, absolute=1.0))
    assert (finding.verdict, finding.margin) == (PASS, 0.0)
    assert "and at most 1 ms now, within 1 ms: nothing was compared but the absence" in finding.reason


def test_a_baseline_of_zeros_says_nothing_where_higher_is_better() -> None:
    finding = judged(soak([5.0] * 72), soak([0.0] * 72), HIGHER)
    assert (finding.verdict, finding.value) == (INCONCLUSIVE, None)
    assert finding.reason == "x: the known-good soak is zero in every bucket: nothing to compare with"


def test_without_a_known_good_soak_there_is_no_verdict_and_the_reason_says_how_to_name_one() -> None:
    finding = judged(soak(LEVEL), None)
    assert (finding.verdict, finding.reason) == (INCONCLUSIVE, NOT_NAMED)
    told = evaluate_baseline(RULE, soak(LEVEL), None, "w", None, not_named="name it in soak.yaml")
    assert told.reason == "name it in soak.yaml"
    assert told.samples == 17280


SHORT = replace(GOOD, coverage=0.5)


@pytest.mark.parametrize(
    ("this", "that", "reason"),
    [
        pytest.param(
            soak([100.0] * 9), soak(OTHER), "this soak: 9 measured buckets of x are fewer than 10", id="sparse here"
        ),
        pytest.param(
            soak(LEVEL),
            soak([*OTHER[:9], *[None] * 63], "0.4.1"),
            "0.4.1: 9 measured buckets of x are fewer than 10",
            id="sparse there",
        ),
        pytest.param(
            Side(name="this soak", buckets=None, measurement=None),
            Side(name="0.4.1", buckets=None, measurement=GOOD),
            "this soak: no measurement of x; 0.4.1: x was not measured in buckets",
            id="nothing on either side",
        ),
        pytest.param(
            soak(LEVEL),
            soak(OTHER, "0.4.1", length=timedelta(minutes=30)),
            "x has buckets of 1h in this soak and 30m in 0.4.1",
            id="another length",
        ),
        pytest.param(
            soak(LEVEL),
            soak(OTHER, "0.4.1", sli=sli_buckets(OTHER.tolist(), definition={"kind": "ratio"})),
            "x is defined otherwise in 0.4.1: kind, metric, statistic",
            id="another definition",
        ),
        pytest.param(
            soak(LEVEL, measurement=SHORT),
            soak(OTHER, "0.4.1"),
            "; but this soak: coverage of x is 50 %, below 99 %",
            id="coverage here",
        ),
        pytest.param(
            soak(LEVEL),
            soak(OTHER, "0.4.1", measurement=SHORT),
            "; but 0.4.1: coverage of x is 50 %, below 99 %",
            id="coverage there",
        ),
        pytest.param(
            soak([0.0] * 72, measurement=SHORT),
            soak([0.0] * 72),
            "; but this soak: coverage of x is 50 %, below 99 %",
            id="zeros on partial data",
        ),
    ],
)
def test_evidence_that_falls_short_does_not_pass(this: Side, that: Side, reason: str) -> None:
    finding = judged(this, that)
    assert finding.verdict is INCONCLUSIVE
    assert finding.reason.endswith(reason)


def test_a_loss_fails_on_partial_data_too_and_what_is_uncertain_stays_so() -> None:
    finding = judged(soak(2 * LEVEL, measurement=SHORT), soak(OTHER))
    assert finding.verdict is FAIL
    assert finding.reason.endswith(" (on partial data: this soak: coverage of x is 50 %, below 99 %)")
    once = np.where(np.arange(72) == 30, 10_000.0, 100.0)
    uncertain = judged(soak(once, measurement=SHORT), soak(np.full(72, 100.0)))
    assert uncertain.verdict is INCONCLUSIVE
    assert uncertain.reason.endswith("too uncertain to tell")


def test_equal_seeds_give_equal_findings_and_others_nearly_equal_ones() -> None:
    this, that = soak(LEVEL), soak(OTHER)
    assert judged(this, that) == judged(this, that)
    found = [compare(replace(RULE, seed=seed), LEVEL, OTHER)[0] for seed in (1, 2)]
    assert found[0].low != found[1].low
    assert found[0].low == pytest.approx(found[1].low, abs=0.5)


def test_the_interval_is_that_of_the_difference_of_means() -> None:
    """Independent values: 2 · 1.645 standard errors wide and centred, but that blocks see chance correlations: in
    the mean of 40 pairs 4 % narrower, measured."""
    widths, centres = [], []
    for seed in range(40):
        random = np.random.default_rng(seed)
        this, that = normal(random), normal(random)
        one = compare(replace(RULE, relative=0.0), this, that)[0]
        error = np.sqrt(this.var() / 72 + that.var() / 72)
        widths.append((one.high - one.low) / (2 * 1.645 * error))
        centres.append(((one.high + one.low) / 2 - (this.mean() - that.mean())) / error)
    assert np.mean(widths) == pytest.approx(0.96, abs=0.05)
    assert np.mean(centres) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize(
    ("different", "fault"),
    [
        ({"relative": -0.1}, "greater than or equal to 0"),
        ({"absolute": float("inf")}, "finite number"),
        ({"confidence": 0.5}, "greater than 0.5"),
        ({"confidence": 1.0}, "less than 1"),
        ({"better": "bigger"}, "'lower' or 'higher'"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"min_points": 5}, "greater than or equal to 10"),
        ({"source": ""}, "at least 8 characters"),
    ],
)
def test_an_impossible_policy_is_refused(different: dict[str, Any], fault: str) -> None:
    usual = {field: getattr(RULE, field) for field in RULE.__dataclass_fields__}
    with pytest.raises(ValidationError, match=fault):
        Baseline(**{**usual, **different})


def lose(values: Array, lost: set[int]) -> list[float | None]:
    return [None if n in lost else float(value) for n, value in enumerate(values)]


@given(st.sets(st.integers(0, 71), min_size=4), st.sampled_from(["here", "there"]), st.sampled_from([LEVEL, 0 * LEVEL]))
def test_losing_buckets_of_either_side_below_what_the_policy_asks_for_never_gives_a_pass(
    lost: set[int], where: str, values: Array
) -> None:
    """95 % of 72 is 68.4: four lost are too many."""
    this, that = (lose(values, lost), values) if where == "here" else (values, lose(values, lost))
    assert verdict(this, that) is not PASS


@given(st.sets(st.integers(0, 71)), st.sets(st.integers(0, 71)))
def test_losing_buckets_of_a_loss_never_gives_a_pass(here: set[int], there: set[int]) -> None:
    assert verdict(lose(1.5 * LEVEL, here), lose(OTHER, there)) is not PASS


def with_more(found: Buckets) -> Buckets:
    return replace(found, slis={"y": sli_buckets([0.0] * 72), **found.slis, "z": sli_buckets([9.0] * 72)})


def test_other_slis_of_either_soak_change_nothing() -> None:
    this, that = soak(LEVEL), soak(OTHER)
    assert this.buckets is not None
    assert judged(replace(this, buckets=with_more(this.buckets)), that) == judged(this, that)


def test_a_soak_is_not_compared_with_itself_nor_with_a_part_of_itself() -> None:
    this = soak(LEVEL)
    for that in (this, soak(np.zeros(24), "0.4.1"), soak(1000 * LEVEL, "0.4.1")):
        finding = evaluate_baseline(RULE, this, that, "start/end", "query")
        assert (finding.verdict, finding.value, finding.limit) == (INCONCLUSIVE, None, None)
        assert finding.reason.startswith("compared with itself: this soak is of 20")
    assert evaluate_baseline(RULE, this, earlier(this), "start/end", "query").verdict is PASS
