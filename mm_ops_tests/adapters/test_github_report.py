from pathlib import Path

from mm_ops.adapters.github_report import MOST_SUMMARY_BYTES, annotations, summary
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops_tests.requirements import PROJECT

POLICIES = PROJECT / "deploy/policies"
SOAK = (POLICIES / "soak.yaml").read_text(encoding="utf-8").splitlines()


def finding(gate: str, verdict: Verdict, severity: Severity = Severity.HARD, reason: str = "why") -> Finding:
    return Finding(gate=gate, severity=severity, verdict=verdict, reason=reason)


def told(*findings: Finding, asset: str = "paper/soak_findings", absent: tuple[str, ...] = ()) -> list[str]:
    return annotations([(asset, one) for one in findings], absent, POLICIES, PROJECT)


def test_what_failed_is_an_error_on_the_line_where_its_limit_is_written():
    (line,) = told(finding("ws_lag_max_ms", Verdict.FAIL), finding("restarts", Verdict.PASS))
    place = SOAK.index("  - name: ws_lag_max_ms") + 1
    title = "paper/soak_findings%3A ws_lag_max_ms%3A fail"
    assert line == f"::error file=deploy/policies/soak.yaml,line={place},title={title}::why"


def test_a_rule_that_follows_from_a_gate_points_to_the_gate():
    (line,) = told(finding("tick_latency_p95_ms_sustained", Verdict.FAIL))
    assert f"line={SOAK.index('  - name: tick_latency_p95_ms') + 1}," in line


def test_the_worst_comes_first_since_github_shows_ten():
    lines = told(
        finding("maker_share", Verdict.FAIL, Severity.SOFT),
        finding("restarts", Verdict.INCONCLUSIVE),
        finding("bot_version", Verdict.FAIL),
        absent=("paper/readiness_score:is_go",),
    )
    kinds = [line.split(" ", 1)[0] for line in lines]
    assert kinds == ["::error", "::error", "::error", "::warning"]
    order = ["is_go", "bot_version", "restarts", "maker_share"]
    assert [name in line for name, line in zip(order, lines, strict=True)] == [True] * 4


def test_no_reason_can_be_a_command_of_its_own():
    (line,) = told(finding("restarts", Verdict.FAIL, reason="100 %\n::set-env name=A::b\r"))
    assert line.endswith("::100 %25%0A::set-env name=A::b%0D")


def test_a_policy_that_is_not_there_loses_no_verdict(tmp_path: Path):
    (line,) = annotations([("paper/x", finding("a", Verdict.FAIL))], [], tmp_path, tmp_path)
    assert line == "::error file=bots.yaml,line=1,title=paper/x%3A a%3A fail::why"


def test_the_summary_has_a_row_a_check_and_the_reason_of_what_did_not_pass():
    judged = [
        ("paper/a", finding("one", Verdict.PASS)),
        ("paper/a", finding("two", Verdict.FAIL, reason="a <b> | c\nd")),
    ]
    page = summary("checks of a day", "FAIL", judged, ["paper/b:three"])
    assert page.startswith("## FAIL: checks of a day\n\n- **paper/a: two** a &lt;b> | c d\n\n| asset |")
    assert "| paper/a | one | hard | pass |" in page
    assert "| paper/b | three |  | no result |" in page


def test_a_summary_that_github_would_refuse_says_so_instead():
    judged = [("paper/a", finding("one", Verdict.FAIL, reason="x" * MOST_SUMMARY_BYTES))]
    assert summary("t", "FAIL", judged, []) == "## FAIL: t\n\n1 of 1 checks did not pass, too many to show here\n"
