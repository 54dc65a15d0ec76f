import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mm_ops.adapters.policy_files import read_policy
from mm_ops.cli import cli
from mm_ops.domain.errors import MissingEvidenceError, PolicyError, SchemaError
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.dated_server import dated
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.soak_samples import POLICIES, WINDOW, healthy, soak_policy, write_recording

HEALTHY = healthy()
AFTER = {"CI_FAKE_UTC": "2026-11-21T06:00:00Z"}  # the recording ends with the midnight before


@pytest.fixture(scope="module", name="root")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("recording"), HEALTHY)


def run(*words: str | Path, **variables: str) -> Result:
    return CliRunner().invoke(cli, ["soak", "run", *map(str, words)], env={**AFTER, **variables})


def last_line(result: Result) -> str:
    return result.stdout.splitlines()[-1]


def test_a_healthy_recording_passes_and_ends_with_the_marker(root: Path) -> None:
    result = run("--recording", root)
    assert result.exit_code == 0, result.output
    assert last_line(result) == "| soak | PASS | SOAK=PASS |"
    assert result.stdout.splitlines()[-2] == f"All {len(soak_policy().hard_gates)} hard gates passed."
    assert "soak 2026-11-18T00:00:00Z/2026-11-21T00:00:00Z" in result.stdout


def test_the_table_has_every_gate_with_its_evidence(root: Path) -> None:
    line = next(row for row in run("--recording", root).stdout.splitlines() if "ws_lag_max_ms" in row)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[:8] == ["ws_lag_max_ms", "soft", "pass", "100 ms", "≤ 200 ms", "+100", "17280", "1.0000"]
    assert cells[8].startswith("ws_lag_max_ms was")


def test_a_broken_hard_gate_fails(tmp_path: Path) -> None:
    low = pl.when(pl.col("metric") == "mm_edge_bps_ema24h").then(1.0).otherwise("value").alias("value")
    result = run("--recording", write_recording(tmp_path, HEALTHY.with_columns(low)))
    assert (result.exit_code, last_line(result)) == (1, "| soak | FAIL | SOAK=FAIL |")


def test_a_bot_that_was_absent_is_inconclusive(tmp_path: Path) -> None:
    early = HEALTHY.filter(pl.col("ts_ns") < HEALTHY["ts_ns"].min() + 86_400_000_000_000)  # type: ignore[operator]
    result = run("--recording", write_recording(tmp_path, early))
    assert (result.exit_code, last_line(result)) == (2, "| soak | INCONCLUSIVE | SOAK=INCONCLUSIVE |")


def test_what_is_exported_is_what_was_judged_and_the_same_bytes_again(root: Path, tmp_path: Path) -> None:
    exported = []
    for n in range(2):
        names = [tmp_path / str(n) / name for name in ("soak_metrics.json", "SOAK_RESULTS.md", "gates_summary.json")]
        metrics, text, gates = names
        result = run("--recording", root, "--export-json", metrics, "--export-md", text, "--gate-summary", gates)
        assert result.exit_code == 0
        exported.append([path.read_bytes() for path in names])
    assert exported[0] == exported[1]
    metrics_json, markdown, gates_json = exported[0]
    assert json.loads(metrics_json)["slis"]["guard_trips"]["value"] == 0.0
    assert markdown.startswith(b"# Soak results")
    summary = json.loads(gates_json)
    rules = [rule.name for rule in soak_policy().rules]
    assert (summary["verdict"], [finding["gate"] for finding in summary["findings"]]) == ("pass", rules)
    assert set(summary["policies"]) == {"slis.yaml", "soak.yaml"}
    assert summary["version"] == "1.0.0"


def test_json_is_one_document_and_the_marker_is_on_standard_error(root: Path) -> None:
    result = run("--recording", root, "--json")
    document: dict[str, Any] = json.loads(result.stdout)
    assert set(document) == {"gates", "metrics"}
    assert result.stderr.splitlines()[-1] == "| soak | PASS | SOAK=PASS |"


@pytest.mark.parametrize("end", ["2026-11-21", "2026-11-21T00:00:00Z", "2026-11-21T05:30:00+05:30"])
def test_the_end_is_a_date_or_a_time_with_a_zone(root: Path, end: str) -> None:
    assert run("--recording", root, "--end", end, CI_FAKE_UTC="2027-01-01T00:00:00Z").exit_code == 0


