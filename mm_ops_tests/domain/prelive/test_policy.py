from datetime import date
from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.prelive.policy import REQUIRED, PrelivePolicy, expand
from mm_ops_tests.requirements import PROJECT

PATH = PROJECT / "deploy/policies/prelive.yaml"
TEXT = PATH.read_text(encoding="utf-8")


def test_the_pack_has_the_steps_of_the_design_and_none_commands_anything_real():
    steps = {step.name: step for step in read_policy(PATH, PrelivePolicy).steps}
    assert tuple(steps) == REQUIRED
    for name in ("tuning_apply", "rotation", "bundle_dry_run"):
        assert "--dry-run" in steps[name].command
    assert "--url" not in steps["chaos_failover"].command


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: rules_check", "name: dashboard_check", "steps: expected every name once, was twice: dashboard_check"),
        ("command: [secrets, scan]", "command: []", "command: Tuple should have at least 1 item"),
        ("command: [secrets, scan]", "command: ['']", "command.0: String should have at least 1 character"),
        ("name: rotation", "name: rotations", "among them; missing: rotation"),
        ("marker: SECRETS_SCAN=PASS", "marker: PASS", "marker: String should match pattern"),
        ("within: 600", "within: 0", "within: Input should be greater than 0"),
    ],
)
def test_a_step_that_cannot_be_kept_is_refused(tmp_path: Path, old: str, new: str, said: str):
    assert old in TEXT
    path = tmp_path / "prelive.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyError) as error:
        read_policy(path, PrelivePolicy)
    assert said in str(error.value)


def test_steps_are_of_a_day_and_those_that_name_the_bot_of_every_bot():
    steps = read_policy(PATH, PrelivePolicy).steps
    one = {step.name: step.command for step in expand(steps, date(2026, 11, 24), ["paper"])}
    assert tuple(one) == REQUIRED
    assert one["bundle_dry_run"] == ("bundle", "create", "--dry-run", "--date", "2026-11-24", "--bot", "paper")
    assert one["param_sweep"] == ("tune", "sweep", "--date", "2026-11-24")
    two = [step.name for step in expand(steps, date(2026, 11, 24), ["mm1", "mm2"])]
    assert two == [*REQUIRED[:-1], "bundle_dry_run_mm1", "bundle_dry_run_mm2"]
