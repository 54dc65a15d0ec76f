from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy, check_edge_sentinel
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops_tests.domain.sentinel.edge_rows import POLICY, policy
from mm_ops_tests.requirements import PROJECT

POLICIES = PROJECT / "deploy/policies"
PROFILES = read_policy(POLICIES / "profiles.yaml", Profiles)
EMA = read_policy(POLICIES / "ema.yaml", EmaPolicy)


def changed(folder: Path, name: str, **fields: Any) -> Path:
    document = yaml.safe_load((POLICIES / name).read_text(encoding="utf-8"))
    for path, value in fields.items():
        *above, last = path.split("__")
        place = document
        for step in above:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    written = folder / name
    written.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return written


def test_the_numbers_are_those_of_the_issue():
    assert (POLICY.window, POLICY.degradation.windows, POLICY.degradation.below_bps) == (timedelta(minutes=30), 3, 0.0)
    assert (POLICY.recovery.slow_bps, POLICY.recovery.fast_bps, POLICY.recovery.windows) == (1.5, 0.0, 3)
    worse, better = (PROFILES.of(name) for name in ("conservative", "moderate"))
    assert (worse.spread_factor, worse.max_in_flight, worse.backoff_ms) == (1.5, 5, 200)
    assert (better.spread_factor, better.max_in_flight, better.backoff_ms) == (1.0, 10, 100)
    assert PROFILES.names == ("moderate", "conservative")


def test_the_projects_policies_agree():
    check_edge_sentinel(POLICY, PROFILES, EMA)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a window of nothing": ({"window": "0s"}, "window: expected a duration above zero, was 0s"),
    "a window that is no part of a day": ({"window": "7h"}, "window: expected a part of a day, was 7h"),
    "too early to be late": (
        {"late_after": "30m"},
        r"late_after: expected settled and a window at least \(31m\), was 30m",
    ),
    "one average for both": ({"slow": "ema1h"}, "slow: expected another average than fast, was ema1h"),
    "a value that would be both": (
        {"degradation__below_bps": 0.1},
        r"expected recovery.fast_bps \(0\) at most, or one value would be both, was 0.1",
    ),
    "one profile for both": ({"recovery__profile": "conservative"}, "expected another than degradation's"),
    "a limit that is none": ({"degradation__below_bps": -1001}, r":\d+: degradation.below_bps: .*, was -1001"),
    "no number of windows": ({"recovery__windows": 0}, r"recovery.windows: .*, was 0"),
    "a bare number of time": ({"recovery__dwell": 120}, r"recovery.dwell: expected a duration such as 30m"),
    "one switch a day": ({"switches__most": 1}, r"switches.most: .*, was 1"),
    "a word of its own": ({"flat_only": "sometimes"}, r"flat_only: .*, was 'sometimes'"),
    "no source": ({"agreement__source": ""}, r"agreement.source: "),
    "a key that is none": ({"recovery__slow": 2}, r"recovery.slow: "),
}


@pytest.mark.parametrize(("fields", "message"), WRONG.values(), ids=list(WRONG))
def test_an_impossible_policy_is_refused_with_its_field(tmp_path: Path, fields: dict[str, Any], message: str):
    path = changed(tmp_path, "edge_sentinel.yaml", **fields)
    with pytest.raises(PolicyError, match=message) as caught:
        read_policy(path, EdgeSentinelPolicy)
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


def test_what_other_files_must_have_is_refused_by_name():
    with pytest.raises(PolicyError, match=r"fast: expected an average of ema.yaml \(ema1h, ema24h\), was ema2h"):
        check_edge_sentinel(policy(fast="ema2h"), PROFILES, EMA)
    with pytest.raises(PolicyError, match=r"recovery: profile: expected one of moderate, conservative, was brave"):
        check_edge_sentinel(policy(recovery__profile="brave"), PROFILES, EMA)
    turned = replace(
        POLICY,
        degradation=replace(POLICY.degradation, profile="moderate"),
        recovery=replace(POLICY.recovery, profile="conservative"),
    )
    with pytest.raises(PolicyError, match=r"as careful as conservative, was moderate with spread_factor 1 \(1.5\)"):
        check_edge_sentinel(turned, PROFILES, EMA)
    moderate, conservative = PROFILES.profiles
    bolder = replace(PROFILES, profiles=(moderate, replace(conservative, max_in_flight_delta=2, backoff_ms_delta=-50)))
    with pytest.raises(PolicyError, match=r"was conservative with max_in_flight 12 \(10\), backoff_ms 50 \(100\)"):
        check_edge_sentinel(POLICY, bolder, EMA)


OUTSIDE: dict[str, tuple[dict[str, Any], str]] = {
    "a delta out of the limits": (
        {"profiles__1__spread_factor_delta": 2.5},
        r"profiles: conservative: spread_factor: expected 0.5 to 3, was 3.5 \(base 1 \+2.5\)",
    ),
    "a value out of the limits": (
        {"profiles__0__max_in_flight": 21},
        r"profiles: moderate: max_in_flight: expected 1 to 20, was 21$",
    ),
    "a delta to nothing": (
        {"profiles__1__max_in_flight_delta": -10},
        r"max_in_flight: expected 1 to 20, was 0 \(base 10 -10\)",
    ),
    "both": ({"profiles__1__backoff_ms": 200}, "conservative: expected backoff_ms or backoff_ms_delta, was both"),
    "a base out of the limits": ({"base__backoff_ms": 40}, "moderate: backoff_ms: expected 50 to 1000, was 40"),
    "a name twice": ({"profiles__1__name": "moderate"}, "expected every name once, was twice: moderate"),
    "limits the wrong way round": ({"limits__backoff_ms__least": 2000}, "least: expected 1000 at most, was 2000"),
    "a factor that is none": ({"base__spread_factor": 0}, r"base.spread_factor: .*, was 0"),
    "a share of an order": (
        {"profiles__1__max_in_flight_delta": -0.5},
        r"profiles.1.max_in_flight_delta: .*, was -0.5",
    ),
    "no limits": ({"limits": None}, r"limits: "),
}


@pytest.mark.parametrize(("fields", "message"), OUTSIDE.values(), ids=list(OUTSIDE))
def test_a_profile_outside_its_limits_is_refused_and_not_cut(tmp_path: Path, fields: dict[str, Any], message: str):
    path = changed(tmp_path, "profiles.yaml", **fields)
    with pytest.raises(PolicyError, match=message) as caught:
        read_policy(path, Profiles)
    assert str(caught.value).startswith(f"{path}:")


def test_the_edges_of_the_limits_are_allowed(tmp_path: Path):
    path = changed(tmp_path, "profiles.yaml", profiles__0__max_in_flight=20, profiles__1__spread_factor_delta=2.0)
    profiles = read_policy(path, Profiles)
    assert (profiles.of("moderate").max_in_flight, profiles.of("conservative").spread_factor) == (20, 3.0)


def test_a_profile_follows_its_base():
    wider = replace(PROFILES, base=replace(PROFILES.base, spread_factor=1.2, backoff_ms=150))
    assert (wider.of("conservative").spread_factor, wider.of("conservative").backoff_ms) == (1.7, 250)
    with pytest.raises(
        PolicyError, match=r"profiles.yaml: profiles: expected one of moderate, conservative, was brave"
    ):
        wider.of("brave")
