"""The only door for the clock and the environment."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mm_ops.domain.errors import PolicyError

if TYPE_CHECKING:  # the types of policies are slow to import, and every command reads the environment
    from mm_ops.domain.policy import SecretPlace

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_CI_SERVICES = ("JENKINS_URL", "TF_BUILD", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID")
_YEARS = (1971, 2261)  # a day less and a zone more stay within what a window can be


@dataclass(frozen=True, slots=True)
class Environment:
    """Where things are, and what time it is.

    Variables: ``MM_OPS_ROOT`` (the project: relative paths of policies start there; by default the folder
    that holds the package), ``MM_OPS_POLICIES`` (default ``deploy/policies``), ``MM_OPS_ARTIFACTS`` (folder
    or fsspec URL, default ``var/artifacts``), ``MM_OPS_REPORTS_URL`` (where a web server of yours shows that folder, so
    that the UI links to reports), ``CI_FAKE_UTC`` (an ISO time that stands for now, so that the
    same inputs give the same bytes); beside them ``DAGSTER_HOME``, ``MM_OPS_JOURNAL`` and
    ``MM_OPS_TRACEBACK``, read where they matter.
    """

    root: Path
    policies: Path
    artifacts: str
    fake_utc: datetime | None
    reports_url: str | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Self:
        """Read the process environment (or ``variables``).

        Raises:
            PolicyError: ``CI_FAKE_UTC`` is not an ISO time with a zone, of a year from 1971 to 2261, or
                ``MM_OPS_REPORTS_URL`` is no address of HTTP.
        """
        seen = os.environ if variables is None else variables
        root = Path(seen.get("MM_OPS_ROOT", _PACKAGE_PARENT)).resolve()
        policies = root / seen.get("MM_OPS_POLICIES", "deploy/policies")
        artifacts = seen.get("MM_OPS_ARTIFACTS", str(root / "var/artifacts"))
        shown_at = _parse_address("MM_OPS_REPORTS_URL", seen.get("MM_OPS_REPORTS_URL"))
        return cls(root, policies, artifacts, _parse_fake_utc(seen.get("CI_FAKE_UTC")), shown_at)

    def now(self) -> datetime:
        """The UTC time, to the second: no report needs more, and less noise is easier to compare."""
        return (self.fake_utc or datetime.now(UTC)).replace(microsecond=0)

    def secret(
        self, kept: "SecretPlace", variables: Mapping[str, str] | None = None, *, what: str = "an address"
    ) -> str:
        """Read the address, or what else is secret, that a policy names the place of; no error shows it.

        Raises:
            PolicyError: it is not there, or is not one line.
        """
        seen = os.environ if variables is None else variables
        where = kept.file or f"the environment variable {kept.env}"
        try:
            text = self.path(kept.file).read_text(encoding="utf-8") if kept.file else seen.get(kept.env or "", "")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"{where}: not readable: {getattr(error, 'strerror', None) or 'no text'}") from None
        if len(text.split()) != 1:
            raise PolicyError(f"{where}: expected {what} in one word, was {len(text.split())} words")
        return text.strip()

    def token(self, kept: "SecretPlace", variables: Mapping[str, str] | None = None) -> str:
        """Read the token that a policy names the place of; no error shows it.

        Raises:
            PolicyError: it is not there, is not one word, or others may read its file.
        """
        if kept.file is not None:
            _refuse_open(self.path(kept.file), "a token")
        return self.secret(kept, variables, what="a token")

    def signing_key(self, kept: "SecretPlace", variables: Mapping[str, str] | None = None) -> Path | str:
        """Where a private key is, or its text where a variable holds it; no error shows it.

        Raises:
            PolicyError: it is not there, or others may read the file.
        """
        seen = os.environ if variables is None else variables
        if kept.file is None:
            text = seen.get(kept.env or "", "")
            if not text.strip():
                raise PolicyError(f"the environment variable {kept.env}: expected a private key, is empty")
            return text
        path = self.path(kept.file)
        _refuse_open(path, "a private key")
        return path

    def variables(self) -> dict[str, str]:
        """The variables by which another process reads the same."""
        fake = {} if self.fake_utc is None else {"CI_FAKE_UTC": self.fake_utc.isoformat()}
        return {
            "MM_OPS_ROOT": str(self.root),
            "MM_OPS_POLICIES": str(self.policies),
            "MM_OPS_ARTIFACTS": self.artifacts,
            **fake,
        }

    def path(self, relative: str) -> Path:
        """A path of a policy file: absolute as it is, relative below the root."""
        return self.root / relative


def _parse_address(name: str, text: str | None) -> str | None:
    if text and not text.startswith(("http://", "https://")):
        raise PolicyError(f"{name}: expected an address such as http://127.0.0.1:3001, was {text!r}")
    return text or None


def is_read_by_others(path: Path) -> bool:
    """Whether every user of the machine may read a secret; its group may, since clusters hand secrets out so."""
    try:
        return bool(path.stat().st_mode & 0o007)
    except OSError:
        return False  # whoever reads it says what is wrong with it


def _refuse_open(path: Path, what: str) -> None:
    """Refuse a file that is not there, or that others may read: what it holds is no secret any more."""
    if not path.is_file():
        raise PolicyError(f"{path}: expected {what}, there is none")
    if path.stat().st_mode & 0o077:
        raise PolicyError(f"{path}: others may read it: chmod 600, and make another {what.rsplit(maxsplit=1)[-1]}")


def _parse_fake_utc(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise PolicyError(f"CI_FAKE_UTC: expected an ISO time such as 2026-11-20T06:00:00Z, was {text!r}") from error
    if moment.tzinfo is None:
        raise PolicyError(f"CI_FAKE_UTC: expected a zone (a Z at the end), was {text!r}")
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise PolicyError(f"CI_FAKE_UTC: expected a year from {_YEARS[0]} to {_YEARS[1]}, was {text!r}")
    return moment.astimezone(UTC)


class WallClock:
    """The clock of what runs beside a live bot, to the microsecond; nothing fakes it."""

    def now(self) -> datetime:
        """Return the UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def dagster_home(environment: Environment, variables: Mapping[str, str] | None = None) -> Path:
    """Where Dagster keeps its runs: ``DAGSTER_HOME``, or ``var/dagster`` of the project."""
    seen = os.environ if variables is None else variables
    return environment.root / seen.get("DAGSTER_HOME", "var/dagster")


