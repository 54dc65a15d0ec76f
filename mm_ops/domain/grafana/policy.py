"""Which Grafanas show the committed dashboards, as ``deploy/policies/grafana.yaml`` states it."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, SecretPlace, Source
from mm_ops.domain.windows import Duration

Uid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
"""Source: Grafana, pkg/util, IsValidShortUID and MaxUIDLength."""

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$")]
"""No user or password: the token says who asks."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Folder:
    """Where dashboards lie in Grafana; it is made by this title where its uid is not there."""

    uid: Uid
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Grafana:
    """One Grafana; ``token`` names where the token of a service account is kept. Without a folder: the root."""

    name: Name
    url: Url
    token: SecretPlace
    folder: Folder | None = None
    source: Source

    @property
    def folder_uid(self) -> str:
        """The folder's uid; nothing is the root, as Grafana writes it."""
        return "" if self.folder is None else self.folder.uid


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class GrafanaPolicy:
    """Which files are dashboards, and in which Grafanas they are shown; none is an answer too."""

    dashboards: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    timeout: Duration
    environments: tuple[Grafana, ...]
    source: Source

    def __post_init__(self) -> None:
        if self.timeout <= timedelta(0):
            raise ValueError("timeout: expected more than 0s")
        for field, seen in (("dashboards", self.dashboards), ("name", [one.name for one in self.environments])):
            if len(set(seen)) != len(seen):
                raise ValueError(f"{field}: expected each once, was {', '.join(seen)}")
