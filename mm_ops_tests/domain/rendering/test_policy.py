from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.policy import AlertingPolicy
from mm_ops_tests.policies_of_rules import project
from mm_ops_tests.soak_samples import POLICIES

TEXT = (POLICIES / "alerting.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("hold: 2m", "hold: 2", "no_data.absent.hold: expected a duration"),
        ("  job: mm\n", "", "prometheus.job: "),
        ("127.0.0.1:9108", "http://127.0.0.1:9108", "prometheus.targets.0.address"),
        ("/alert-hook", "/other", "alertmanager.hook"),
        ("mm:tick_latency_ms:p95", "tick_latency", "records.0.name"),
        ("group_interval: 10s", "group_interval: 0s", "group_interval: expected more than 0s, or Alertmanager refuses"),
        ("name: SoakMetricNaN", "name: SoakMetricAbsent", "alert names: expected every name once"),
        ("sli: md_cache_hit_ratio", "sli: deadline_miss_ratio", "records: expected every name once"),
    ],
)
def test_a_policy_with_a_fault_is_refused_with_its_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    changed = TEXT.replace(old, new, 1)
    assert changed != TEXT
    path = tmp_path / "alerting.yaml"
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        read_policy(path, AlertingPolicy)
    assert message in str(refused.value)


def test_a_bot_is_scraped_at_one_address() -> None:
    prometheus = project().alerting.prometheus
    with pytest.raises(ValueError, match="targets: expected every bot once, was twice: paper"):
        replace(prometheus, targets=prometheus.targets * 2)


def test_a_group_may_be_sent_at_once_but_not_for_ever() -> None:
    stop = project().alerting.alertmanager.stop
    assert stop.group_wait == timedelta(0)
    with pytest.raises(ValueError, match="repeat_interval: expected more than 0s"):
        replace(stop, repeat_interval=timedelta(0))