def journal_named(environment: Environment, variables: Mapping[str, str] | None = None) -> str | None:
    """The rollback journal that ``MM_OPS_JOURNAL`` names (a file, or the URL of a PostgreSQL); ``None`` without it."""
    seen = os.environ if variables is None else variables
    named = seen.get("MM_OPS_JOURNAL") or None
    return named if named is None or "://" in named else str(environment.path(named))


def wants_traceback(variables: Mapping[str, str] | None = None) -> bool:
    """Whether ``MM_OPS_TRACEBACK`` asks for the traceback of a fault of mm_ops itself: anything but empty and 0."""
    seen = os.environ if variables is None else variables
    return seen.get("MM_OPS_TRACEBACK", "") not in {"", "0"}


def child_variables(different: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process for one that it starts, with some variables different."""
    return {**os.environ, **different}


def runs_in_ci(variables: Mapping[str, str] | None = None) -> bool:
    """Whether a CI service runs this: there is no person there to decide anything.

    Most of them set ``CI`` to something; those of ``_CI_SERVICES`` do not, or not always.
    """
    seen = os.environ if variables is None else variables
    return any(seen.get(name) for name in ("CI", *_CI_SERVICES))


def github_summary(variables: Mapping[str, str] | None = None) -> Path | None:
    """The file that GitHub shows as the summary of a step; ``None`` anywhere else."""
    seen = os.environ if variables is None else variables
    named = seen.get("GITHUB_STEP_SUMMARY")
    return Path(named) if named else None


def runs_on_github(variables: Mapping[str, str] | None = None) -> bool:
    """Whether GitHub Actions runs this: it sets ``GITHUB_ACTIONS`` to ``true``."""
    seen = os.environ if variables is None else variables
    return seen.get("GITHUB_ACTIONS") == "true"
