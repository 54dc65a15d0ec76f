from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.rollback.keeping import JournalPolicy
from mm_ops_tests.requirements import PROJECT


def test_a_quarter_is_kept_and_less_than_a_month_is_refused():
    policy = read_policy(PROJECT / "deploy/policies/journal.yaml", JournalPolicy)
    assert policy.keep.length == timedelta(days=90)
    assert replace(policy, keep=replace(policy.keep, length=timedelta(days=30)))
    with pytest.raises(ValidationError, match="keep: length: expected at least 30d"):
        replace(policy, keep=replace(policy.keep, length=timedelta(days=29)))
