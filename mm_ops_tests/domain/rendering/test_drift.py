from mm_ops.domain.rendering.drift import drift_finding, not_rendered
from mm_ops.domain.verdict import Severity, Verdict


def test_files_that_are_what_the_catalogue_renders_pass() -> None:
    found = drift_finding([], [], 19)
    assert (found.verdict, found.value, found.margin, found.severity) == (Verdict.PASS, 0, 0, Severity.HARD)
    assert found.reason == "19 files are what the catalogue renders"


def test_any_difference_is_a_fail_that_names_the_file() -> None:
    found = drift_finding(["a.yml"], ["b.md: expected a runbook"], 19)
    assert (found.verdict, found.value, found.margin) == (Verdict.FAIL, 2, -2)
    assert found.reason == "a.yml is not what the catalogue renders; b.md: expected a runbook: run mm-ops render"


def test_a_fault_alone_is_a_fail() -> None:
    assert drift_finding([], ["b.md: expected a runbook"], 19).verdict is Verdict.FAIL


def test_many_differences_are_counted() -> None:
    found = drift_finding(list("abcde"), [], 19)
    assert found.reason.endswith("c is not what the catalogue renders and 2 more: run mm-ops render")


def test_nothing_compared_is_no_pass() -> None:
    assert drift_finding([], [], 0).verdict is Verdict.INCONCLUSIVE


def test_a_catalogue_that_cannot_be_rendered_is_no_pass() -> None:
    found = not_rendered("soak.yaml:3: limit")
    assert (found.verdict, found.value) == (Verdict.INCONCLUSIVE, None)
    assert found.reason == "cannot be rendered: soak.yaml:3: limit"
