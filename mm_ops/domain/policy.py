"""What every policy type shares: closed schemas, and words that say why a number is what it is."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

CLOSED = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=False)
"""Unknown keys are refused, and nothing is guessed from a text that looks like a number."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""What may become part of an asset key, a check name or a file name."""

BotName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
"""A bot's, which stands after the name of a task (``readiness_score_mm1``) in a ``Name``."""

MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
"""What Prometheus takes for the name of a metric."""

Source = Annotated[str, StringConstraints(strip_whitespace=True, min_length=8)]
"""Where a number comes from: a page, a paper, a measurement. A number without one is refused."""

Unit = Literal["ms", "s", "ratio", "bps", "count", "bytes"]
"""What a value is in; a limit on it must be in the same."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SecretPlace:
    """Where a secret is kept, since it is never written into a policy: a file, or a variable of the environment."""

    file: Annotated[str, Field(min_length=1)] | None = None
    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.env is None):
            raise ValueError("expected one of file and env: the name of where it is kept")
