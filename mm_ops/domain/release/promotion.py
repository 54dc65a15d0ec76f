"""The way of a bundle: candidate, staging, live; and which one is known to be good, to go back to.

No step is skipped. What was live becomes ``known_good`` when it is replaced, if it ran for ``proven_after`` and the
watcher's journal knows of no stop of it meanwhile; else the one before stays it. Going back makes ``known_good`` live.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import format_duration

if TYPE_CHECKING:  # the watcher reads where a bot stands, and need not know the policy
    from mm_ops.domain.release.policy import PromotionPolicy

LEAST_NAME = 2


class Step(StrEnum):
    """Where a bundle goes; ``BACK`` is to what is known to be good."""

    STAGING = "staging"
    LIVE = "live"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A bundle where it stands: ``bundle`` is the artifact name of the copy that is kept, ``since`` when it came."""

    version: str
    day: str
    digest: str
    bundle: str
    since: datetime

    def says(self) -> str:
        """Version and how to know the bundle."""
        return f"{self.version} ({self.bundle}, {self.digest})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands where; ``None`` where nothing does."""

    staging: Placed | None = None
    live: Placed | None = None
    known_good: Placed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for which step, when and why; ``bundle`` is the one to be put in staging."""

    step: Step
    version: str
    by: str
    why: str
    at: datetime
    bundle: Placed | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A step: what stands where after it, and what it says of the version that was live."""

    standing: Standing
    note: str


def find_objections(asked: Asked, standing: Standing, policy: "PromotionPolicy") -> Iterator[str]:
    """Say every reason why the step may not be taken; nothing where it may."""
    if len(asked.by.strip()) < LEAST_NAME:
        yield "by: expected a person's name"
    if len(asked.why.strip()) < policy.least_reason:
        yield f"why: expected {policy.least_reason} letters or more, was {len(asked.why.strip())}"
    match asked.step:
        case Step.STAGING:
            yield from _no_candidate(asked, standing.live)
        case Step.LIVE:
            yield from _not_yet_live(asked, standing.staging, policy.staged_for)
        case Step.BACK:
            yield from _nowhere_to_go(standing)
        case _:
            assert_never(asked.step)


def _no_candidate(asked: Asked, live: Placed | None) -> Iterator[str]:
    if asked.bundle is None:
        yield f"{asked.version}: there is no such candidate"
    elif live is not None and live.digest == asked.bundle.digest:
        yield f"{asked.version}: is live already"


def _nowhere_to_go(standing: Standing) -> Iterator[str]:
    if standing.known_good is None:
        yield "no version is known to be good, so there is none to go back to"
    elif standing.live is not None and standing.live.digest == standing.known_good.digest:
        yield f"{standing.known_good.version}: is live already, and the one that is known to be good"


def _not_yet_live(asked: Asked, staging: Placed | None, staged_for: timedelta) -> Iterator[str]:
    if staging is None or staging.version != asked.version:
        there = "nothing is" if staging is None else f"{staging.version} is"
        yield f"{asked.version}: is not in staging, {there}: no step is skipped"
        return
    been = asked.at - staging.since
    if been < staged_for:
        since = f"{staging.since:%Y-%m-%dT%H:%M:%SZ}"
        yield f"{asked.version}: in staging since {since}: expected {format_duration(staged_for)} or more there"


def take_step(asked: Asked, standing: Standing, stops: Sequence[str] | None, policy: "PromotionPolicy") -> Taken:
    """Say what stands where after a step to which nobody objects.

    Args:
        asked: the step.
        standing: before it.
        stops: of the live version since it is live, in words; ``None`` where nobody knows.
        policy: when a version is proven.
    """
    match asked.step:
        case Step.STAGING:
            placed = asked.bundle and replace(asked.bundle, since=asked.at)
            return Taken(replace(standing, staging=placed), "")
        case Step.LIVE:
            placed = standing.staging and replace(standing.staging, since=asked.at)
            good, note = _prove(standing, stops, asked.at, policy)
            return Taken(Standing(staging=None, live=placed, known_good=good), note)
        case Step.BACK:
            placed = standing.known_good and replace(standing.known_good, since=asked.at)
            left = "" if standing.live is None else f"{standing.live.version} was taken back"
            return Taken(replace(standing, live=placed), left)
        case _:
            assert_never(asked.step)


def _prove(
    standing: Standing, stops: Sequence[str] | None, now: datetime, policy: "PromotionPolicy"
) -> tuple[Placed | None, str]:
    live = standing.live
    if live is None:
        return standing.known_good, "nothing was live before"
    ran = now - live.since
    reasons = []
    if ran < policy.proven_after:
        reasons.append(f"it was live for less than {format_duration(policy.proven_after)}")
    if stops is None:
        reasons.append("whether it was stopped is not known")
    reasons += [f"it was stopped: {words}" for words in stops or ()]
    if reasons:
        return standing.known_good, f"{live.version} is not known to be good: {'; '.join(reasons)}"
    return live, f"{live.version} is known to be good: live since {live.since:%Y-%m-%dT%H:%M:%SZ}, never stopped"


def go_back_words(standing: Standing | None) -> str:
    """Say what is live and which version one goes back to; empty where nothing was ever promoted."""
    if standing is None or standing.live is None:
        return ""
    live, good = standing.live, standing.known_good
    if good is None:
        return f"live is {live.version}; no version before it is known to be good"
    if good.digest == live.digest:
        return f"live is {live.version}, the one that is known to be good"
    return f"live is {live.version}; go back to {good.says()}"


def read_standing(document: Any) -> Standing:
    """Read what :func:`describe` wrote.

    Raises:
        SchemaError: it is something else.
    """
    try:
        return Standing(**{name: _placed(document[name]) for name in ("staging", "live", "known_good")})
    except (KeyError, TypeError, ValueError) as error:
        raise SchemaError(f"promotions: expected staging, live and known_good: {error!r}") from error


def _placed(entry: Mapping[str, Any] | None) -> Placed | None:
    if entry is None:
        return None
    return Placed(**{**entry, "since": datetime.fromisoformat(entry["since"])})


def describe(asked: Asked, taken: Taken, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write down what stands where, and every step that led there; ``before`` is the document until now."""
    standing = taken.standing
    placed = {"staging": standing.staging, "live": standing.live, "known_good": standing.known_good}
    good = standing.known_good
    moved = standing.staging if asked.step is Step.STAGING else standing.live
    step = {
        "at": asked.at,
        "to": asked.step,
        "version": asked.version,
        "digest": moved and moved.digest,
        "by": asked.by,
        "why": asked.why,
        "note": taken.note,
        "known_good": good and good.version,
    }
    steps = [] if before is None else list(before["steps"])
    return {
        **{name: one and {key: getattr(one, key) for key in one.__slots__} for name, one in placed.items()},
        "steps": [*steps, step],
    }
