"""The nightly job on the real recorder's evidence, through Dagster and its own stored runs."""

import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from mm_ops.adapters.bundle_verify import verify
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.evidence import EDGE_REPORT, GATES_SUMMARY, READINESS, SOAK_METRICS
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.journal_place import DEFAULT, anchor_beside
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.jobs import PRE_LIVE
from mm_ops.defs.judgement import judge_stored
from mm_ops.defs.keys import (
    ARTIFACT_ROTATION,
    CRON_FRESHNESS,
    DAGSTER_RUNS,
    GRAFANA_DASHBOARD,
    PROMETHEUS_RULES,
    BotKeys,
)
from mm_ops.defs.night import run_night, run_shared
from mm_ops.defs.resources import Site
from mm_ops.defs.runs import QUIET, find_missing, run_assets, run_promotion
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.release.finding import BUNDLE_CHECKS
from mm_ops.domain.verdict import Finding, Verdict
from mm_ops_tests.bundles import pack
from mm_ops_tests.conftest import LAST
from mm_ops_tests.planted_secrets import drawn
from mm_ops_tests.quick_pack import write_quick_pack
from mm_ops_tests.signing_keys import make_key, public_key
from mm_ops_tests.site import Deployment

KEYS = BotKeys("paper")


@pytest.fixture(scope="module")
def good(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment whose healthy week was judged; tests that change it take a copy."""
    deployment = Deployment(tmp_path_factory.mktemp("good"), {"paper": healthy})
    assert deployment.night().word == "GO"
    return deployment


@pytest.fixture
def altered(good: Deployment, tmp_path: Path) -> Deployment:
    """A copy of the judged deployment, to be tampered with."""
    copy = Deployment(tmp_path / "site", good.recordings)
    shutil.copytree(good.root / "var", copy.root / "var")
    shutil.copytree(good.root / "dagster", copy.root / "dagster")
    return copy


def release_alone(deployment: Deployment) -> str:
    """Materialise the bundle by hand, alone, in a later run; the refusal, or nothing."""
    with deployment.instance() as instance:
        outcome = run_assets(deployment.location().definitions, instance, "paper", LAST, [KEYS.release_bundle])
    return outcome.refusals.get(KEYS.release_bundle, "")


def step_at(deployment: Deployment, now: str, to: str = "staging") -> str:
    """Take a step of the bundle at a time; why it was refused, or nothing."""
    config = {"to": to, "version": "1.0.0", "by": "Ada Example", "why": "it soaked for three days"}
    location = deployment.location_at(datetime.fromisoformat(now))
    with deployment.instance() as instance:
        return run_promotion(location.definitions, instance, "paper", config).refusals.get(KEYS.promotion, "")


def reports(deployment: Deployment) -> dict[str, bytes]:
    root = deployment.root / "var/artifacts"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_healthy_week_is_go_at_a_hundred_and_its_bundle_verifies(good: Deployment):
    night = good.night()
    assert (night.word, night.exit_code, night.reasons) == ("GO", 0, [])
    assert good.evidence().read_json(good.evidence().report(LAST, READINESS))["score"] == 100
    bundle = good.root / "var/artifacts/paper/2026-11-20/release/paper-v1.0.0.zip"
    stored = (bundle.parent / "paper-v1.0.0.zip.sha256").read_text()
    assert stored == f"{digest(bundle.read_bytes()).removeprefix('sha256:')}  paper-v1.0.0.zip\n"
    found = verify(bundle)
    assert (found.faults, found.signed, found.manifest["result"], found.manifest["missing"]) == ((), False, "READY", [])
    listed = {entry["path"] for entry in found.manifest["files"]}
    assert {
        "VERSION",
        "verify.py",
        "reports/readiness.json",
        "policies/soak.yaml",
        "golden/EDGE_REPORT_tiny.json",
    } <= listed
    assert {"deploy/prometheus/alerts_soak.yml", "deploy/alertmanager/alertmanager.yml"} <= listed


SIGNED = ("--section", "edge", "--reason", "the venue was slow for everyone", "--expires", "2026-11-22T06:00:00Z")


def test_a_hold_that_a_person_passes_over_is_no_plain_go_and_holds_again_when_that_ends(altered: Deployment):
    key, policy, signers = (
        make_key(altered.root.parent / "ada"),
        altered.policy("readiness.yaml"),
        altered.policy("signers.yaml"),
    )
    edit(policy, b"full_at_bps: 2.5", b"full_at_bps: 9.5")
    signer = (
        f'{{name: ada, person: Ada Example, public_key: "{public_key(key)}", signs: [override], source: made up here}}'
    )
    edit(signers, b"signers: []", f"signers: [{signer}]".encode())
    assert altered.run("render").returncode == 0  # who may sign is rendered too, and the night looks for drift
    assert altered.night().word == "HOLD"
    file = str(altered.root / "var/artifacts/paper/2026-11-20/reports/readiness.json")
    signed = altered.run("readiness", "override", file, "--key-file", str(key), *SIGNED, CI="")
    assert signed.returncode == 0, signed.stderr

    told = altered.run("nightly", "--date", "2026-11-20")
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "| nightly | OVERRIDDEN | NIGHTLY=OVERRIDDEN |"), (
        told.stdout
    )
    whose = "edge passed over until 2026-11-22T06:00:00+00:00 by Ada Example: the venue was slow for everyone"
    assert f"GO BY OVERRIDE: paper 2026-11-20\n  HOLD, overridden: {whose} (HOLD: edge: " in told.stdout
    with zipfile.ZipFile(altered.root / "var/artifacts/paper/2026-11-20/release/paper-v1.0.0.zip") as archive:
        shipped = json.loads(archive.read("reports/readiness.json"))
        assert whose in archive.read("reports/READINESS.md").decode()
    assert (shipped["verdict"], shipped["override"]["refused"]) == ("HOLD", [])

    assert step_at(altered, "2026-11-21T01:00:00Z") == ""
    expired = step_at(altered, "2026-11-22T06:00:00Z", to="live")
    assert "its override does not count: expired at 2026-11-22T06:00:00Z" in expired
    edit(signers, f"signers: [{signer}]".encode(), b"signers: []")
    assert "signed by the unknown key ada: it is not in signers.yaml" in step_at(altered, "2026-11-21T02:00:00Z")
    edit(signers, b"signers: []", f"signers: [{signer}]".encode())

    late = altered.run("ci", "--date", "2026-11-20", CI_FAKE_UTC="2026-11-22T06:00:00Z")
    assert (late.returncode, late.stdout.splitlines()[-1]) == (1, "| ci | FAIL | CI=FAIL |")
    assert "its override does not count: expired at 2026-11-22T06:00:00Z" in late.stdout
    assert "no longer carried by its gates" in late.stdout
    edit(signers, f"signers: [{signer}]".encode(), b"signers: []")
    assert altered.night().word == "HOLD"
    assert "signed by the unknown key ada: it is not in signers.yaml" in release_alone(altered)


def test_where_the_release_asks_for_the_pack_it_waits_for_it_and_takes_it_along(altered: Deployment):
    policy = altered.policy("release.yaml")
    policy.write_text(policy.read_text(encoding="utf-8") + "require_pre_live_pack: true\n", encoding="utf-8")
    assert "paper/pre_live_pack:all_steps_passed never ran" in release_alone(altered)
    write_quick_pack(altered.root)
    job = altered.location().definitions.resolve_job_def(PRE_LIVE)
    with altered.instance() as instance:
        assert job.execute_in_process(instance=instance, partition_key=LAST.isoformat(), run_config=QUIET).success
    assert release_alone(altered) == ""
    with zipfile.ZipFile(altered.root / "var/artifacts/paper/2026-11-20/release/paper-v1.0.0.zip") as archive:
        pack = json.loads(archive.read("reports/pre_live_pack.json"))
        assert (
            "all_steps_passed"
            in json.loads(archive.read("evidence/test-result.intoto.json"))["predicate"]["passedTests"]
        )
    assert pack["blockers"] == []


def test_a_bundle_says_in_the_form_of_other_tools_how_it_was_made_and_judged(good: Deployment):
    bundle = good.root / "var/artifacts/paper/2026-11-20/release/paper-v1.0.0.zip"
    with zipfile.ZipFile(bundle) as archive:
        said = {Path(name).name: json.loads(archive.read(name)) for name in archive.namelist() if "evidence/" in name}
        readiness = digest(archive.read("reports/readiness.json")).removeprefix("sha256:")
    assert set(said) == {"provenance.intoto.json", "test-result.intoto.json", "sbom.cdx.json"}
    assert {"name": "reports/readiness.json", "digest": {"sha256": readiness}} in said["provenance.intoto.json"][
        "subject"
    ]
    named = {
        one["name"] for one in said["provenance.intoto.json"]["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    assert {"policies/soak.yaml", "paper/days/date=2026-11-20/day.json"} <= named
    judged = said["test-result.intoto.json"]["predicate"]
    assert {"tick_latency_p95_ms", "identity", "inputs", "no_drift", "is_go", "no_secrets"} <= set(
        judged["passedTests"]
    )
    assert (judged["failedTests"], judged["result"]) == ([], "WARNED" if judged["warnedTests"] else "PASSED")
    (latency,) = [item for item in judged["measurements"] if item["gate"] == "tick_latency_p95_ms"]
    assert latency["limit"] == 150
    assert latency["value"] + latency["margin"] == pytest.approx(150)
    assert "pkg:pypi/dagster@" in str(said["sbom.cdx.json"]["components"])


def test_a_bundle_is_signed_where_the_policy_names_a_key_and_refused_where_it_cannot_be(altered: Deployment):
    key = make_key(altered.root / "key")
    policy = altered.policy("release.yaml")
    policy.write_text(policy.read_text().replace("false", "true") + "key: {file: key}\n")
    assert release_alone(altered) == ""
    signers = f"us {(altered.root / 'key.pub').read_text()}"
    bundle = altered.root / "var/artifacts/paper/2026-11-20/release/paper-v1.0.0.zip"
    assert (verify(bundle, signers).faults, verify(bundle, signers).signer) == ((), "us")
    key.chmod(0o644)
    assert "key: others may read it: chmod 600" in release_alone(altered)
    key.unlink()
    assert "key: expected a private key, there is none" in release_alone(altered)
    assert bundles(altered) == []


def test_every_hard_check_has_one_result_and_every_asset_was_made(good: Deployment):
    night = good.night()
    assert set(night.outcome.materialised) == set(KEYS.all)
    gates = [item.finding.gate for item in night.outcome.judged]
    rules = [rule.name for rule in good.location().shape.soak.rules]
    others = ["identity", "inputs", "no_drift", "is_go", "no_secrets", *BUNDLE_CHECKS]
    assert sorted(gates) == sorted([*rules, *others])


def test_a_second_night_makes_nothing_again_but_the_day_itself_and_the_same_bytes(good: Deployment):
    before = reports(good)
    good.said.clear()
    good.night()
    assert good.said == ["nightly: paper 2026-11-20: every asset and every check"]
    assert reports(good) == before


def test_another_machine_makes_the_same_bytes(good: Deployment, healthy: Path, tmp_path: Path):
    other = Deployment(tmp_path / "elsewhere", {"paper": healthy})
    other.night()
    assert reports(other) == reports(good)


def test_a_degraded_week_is_hold_with_reasons_and_no_bundle(degraded: Path, tmp_path: Path):
    deployment = Deployment(tmp_path / "site", {"paper": degraded})
    night = deployment.night()
    assert (night.word, night.exit_code) == ("HOLD", 1)
    failed = {item.finding.gate for item in night.outcome.judged if item.finding.verdict is Verdict.FAIL}
    assert failed >= {"tick_latency_p95_ms", "deadline_miss_ratio", "edge_bps_ema24h", "md_cache_hit_ratio", "is_go"}
    assert KEYS.release_bundle not in night.outcome.materialised
    assert not list(deployment.root.glob("var/artifacts/paper/*/release/*"))
    assert "paper/soak_findings:edge_bps_ema24h did not pass" in release_alone(deployment)
    readiness = deployment.evidence().read_json(deployment.evidence().report(LAST, READINESS))
    assert readiness["verdict"] == "HOLD"
    assert readiness["missing"] == []
    assert readiness["score"] < 60


def test_the_bundle_alone_in_a_later_run_is_built_only_on_what_passed(altered: Deployment):
    assert release_alone(altered) == ""


def test_a_bundle_before_anything_ran_is_refused(healthy: Path, tmp_path: Path):
    refusal = release_alone(Deployment(tmp_path / "site", {"paper": healthy}))
    assert "edge_report.json: not stored yet" in refusal


def test_findings_edited_by_hand_are_not_what_was_judged(altered: Deployment):
    evidence = altered.evidence()
    name = evidence.report(LAST, GATES_SUMMARY)
    evidence.put(name, evidence.read(name).replace(b'"value": 0.0', b'"value": 1.0'))
    assert "gates_summary.json: altered since it was materialised" in release_alone(altered)


def test_an_edge_whose_identity_broke_is_refused_even_before_its_check_runs(altered: Deployment):
    evidence = altered.evidence()
    name = evidence.report(LAST, EDGE_REPORT)
    report = evidence.read_json(name)
    evidence.put_json(name, {**report, "identity": {**report["identity"], "money_error": 1.0, "holds": False}})
    assert "identity: the two counts of the money differ by 1 (relative)" in release_alone(altered)


def test_findings_made_again_wait_for_their_checks(altered: Deployment):
    with altered.instance() as instance:
        graph = altered.location().graphs["paper"]
        assets = [definition for definition in graph.assets if KEYS.soak_findings in definition.keys]
        dg.materialize(
            assets,
            instance=instance,
            partition_key=LAST.isoformat(),
            resources={"site": altered.location().site},
            selection=dg.AssetSelection.assets(KEYS.soak_findings),
        )
    assert "paper/soak_findings:tick_latency_p95_ms judged an older materialisation" in release_alone(altered)


def materialise(deployment: Deployment, *keys: dg.AssetKey) -> None:
    """Make assets of the last day again by hand, without their checks."""
    with deployment.instance() as instance:
        result = dg.materialize(
            deployment.location().graphs["paper"].assets,
            instance=instance,
            partition_key=LAST.isoformat(),
            resources={"site": deployment.location().site},
            selection=dg.AssetSelection.assets(*keys),
        )
        assert result.success


def judge_again(deployment: Deployment) -> dict[str, Finding]:
    with deployment.instance() as instance:
        judgement = judge_stored(deployment.location(), instance, LAST)
    return {item.finding.gate: item.finding for item in judgement.outcome.judged}


def bundles(deployment: Deployment) -> list[str]:
    return [path.name for path in (deployment.root / "var/artifacts/paper/2026-11-20/release").glob("*.zip")]


def test_samples_replaced_after_the_verdict_unsay_it(altered: Deployment, degraded: Path):
    record_elsewhere(altered, degraded)
    materialise(altered, KEYS.sli_samples)
    found = judge_again(altered)
    assert {found[gate].verdict for gate in ("tick_latency_p95_ms", "ws_lag_max_ms")} == {Verdict.INCONCLUSIVE}
    assert "rests on another paper/days/date=2026-11-20/day.json" in found["tick_latency_p95_ms"].reason
    assert "rests on another paper/days/date=2026-11-20/day.json" in release_alone(altered)
    assert bundles(altered) == []


def test_soak_metrics_made_again_from_other_samples_unsay_the_verdict(altered: Deployment, degraded: Path):
    record_elsewhere(altered, degraded)
    materialise(altered, KEYS.sli_samples, KEYS.soak_metrics)
    assert "rests on another paper/2026-11-20/reports/soak_metrics.json" in judge_again(altered)["maker_share"].reason
    assert "gates_summary.json: rests on another paper/2026-11-20/reports/soak_metrics.json" in release_alone(altered)


def test_an_edge_made_again_from_other_fills_unsays_readiness(altered: Deployment, degraded: Path):
    record_elsewhere(altered, degraded)
    materialise(altered, KEYS.edge_report)
    assert judge_again(altered)["is_go"].verdict is Verdict.INCONCLUSIVE
    assert "readiness.json: rests on another paper/2026-11-20/reports/edge_report.json" in release_alone(altered)


def record_elsewhere(deployment: Deployment, recording: Path) -> None:
    """Let the bot's evidence come from another recording from now on."""
    bots = deployment.policy("bots.yaml")
    (bot,) = yaml.safe_load(bots.read_text())["bots"]
    bots.write_text(bots.read_text().replace(bot["samples"]["path"], str(recording)))


@pytest.mark.parametrize(
    "name", ["soak.yaml", "slis.yaml", "edge.yaml", "instruments.yaml", "golden.yaml", "readiness.yaml"]
)
def test_a_policy_changed_after_the_verdict_unsays_it(altered: Deployment, name: str):
    policy = altered.policy(name)
    policy.write_text(policy.read_text() + "\n# changed\n")
    assert f"made with another {name} than the one that is there" in release_alone(altered)
    unsaid = [
        finding
        for finding in judge_again(altered).values()
        if finding.verdict is Verdict.INCONCLUSIVE and "known-good" not in finding.reason
    ]
    assert unsaid
    assert all(name in finding.reason for finding in unsaid)


def test_a_known_good_soak_named_after_the_verdict_unsays_it(altered: Deployment):
    evidence = altered.evidence()
    (altered.root / "good.json").write_bytes(evidence.read(evidence.report(LAST, SOAK_METRICS)))
    bots = altered.policy("bots.yaml")
    (bot,) = yaml.safe_load(bots.read_text())["bots"]
    bots.write_text(yaml.safe_dump({**yaml.safe_load(bots.read_text()), "bots": [{**bot, "known_good": "good.json"}]}))
    assert "compared with another known-good soak than the one that bots.yaml names" in release_alone(altered)
    altered.night()
    compared = {name: one for name, one in judge_again(altered).items() if name.endswith("_baseline")}
    assert compared
    assert not [one.reason for one in compared.values() if "no known-good soak" in one.reason]
    (altered.root / "good.json").write_bytes(b"{}")
    assert "compared with another known-good soak" in release_alone(altered)


def test_a_night_after_a_changed_policy_makes_what_rested_on_it_again(altered: Deployment):
    policy = altered.policy("edge.yaml")
    policy.write_text(policy.read_text() + "\n# changed\n")
    altered.said.clear()
    assert altered.night().word == "GO"
    assert [text for text in altered.said if "2026-11-1" in text] == [
        f"nightly: paper 2026-11-{day}: edge_report" for day in range(14, 20)
    ]


def test_a_version_that_never_ran_cannot_be_bundled(altered: Deployment):
    bots = altered.policy("bots.yaml")
    bots.write_text(bots.read_text().replace("version: 1.0.0", "version: 9.9.9"))
    assert "gates_summary.json: made for version 1.0.0, and 9.9.9 is judged" in release_alone(altered)
    night = altered.night()
    assert (night.word, night.exit_code) == ("HOLD", 1)
    assert "bot_version: version 1.0.0 ran, and 9.9.9 is judged" in " ".join(night.reasons)
    readiness = altered.evidence().read_json(altered.evidence().report(LAST, READINESS))
    assert "2026-11-14: version 1.0.0 ran, and 9.9.9 is judged" in readiness["missing"]
    assert bundles(altered) == []


@pytest.mark.parametrize("name", ["reports/SOAK_RESULTS.md", "reports/soak_metrics.json", "reports/READINESS.md"])
def test_any_report_that_ships_is_the_one_that_was_materialised(altered: Deployment, name: str):
    path = altered.root / "var/artifacts/paper/2026-11-20" / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    refusal = release_alone(altered)
    assert name in refusal
    assert "altered since it was" in refusal or "rests on another" in refusal


def test_a_golden_report_edited_by_hand_does_not_ship(altered: Deployment):
    path = altered.root / "var/artifacts/paper/golden/EDGE_REPORT_tiny.json"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    assert "rests on another paper/golden/EDGE_REPORT_tiny.json" in release_alone(altered)


def test_an_earlier_days_report_edited_in_the_store_is_no_evidence(altered: Deployment):
    path = altered.root / "var/artifacts/paper/2026-11-16/reports/chaos_drill.json"
    path.write_bytes(path.read_bytes() + b" ")
    night = altered.night()
    readiness = altered.evidence().read_json(altered.evidence().report(LAST, READINESS))
    assert (night.word, readiness["verdict"]) == ("HOLD", "HOLD")
    assert any("2026-11-16/reports/chaos_drill.json: altered since" in text for text in readiness["missing"])


def test_a_readiness_of_another_day_is_not_this_days(altered: Deployment):
    evidence = altered.evidence()
    name = evidence.report(LAST, READINESS)
    evidence.put_json(name, {**evidence.read_json(name), "stored_as": evidence.report(LAST.replace(day=19), READINESS)})
    assert judge_again(altered)["is_go"].verdict is Verdict.INCONCLUSIVE
    assert "is what was stored as paper/2026-11-19/reports/readiness.json" in release_alone(altered)


def test_a_soak_of_another_day_is_not_judged_as_this_days(altered: Deployment):
    evidence = altered.evidence()
    evidence.put(
        evidence.report(LAST, SOAK_METRICS), evidence.read(evidence.report(LAST.replace(day=19), SOAK_METRICS))
    )
    with altered.instance() as instance:
        outcome = run_assets(altered.location().definitions, instance, "paper", LAST, [KEYS.soak_findings])
    assert "is what was stored as paper/2026-11-19/reports/soak_metrics.json" in outcome.refusals[KEYS.soak_findings]
    assert bundles(altered) == []


def test_a_day_that_was_recorded_again_is_read_again(altered: Deployment, degraded: Path, tmp_path: Path):
    mixed = tmp_path / "mixed"
    shutil.copytree(altered.recordings["paper"], mixed)
    record_elsewhere(altered, mixed)
    altered.night()
    for folder in degraded.iterdir():
        if folder.is_dir():
            shutil.copytree(folder / "date=2026-11-17", mixed / folder.name / "date=2026-11-17", dirs_exist_ok=True)
    altered.said.clear()
    assert altered.night().word == "HOLD"
    again = [text for text in altered.said if "2026-11-17" in text]
    assert "soak_metrics, edge_report, chaos_drill, test_results, sli_samples" in again[0]


def test_files_whose_recorder_should_keep_digests_and_does_not_are_refused(healthy: Path, tmp_path: Path):
    recording = tmp_path / "recording"
    shutil.copytree(healthy, recording)
    shutil.rmtree(recording / "days")
    night = Deployment(tmp_path / "site", {"paper": recording}).night()
    assert (night.word, night.exit_code) == ("HOLD", 2)
    assert "days/date=2026-11-20/day.json: no digests of that day" in " ".join(night.reasons)


def test_samples_whose_recorder_should_keep_digests_and_does_not_are_refused_by_themselves(
    altered: Deployment, healthy: Path, tmp_path: Path
):
    recording = tmp_path / "unsigned"
    shutil.copytree(healthy, recording)
    shutil.rmtree(recording / "days")
    record_elsewhere(altered, recording)
    with altered.instance() as instance:
        outcome = run_assets(altered.location().definitions, instance, "paper", LAST, [KEYS.sli_samples])
    assert "days/date=2026-11-20/day.json: no digests of that day" in outcome.refusals[KEYS.sli_samples]


def test_a_test_run_of_another_day_is_none_though_a_recorder_signed_it(altered: Deployment, tmp_path: Path):
    recording = tmp_path / "signed"
    shutil.copytree(altered.recordings["paper"], recording)
    name = "results/date=2026-11-20/junit.xml"
    edit(recording / name, b'timestamp="2026-11-20', b'timestamp="2025-01-01')
    entry = recording / "days/date=2026-11-20/day.json"
    document = json.loads(entry.read_text())
    document["files"][name] = digest((recording / name).read_bytes()).removeprefix("sha256:")
    entry.write_text(json.dumps(document))
    record_elsewhere(altered, recording)
    with altered.instance() as instance:
        outcome = run_assets(altered.location().definitions, instance, "paper", LAST, [KEYS.test_results])
    assert "timestamp: expected a time of the UTC day 2026-11-20" in outcome.refusals[KEYS.test_results]


def test_a_sample_part_that_was_damaged_in_the_store_is_collected_again(altered: Deployment):
    path = altered.root / "var/artifacts/paper/samples/date=2026-11-19/part-00.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    altered.said.clear()
    assert altered.night().word == "GO"
    assert any("2026-11-19" in text and "sli_samples" in text for text in altered.said)


@pytest.mark.parametrize("damage", [b"{}", b"[]", b"{"])
def test_a_damaged_day_entry_in_the_store_is_made_again(altered: Deployment, damage: bytes):
    path = altered.root / "var/artifacts/paper/days/date=2026-11-19/day.json"
    path.write_bytes(damage)
    assert altered.night().word == "GO"


OF_BUNDLE = [f"paper/release_bundle:{name}" for name in BUNDLE_CHECKS]


def of_bundle(deployment: Deployment) -> dict[str, Finding]:
    with deployment.instance() as instance:
        judgement = judge_stored(deployment.location(), instance, LAST, OF_BUNDLE)
    return {item.finding.gate: item.finding for item in judgement.outcome.judged}


def test_a_bundle_is_whole_to_be_built_again_without_a_secret_and_its_gates_passed(good: Deployment):
    found = of_bundle(good)
    assert {finding.verdict for finding in found.values()} == {Verdict.PASS}, found
    assert "UNSIGNED: nothing says who made it" in found["manifest_verifies"].reason
    assert found["reproducible"].reason == "built again from its sources: the same bytes"
    assert found["gates_passed"].reason.endswith(" hard gates passed by the reports in it")


def test_a_bundle_that_was_changed_or_made_anew_is_not_the_one_that_was_built(altered: Deployment):
    path = altered.root / "var/artifacts/paper/2026-11-20/release/paper-v1.0.0.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    assert of_bundle(altered)["manifest_verifies"].verdict is Verdict.FAIL
    path.write_bytes(pack({"VERSION": b"1.0.0\n"}))
    found = of_bundle(altered)
    assert found["manifest_verifies"].reason.startswith("it is not the one that was built: expected sha256:")
    assert found["gates_passed"].verdict is Verdict.INCONCLUSIVE
    path.unlink()
    assert {finding.verdict for finding in of_bundle(altered).values()} == {Verdict.INCONCLUSIVE}


def test_a_bundle_whose_sources_have_changed_since_is_built_again_from_its_own_files(altered: Deployment):
    readme = altered.root / "README.md"
    readme.write_text(readme.read_text() + "more\n")
    found = of_bundle(altered)["reproducible"]
    assert (found.verdict, found.reason) == (
        Verdict.PASS,
        "built again from its own files; other by now: README.md: the same bytes",
    )


def test_a_bundle_by_a_key_that_nobody_is_known_to_have_does_not_verify_where_one_is_required(altered: Deployment):
    key = make_key(altered.root / "key")
    altered.policy("release.yaml").write_text(
        altered.policy("release.yaml").read_text().replace("false", "true") + "key: {file: key}\n"
    )
    assert release_alone(altered) == ""
    assert "signature: not by one of 0 allowed signers" in of_bundle(altered)["manifest_verifies"].reason
    signer = f'\n  - {{name: us, person: Us, public_key: "{public_key(key)}", signs: [bundle], source: a test of ours}}'
    signers = altered.policy("signers.yaml")
    signers.write_text(signers.read_text().replace("signers: []", f"signers:{signer}"))
    assert of_bundle(altered)["manifest_verifies"].reason.endswith("; signed by us")


def test_a_later_hold_takes_the_earlier_bundle_away_and_says_so(altered: Deployment):
    assert bundles(altered) == ["paper-v1.0.0.zip"]
    policy = altered.policy("readiness.yaml")
    policy.write_text(policy.read_text().replace("full_at_bps: 2.5", "full_at_bps: 99.0"))
    night = altered.night()
    assert (night.word, night.exit_code, bundles(altered)) == ("HOLD", 1, [])
    assert [Path(address).name for address in night.withdrawn] == ["paper-v1.0.0.zip", "paper-v1.0.0.zip.sha256"]
    policy.write_text(policy.read_text().replace("full_at_bps: 99.0", "full_at_bps: 2.5"))
    assert (altered.night().word, altered.night().withdrawn, bundles(altered)) == ("GO", [], ["paper-v1.0.0.zip"])


def test_checks_alone_judge_what_is_stored_and_exit_zero(good: Deployment):
    with good.instance() as instance:
        judgement = judge_stored(good.location(), instance, LAST)
    assert (judgement.exit_code, judgement.absent) == (0, [])
    assert len(judgement.outcome.judged) == sum(len(graph.all_checks) for graph in good.location().every_graph)


def test_checks_of_a_day_that_was_never_judged_could_not_decide(good: Deployment):
    with good.instance() as instance:
        judgement = judge_stored(good.location(), instance, LAST.replace(day=1))
    assert judgement.exit_code == 2
    missing = [item.finding for item in judgement.outcome.judged if item.finding.verdict is Verdict.INCONCLUSIVE]
    graph = good.location().graphs["paper"]
    assert len(missing) == len(graph.all_checks) - len(graph.of_bundle) - 1  # no bundle; golden has no days
    assert all("not stored yet" in finding.reason for finding in missing)


def test_a_stored_file_cut_short_is_inconclusive_and_not_a_crash(altered: Deployment):
    path = altered.root / "var/artifacts/paper/2026-11-20/reports/gates_summary.json"
    path.write_bytes(path.read_bytes()[:500])
    with altered.instance() as instance:
        judgement = judge_stored(altered.location(), instance, LAST, ["paper/soak_findings:maker_share"])
    (item,) = judgement.outcome.judged
    assert item.finding.verdict is Verdict.INCONCLUSIVE
    assert "not the JSON that was stored" in item.finding.reason


def test_a_bundle_that_a_failed_check_no_longer_carries_is_named(altered: Deployment):
    with altered.instance() as instance:
        assert judge_stored(altered.location(), instance, LAST).uncarried == []
    path = altered.root / "var/artifacts/paper/2026-11-20/reports/readiness.json"
    path.write_bytes(path.read_bytes().replace(b'"GO"', b'"HOLD"'))
    release = altered.root / "var/artifacts/paper/2026-11-20/release"
    with altered.instance() as instance:
        judgement = judge_stored(altered.location(), instance, LAST)
        soft = judge_stored(altered.location(), instance, LAST, ["paper/soak_findings:maker_share"])
    assert judgement.exit_code == 2
    assert list(judgement.uncarried) == [
        str(release / "paper-v1.0.0.zip"),
        str(release / "paper-v1.0.0.zip.sha256"),
    ]
    assert soft.uncarried == [], "a check that passed says nothing against a bundle"


def at(deployment: Deployment, moment: str) -> Location:
    """The location as of another time."""
    return build_location(Site.of(Environment.read({**deployment.variables, "CI_FAKE_UTC": moment})))


def test_a_day_that_has_not_ended_by_the_time_that_is_given_is_neither_made_nor_judged(altered: Deployment):
    noon = at(altered, "2026-11-20T12:00:00Z")
    message = "expected a complete UTC day from 2025-01-01 to 2026-11-19, was 2026-11-20; it is 2026-11-20T12:00:00Z"
    with altered.instance() as instance:
        with pytest.raises(PolicyError, match=message):
            run_night(noon, instance, altered.bot(), LAST, altered.said.append)
        with pytest.raises(PolicyError, match=message):
            judge_stored(noon, instance, LAST)


def test_a_night_far_from_now_is_judged_as_of_the_time_that_is_given(altered: Deployment):
    later, day = at(altered, "2050-11-21T00:30:00Z"), LAST.replace(year=2050)
    with altered.instance() as instance:
        night = run_night(later, instance, altered.bot(), day, altered.said.append)
        shared = run_shared(later, instance, day)
        judgement = judge_stored(later, instance, day)
    assert (night.word, night.exit_code, shared.exit_code, judgement.exit_code) == ("HOLD", 2, 0, 2)
    assert "days/date=2050-11-20/day.json: no digests of that day" in " ".join(night.reasons)


def test_a_single_soft_check_that_passes_is_no_verdict_on_hard_ones(good: Deployment):
    with good.instance() as instance:
        judgement = judge_stored(good.location(), instance, LAST, ["paper/soak_findings:maker_share"])
    assert (judgement.exit_code, len(judgement.outcome.judged)) == (0, 1)


def test_a_check_that_there_is_not_is_refused_with_those_that_are(good: Deployment):
    with good.instance() as instance, pytest.raises(PolicyError, match=r"no such check: paper/x:y; there are: bot_v"):
        judge_stored(good.location(), instance, LAST, ["paper/x:y"])


def test_a_report_whose_file_was_deleted_is_made_again(altered: Deployment):
    lost = altered.root / "var/artifacts/paper/2026-11-16/reports/edge_report.json"
    lost.unlink()
    with altered.instance() as instance:
        (work,) = find_missing(instance, altered.location().site, altered.bot(), altered.location().shape, LAST)
    assert (work.day.isoformat(), work.assets) == ("2026-11-16", [KEYS.edge_report])
    altered.night()
    assert lost.is_file()


BAD: dict[str, tuple[Callable[[Path], Any], int, str]] = {
    "no recording at all": (
        lambda root: shutil.rmtree(root / "samples"),
        2,
        "no such file, though the day's entry lists it",
    ),
    "a corrupt Parquet of quotes": (
        lambda root: next(root.glob("quotes/date=2026-11-20/*/quotes.parquet")).write_bytes(b"PAR1 not really"),
        2,
        "quotes.parquet: expected sha256",
    ),
    "a day of samples with a flipped bit": (
        lambda root: flip(root / "samples/date=2026-11-20/samples.parquet"),
        2,
        "expected sha256",
    ),
    "no fills on the last day": (
        lambda root: shutil.rmtree(root / "fills/date=2026-11-20"),
        2,
        "fills.parquet: no such file, though the day's entry lists it",
    ),
    "a day of fills with a flipped bit": (
        lambda root: flip(next(root.glob("fills/date=2026-11-20/*/fills.parquet"))),
        2,
        "fills.parquet: expected sha256",
    ),
    "the fills of one symbol lost": (
        lambda root: next(root.glob("fills/date=2026-11-18/*/fills.parquet")).unlink(),
        1,
        "net_edge_bps is missing on 1 of 7 days",
    ),
    "a drill with another seed": (
        lambda root: edit(root / "results/date=2026-11-17/chaos_drill.json", b'"seed": 7', b'"seed": 8'),
        1,
        "chaos_ok is missing on 1 of 7 days",
    ),
    "a test run with a renamed test": (
        lambda root: edit(root / "results/date=2026-11-17/junit.xml", b'name="', b'name="x'),
        1,
        "tests_ok is missing on 1 of 7 days",
    ),
    "no test results on one day of the week": (
        lambda root: (root / "results/date=2026-11-17/junit.xml").unlink(),
        1,
        "tests_ok is missing on 1 of 7 days",
    ),
    "a test run that is an error page": (
        lambda root: (root / "results/date=2026-11-17/junit.xml").write_text("<html/>"),
        1,
        "tests_ok is missing on 1 of 7 days",
    ),
    "the bot absent for 48 of 72 hours": (
        lambda root: list(map(shutil.rmtree, sorted(root.glob("samples/date=2026-11-1[89]")))),
        2,
        "coverage",
    ),
}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def edit(path: Path, old: bytes, new: bytes) -> None:
    """Leave a file that reads well, and is not the one that was recorded."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_hold_with_the_reason_and_never_a_bundle(healthy: Path, tmp_path: Path, name: str):
    spoil, code, message = BAD[name]
    recording = tmp_path / "recording"
    shutil.copytree(healthy, recording)
    spoil(recording)
    deployment = Deployment(tmp_path / "site", {"paper": recording})
    night = deployment.night()
    assert (night.word, night.exit_code) == ("HOLD", code)
    assert message in " ".join([*night.reasons, *deployment.said])
    assert not [refusal for refusal in night.outcome.refusals.values() if "\n" in refusal]
    assert KEYS.release_bundle not in night.outcome.materialised
    assert release_alone(deployment) != ""


def test_a_day_with_96_of_100_quotes_lost_is_no_evidence_even_where_no_recorder_keeps_digests(
    healthy: Path, tmp_path: Path
):
    recording = tmp_path / "recording"
    shutil.copytree(healthy, recording)
    shutil.rmtree(recording / "days")
    for path in recording.glob("quotes/date=2026-11-18/*/quotes.parquet"):
        pl.read_parquet(path).sample(fraction=0.04, seed=1).sort("ts_ns").write_parquet(path)
    deployment = Deployment(tmp_path / "site", {"paper": recording})
    bots = deployment.policy("bots.yaml")
    bots.write_text(bots.read_text().replace("day_entries: required", "day_entries: none"))
    night = deployment.night()
    assert (night.word, night.exit_code) == ("HOLD", 1)
    assert "net_edge_bps is missing on 1 of 7 days" in " ".join(night.reasons)


def test_three_bots_stand_alone_in_one_location(recorded: Callable[[str], Path], tmp_path: Path):
    names = {"mm1": recorded("healthy"), "mm2": recorded("degraded"), "mm3": recorded("healthy")}
    deployment = Deployment(tmp_path / "site", names)
    location = deployment.location()
    dg.Definitions.validate_loadable(location.definitions)
    graph = location.definitions.resolve_asset_graph()
    live = ("rollback_report", "rollback_state", "edge_profile", "promotion", "pre_live_pack")
    every = {key for bot in map(BotKeys, names) for key in (*bot.all, *(getattr(bot, name) for name in live))}
    shared = {PROMETHEUS_RULES, CRON_FRESHNESS, ARTIFACT_ROTATION, DAGSTER_RUNS, GRAFANA_DASHBOARD}
    assert graph.get_all_asset_keys() == shared | every
    words = {name: deployment.night(name).word for name in names}
    assert words == {"mm1": "GO", "mm2": "HOLD", "mm3": "GO"}


def test_a_secret_in_the_artifacts_holds_the_release(altered: Deployment):
    (altered.root / "var/artifacts/paper/notes.txt").write_text(f"binance: {drawn(64)}\n", encoding="utf-8")
    night = altered.night()
    assert (night.word, night.exit_code) == ("HOLD", 1)
    assert "paper/secrets_scan: no_secrets: binance_key in artifacts/paper/notes.txt:1" in night.reasons
    assert KEYS.release_bundle not in night.outcome.materialised
    assert "paper/secrets_scan:no_secrets did not pass" in release_alone(altered)


def test_a_secret_in_what_is_packed_is_seen_though_the_scan_is_older(altered: Deployment):
    with (altered.root / "README.md").open("a", encoding="utf-8") as readme:
        readme.write(f"\nbinance: {drawn(64)}\n")
    refusal = release_alone(altered)
    assert "the bundle is refused for what it would hold: binance_key in README.md:" in refusal
    assert drawn(64) not in refusal


def control(deployment: Deployment, **fields: object) -> None:
    """Say how the bot is stopped; other places of evidence stay."""
    path = deployment.policy("bots.yaml")
    fleet = yaml.safe_load(path.read_text())
    fleet["bots"][0] |= {"control": {"kind": "http", "url": "http://127.0.0.1:9"}, **fields}
    path.write_text(yaml.safe_dump(fleet))


def test_a_release_is_held_while_no_watcher_can_be_asked_and_while_one_is_blind(altered: Deployment):
    """A release held while nobody could stop the bot, and built where no watcher is meant to run."""
    control(altered)
    assert "held: whether alerts of the bot are heard is not known" in release_alone(altered)
    control(altered, watcher="optional")
    assert release_alone(altered) == ""
    place = altered.root / DEFAULT
    with Journal(str(place), anchor_beside(str(place)), owner="w", lease=timedelta(minutes=1)) as journal:
        journal.note_event(
            "blind", "watchdog", {"blind": True, "reason": "blind: the Watchdog is silent"}, datetime.now(UTC)
        )
    assert "held: blind: the Watchdog is silent" in release_alone(altered)
    assert not altered.evidence().releases(LAST), "and what was built before is withdrawn"


def test_a_dry_run_packs_what_would_ship_and_stores_nothing(altered: Deployment):
    before = reports(altered)
    dry = altered.run("bundle", "create", "--date", LAST.isoformat(), "--dry-run")
    assert (dry.returncode, dry.stdout.splitlines()[-1]) == (0, "| bundle | DRYRUN | BUNDLE=DRYRUN |")
    assert reports(altered) == before
    with altered.policy("soak.yaml").open("a", encoding="utf-8") as policy:
        policy.write("# another policy than the one that judged\n")
    refused = altered.run("bundle", "create", "--date", LAST.isoformat(), "--dry-run")
    assert (refused.returncode, refused.stdout.splitlines()[-1]) == (1, "| bundle | REFUSED | BUNDLE=REFUSED |")
    assert "made with another soak.yaml than the one that is there" in refused.stdout
    assert reports(altered) == before
