"""``mm-ops readiness override``: a person signs that a HOLD may be passed over, and what of such a file is shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.adapters.environment import runs_in_ci
from mm_ops.cli.context import marker, policy_file, utc_now
from mm_ops.cli.samples import Moment
from mm_ops.domain.errors import PolicyError, SchemaError

if TYPE_CHECKING:
    from mm_ops.adapters.artifacts import Artifacts
    from mm_ops.domain.signers import SignersPolicy

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=PATH)
@click.option(
    "--key-file",
    type=PATH,
    required=True,
    help="Your Ed25519 key as ssh-keygen makes it; its .pub where an agent has it.",
)
@click.option("--section", "sections", multiple=True, required=True, help="Passed over; may be given again.")
@click.option("--reason", required=True, help="Why; it is in the file, the bundle and the UI.")
@click.option("--expires", type=Moment(), required=True, help="Until when it counts, such as 2026-11-26T12:00:00Z.")
def override(file: Path, key_file: Path, sections: tuple[str, ...], reason: str, expires: datetime) -> None:
    """Sign that the HOLD of FILE may be passed over, for its bot, version and day and these sections alone.

    Writes readiness_override.json beside FILE; materialise readiness_score again, which takes it in. Refused where it
    would not count: by a key that signers.yaml does not name, for too long, or short of all that holds. Never in CI.
    """
    from mm_ops.adapters.artifacts import write_atomically
    from mm_ops.adapters.json_files import read_json
    from mm_ops.adapters.signatures import is_signed_by, key_of
    from mm_ops.adapters.signing import signer as signing_with
    from mm_ops.cli.readiness import problems_of
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.readiness.override import OVERRIDE, Held, draft, judge_override, signed_bytes
    from mm_ops.domain.signers import OVERRIDE as NAMESPACE

    if runs_in_ci():
        raise PolicyError("CI is set: an override is signed by a person, and there is none in CI")
    document = read_json(file)
    problems = problems_of(document)
    if problems:
        raise SchemaError(f"{file}: {problems[0]}")
    policy, sign = _signers(), signing_with(key_file, NAMESPACE)
    public_key = key_of(sign(b"").decode())
    signer = next((one for one in policy.signers if one.public_key == public_key), None)
    if signer is None:
        raise PolicyError(f"{key_file}: its public key ({public_key or 'no Ed25519'}) is not in signers.yaml")
    said = draft(document, sections, by=signer.person, reason=reason, made=utc_now(), expires=expires)
    signature = sign(signed_bytes(said)).decode()
    data = encode({"statement": said, "key": signer.name, "signature": signature})
    refused = judge_override(data, Held.of(document), policy, is_signed_by, utc_now())["refused"]
    if refused:
        raise PolicyError(f"not signed, since it would not count: {'; '.join(refused)}")
    write_atomically(file.parent / OVERRIDE, data)
    click.echo(f"written: {file.parent / OVERRIDE}; materialise {document['bot']}/readiness_score of {document['day']}")
    marker("readiness override", "SIGNED")


def find_other_override(document: Mapping[str, Any], stored: "Artifacts") -> list[str]:
    """Say in what a file's override is not what lies beside it, judged as of when the file was made."""
    from mm_ops.adapters.signatures import is_signed_by
    from mm_ops.domain.canonical import to_plain
    from mm_ops.domain.readiness.override import OVERRIDE, Held, judge_override

    name = f"{document['bot']}/{document['day']}/reports/{OVERRIDE}"
    if name not in document["inputs"]:
        return [] if document["override"] is None else [f"inputs: expected the digest of {name}, was missing"]
    made = datetime.fromisoformat(document["runtime"]["utc"])
    again = to_plain(judge_override(stored.read(name), Held.of(document), _signers(), is_signed_by, made))
    return [] if again == document["override"] else [f"override: expected {again}, was {document['override']}"]


def override_lines(document: Mapping[str, Any]) -> Sequence[str]:
    """What is told of a sound file's override: whose it is, and why it does not count now."""
    from mm_ops.adapters.signatures import is_signed_by
    from mm_ops.domain.readiness.override import judge_again, override_words

    if document["override"] is None:
        return []
    content = document["override"]["content"]
    refused = judge_again(document, _signers(), is_signed_by, utc_now())
    whose = [] if content is None else [f"override: {override_words(content)}"]
    return [*whose, *(f"override does not count: {text}" for text in refused)]


def _signers() -> "SignersPolicy":
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.signers import SignersPolicy

    return read_policy(policy_file("signers.yaml"), SignersPolicy)
