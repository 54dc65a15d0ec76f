from datetime import date
from pathlib import Path

import pytest

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.secrets.policy import Known, SecretsPolicy
from mm_ops_tests.planted_secrets import policy
from mm_ops_tests.requirements import PROJECT

TEXT = (PROJECT / "deploy/policies/secrets.yaml").read_text(encoding="utf-8")
ENTRY = """baseline:
  - {rule: %s, path: a.py, fingerprint: 0123456789abcdef, state: false_alarm, by: Ada, expires: 2027-01-01,
     reason: "a worked example of the manual"}
"""


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "secrets.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as error:
        read_policy(path, SecretsPolicy)
    return str(error.value)


def test_every_literal_stands_in_what_the_rules_find():
    assert len(policy().rules) > 25
    assert policy().latest(date(2026, 1, 1)) == date(2027, 1, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("literals: [binance, x-mbx-apikey]", "literals: [Binance]", "literals: expected lower case, was Binance"),
        ('pattern: "npm_[A-Za-z0-9]{36}"', 'pattern: "npm_[A-Za-z0-9]+"', "npm_token: repeats without a bound"),
        ('pattern: "npm_[A-Za-z0-9]{36}"', 'pattern: "npm_[A-Za-z"', "pattern: npm_token: unterminated character set"),
        ("name: npm_token", "name: kraken_key", "rules: expected every one once, was twice: kraken_key"),
        ("baseline: []\n", ENTRY % "no_such", "baseline: no rule no_such"),
        ("max_depth: 3", "max_depth: 0", "max_depth: Input should be greater than or equal to 1, was 0"),
        ('    source: "age\'s format of identities: Bech32 of 32 bytes"\n', "", "source: Field required"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str):
    assert old in TEXT
    message = refused(tmp_path, TEXT.replace(old, new))
    assert said in message
    assert "secrets.yaml:" in message


def test_the_same_finding_stands_once_in_the_baseline(tmp_path: Path):
    twice = ENTRY % "password" + (ENTRY % "password").partition("\n")[2]
    assert "baseline: expected every one once" in refused(tmp_path, TEXT.replace("baseline: []\n", twice))


def known(state: str, expires: date) -> Known:
    fields = {"rule": "password", "path": "a.py", "fingerprint": "0" * 16, "by": "Ada", "reason": "a worked example"}
    return Known(**fields, state=state, expires=expires)  # type: ignore[arg-type]


def test_an_entry_holds_to_the_end_of_its_day_and_only_when_audited():
    today = date(2026, 11, 25)
    assert known("false_alarm", today).fault(today) is None
    assert known("revoked", today).fault(today) is None
    assert known("revoked", date(2026, 11, 24)).fault(today) == "expired 2026-11-24"
    assert known("unaudited", today).fault(today) == "nobody has looked at it: false_alarm or revoked"
