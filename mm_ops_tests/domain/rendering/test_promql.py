import pytest

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.promql import metrics_of


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("vector(1)", set()),
        ("mm_x > 1", {"mm_x"}),
        ("mm:x:ratio_5m == 0", {"mm:x:ratio_5m"}),
        ("-(mm_x - mm_y)", {"mm_x", "mm_y"}),
        ("topk(scalar(mm_k), mm_x)", {"mm_k", "mm_x"}),
        ("histogram_quantile(0.9, sum by (le) (rate(mm_b[5m])))", {"mm_b"}),
        ("max_over_time(mm_x[1h:1m])", {"mm_x"}),
        ("absent(mm_x) or absent(mm_y{a='b'})", {"mm_x", "mm_y"}),
    ],
)
def test_every_series_of_an_expression_is_named(expression: str, names: set[str]) -> None:
    assert metrics_of(expression, "X") == names


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("mm_x >", "X: not readable as PromQL"),
        ("rate(mm_x)", "X: not readable as PromQL"),
        ("mm_x[5m]", "X: expected one number for each series, was a MatrixSelector: mm_x[5m]"),
        ("((mm_x[5m]))", "X: expected one number for each series, was a MatrixSelector"),
        ("mm_x[1h:1m]", "was a SubqueryExpr"),
        ("'text'", "was a StringLiteral"),
        ("{bot='paper'} > 1", "X: expected a metric's name in every selector"),
    ],
)
def test_an_expression_that_no_rule_may_have_is_refused(expression: str, why: str) -> None:
    with pytest.raises(PolicyError) as refused:
        metrics_of(expression, "X")
    assert why in str(refused.value)