@pytest.mark.parametrize(
    ("end", "words"), [("2026-11-21T00:00:00", "expected a zone"), ("yesterday", "expected a date or an ISO time")]
)
def test_another_end_is_refused(root: Path, end: str, words: str) -> None:
    result = run("--recording", root, "--end", end)
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--hours", "99999999"], "invalid value for '--hours'"),
        (["--hours", "9" * 5000], "invalid value for '--hours'"),
        (["--end", "0001-01-01"], "expected a year from 1971 to 2261, was '0001-01-01'"),
        (["--end", "9999-12-31T23:59:59-12:00"], "expected a year from 1971 to 2261"),
        (["--end", "1971-01-01", "--hours", "8784"], "--end, --hours: expected a start in 1970 or later"),
        (
            ["--hours", "8784"],
            "--hours: expected whole buckets of 1h (soak.yaml: buckets.length), at most 1000, was 8784h",
        ),
        (["--hours", "1001"], "--hours: expected whole buckets of 1h"),
    ],
)
def test_a_window_that_no_calendar_has_is_refused(root: Path, words: list[str], why: str) -> None:
    command = [sys.executable, "-m", "mm_ops", "soak", "run", "--recording", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert "a fault of mm_ops" not in done.stderr


def test_a_report_that_cannot_be_written_is_named_as_it_was_asked_for(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    target = tmp_path / "file" / "soak.json"
    result = run("--recording", root, "--export-json", target)
    assert isinstance(result.exception, OSError)
    assert result.exception.filename == str(target)
    assert result.exception.strerror == f"cannot be written: {tmp_path / 'file'} is no folder"


def test_a_shorter_soak_than_the_policy_asks_for_cannot_pass(root: Path) -> None:
    result = run("--recording", root, "--hours", "24", "--json")
    assert result.exit_code == 2
    assert "5760 samples are fewer than 17000" in result.stdout


@pytest.mark.parametrize("words", [[], ["--mock", "--prometheus", "http://127.0.0.1:9"]])
def test_the_origin_is_named_exactly_once(words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "say where from, once: --mock, --recording PATH or --prometheus URL" in result.stderr


def test_mock_is_the_recording_of_the_paper_bot(tmp_path: Path) -> None:
    write_recording(tmp_path / "var" / "recordings" / "paper", HEALTHY)
    places = {"MM_OPS_ROOT": str(tmp_path), "MM_OPS_POLICIES": str(POLICIES)}
    assert run("--mock", **places).exit_code == 0


def test_a_prometheus_that_is_down_is_inconclusive_with_the_reason() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = run("--prometheus", url, "--json")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "| soak | INCONCLUSIVE | SOAK=INCONCLUSIVE |")
    findings = json.loads(result.stdout)["gates"]["findings"]
    told = [finding for finding in findings if f"the source gave no answer: prometheus {url}" in finding["reason"]]
    assert {finding["verdict"] for finding in findings} == {"inconclusive"}
    assert f"soak: prometheus {url}: connection refused; is Prometheus running there, and is this its address?" in (
        result.stderr.splitlines()
    )
    assert len(told) == len(soak_policy().rules) - len(soak_policy().baselines)  # those lack a known-good soak first


MATRIX = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}})


def slow(_: Request) -> Response:
    time.sleep(2)
    return Response(MATRIX)


def cut(_: Request) -> Response:
    response = Response(MATRIX[:30])
    response.headers["Content-Length"] = str(len(MATRIX))
    return response


BAD_SERVERS: dict[str, tuple[Callable[[Request], Response], str]] = {
    "overloaded": (lambda _: Response("busy", 503), "status 503: busy"),
    "slow": (slow, "no whole answer within 1s; raise the timeout (bots.yaml, or --timeout), or ask for less"),
    "cut off": (cut, "no whole answer"),
    "a login page": (lambda _: Response("<html>", content_type="text/html"), "is this the address of a Prometheus?"),
    "a partial answer": (
        lambda _: Response(MATRIX[:-1] + ', "warnings": ["lost"]}'),
        "a partial answer, with warnings",
    ),
    "too many samples": (
        lambda _: Response('{"status": "error", "errorType": "execution", "error": "too many samples"}', 422),
        "status 422: execution: too many samples",
    ),
}


