"""Applies a change of the base profile: the record first, then the policy, each file whole, and read back.

Killed between the two, the record names a digest that the policy does not have; applying again replaces it.
"""

import tempfile
from pathlib import Path

from mm_ops.adapters.artifacts import write_atomically
from mm_ops.adapters.json_files import MAX_BYTES, read_regular
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import EffectNotConfirmedError, PolicyError
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops.domain.tuning.applied import Applied, put_on_record, read_applied

RECORDS = "APPLIED_profiles.json"


def records_path(policy: Path) -> Path:
    """Where it is kept who applied what: beside the policies' folder, which holds policies alone."""
    return policy.parent.parent / "tuning" / RECORDS


def apply_profile(policy: Path, text: str, one: Applied) -> Path:
    """Write a new text of ``profiles.yaml``, with who decided it on record.

    Args:
        policy: the file.
        text: its new content.
        one: the record; its ``before`` is what was read when the change was measured.

    Returns:
        Where the record is.

    Raises:
        PolicyError: the file was changed meanwhile, or what would be written is no policy, within its own limits.
        EffectNotConfirmedError: it reads back something else than was written.
    """
    _refuse_impossible(text)
    if digest(policy.read_bytes()) != one.before:
        raise PolicyError(f"{policy}: was changed since it was measured: nothing is applied, sweep again")
    path = records_path(policy)
    known = read_applied(read_regular(path, MAX_BYTES), str(path)) if path.exists() else ()
    write_atomically(path, encode(put_on_record(known, one)))
    write_atomically(policy, text.encode())
    found = read_policy(policy, Profiles).base.spread_factor
    if found != one.factor_after:
        raise EffectNotConfirmedError(f"{policy}: wrote spread_factor {one.factor_after:g} and read back {found:g}")
    return path


def _refuse_impossible(text: str) -> None:
    """Read it as a policy before anything is written: it holds limits, which every profile must keep."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profiles.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            read_policy(path, Profiles)
        except PolicyError as error:
            said = str(error).removeprefix(f"{path}:")
            raise PolicyError(f"profiles.yaml, as it would be: {said}") from error
