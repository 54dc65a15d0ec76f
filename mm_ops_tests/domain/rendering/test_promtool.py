from datetime import timedelta

from mm_ops.domain.rendering.promtool import Check, Expected, RuleTest, nan


def test_steps_become_times() -> None:
    alert = Expected({"bot": "paper"}, {"summary": "too much"})
    test = RuleTest(name="x", series={"a": "1x3"}, checks=[Check("A", 0), Check("A", 5, [alert])], stride=4)
    assert test.plain(timedelta(seconds=15)) == {
        "name": "x",
        "interval": "1m",
        "input_series": [{"series": "a", "values": "1x3"}],
        "alert_rule_test": [
            {"eval_time": "0s", "alertname": "A"},
            {
                "eval_time": "1m15s",
                "alertname": "A",
                "exp_alerts": [{"exp_labels": {"bot": "paper"}, "exp_annotations": {"summary": "too much"}}],
            },
        ],
    }


def test_what_is_not_a_number_is_written_out_to_the_end() -> None:
    assert nan(8, 4) == "NaN NaN NaN"
    assert nan(9, 4) == "NaN NaN NaN"
