from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.sentinel.edge_pin import Pin, cut_pins, make_pin
from mm_ops_tests.domain.sentinel.edge_rows import POLICY

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(**different: Any) -> Pin:
    fields: dict[str, Any] = {"profile": "moderate", "by": "ada", "reason": "a planned  listing", "length": HOUR}
    fields |= different
    profile = fields.pop("profile")
    return make_pin(profile, **fields, now=NOW, rules=POLICY.pin, names=("moderate", "conservative"))


def test_a_pin_holds_from_its_time_on_and_ends_before_its_expiry():
    pin = made()
    assert (pin.until, pin.reason) == (NOW + HOUR, "a planned listing")
    assert [pin.holds(NOW + HOUR * n) for n in (-1, 0, 1)] == [False, True, False]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a profile that is none": ({"profile": "brave"}, "profile: expected one of moderate, conservative, was brave"),
    "nobody": ({"by": " "}, "by: expected the name of a person, was none"),
    "no reason": ({"reason": "because  "}, "reason: expected at least 10 letters, was 7"),
    "no expiry": ({"length": timedelta(0)}, "for: expected more than 0s and 168h at most, was 0s"),
    "too long": ({"length": timedelta(days=7, seconds=1)}, "for: expected more than 0s and 168h at most, was 168h1s"),
    "two faults": ({"by": "", "reason": ""}, "by: .*; reason: "),
}


@pytest.mark.parametrize(("fields", "message"), WRONG.values(), ids=list(WRONG))
def test_a_pin_that_the_policy_does_not_allow_is_refused(fields: dict[str, Any], message: str):
    with pytest.raises(PolicyError, match=message):
        made(**fields)


def record(profile: str | None, hours: int, length: int = 4) -> dict[str, Any]:
    at = NOW + HOUR * hours
    return {
        "profile": profile,
        "by": "ada",
        "reason": "why",
        "at": at.isoformat(),
        "until": (at + HOUR * length).isoformat(),
    }


def test_a_later_record_ends_an_earlier_pin():
    pins = cut_pins([record("moderate", 0), record("conservative", 1), {"profile": None, "at": record(None, 2)["at"]}])
    assert [(pin.profile, pin.at, pin.until) for pin in pins] == [
        ("moderate", NOW, NOW + HOUR),
        ("conservative", NOW + HOUR, NOW + HOUR * 2),
    ]


def test_a_pin_that_has_expired_keeps_its_end_and_one_that_never_held_is_none():
    pins = cut_pins([record("moderate", 0, 1), record("conservative", 5), record("moderate", 5)])
    assert [(pin.profile, pin.until) for pin in pins] == [("moderate", NOW + HOUR), ("moderate", NOW + HOUR * 9)]


def test_a_record_without_a_time_is_refused():
    with pytest.raises(SchemaError, match="edge pin: until: expected a time, was None"):
        cut_pins([{**record("moderate", 0), "until": None}])
