"""The compose file run by hand: each service's own command line, health check, environment, secrets and mounts.

Paths in a container become those of its volumes here, addresses of services become free ports on loopback; nothing else
of a command line is touched.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mm_ops_tests.live_paperbot import free_port
from mm_ops_tests.postgres_server import DEBIAN
from mm_ops_tests.requirements import PROJECT

COMPOSE = PROJECT / "deploy/compose"
_PORTS = {"postgres": 5432, "code": 4000, "webserver": 3000, "paperbot": 9108, "prometheus": 9090, "alertmanager": 9093}
_PORTS |= {"watcher_a": 8080, "watcher_b": 8080}
_ENTRYPOINTS = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
"""Of the images that have one; ``postgres`` is started by its own fixture, and ``grafana`` is not on this machine."""

_WITHIN_S = 120


def read_compose() -> dict[str, Any]:
    """The file with its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return document


@dataclass
class Host:
    """A folder that stands for the host: named volumes, secrets, and the files that are mounted from the project."""

    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in _PORTS})
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @cached_property
    def services(self) -> Mapping[str, Any]:
        services: Mapping[str, Any] = read_compose()["services"]
        return services

    def make_secrets(self) -> None:
        """With the project's own script, in a copy of its folder."""
        shutil.copytree(PROJECT / "deploy", self.folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
        subprocess.run(["sh", "deploy/compose/secrets.sh"], cwd=self.folder, check=True, capture_output=True)

    def secret(self, name: str) -> Path:
        return self.folder / "deploy/compose" / str(read_compose()["secrets"][name]["file"])

    def place(self, service: str, text: str) -> str:
        """A word of a container as it is here."""
        text = self._named(text)
        if service in self.ports:
            text = re.sub(rf"(127\.0\.0\.1|0\.0\.0\.0):{_PORTS[service]}\b", f"127.0.0.1:{self.ports[service]}", text)
            text = re.sub(rf"^(--port=)?{_PORTS[service]}$", rf"\g<1>{self.ports[service]}", text)
        text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - replaced
        for target, here in sorted(self._mounts(service).items(), key=lambda one: -len(one[0])):
            text = re.sub(rf"(?<![\w/.]){re.escape(target)}(?=$|[/\"'])", str(here), text)
        return text

    def _mounts(self, service: str) -> dict[str, Path]:
        stated = self.services[service]
        found = {"/app": self.folder / service / "app"} if stated.get("image", "").startswith("mm_ops") else {}
        for mount in self._list(service, "volumes"):
            source, target = mount.split(":")[:2]
            found[target] = self._mounted(service, source)
        return found | self._secrets(service)

    def _mounted(self, service: str, source: str) -> Path:
        if not source.startswith("."):
            folder = self.folder / "volumes" / source
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        path = (self.folder / "deploy/compose" / source).resolve()
        if path.suffix not in {".yaml", ".yml"}:
            return path
        changed = self.folder / service / "etc" / path.name  # beside its neighbours, which it names
        changed.parent.mkdir(parents=True, exist_ok=True)
        changed.write_text(self._addresses(service, path), encoding="utf-8")
        return changed

    def _addresses(self, service: str, path: Path) -> str:
        text = self._named(path.read_text(encoding="utf-8"))
        for target, here in self._secrets(service).items():
            text = text.replace(target, str(here))
        return text

    def _named(self, text: str) -> str:
        for of, port in self.ports.items():
            text = re.sub(rf"\b{of}:{_PORTS[of]}\b", f"127.0.0.1:{port}", text)
        return text.replace("watcher:8080", f"127.0.0.1:{self.ports['watcher_a']}")

    def _secrets(self, service: str) -> dict[str, Path]:
        named = (
            one if isinstance(one, dict) else {"source": one, "target": one} for one in self._list(service, "secrets")
        )
        return {f"/run/secrets/{one['target']}": self.secret(one["source"]) for one in named}

    def _list(self, service: str, name: str) -> list[Any]:
        found: list[Any] = self.services[service].get(name, [])
        return found

    def lay(self, service: str) -> None:
        """Lay the image's ``/app`` with what is mounted into it, and DAGSTER_HOME."""
        app = self.folder / service / "app"
        if not self.services[service].get("image", "").startswith("mm_ops") or app.exists():
            return
        app.mkdir(parents=True)
        shutil.copytree(PROJECT / "deploy", app / "deploy", ignore=shutil.ignore_patterns("secrets"))
        mounts = self._mounts(service)
        for target, here in mounts.items():
            if target.startswith("/app/deploy/"):
                shutil.copyfile(here, app / target.removeprefix("/app/"))
        home = self.folder / service / "home"
        home.mkdir()
        if "/opt/dagster/dagster.yaml" in mounts:
            (home / "dagster.yaml").symlink_to(mounts["/opt/dagster/dagster.yaml"])
            (home / "storage").symlink_to(mounts["/opt/dagster/storage"])
        if "/app/var" in mounts:
            (app / "var").symlink_to(mounts["/app/var"])

    def variables(self, service: str) -> dict[str, str]:
        stated = {
            name: self.place(service, value) for name, value in self.services[service].get("environment", {}).items()
        }
        for name in ("postgres", "code"):
            prefix = {"postgres": "DAGSTER_PG", "code": "DAGSTER_CODE"}[name]
            if f"{prefix}_HOST" in stated:
                stated |= {f"{prefix}_HOST": "127.0.0.1", f"{prefix}_PORT": str(self.ports[name])}
        home = {"DAGSTER_HOME": str(self.folder / service / "home"), "MM_OPS_ROOT": str(self.folder / service / "app")}
        path = os.pathsep.join([str(Path(sys.executable).parent), *map(str, DEBIAN), os.environ["PATH"]])
        return {**os.environ, "PYTHONPATH": str(PROJECT), **home, **stated, "PATH": path}

    def command(self, service: str) -> list[str]:
        words = [self.place(service, word) for word in self.services[service]["command"]]
        return [_ENTRYPOINTS[service], *words] if service in _ENTRYPOINTS else words

    def start(self, service: str) -> None:
        self.lay(service)
        log = self.folder / f"{service}.log"
        app = self.folder / service / "app"
        with log.open("wb") as stream:
            self.running[service] = subprocess.Popen(
                self.command(service),
                cwd=app if app.is_dir() else self.folder,
                env=self.variables(service),
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def is_healthy(self, service: str) -> bool:
        """Run the health check once, as the engine does."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        asked = [self.place(service, word) for word in words]
        done = subprocess.run(asked, env=self.variables(service), cwd=self.folder, capture_output=True, check=False)
        return done.returncode == 0

    def wait_for(self, *services: str) -> None:
        for service in services:
            until(lambda service=service: self.is_healthy(service), lambda service=service: self.log(service))  # type: ignore[misc]
            assert self.running[service].poll() is None, self.log(service)

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(encoding="utf-8", errors="replace")


def until(reached: Callable[[], bool], told: Callable[[], str]) -> None:
    end = time.monotonic() + _WITHIN_S
    while not reached():
        assert time.monotonic() < end, told()
        time.sleep(0.5)  # a check of Dagster's takes seconds of a core


@contextmanager
def host(folder: Path) -> Iterator[Host]:
    """A host whose processes are ended with all that they started."""
    with ExitStack() as ended:
        made = Host(folder)
        ended.callback(_end, made.running)
        yield made


def _end(running: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    for process in running.values():
        process.terminate()
    for process in running.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait(20)
