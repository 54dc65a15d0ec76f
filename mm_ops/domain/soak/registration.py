"""What a soak is judged by is on record when it begins, so that nobody moves the goal while it runs.

A registration holds the limits, windows and definitions of both policy files, without the words that explain them. The
day on which a soak begins has one; when what judges the soak is no longer that, no gate of it passes. A record that
was made after the soak began may have been made by what had been seen of it until then: it is late.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.comparison import Drift, Tolerance, compare
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.verdict import some
from mm_ops.domain.windows import TimeWindow, format_duration

NOT_ON_RECORD = "what the soak is judged by was not on record when it began"
LATE = timedelta(hours=1)
"""How long after the start a record still counts as made with it. Source: our reasoning: who starts a soak by hand
takes minutes; no gate has seen enough by then to be moved, as all ask for most of the window."""

_EXACT = Tolerance(absolute=0.0, relative=0.0)


def register(slis: SliCatalogue, soak: SoakPolicy, *, registered: datetime, version: str | None) -> dict[str, Any]:
    """Put on record what a soak that begins now will be judged by, and the version that is to run."""
    content = content_of(slis, soak)
    plain: dict[str, Any] = to_plain({"registered": registered, "version": version, "content": content})
    return plain


def content_of(slis: SliCatalogue, soak: SoakPolicy) -> dict[str, Any]:
    """What decides a verdict, by name: definitions, limits, windows."""
    content = {"slis": _by_name(to_plain(slis)["slis"]), "soak": to_plain(soak)}
    for kind in ("gates", "trends", "baselines"):
        content["soak"][kind] = _by_name(content["soak"][kind])
    decisive: dict[str, Any] = _without_words(content)
    return decisive


def find_change(
    registration: Mapping[str, Any] | None, slis: SliCatalogue, soak: SoakPolicy, version: str | None = None
) -> str | None:
    """Say in what the policies, or the version, differ from those on record; ``None`` where they do not.

    Args:
        registration: what :func:`register` gave when the soak began; ``None`` where nothing is on record.
        slis: what judges it now.
        soak: what judges it now.
        version: that is judged; where it is ``None`` the gate on what ran says that nothing names it.
    """
    if registration is None:
        return NOT_ON_RECORD
    registered = str(registration.get("registered"))
    changes = (_find_other_version(registration, version), _find_other_policy(registration, slis, soak))
    told = "; ".join(change for change in changes if change)
    return f"{told} (on record since {registered})" if told else None


def find_lateness(registration: Mapping[str, Any], window: TimeWindow) -> str | None:
    """Say how long after the window began the record was made, if it was more than ``LATE``; ``None`` where not."""
    registered = registration.get("registered")
    try:
        moment = datetime.fromisoformat(registered if isinstance(registered, str) else "")
        delay = moment - window.start  # a time without a zone is a TypeError
    except (TypeError, ValueError):
        return f"the record does not say when it was made: registered: expected an ISO time, was {_short(registered)}"
    if delay <= LATE:
        return None
    after = format_duration(delay)
    return f"what the soak is judged by was put on record at {moment.isoformat()}, {after} after the window began"


def _find_other_version(registration: Mapping[str, Any], version: str | None) -> str | None:
    registered = registration.get("version")
    if version is None or registered == version:
        return None
    return f"the version was put on record as {_short(registered)}, is {_short(version)}"


def _find_other_policy(registration: Mapping[str, Any], slis: SliCatalogue, soak: SoakPolicy) -> str | None:
    drifts = compare(registration.get("content"), content_of(slis, soak), _EXACT)
    if not drifts:
        return None
    return f"the policy changed since it was put on record: {some([*map(_words, drifts)])}"


def _words(drift: Drift) -> str:
    return f"{drift.path.removeprefix('$.')} was {_short(drift.baseline)}, is {_short(drift.actual)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line that a person reads


def _by_name(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in items}


def _without_words(value: Any) -> Any:
    """A better explanation of a number is no other number."""
    if isinstance(value, dict):
        return {key: _without_words(item) for key, item in value.items() if key != "source"}
    return [_without_words(item) for item in value] if isinstance(value, list) else value
