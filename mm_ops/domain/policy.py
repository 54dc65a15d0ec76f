"""What every policy type shares: closed schemas, and words that say why a number is what it is."""

from typing import Annotated, Literal, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mm_ops.domain.errors import SchemaError

T = TypeVar("T")

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


def read_records(kind: TypeAdapter[T], data: bytes, where: str) -> T:
    """Read back JSON that was written by a closed type.

    Raises:
        SchemaError: it is not the file that was written; names the field.
    """
    try:
        return kind.validate_json(data)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, fault["loc"])) or "top level"
        raise SchemaError(f"{where}: {place}: {fault['msg'][:1].lower()}{fault['msg'][1:]}") from error
