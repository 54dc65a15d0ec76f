import pytest

from mm_ops.domain.markdown import number, table


def test_a_bar_inside_a_cell_stays_inside_it():
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |\n"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "ms", "not measured"), (0.0, "ms", "0 ms"), (1234567.0, "", "1.23457e+06"), (1.5, "bps", "1.5 bps")],
)
def test_a_number_has_a_unit_and_absence_is_not_zero(value: float | None, unit: str, text: str):
    assert number(value, unit) == text
