"""A person's signed statement that a HOLD may be passed over: who, why, until when, and for which sections alone.

It changes neither the score nor the word HOLD. It lets ``is_go`` pass, and only where it covers everything that holds:
a hard gate that is not a pass is never covered. It is one bot's, one version's and one day's; it is refused when it has
expired, when its key is not in ``signers.yaml``, and when one of its bytes was changed.

What is signed is the canonical JSON of the statement, as ``ssh-keygen -Y sign`` does it for a namespace of its own, so
that no signature made for something else fits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mm_ops.domain.canonical import encode, to_plain
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.policy import CLOSED, Name
from mm_ops.domain.readiness.evidence import FIELDS
from mm_ops.domain.readiness.hard import HardGate, find_dominating
from mm_ops.domain.readiness.structure import Day, Moment, Version, faults_of
from mm_ops.domain.signers import OVERRIDE as NAMESPACE
from mm_ops.domain.signers import SignersPolicy

OVERRIDE = "readiness_override.json"
_AHEAD = timedelta(minutes=5)

SectionName = Literal["edge", "latency", "taker", "guards", "chaos", "tests"]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500)]
Verify = Callable[[str, str, bytes, str], bool]
"""Whether a key, for a namespace, made of some bytes a signature."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Statement:
    """What is signed."""

    bot: Name
    version: Version
    day: Day
    sections: Annotated[tuple[SectionName, ...], Field(min_length=1)]
    by: Annotated[Line, StringConstraints(min_length=2, max_length=80)]
    reason: Annotated[Line, StringConstraints(min_length=12)]
    made: Moment
    expires: Moment


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Override:
    """A statement with the name of the key, and the signature as ``ssh-keygen -Y sign`` writes it."""

    statement: Statement
    key: Name
    signature: Annotated[str, StringConstraints(pattern=r"^-----BEGIN SSH SIGNATURE-----\n", max_length=2000)]


@plain_dataclass(frozen=True, slots=True)
class Held:
    """What an override is asked to pass over: whose readiness, and what of it holds."""

    bot: str
    version: str
    day: str
    sections: Mapping[str, Mapping[str, Any]]
    gates: tuple[HardGate, ...]
    days: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Held":
        """Take it from a readiness document."""
        plain = to_plain({key: document[key] for key in ("bot", "version", "day", "sections", "gates", "days")})
        gates = tuple(HardGate(**gate) for gate in plain["gates"])
        return cls(plain["bot"], plain["version"], plain["day"], plain["sections"], gates, tuple(plain["days"]))


def draft(
    document: Mapping[str, Any], sections: Sequence[str], *, by: str, reason: str, made: datetime, expires: datetime
) -> Statement:
    """Write the statement for a readiness document.

    Raises:
        PolicyError: a section is none, or the reason is none.
    """
    scope = {name: document[name] for name in ("bot", "version", "day")}
    said = {**scope, "sections": list(sections), "by": by, "reason": reason, "made": made, "expires": expires}
    try:
        return TypeAdapter(Statement).validate_json(encode(said))
    except ValidationError as error:
        raise PolicyError("; ".join(faults_of(error))) from error


def signed_bytes(statement: Statement) -> bytes:
    """The bytes that are signed."""
    return encode(statement)


def read_override(data: bytes) -> Override | list[str]:
    """Read an override, or say in one line each what about it is wrong."""
    try:
        return TypeAdapter(Override).validate_json(data)
    except ValidationError as error:
        return list(faults_of(error))


def find_refusals(override: Override, held: Held, policy: SignersPolicy, verify: Verify, now: datetime) -> list[str]:
    """Say why an override does not count; empty where it does.

    Args:
        override: as it was read.
        held: what holds.
        policy: whose signatures count, and for how long.
        verify: checks a signature.
        now: the time; an override counts from when it was made until it expires.
    """
    return [
        *_forged(override, policy, verify),
        *_elsewhere(override.statement, held),
        *_untimely(override.statement, policy, now),
        *_uncovered(override.statement, held),
    ]


def _forged(override: Override, policy: SignersPolicy, verify: Verify) -> Iterator[str]:
    signer = next((one for one in policy.signers if one.name == override.key), None)
    if signer is None:
        yield f"signed by the unknown key {override.key}: it is not in signers.yaml"
        return
    signed = signed_bytes(override.statement)
    if NAMESPACE not in signer.namespaces or not verify(signer.public_key, NAMESPACE, signed, override.signature):
        yield f"the signature is not that of the key {override.key}, or the statement was changed since"
    if signer.person != override.statement.by:
        yield f"by: the key {override.key} is {signer.person}'s, was {override.statement.by}"


def _elsewhere(statement: Statement, held: Held) -> Iterator[str]:
    for name, was in (("bot", statement.bot), ("version", statement.version), ("day", statement.day.isoformat())):
        expected = getattr(held, name)
        if was != expected:
            yield f"scope: {name}: expected {expected}, was {was}"


def _untimely(statement: Statement, policy: SignersPolicy, now: datetime) -> Iterator[str]:
    if now >= statement.expires:
        yield f"expired at {statement.expires:%Y-%m-%dT%H:%M:%SZ}"
    if statement.made - now > _AHEAD:
        yield f"made: expected a time before now, {now:%Y-%m-%dT%H:%M:%SZ}, was {statement.made:%Y-%m-%dT%H:%M:%SZ}"
    if not timedelta(0) < statement.expires - statement.made <= policy.max_override:
        yield f"expires: expected at most {policy.max_override} after it was made, and after it"


def _uncovered(statement: Statement, held: Held) -> Iterator[str]:
    for text in find_dominating(held.gates):
        yield f"{text}: no override passes over a hard gate"
    lacking = [name for name, section in held.sections.items() if section["score"] < section["points"]]
    yield from (f"scope: {name} holds too, and is not in it" for name in lacking if name not in statement.sections)
    for day in held.days:
        if day["absent"] and None not in [day[field] for field in FIELDS]:
            yield f"scope: {day['absent'][0]}: no section is lacking for it, so none covers it"
    if not lacking:
        yield "no section holds: there is nothing to pass over"


def judge_override(data: bytes, held: Held, policy: SignersPolicy, verify: Verify, now: datetime) -> dict[str, Any]:
    """Read what lies beside a readiness file as its override, and say why it does not count.

    Returns:
        ``content``, the override as plain JSON or ``None`` where it is none, and ``refused``, the reasons.
    """
    override = read_override(data)
    if isinstance(override, list):
        return {"content": None, "refused": [f"no override: {text}" for text in override]}
    return {"content": to_plain(override), "refused": find_refusals(override, held, policy, verify, now)}


def judge_again(document: Mapping[str, Any], policy: SignersPolicy, verify: Verify, now: datetime) -> list[str]:
    """Say why the override of a stored readiness document does not count, by now or by what was found then."""
    stated = document.get("override")
    if stated is None or stated["content"] is None:
        return ["there is no override"]
    then: list[str] = list(stated["refused"])
    again = judge_override(encode(stated["content"]), Held.of(document), policy, verify, now)
    return list(dict.fromkeys([*then, *again["refused"]]))


def override_words(content: Mapping[str, Any]) -> str:
    """Who passes over what until when, and why."""
    said = content["statement"]
    return f"{', '.join(said['sections'])} passed over until {said['expires']} by {said['by']}: {said['reason']}"
