import pytest

from mm_ops.domain.markdown import number, shown_unit, signed, table


def test_a_bar_inside_a_cell_stays_inside_it():
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |\n"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "ms", "not measured"), (0.0, "ms", "0 ms"), (1234567.0, "", "1.23457e+06"), (1.5, "bps", "1.5 bps")],
)
def test_a_number_has_a_unit_and_absence_is_not_zero(value: float | None, unit: str, text: str):
    assert number(value, unit) == text


def test_bytes_are_written_as_people_read_them():
    assert number(536_870_912.0, "bytes") == "512 MiB"
    assert (signed(-1_048_576.0, "bytes"), shown_unit("bytes")) == ("-1", "MiB")
    assert (signed(36.891, "ms"), signed(None, "ms"), shown_unit("ms")) == ("+36.89", "", "ms")
