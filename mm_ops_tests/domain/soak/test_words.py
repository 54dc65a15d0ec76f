import pytest

from mm_ops.domain.soak.words import in_unit, percent, seconds


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (150.0, "ms", "150 ms"),
        (0.0212345678, "ratio", "0.0212346 ratio"),
        (3.0, "count", "3"),
        (188743680.0, "bytes", "180 MiB"),
        (-524288.0, "bytes", "-0.5 MiB"),
    ],
)
def test_a_number_has_six_digits_and_its_unit(value: float, unit: str, expected: str) -> None:
    assert in_unit(value, unit) == expected


@pytest.mark.parametrize(("share", "expected"), [(0.98999, "98.99 %"), (1.0, "100 %"), (0.0, "0 %"), (0.5, "50 %")])
def test_a_share_is_never_rounded_up(share: float, expected: str) -> None:
    assert percent(share) == expected


def test_a_length_is_written_as_prometheus_does() -> None:
    assert seconds(5400.0) == "1h30m"
