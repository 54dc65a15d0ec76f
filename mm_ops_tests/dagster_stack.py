"""Dagster as in production: PostgreSQL, code server, daemon and webserver on loopback, by the commands of its page."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests
import yaml

from mm_ops_tests.live_paperbot import free_port
from mm_ops_tests.postgres_server import USER, serving
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.site import Deployment

PRODUCTION = PROJECT / "deploy/dagster/production"
BIN = Path(sys.executable).parent
WITHIN_S = 120
_ENDS_WITHIN_S = 20
LOCATION = {"repositoryLocationName": "mm_ops", "repositoryName": "__repository__"}
_LAUNCH = """mutation($asked: ExecutionParams!) { launchRun(executionParams: $asked) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
_ROW = re.compile(r"^\| ([a-z ]+) \| `([^`]+)` \| `([^`]+)`", re.MULTILINE)
PASSWORD = "of a test: it's \\ long"  # noqa: S105 - of a test


@dataclass
class DagsterStack:
    """What runs, by name; all of it is ended with the test."""

    deployment: Deployment
    variables: Mapping[str, str]
    web: int = field(default_factory=free_port)
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return Path(self.variables["DAGSTER_HOME"])

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def start(self, *names: str) -> None:
        """Start processes as the page says, and wait until the health check of each is good."""
        told = self._told()
        for name in names:
            self.spawn(name, shlex.split(told[name][0]))
        for name in names:
            self.until(lambda healthy=told[name][1]: self._is_healthy(healthy))  # type: ignore[misc]

    def spawn(self, name: str, command: list[str]) -> None:
        """Start anything beside it."""
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self.deployment.root,
                env=self.environment,
                start_new_session=True,
            )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=self.environment, cwd=self.deployment.root
        )

    def kill(self, name: str) -> None:
        """End a process and all that it started without a word."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_ENDS_WITHIN_S)

    def stop(self) -> None:
        """End all of it."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_ENDS_WITHIN_S)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(_ENDS_WITHIN_S)

    def until(self, seen: Callable[[], Any], within: float = WITHIN_S) -> Any:
        end = time.monotonic() + within
        while time.monotonic() < end:
            found = seen()
            if found:
                return found
            time.sleep(0.2)
        return pytest.fail(f"not within {within:g} s; {self._said()}")

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance as its processes see it."""
        with pytest.MonkeyPatch.context() as patched:
            for name, value in self.variables.items():
                patched.setenv(name, value)
            with dg.DagsterInstance.from_config(str(self.home)) as instance:
                yield instance

    def launch(self, job: str, assets: Sequence[dg.AssetKey], **tags: str) -> str:
        """Ask the webserver for a run of a job, as the UI does; gives its id."""
        asked = {
            "selector": {**LOCATION, "jobName": job, "assetSelection": [{"path": list(key.path)} for key in assets]},
            "mode": "default",
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        answer = self.query(_LAUNCH, asked=asked)["launchRun"]
        assert "run" in answer, answer
        return str(answer["run"]["runId"])

    def query(self, text: str, **variables: Any) -> Any:
        """Ask the webserver in GraphQL."""
        body = {"query": text, "variables": variables}
        answer = requests.post(f"http://127.0.0.1:{self.web}/graphql", json=body, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def _told(self) -> dict[str, tuple[str, str]]:
        text = (PRODUCTION / "README.md").read_text(encoding="utf-8")
        text = text.replace("-p 4000", f"-p {self.variables['DAGSTER_CODE_PORT']}").replace("-p 3000", f"-p {self.web}")
        return {name: (command, healthy) for name, command, healthy in _ROW.findall(text)}

    def _is_healthy(self, check: str) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} has ended; {self._said()}"
        if not check.startswith("GET "):
            return self.run(*shlex.split(check)).returncode == 0
        with suppress(requests.ConnectionError):
            return requests.get(f"http://127.0.0.1:{self.web}{check.split()[1]}", timeout=10).ok
        return False

    def _said(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in sorted(self.home.glob("*.log")))


@contextmanager
def dagster_stack(deployment: Deployment, **changed: Any) -> Iterator[DagsterStack]:
    """Serve PostgreSQL and prepare a home for a deployment; ``changed`` are fields of blocks of ``dagster.yaml``."""
    home = deployment.root / "dagster"
    home.mkdir()
    instance = yaml.safe_load((PRODUCTION / "dagster.yaml").read_text(encoding="utf-8"))
    for block, fields in changed.items():
        instance[block] |= fields
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance))
    with ExitStack() as ends:
        server = ends.enter_context(serving(PASSWORD))
        kept = home / "pgpass"
        escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
        kept.write_text(f"127.0.0.1:{server.port}:postgres:{USER}:{escaped}\n")
        kept.chmod(0o600)
        stack = DagsterStack(
            deployment,
            {
                **deployment.variables,
                "DAGSTER_PG_HOST": "127.0.0.1",
                "DAGSTER_PG_PORT": str(server.port),
                "DAGSTER_PG_USER": USER,
                "DAGSTER_PG_DB": "postgres",
                "DAGSTER_CODE_HOST": "127.0.0.1",
                "DAGSTER_CODE_PORT": str(free_port()),
                "PGPASSFILE": str(kept),
            },
        )
        ends.callback(shutil.rmtree, home, ignore_errors=True)
        ends.callback(stack.stop)
        yield stack
