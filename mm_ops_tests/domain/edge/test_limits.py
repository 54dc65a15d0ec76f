import pytest

from mm_ops.domain.edge.limits import QualityLimit

LEAST = QualityLimit("measured_share", "fills measured", "share", "at_least", 0.99)
MOST = QualityLimit("mark_jump_bps", "last mid from its hour's", "bps", "at_most", 300.0)


@pytest.mark.parametrize(
    ("limit", "value", "breach"),
    [
        (LEAST, 0.99, None),
        (LEAST, 0.98, "measured_share was 0.98, at least 0.99 is needed"),
        (LEAST, None, "measured_share was not measured"),
        (MOST, 300.0, None),
        (MOST, 300.1, "mark_jump_bps was 300.1, at most 300 is allowed"),
        (MOST, float("nan"), "mark_jump_bps was nan, at most 300 is allowed"),
    ],
)
def test_a_breach_is_said_with_value_and_limit(limit: QualityLimit, value: float | None, breach: str | None):
    assert limit.find_breach({limit.name: value}) == breach
    assert limit.find_breach({}) == f"{limit.name} was not measured"
