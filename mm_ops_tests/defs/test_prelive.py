"""The pack as an asset: real commands, through Dagster, on a deployment in a temporary folder."""

from pathlib import Path

from mm_ops.adapters.evidence import PRE_LIVE_PACK, READINESS
from mm_ops.defs.jobs import PRE_LIVE
from mm_ops.defs.runs import QUIET
from mm_ops.defs.verdicts import finding_of
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops_tests.conftest import LAST
from mm_ops_tests.quick_pack import write_quick_pack
from mm_ops_tests.site import Deployment

AWAY = (
    "  - {name: away, command: [readiness, validate, 'no/{bot}/{day}.json'], "
    "marker: READINESS=GO, within: 60, source: made up here}\n"
)


def tried(deployment: Deployment) -> Finding:
    """Run the pack of the last day, and its check."""
    job = deployment.location().definitions.resolve_job_def(PRE_LIVE)
    with deployment.instance() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key=LAST.isoformat(), run_config=QUIET, raise_on_error=False
        )
    (evaluation,) = result.get_asset_check_evaluations()
    return finding_of(evaluation)


def test_a_pack_whose_steps_all_pass_passes_and_is_kept_with_what_it_rests_on(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, {"paper": tmp_path / "nothing"})
    write_quick_pack(tmp_path)
    assert tried(deployment).verdict is Verdict.PASS
    evidence = deployment.evidence()
    stored = evidence.read_json(evidence.report(LAST, PRE_LIVE_PACK))
    assert {step["ended"] for step in stored["steps"]} == {"passed"}
    assert stored["inputs"] == {evidence.report(LAST, READINESS): None}
    assert list(stored["policies"]) == ["prelive.yaml"]


def test_a_step_that_could_not_run_is_no_pass_and_says_why(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, {"paper": tmp_path / "nothing"})
    write_quick_pack(tmp_path, AWAY)
    found = tried(deployment)
    assert (found.gate, found.verdict) == ("all_steps_passed", Verdict.INCONCLUSIVE)
    assert "away: could-not-run: exit 2: mm-ops: no/paper/2026-11-20.json: no such file" in found.reason