@pytest.mark.parametrize("name", BAD_SERVERS)
def test_what_a_server_does_not_answer_in_full_is_inconclusive_with_the_reason(
    httpserver: HTTPServer, name: str
) -> None:
    answer, why = BAD_SERVERS[name]
    httpserver.expect_request("/api/v1/query", method="POST").respond_with_handler(answer)
    timeout = "1" if name == "slow" else "20"
    result = run("--prometheus", httpserver.url_for(""), "--timeout", timeout, "--json")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "| soak | INCONCLUSIVE | SOAK=INCONCLUSIVE |")
    reasons = [one["reason"] for one in json.loads(result.stdout)["gates"]["findings"] if one["severity"] == "hard"]
    assert len(reasons) == len(soak_policy().hard_gates)
    assert [reason for reason in reasons if f": prometheus {httpserver.url_for('').rstrip('/')}: " not in reason] == []
    assert [reason for reason in reasons if why not in reason] == []


@pytest.mark.parametrize(("fake", "told"), [("", True), (AFTER["CI_FAKE_UTC"], False)])
def test_a_server_s_clock_is_held_against_ours_unless_ours_is_made_up(fake: str, *, told: bool) -> None:
    """The server lives in 2100."""
    with dated(MATRIX, datetime(2100, 1, 1, tzinfo=UTC)) as (url, _):
        result = run("--prometheus", url, "--end", "2026-11-21", "--json", CI_FAKE_UTC=fake)
    assert result.exit_code == 2
    assert ("s ahead of ours (2100-01-01T00:00:00Z there" in result.stdout) is told


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = run("--recording", tmp_path / "nowhere", "--export-json", tmp_path / "soak.json")
    assert isinstance(result.exception, MissingEvidenceError)
    assert not (tmp_path / "soak.json").exists()


def test_a_corrupt_file_is_refused(tmp_path: Path) -> None:
    write_recording(tmp_path, HEALTHY)
    (tmp_path / "samples" / "date=2026-11-20" / "samples.parquet").write_bytes(b"PAR1")
    assert isinstance(run("--recording", tmp_path).exception, SchemaError)


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("soak.yaml", "severity: hard", "severity: hard\n    colour: red", "gates.0.colour"),
        ("soak.yaml", '    source: "operating limit of the founding design: 85 %"\n', "", "gates.6.source"),
        ("soak.yaml", "sli: maker_share", "sli: taker_share", "no sli taker_share"),
        ("slis.yaml", "statistic: min", "statistic: least", "slis.3.measure"),
        ("slis.yaml", "unit: bps", "unit: basis points", "slis.3.unit"),
        ("soak.yaml", "unit: bps", "unit: percent", "gates.2.unit"),
        ("slis.yaml", "q: 0.95", "q: 95", "slis.0.measure"),
    ],
)
def test_an_impossible_policy_is_refused(root: Path, tmp_path: Path, file: str, old: str, new: str, fault: str) -> None:
    for name in ("soak.yaml", "slis.yaml"):
        text = (POLICIES / name).read_text(encoding="utf-8")
        assert name != file or old in text
        (tmp_path / name).write_text(text.replace(old, new, 1) if name == file else text, encoding="utf-8")
    result = run("--recording", root, MM_OPS_POLICIES=str(tmp_path))
    assert isinstance(result.exception, PolicyError)
    assert fault in str(result.exception)


def test_a_user_sees_one_line_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mm_ops", "soak", "run", "--recording", str(tmp_path), "--end", "2026-11-21"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 2
    *progress, fault = done.stderr.splitlines()
    assert fault.startswith(f"mm-ops: {tmp_path}: no samples of any day in ")
    assert all(line.startswith("soak: ") for line in progress)
    assert not done.stdout


def start(out: Path, *words: str, now: str = "2026-11-18T00:30:00Z") -> Result:
    """Put on record half an hour after the recording begins, or later."""
    return CliRunner().invoke(cli, ["soak", "start", "--out", str(out), *words], env={"CI_FAKE_UTC": now})


