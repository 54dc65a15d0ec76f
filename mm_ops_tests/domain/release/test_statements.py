"""What a bundle says in the form of other tools: in-toto statements with our numbers, and a CycloneDX list."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from mm_ops.domain.canonical import digest, to_plain
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.policy import SecretPlace
from mm_ops.domain.release.policy import PromotionPolicy, ReleasePolicy
from mm_ops.domain.release.sbom import build_sbom
from mm_ops.domain.release.statements import judgement, provenance
from mm_ops.domain.verdict import Finding, Severity, Verdict
from mm_ops_tests.builders import WORDS

FILES = {"reports/b.json": digest(b"b"), "reports/a.json": digest(b"a")}
POLICIES = {"soak.yaml": digest(b"limit: 1")}
PROMOTION = PromotionPolicy(
    staged_for=timedelta(hours=24), proven_after=timedelta(hours=72), least_reason=12, source=WORDS
)


def hexadecimal(data: bytes) -> str:
    return digest(data).removeprefix("sha256:")


def test_a_provenance_names_what_was_made_from_what():
    made: Any = to_plain(
        provenance(
            bot="paper",
            version="1.0.0",
            day=date(2026, 11, 20),
            made_by="0.1.0",
            code=digest(b"code"),
            files=FILES,
            policies=POLICIES,
            inputs={"paper/days/day.json": digest(b"day"), "paper/nothing": None},
        )
    )
    assert made["_type"] == "https://in-toto.io/Statement/v1"
    assert [(one["name"], one["digest"]["sha256"]) for one in made["subject"]] == [
        ("reports/a.json", hexadecimal(b"a")),
        ("reports/b.json", hexadecimal(b"b")),
    ]
    build = made["predicate"]["buildDefinition"]
    assert build["externalParameters"] == {"bot": "paper", "version": "1.0.0", "day": "2026-11-20"}
    assert build["resolvedDependencies"] == [
        {"name": "mm_ops", "digest": {"sha256": hexadecimal(b"code")}},
        {"name": "policies/soak.yaml", "digest": {"sha256": hexadecimal(b"limit: 1")}},
        {"name": "paper/days/day.json", "digest": {"sha256": hexadecimal(b"day")}},
    ]
    assert made["predicate"]["runDetails"]["builder"]["version"] == {"mm_ops": "0.1.0"}


def finding(gate: str, verdict: Verdict, severity: Severity = Severity.HARD) -> Finding:
    return Finding(
        gate=gate, severity=severity, verdict=verdict, reason="why", value=0.0, limit=2.0, margin=2.0, unit="s"
    )


RESULTS = {
    "all passed": ([finding("a", Verdict.PASS)], ("PASSED", ["a"], [], [])),
    "a soft one did not": (
        [finding("b", Verdict.FAIL, Severity.SOFT), finding("a", Verdict.PASS)],
        ("WARNED", ["a"], ["b"], []),
    ),
    "a hard one could not be decided": ([finding("a", Verdict.INCONCLUSIVE)], ("FAILED", [], [], ["a"])),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_judgement_says_each_gate_once_and_with_its_numbers(name: str):
    findings, expected = RESULTS[name]
    said: Any = to_plain(judgement(findings, FILES, POLICIES))["predicate"]
    assert (said["result"], said["passedTests"], said["warnedTests"], said["failedTests"]) == expected
    first = next(item for item in said["measurements"] if item["gate"] == "a")
    assert (first["value"], first["limit"], first["margin"], first["reason"]) == (0.0, 2.0, 2.0, "why")
    assert "samples" not in first, "what was not measured is not there"


LOCK = """# a comment
Dagster[x]==1.13.27 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via mm_ops
annotated_doc==0.0.7 ; python_full_version >= '3.11' \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64)


def test_a_bill_lists_every_package_with_its_digests():
    bill = build_sbom(LOCK, "0.1.0")
    assert [item["purl"] for item in bill["components"]] == ["pkg:pypi/annotated-doc@0.0.7", "pkg:pypi/dagster@1.13.27"]
    hashes = bill["components"][1]["externalReferences"][0]["hashes"]
    assert [item["content"] for item in hashes] == ["a" * 64, "b" * 64]


@pytest.mark.parametrize("lock", ["", "# nothing\n", "dagster>=1\n", "dagster==1.0\n"])
def test_a_lock_that_pins_nothing_is_refused(lock: str):
    with pytest.raises(SchemaError, match=r"requirements\.lock: expected "):
        build_sbom(lock, "0.1.0")


def test_a_signature_that_is_required_needs_a_key():
    with pytest.raises(ValidationError, match="expected the place of the key"):
        ReleasePolicy(require_signature=True, promotion=PROMOTION, source=WORDS)
    for place in ({}, {"file": "key", "env": "KEY"}):
        with pytest.raises(ValidationError, match="expected one of file and env"):
            SecretPlace(**place)
    whole = ReleasePolicy(require_signature=True, key=SecretPlace(env="KEY"), promotion=PROMOTION, source=WORDS)
    assert whole.key is not None


@pytest.mark.parametrize("wrong", [{"staged_for": timedelta(hours=-1)}, {"proven_after": timedelta(0)}])
def test_a_version_is_proven_by_time(wrong: dict[str, Any]):
    with pytest.raises(ValidationError, match="expected staged_for of 0s or more, and proven_after of more than 0s"):
        replace(PROMOTION, **wrong)
