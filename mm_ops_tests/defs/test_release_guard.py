"""Every way round a blocking check, tried: none of them makes the guard say passed."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mm_ops.defs.release.guard import read_states, refuse_unless_green
from mm_ops.domain.release.guard import CheckState
from mm_ops.domain.verdict import Finding, Severity, Verdict

DAYS = dg.DailyPartitionsDefinition("2026-11-01")
TODAY, YESTERDAY = "2026-11-20", "2026-11-19"
CHECK = dg.AssetCheckKey(dg.AssetKey(["paper", "report"]), "gate")


@dg.asset(key=["paper", "report"], partitions_def=DAYS)
def report() -> None: ...


@dg.asset_check(asset=["paper", "report"], name="gate", blocking=True, partitions_def=DAYS)
def gate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    answer = context.op_execution_context.run.tags.get("answer", "pass")
    if answer == "crash":
        raise RuntimeError("the check itself broke")
    return dg.AssetCheckResult(passed=answer == "pass")


@dg.asset(key=["paper", "bundle"], deps=[["paper", "report"]], partitions_def=DAYS)
def bundle(context: dg.AssetExecutionContext) -> None:
    refuse_unless_green(context.instance, {CHECK: True}, date.fromisoformat(context.partition_key), [])


DEFS = dg.Definitions(
    assets=[report, bundle],
    asset_checks=[gate],
    jobs=[
        dg.define_asset_job("reports", dg.AssetSelection.assets(["paper", "report"]).without_checks()),
        dg.define_asset_job("gates", dg.AssetSelection.all_asset_checks()),
        dg.define_asset_job("bundles", dg.AssetSelection.assets(["paper", "bundle"])),
        dg.define_asset_job("everything", dg.AssetSelection.all()),
    ],
    executor=dg.in_process_executor,
)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(instance: dg.DagsterInstance, job: str, day: str = TODAY, answer: str = "pass") -> dg.ExecuteInProcessResult:
    return DEFS.resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": day, "answer": answer}
    )


def state(instance: dg.DagsterInstance, day: str = TODAY) -> CheckState:
    (found,) = read_states(instance, {CHECK: date.fromisoformat(day)}).values()
    return found


def test_a_check_that_passed_on_the_materialisation_is_passed(instance: dg.DagsterInstance):
    assert run(instance, "everything").success
    assert state(instance) is CheckState.PASSED


def test_a_pass_in_an_earlier_run_lets_a_materialisation_by_hand_through(instance: dg.DagsterInstance):
    run(instance, "reports")
    run(instance, "gates")
    assert state(instance) is CheckState.PASSED
    assert run(instance, "bundles").success


def test_nothing_on_record_never_ran(instance: dg.DagsterInstance):
    assert state(instance) is CheckState.NEVER_RAN


def test_yesterdays_pass_does_not_release_today(instance: dg.DagsterInstance):
    assert run(instance, "everything", day=YESTERDAY).success
    run(instance, "reports", day=TODAY)
    assert state(instance, YESTERDAY) is CheckState.PASSED
    assert state(instance, TODAY) is CheckState.NEVER_RAN
    assert not run(instance, "bundles", day=TODAY).success


def test_todays_failure_does_not_take_back_yesterdays_release(instance: dg.DagsterInstance):
    run(instance, "everything", day=YESTERDAY)
    run(instance, "everything", day=TODAY, answer="fail")
    assert state(instance, YESTERDAY) is CheckState.PASSED
    assert run(instance, "bundles", day=YESTERDAY).success


def test_a_failed_gate_holds_a_materialisation_by_hand_in_a_later_run(instance: dg.DagsterInstance):
    assert not run(instance, "everything", answer="fail").success
    assert state(instance) is CheckState.FAILED
    again = run(instance, "bundles")
    assert not again.success
    (event,) = again.get_step_failure_events()
    refusal: Any = event.step_failure_data
    assert refusal.user_failure_data.description == ("release of 2026-11-20 refused: paper/report:gate did not pass")


def test_a_report_made_again_after_its_gate_passed_is_stale(instance: dg.DagsterInstance):
    run(instance, "everything")
    run(instance, "reports")
    assert state(instance) is CheckState.STALE
    run(instance, "gates")
    assert state(instance) is CheckState.PASSED


def test_a_check_that_raised_is_no_answer(instance: dg.DagsterInstance):
    run(instance, "everything", answer="crash")
    assert state(instance) is CheckState.CRASHED


def test_a_pass_on_nothing_is_no_evidence(instance: dg.DagsterInstance):
    run(instance, "gates")
    assert state(instance) is CheckState.NO_EVIDENCE


def test_a_result_posted_from_outside_counts_for_nothing(instance: dg.DagsterInstance):
    run(instance, "everything", answer="fail")
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=CHECK.asset_key, check_name="gate", passed=True, metadata={}, partition=TODAY)
    )
    assert state(instance) is CheckState.POSTED
    assert not run(instance, "bundles").success


def test_a_result_without_a_day_counts_for_no_day(instance: dg.DagsterInstance):
    run(instance, "everything", answer="fail")
    DEFS.resolve_job_def("gates").execute_in_process(instance=instance, raise_on_error=False)
    assert state(instance) is CheckState.FAILED


def test_what_the_release_judged_itself_refuses_too(instance: dg.DagsterInstance):
    run(instance, "everything")
    broken = Finding(gate="identity", severity=Severity.HARD, verdict=Verdict.INCONCLUSIVE, reason="no fills")
    with pytest.raises(dg.Failure, match="identity: no fills"):
        refuse_unless_green(instance, {CHECK: True}, date.fromisoformat(TODAY), [broken])


def everything() -> dg.JobDefinition:
    return DEFS.resolve_job_def("everything")


def test_an_executor_told_to_ignore_failed_steps_does_not_get_round_it(tmp_path: Path):
    ignoring = {"execution": {"config": {"step_dependency_config": {"require_upstream_step_success": False}}}}
    with (
        dg.instance_for_test(temp_dir=str(tmp_path)) as instance,
        dg.execute_job(
            dg.reconstructable(everything),
            instance=instance,
            tags={"dagster/partition": TODAY, "answer": "fail"},
            run_config=ignoring,
        ) as result,
    ):
        refused = [event.step_key for event in result.filter_events(lambda event: event.is_step_failure)]
    assert "paper__bundle" in refused, "the step ran although its gate failed, and refused by itself"
