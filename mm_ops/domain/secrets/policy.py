"""What counts as a secret, how far a scan goes, and which findings somebody has looked at."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.secrets.patterns import compile_secret, find_unbounded

Literal_ = Annotated[str, StringConstraints(min_length=3, max_length=40, pattern=r"^[ -~]+$")]
Count = Annotated[int, Field(ge=1)]
Kind = Literal["upper", "lower", "digit"]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Rule:
    """One kind of secret.

    ``literals`` (lower case) are looked for first, whatever their case in the text; ``pattern`` is tried only within
    ``reach`` bytes on either side of one. ``assigned`` asks for a name that is given the value. ``min_entropy`` is in
    bits a character (Shannon); ``needs`` are kinds of characters that a secret has and a word has not.
    """

    name: Name
    literals: Annotated[tuple[Literal_, ...], Field(min_length=1)]
    pattern: Annotated[str, StringConstraints(min_length=4, max_length=400, pattern=r"^[ -~]+$")]
    reach: Annotated[int, Field(ge=16, le=1024)] = 256
    assigned: bool = False
    min_entropy: Annotated[float, Field(ge=0, le=8)] = 0.0
    needs: tuple[Kind, ...] = ()
    source: Source

    def __post_init__(self) -> None:
        if any(literal != literal.lower() for literal in self.literals):
            raise ValueError(f"literals: expected lower case, was {', '.join(self.literals)}")
        unbounded = find_unbounded(self.pattern)
        if unbounded:
            raise ValueError(f"pattern: {self.name}: {unbounded}")
        try:
            compile_secret(self.pattern, assigned=self.assigned)
        except re.error as error:
            raise ValueError(f"pattern: {self.name}: {error}") from error


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Bounds:
    """How far a scan goes; what lies beyond is told, and the answer is then not a pass.

    ``max_seconds`` is for one file with all that it holds, ``max_bytes`` for one file as it lies there,
    ``max_inside_bytes`` for all that comes out of one archive, ``max_members`` for its files, ``max_depth`` for
    archives in archives and for text decoded from decoded text.
    """

    max_seconds: Annotated[float, Field(gt=0, le=3600)]
    max_bytes: Count
    max_inside_bytes: Count
    max_members: Count
    max_depth: Annotated[int, Field(ge=1, le=8)]
    max_findings: Count
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Left:
    """What is left alone: folders by name, and files by the end of their name."""

    folders: tuple[str, ...]
    endings: tuple[str, ...]
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Known:
    """A finding that somebody has looked at, or has yet to: ``unaudited`` fails, and so does one that has expired.

    ``path`` and ``fingerprint`` are as a scan tells them; ``false_alarm`` is no secret, ``revoked`` was one and opens
    nothing any more.
    """

    rule: Name
    path: str
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    state: Literal["unaudited", "false_alarm", "revoked"]
    by: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2)]
    expires: date
    reason: Source

    def fault(self, today: date) -> str | None:
        """Say why it excuses nothing; ``None`` where it does, up to and including the day that it expires."""
        if self.state == "unaudited":
            return "nobody has looked at it: false_alarm or revoked"
        return f"expired {self.expires}" if today > self.expires else None


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SecretsPolicy:
    """``deploy/policies/secrets.yaml``; a word of ``placeholders`` in a value says that it stands for a secret."""

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    placeholders: tuple[Literal_, ...]
    bounds: Bounds
    left: Left
    longest_audit_days: Annotated[int, Field(ge=1)]
    baseline: tuple[Known, ...]
    source: Source

    def __post_init__(self) -> None:
        _refuse_doubled("rules", (rule.name for rule in self.rules))
        _refuse_doubled("baseline", (f"{item.rule} {item.path} {item.fingerprint}" for item in self.baseline))
        unknown = sorted({item.rule for item in self.baseline} - {rule.name for rule in self.rules})
        if unknown:
            raise ValueError(f"baseline: no rule {', '.join(unknown)}")

    def latest(self, today: date) -> date:
        """The day after which no entry made today may expire."""
        return today + timedelta(days=self.longest_audit_days)


def _refuse_doubled(field: str, names: Iterable[str]) -> None:
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise ValueError(f"{field}: expected every one once, was twice: {', '.join(doubled)}")
