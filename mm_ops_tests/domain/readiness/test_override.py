"""Overrides signed with real keys, and every way in which one does not count."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.signatures import is_signed_by
from mm_ops.adapters.signing import signer
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.readiness.document import readiness_markdown
from mm_ops.domain.readiness.finding import OVERRIDDEN, readiness_finding
from mm_ops.domain.readiness.hard import HardGate
from mm_ops.domain.readiness.override import (
    Held,
    draft,
    judge_again,
    judge_override,
    override_words,
    signed_bytes,
)
from mm_ops.domain.signers import OVERRIDE as NAMESPACE
from mm_ops.domain.signers import Signer, SignersPolicy
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.builders import WORDS
from mm_ops_tests.domain.readiness.week import GATES
from mm_ops_tests.domain.readiness.written import document
from mm_ops_tests.signing_keys import make_key, public_key

MADE = datetime(2026, 11, 21, 8, tzinfo=UTC)
EXPIRES = MADE + timedelta(hours=24)
NOW = MADE + timedelta(hours=1)
Document = dict[str, Any]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys") / "ada")


def signers(key: Path, **different: Any) -> SignersPolicy:
    usual = {
        "name": "ada",
        "person": "Ada Example",
        "public_key": public_key(key),
        "signs": ("override",),
        "source": WORDS,
    }
    return SignersPolicy(max_override=timedelta(hours=72), signers=(Signer(**{**usual, **different}),), source=WORDS)


def held(**different: Any) -> Document:
    return document(**({"net_edge_bps": 2.0} | different))


def signed(key: Path, of: Document, *sections: str, **different: Any) -> Document:
    said: dict[str, Any] = {"by": "Ada Example", "reason": "the market was halted", "made": MADE, "expires": EXPIRES}
    statement = draft(of, sections or ("edge",), **{**said, **different})
    made = {"statement": statement, "key": "ada", "signature": signer(key, NAMESPACE)(signed_bytes(statement)).decode()}
    plain: Document = json.loads(encode(made))
    return plain


def refusals(of: Document, override: Document, policy: SignersPolicy, now: datetime = NOW) -> list[str]:
    found: list[str] = judge_override(encode(override), Held.of(of), policy, is_signed_by, now)["refused"]
    return found


def test_a_statement_of_a_known_key_that_covers_all_that_holds_counts(key: Path):
    assert refusals(held(), signed(key, held()), signers(key)) == []
    (only_bundles,) = refusals(held(), signed(key, held()), signers(key, signs=("bundle",)))
    assert only_bundles.startswith("the signature is not that of the key ada"), "whose signature counts for bundles"


EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "the reason": ({"reason": "no reason at all, none"}, "the signature is not that of the key ada, or the statement"),
    "the expiry": ({"expires": "2026-11-23T08:00:00+00:00"}, "the signature is not that of the key ada"),
    "the scope": ({"sections": ["edge", "taker"]}, "the signature is not that of the key ada"),
    "the day": ({"day": "2026-11-19"}, "scope: day: expected 2026-11-20, was 2026-11-19"),
    "the bot": ({"bot": "other"}, "scope: bot: expected paper, was other"),
    "the version": ({"version": "1.0.1"}, "scope: version: expected 1.0.0, was 1.0.1"),
    "the name": ({"by": "Bob Example"}, "by: the key ada is Ada Example's, was Bob Example"),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_statement_that_was_changed_after_it_was_signed_does_not_count(key: Path, name: str):
    edit, message = EDITS[name]
    override = signed(key, held())
    override["statement"] |= edit
    found = refusals(held(), override, signers(key))
    assert found[0].startswith("the signature is not that of the key ada")
    assert [text for text in found if text.startswith(message)], found


def test_an_unknown_key_does_not_count(key: Path, tmp_path: Path):
    override = signed(key, held())
    nobody = SignersPolicy(max_override=timedelta(hours=72), signers=(), source=WORDS)
    assert refusals(held(), override, nobody) == ["signed by the unknown key ada: it is not in signers.yaml"]
    other = signers(make_key(tmp_path / "other.pem"))
    assert refusals(held(), override, other)[0].startswith("the signature is not that of the key ada")


@pytest.mark.parametrize(
    ("now", "reasons"),
    [
        (EXPIRES - timedelta(seconds=1), []),
        (EXPIRES, ["expired at 2026-11-22T08:00:00Z"]),
        (MADE - timedelta(minutes=5), []),
        (
            MADE - timedelta(minutes=6),
            ["made: expected a time before now, 2026-11-21T07:54:00Z, was 2026-11-21T08:00:00Z"],
        ),
    ],
)
def test_it_counts_from_when_it_was_made_until_it_expires(key: Path, now: datetime, reasons: list[str]):
    assert refusals(held(), signed(key, held()), signers(key), now) == reasons


@pytest.mark.parametrize("hours", [0, -1, 73])
def test_it_counts_for_no_longer_than_the_policy_allows(key: Path, hours: int):
    found = refusals(held(), signed(key, held(), expires=MADE + timedelta(hours=hours)), signers(key), MADE)
    assert [text for text in found if text.startswith("expires: expected at most 3 days, 0:00:00 after it was made")]


def test_what_it_does_not_name_still_holds(key: Path):
    both = held(taker_share=0.3)
    assert refusals(both, signed(key, both), signers(key)) == ["scope: taker holds too, and is not in it"]
    assert refusals(both, signed(key, both, "edge", "taker"), signers(key)) == []
    missing = held(net_edge_bps=3.0, tests_ok=None)
    assert refusals(missing, signed(key, missing, "tests"), signers(key)) == []


def test_no_hard_gate_is_passed_over(key: Path):
    failed = HardGate("identity", "fail", "money counted twice")
    both = document([GATES[0], failed], net_edge_bps=2.0)
    (text,) = refusals(both, signed(key, both), signers(key))
    assert text == "hard gate identity: fail: money counted twice: no override passes over a hard gate"


def test_a_reason_that_belongs_to_no_section_is_not_passed_over(key: Path):
    odd = held()
    odd["days"][0]["absent"] = ["2026-11-14: something was not there"]
    (text,) = refusals(odd, signed(key, odd), signers(key))
    assert text == "scope: 2026-11-14: something was not there: no section is lacking for it, so none covers it"


def test_a_go_needs_no_override(key: Path):
    go = document()
    assert refusals(go, signed(key, go), signers(key)) == ["no section holds: there is nothing to pass over"]


BAD: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"GO", "no override: top level: "),
    "no statement": (b"{}", "no override: statement: missing"),
    "half of it": (b'{"statement": {"bot', "no override: top level: "),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_override_does_not_count_and_says_why(key: Path, name: str):
    data, message = BAD[name]
    found = judge_override(data, Held.of(held()), signers(key), is_signed_by, NOW)
    assert found["content"] is None
    assert found["refused"][0].startswith(message)


@pytest.mark.parametrize(
    ("sections", "reason", "message"),
    [
        (("luck",), "the market was halted", r"sections\[0\]: expected 'edge', "),
        ((), "the market was halted", "sections: "),
        (("edge",), "because", "reason: expected text to have at least 12 characters"),
        (("edge",), "two lines\nof reasons", "reason: expected text to match pattern"),
    ],
)
def test_a_statement_without_scope_or_reason_is_not_drafted(sections: tuple[str, ...], reason: str, message: str):
    with pytest.raises(PolicyError, match=message):
        draft(held(), sections, by="Ada Example", reason=reason, made=MADE, expires=EXPIRES)


def overridden(key: Path, now: datetime = NOW) -> Document:
    found = judge_override(encode(signed(key, held())), Held.of(held()), signers(key), is_signed_by, now)
    plain: Document = json.loads(encode({**held(), "override": found}))
    return plain


def test_an_overridden_hold_passes_and_says_by_whom_and_why_and_stays_a_hold(key: Path):
    file = overridden(key)
    finding = readiness_finding(file, judge_again(file, signers(key), is_signed_by, NOW))
    assert (finding.verdict, finding.value, file["verdict"]) == (Verdict.PASS, 94.0, "HOLD")
    words = "edge passed over until 2026-11-22T08:00:00+00:00 by Ada Example: the market was halted"
    assert override_words(file["override"]["content"]) == words
    assert finding.reason == f"{OVERRIDDEN}: {words} (HOLD: edge: median 2 bps, full at 2.5 or more)"
    text = readiness_markdown(file)
    assert text.startswith("# HOLD: paper")
    assert f"**Overridden**: {words}" in text


def test_once_it_has_expired_or_its_key_was_taken_away_it_passes_no_more(key: Path):
    file = overridden(key)
    late = judge_again(file, signers(key), is_signed_by, EXPIRES)
    assert late == ["expired at 2026-11-22T08:00:00Z"]
    gone = judge_again(file, SignersPolicy(max_override=timedelta(1), signers=(), source=WORDS), is_signed_by, NOW)
    assert gone == ["signed by the unknown key ada: it is not in signers.yaml"]
    for refused in (late, gone, None):
        finding = readiness_finding(file, refused)
        assert finding.verdict is Verdict.FAIL
        assert "its override does not count: " in finding.reason


def test_one_that_was_refused_when_the_file_was_made_counts_at_no_later_time(key: Path):
    file = overridden(key, now=MADE - timedelta(hours=1))
    assert judge_again(file, signers(key), is_signed_by, NOW)[0].startswith("made: expected a time before now")
    assert "An override that does not count" in readiness_markdown(file)


def test_without_an_override_there_is_none_to_judge(key: Path):
    assert judge_again(held(), signers(key), is_signed_by, NOW) == ["there is no override"]
    none = {**held(), "override": {"content": None, "refused": ["no override: top level: x"]}}
    assert judge_again(none, signers(key), is_signed_by, NOW) == ["there is no override"]
    assert readiness_finding(none, []).verdict is Verdict.FAIL
    assert "- override refused: no override: top level: x" in readiness_markdown(none)


def test_an_override_makes_a_file_that_is_no_sound_hold_pass_in_no_way(key: Path):
    file = {**overridden(key), "verdict": "READY"}
    assert readiness_finding(file, []).verdict is Verdict.INCONCLUSIVE
