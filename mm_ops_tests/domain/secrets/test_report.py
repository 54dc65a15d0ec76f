from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mm_ops.domain.secrets.policy import Known
from mm_ops.domain.secrets.report import Scanned, Unread, secrets_document, secrets_finding
from mm_ops.domain.secrets.scan import Hit
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.planted_secrets import policy

TODAY = date(2026, 11, 25)
HIT = Hit("password", 7, "decoded", 12, "0123456789abcdef")


def entry(**changes: Any) -> Known:
    fields = {
        "rule": "password",
        "path": "a.py",
        "fingerprint": HIT.fingerprint,
        "state": "false_alarm",
        "by": "Ada",
        "expires": TODAY + timedelta(days=30),
        "reason": "a worked example",
    }
    return Known(**{**fields, **changes})


def scanned(hits: Sequence[Hit] = (), **changes: Any) -> Scanned:
    counts = {
        "roots": ["."],
        "files": 3,
        "size_bytes": 9000,
        "inside": 2,
        "left": {".parquet": 4},
        "links": 0,
        "devices": 0,
    }
    return Scanned(**{**counts, "unread": [], "hits": [("a.py", hit) for hit in hits], **changes})


def judged(seen: Scanned, *baseline: Known) -> tuple[Verdict, str]:
    document = secrets_document(seen, replace(policy(), baseline=baseline), TODAY)
    finding = secrets_finding(document)
    assert (finding.value, finding.limit) == (None if seen.files == 0 else document["open"], 0.0)
    return finding.verdict, finding.reason


def test_nothing_found_in_what_was_read_passes_and_says_how_much_that_was():
    said = "none found in .; left by policy: .parquet"
    assert judged(scanned()) == (Verdict.PASS, said)
    assert scanned().counts == (
        "3 files (9,000 bytes) and 2 inside archives, 4 .parquet left, 0 links and 0 devices not followed"
    )
    assert judged(scanned(left={})) == (Verdict.PASS, said.partition(";")[0])


def test_a_finding_fails_and_is_told_by_its_place():
    assert judged(scanned([HIT])) == (Verdict.FAIL, "password in a.py:7")


def test_an_audited_entry_excuses_exactly_its_finding():
    assert judged(scanned([HIT]), entry())[0] is Verdict.PASS
    assert judged(scanned([HIT]), entry())[1].startswith("1 found, each of them known and audited in .")
    for other in (entry(path="b.py"), entry(fingerprint="f" * 16), entry(rule="hex_secret")):
        assert judged(scanned([HIT]), other)[0] is Verdict.FAIL


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "unaudited"}, "nobody has looked at it: false_alarm or revoked"),
        ({"expires": TODAY - timedelta(days=1)}, "expired 2026-11-24"),
        (
            {"expires": TODAY + timedelta(days=367)},
            "expires 2027-11-27, and 2027-11-26 is the latest day that an entry may: look at it again",
        ),
    ],
)
@pytest.mark.parametrize("hits", [[], [HIT]], ids=["without its finding", "with its finding"])
def test_an_entry_that_nobody_vouches_for_fails(changes: dict[str, Any], said: str, hits: list[Hit]):
    verdict, reason = judged(scanned(hits), entry(**changes))
    assert verdict is Verdict.FAIL
    assert f"baseline: password a.py 0123456789abcdef: {said}" in reason
    document = secrets_document(scanned(hits), replace(policy(), baseline=(entry(**changes),)), TODAY)
    assert [(item["known"], item["open"]) for item in document["findings"]] == [
        (f"in the baseline, but {said}", True) for _ in hits
    ]


def test_many_findings_are_told_by_the_first_and_their_number():
    many = [replace(HIT, line=n, fingerprint=f"{n:016x}") for n in range(9)]
    assert judged(scanned(many))[1].endswith("password in a.py:2 and 6 more")


def test_what_was_not_read_to_its_end_is_no_pass():
    seen = scanned(unread=[Unread("b.zip", "encrypted")])
    assert judged(seen) == (Verdict.INCONCLUSIVE, "not read to the end: b.zip: encrypted")
    assert judged(replace(seen, hits=[("a.py", HIT)]))[0] is Verdict.FAIL


def test_no_file_at_all_is_no_pass():
    assert judged(scanned(files=0)) == (Verdict.INCONCLUSIVE, "no file was read")


def test_an_entry_without_its_finding_is_told():
    document = secrets_document(scanned(), replace(policy(), baseline=(entry(),)), TODAY)
    assert document["baseline_unused"] == ["password a.py 0123456789abcdef"]
    assert secrets_document(scanned([HIT]), replace(policy(), baseline=(entry(),)), TODAY)["findings"] == [
        {
            "path": "a.py",
            "rule": "password",
            "line": 7,
            "via": "decoded",
            "length": 12,
            "fingerprint": "0123456789abcdef",
            "known": "false_alarm by Ada until 2026-12-25",
            "open": False,
        }
    ]
