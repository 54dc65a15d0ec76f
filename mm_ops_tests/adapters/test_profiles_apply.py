from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_ops.adapters.profiles_apply import apply_profile, records_path
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.tuning.applied import Applied, read_applied
from mm_ops.domain.tuning.cells import change
from mm_ops_tests.requirements import PROJECT

TEXT = (PROJECT / "deploy/policies/profiles.yaml").read_text(encoding="utf-8")


@pytest.fixture(name="policy")
def copied(tmp_path: Path) -> Path:
    path = tmp_path / "deploy/policies/profiles.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT, encoding="utf-8")
    return path


def decided(text: str, factor: float = 1.25) -> Applied:
    return Applied(
        utc=datetime(2026, 11, 25, tzinfo=UTC),
        by="Ada",
        reason="the sweep of November",
        made_by="0.1.0",
        factor_before=1.0,
        factor_after=factor,
        before=digest(TEXT.encode()),
        after=digest(text.encode()),
        cells=(),
    )


def test_a_change_that_was_put_on_record_and_never_written_gives_way_to_the_next(policy: Path) -> None:
    wider, widest = (change(TEXT, factor, "p") for factor in (1.25, 1.5))
    records_path(policy).parent.mkdir()
    records_path(policy).write_bytes(encode([decided(wider)]))
    path = apply_profile(policy, widest, decided(widest, 1.5))
    assert [one.factor_after for one in read_applied(path.read_bytes(), "r")] == [1.5]
    back = replace(decided(TEXT, 1.0), before=digest(widest.encode()))
    apply_profile(policy, TEXT, back)
    assert [one.factor_after for one in read_applied(path.read_bytes(), "r")] == [1.5, 1.0]


def test_a_profile_that_leaves_its_limits_is_not_written(policy: Path) -> None:
    text = change(TEXT, 2.9, "p")
    with pytest.raises(PolicyError, match=r"profiles\.yaml, as it would be: .*spread_factor"):
        apply_profile(policy, text, decided(text, 2.9))
    assert policy.read_text(encoding="utf-8") == TEXT
    assert not records_path(policy).exists()


def test_a_policy_that_was_changed_meanwhile_is_not_overwritten(policy: Path) -> None:
    text = change(TEXT, 1.25, "p")
    policy.write_text(TEXT + "# a note\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="was changed since it was measured"):
        apply_profile(policy, text, decided(text))


def test_records_that_nobody_wrote_are_refused(policy: Path) -> None:
    text = change(TEXT, 1.25, "p")
    records_path(policy).parent.mkdir()
    records_path(policy).write_bytes(b'[{"by": "Ada"}]')
    with pytest.raises(SchemaError, match=r"APPLIED_profiles\.json: 0\.utc: "):
        apply_profile(policy, text, decided(text))
    assert policy.read_text(encoding="utf-8") == TEXT
