import pytest

from mm_ops.domain.charts.plot import lay_plot, short


def test_the_plot_lies_between_its_axis_and_its_labels():
    """A wide one from 66 to 942 across, from 26 down to 260 - 14 - 16 = 230; each line of labels takes 16 px."""
    one, two = lay_plot(960, 260, "bps", [1.0]), lay_plot(400, 260, "bps", [1.0], below=2)
    assert (one.left, one.right, one.top, one.bottom, one.wide) == (66, 942, 26, 230, True)
    assert (two.left, two.right, two.top, two.bottom, two.wide) == (54, 382, 26, 214, False)


def test_slots_share_the_width():
    plot = lay_plot(960, 260, "bps", [1.0])
    assert [plot.slot(n, 2) for n in range(2)] == [(66, 438), (504, 438)]


def test_zero_is_on_the_axis_and_values_beyond_it_are_cut():
    """From -0.6 to 11.4 over 204 px: zero lies 0.6/12 of it above the lower edge."""
    plot = lay_plot(960, 260, "bps", [10.0])
    assert plot.zero == pytest.approx(230 - 204 * 0.6 / 12)
    assert (plot.y(1e9), plot.y(-1e9)) == (26, 230)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.404, "+3.40"),
        (-0.776, "−0.78"),
        (0.0, "0"),
        (0.01, "+0.01"),
        (-0.000123, "−0.000123"),
        (12.34, "+12.3"),
        (-123.4, "−123"),
        (999.4, "+999"),
        (1234.5, "+1230"),
        (-1.5e7, "−15M"),
    ],
)
def test_a_label_has_about_three_digits_and_its_sign(value: float, words: str):
    assert short(value) == words
