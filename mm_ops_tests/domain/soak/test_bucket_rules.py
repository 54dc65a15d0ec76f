from dataclasses import replace

import pytest

from mm_ops_tests.soak_samples import soak_policy


def test_a_trend_says_its_limit_in_the_unit_that_people_read():
    words = soak_policy().trends[0].words
    assert words.startswith(
        "resident_memory_bytes ≤ 512 MiB in the median of any 3 buckets in a row, and for 168h more if its trend goes "
        "on. 512 MiB"
    )


@pytest.mark.parametrize(
    ("relative", "absolute", "words"),
    [
        (0.1, 0.0, "known-good release's soak by more than 10 %. "),
        (0.0, 5.0, "known-good release's soak by more than 5 ms. "),
        (0.1, 5.0, "known-good release's soak by more than 10 % and 5 ms. "),
        (0.0, 0.0, "known-good release's soak. "),
    ],
)
def test_a_comparison_says_what_it_tolerates(relative: float, absolute: float, words: str):
    rule = replace(soak_policy().baselines[0], relative=relative, absolute=absolute)
    assert words in rule.words