def judged(root: Path, *words: str | Path, **variables: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, what the gates say, and standard error."""
    result = run("--recording", root, "--json", *words, **variables)
    gates: dict[str, Any] = json.loads(result.stdout)["gates"]
    return result.exit_code, gates, result.stderr


def test_a_policy_that_changes_while_the_soak_runs_is_seen(root: Path, tmp_path: Path) -> None:
    began = tmp_path / "began.json"
    assert start(began).exit_code == 0
    assert last_line(run("--recording", root, "--started", began)) == "| soak | PASS | SOAK=PASS |"
    for name in ("slis.yaml", "soak.yaml", "bots.yaml"):
        text = (POLICIES / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("limit: 150", "limit: 200"), encoding="utf-8")
    result = run("--recording", root, "--started", began, MM_OPS_POLICIES=str(tmp_path))
    assert (result.exit_code, last_line(result)) == (2, "| soak | INCONCLUSIVE | SOAK=INCONCLUSIVE |")
    assert "limit was 150.0, is 200.0" in " ".join(result.stdout.split())


def test_another_version_than_the_one_on_record_does_not_pass(root: Path, tmp_path: Path) -> None:
    assert start(tmp_path / "began.json", "--version", "0.9.0").exit_code == 0
    code, gates, _ = judged(root, "--started", tmp_path / "began.json")
    assert code == 2
    assert "the version was put on record as 0.9.0, is 1.0.0" in gates["findings"][0]["reason"]


def test_a_soak_that_nobody_put_on_record_passes_and_says_so(root: Path, tmp_path: Path) -> None:
    code, gates, told = judged(root, "--export-html", tmp_path / "soak.html")
    assert (code, gates["registration"]) == (0, None)
    assert "soak: what the soak is judged by was not on record when it began\n" in told
    page = (tmp_path / "soak.html").read_text(encoding="utf-8")
    assert "What the soak is judged by was not on record when it began." in page


def test_a_record_in_time_is_named_with_its_time(root: Path, tmp_path: Path) -> None:
    start(tmp_path / "began.json")
    words = ("--started", tmp_path / "began.json", "--export-html", tmp_path / "soak.html", "--require-registration")
    code, gates, told = judged(root, *words)
    assert (code, gates["registration"]) == (0, {"registered": "2026-11-18T00:30:00+00:00", "late": None})
    assert "on record" not in told
    page = (tmp_path / "soak.html").read_text(encoding="utf-8")
    assert "What the soak is judged by was put on record at 2026-11-18T00:30:00" in page
    assert "after the window began" not in page


def test_a_late_record_is_a_remark(root: Path, tmp_path: Path) -> None:
    start(tmp_path / "began.json", now="2026-11-19T06:00:00Z")
    late = "put on record at 2026-11-19T06:00:00+00:00, 30h after the window began"
    code, gates, told = judged(root, "--started", tmp_path / "began.json", "--export-html", tmp_path / "soak.html")
    assert code == 0
    assert late in gates["registration"]["late"]
    assert f"soak: what the soak is judged by was {late}\n" in told
    assert "30h after the window began." in (tmp_path / "soak.html").read_text(encoding="utf-8")


def test_with_require_registration_nothing_passes_without_a_record_in_time(root: Path, tmp_path: Path) -> None:
    start(tmp_path / "late.json", now="2026-11-19T06:00:00Z")
    late: list[str | Path] = ["--started", tmp_path / "late.json"]
    for words, why in (([], "was not on record when it began"), (late, "30h after the window began")):
        code, gates, _ = judged(root, "--require-registration", *words)
        assert (code, {one["verdict"] for one in gates["findings"]}) == (2, {"inconclusive"})
        assert why in gates["findings"][0]["reason"]


def test_only_a_bot_that_is_known_or_a_version_that_is_named_is_put_on_record(tmp_path: Path) -> None:
    refused = start(tmp_path / "x.json", "--bot", "nobody").exception
    assert isinstance(refused, PolicyError)
    assert str(refused) == ("--bot: expected a bot of bots.yaml, was 'nobody'; or say by --version what is to run")
    assert not (tmp_path / "x.json").exists()
    assert start(tmp_path / "x.json", "--bot", "nobody", "--version", "2.0.0").exit_code == 0
    assert json.loads((tmp_path / "x.json").read_text())["version"] == "2.0.0"
    start(tmp_path / "y.json")
    assert json.loads((tmp_path / "y.json").read_text())["version"] == "1.0.0"


def test_a_start_that_is_none_of_ours_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "began.json").write_text("[]")
    for name, kind in (("began.json", SchemaError), ("no.json", MissingEvidenceError)):
        fault = run("--recording", root, "--started", tmp_path / name).exception
        assert isinstance(fault, kind)
        assert str(fault).startswith(f"--started: {tmp_path / name}:")


def compared_with(good: Path, root: Path) -> dict[str, str]:
    """The verdict and the reason of each comparison."""
    result = run("--recording", root, "--known-good", good, "--json")
    rules = {one.name for one in soak_policy().baselines}
    findings = json.loads(result.stdout)["gates"]["findings"]
    return {one["gate"]: f"{one['verdict']}: {one['reason']}" for one in findings if one["gate"] in rules}


def test_a_soak_is_compared_with_the_known_good_one_of_another_time(root: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    before = TimeWindow.ending(WINDOW.start, WINDOW.duration)
    recorded = write_recording(tmp_path / "before", healthy(before), before)
    run("--recording", recorded, "--end", "2026-11-18", "--export-json", good)
    found = compared_with(good, root)
    assert {reason.partition(":")[0] for reason in found.values()} == {"pass"}
    assert len(found) == len(soak_policy().baselines)


def test_a_soak_is_not_its_own_known_good_one(root: Path, tmp_path: Path) -> None:
    run("--recording", root, "--export-json", tmp_path / "good.json")
    for reason in compared_with(tmp_path / "good.json", root).values():
        assert reason.startswith("inconclusive: compared with itself: this soak is of 2026-11-18T00:00:00Z/")


KINDS = {
    "gates": ({"findings": [], "verdict": "pass"}, "{file}: expected a soak_metrics.json: soak metrics: slis: "),
    "no SLI": ({"slis": {"x": 1}}, "{file}: expected a soak_metrics.json: soak metrics: slis.x: expected an object"),
    "buckets": ({"slis": {}, "buckets": []}, "{file}: expected a soak_metrics.json: soak metrics: buckets: "),
    "a bucket": ({"slis": {}, "buckets": {"x": 1}}, "{file}: expected a soak_metrics.json: soak buckets: "),
    "a list": ([], "{file}: expected an object, was list"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_good_soak_that_is_none_is_refused_with_the_flag_and_the_file(
    root: Path, tmp_path: Path, kind: str
) -> None:
    document, words = KINDS[kind]
    file = tmp_path / "good.json"
    file.write_text(json.dumps(document))
    refused = run("--recording", root, "--known-good", file).exception
    assert isinstance(refused, SchemaError)
    assert str(refused).startswith(f"--known-good: {words.format(file=file)}")


def test_a_known_good_soak_that_is_not_there_is_refused_with_the_flag(root: Path, tmp_path: Path) -> None:
    refused = run("--recording", root, "--known-good", tmp_path / "none.json").exception
    assert isinstance(refused, MissingEvidenceError)
    assert str(refused) == f"--known-good: {tmp_path / 'none.json'}: no such file"


def test_another_version_than_the_one_that_ran_is_not_judged_by_its_soak(root: Path) -> None:
    result = run("--recording", root, "--expect-version", "2.0.0")
    assert result.exit_code == 1
    assert "version 1.0.0 ran, and 2.0.0 is judged" in " ".join(result.stdout.replace("│", " ").split())


def test_the_page_is_one_file_with_a_chart_for_each_sli_and_the_same_bytes_again(root: Path, tmp_path: Path) -> None:
    pages = [tmp_path / name for name in ("a.html", "b.html")]
    for page in pages:
        assert run("--recording", root, "--export-html", page).exit_code == 0
    text = pages[0].read_text(encoding="utf-8")
    assert pages[1].read_text(encoding="utf-8") == text
    assert text.count('role="img"') >= len(read_policy(POLICIES / "slis.yaml", SliCatalogue).slis)
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in text
