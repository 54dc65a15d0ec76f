"""Prometheus, Alertmanager and live paper bots, all at one time scale: hours of the bots' clocks pass in minutes.

Every window, hold, interval and delay of the rendered rules and configurations is divided by the scale, and the bots'
clocks run that many times as fast, so that the rules mean the same and an alert comes when it would, only sooner.
"""

import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import yaml

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.renderings import read_catalogue
from mm_ops.domain.bots import Fleet, HttpControl
from mm_ops.domain.rendering.alertmanager import alertmanager_flags, build_alertmanager
from mm_ops.domain.rendering.catalogue import Catalogue
from mm_ops.domain.rendering.policy import Target
from mm_ops.domain.rendering.prometheus import build_prometheus, prometheus_flags
from mm_ops.domain.rendering.rules import build_rules
from mm_ops_tests.builders import WORDS
from mm_ops_tests.requirements import require_binary

T = TypeVar("T")
RULES = "alerts_soak.yml"
LOOKBACK = timedelta(minutes=5)
"""Of Prometheus: how old a sample may be that stands for now."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The addresses of both servers, and what they were configured from."""

    prometheus: str
    alertmanager: str
    catalogue: Catalogue

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """What Prometheus says of one alert."""
        found = requests.get(f"{self.prometheus}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return [one for one in found if one["labels"]["alertname"] == name]


def scaled(value: T, scale: int) -> T:
    """Divide every duration in a policy by the scale."""
    plain: Any = value
    if isinstance(plain, timedelta):
        plain = plain / scale
    elif is_dataclass(plain) and not isinstance(plain, type):
        changed = {one.name: scaled(getattr(plain, one.name), scale) for one in fields(plain)}
        plain = replace(plain, **{name: new for name, new in changed.items() if new is not getattr(plain, name)})
    elif isinstance(plain, tuple):
        plain = tuple(scaled(one, scale) for one in plain)
    result: T = plain
    return result


def catalogue_of(bots: Mapping[str, str], hook: str, scale: int) -> Catalogue:
    """The project's policies at a time scale, for bots at these addresses and a receiver at that one."""
    project = read_catalogue(Environment.read({}).policies)
    (usual,) = project.fleet.bots
    fleet = replace(
        project.fleet,
        bots=tuple(replace(usual, name=name, control=HttpControl(kind="http", url=url)) for name, url in bots.items()),
    )
    soak, alerting = scaled(project.soak, scale), scaled(project.alerting, scale)
    return replace(
        project,
        soak=soak,
        fleet=fleet,
        alerting=replace(
            alerting,
            prometheus=replace(
                alerting.prometheus,
                listen=free_address(),
                alertmanagers=(free_address(),),
                scrape_timeout=soak.scrape_interval,
                targets=tuple(
                    Target(bot=name, address=urlsplit(url).netloc, source=WORDS) for name, url in bots.items()
                ),
            ),
            alertmanager=replace(alerting.alertmanager, hook=hook),
        ),
    )


@contextmanager
def alert_stack(folder: Path, catalogue: Catalogue, token: str, scale: int) -> Iterator[Stack]:
    """Run both servers until the block ends."""
    for name, document in (
        (RULES, build_rules(catalogue)),
        ("prometheus.yml", build_prometheus(catalogue, RULES)),
        ("alertmanager.yml", build_alertmanager(catalogue)),
    ):
        (folder / name).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    (folder / "hook.token").write_text(f"{token}\n", encoding="utf-8")
    policy = catalogue.alerting.prometheus
    servers = {
        policy.alertmanagers[0]: (
            require_binary("prometheus-alertmanager"),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            *shlex.split(" ".join(alertmanager_flags(catalogue))),
        ),
        policy.listen: (
            require_binary("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--query.lookback-delta={LOOKBACK.total_seconds() / scale:g}s",
            *prometheus_flags(catalogue),
        ),
    }
    with ExitStack() as running:
        for address, command in servers.items():
            running.enter_context(serving(address, folder / f"{Path(command[0]).name}.log", *command))
        yield Stack(f"http://{policy.listen}", f"http://{policy.alertmanagers[0]}", catalogue)


def fleet_document(fleet: Fleet) -> dict[str, Any]:
    """``bots.yaml`` of a fleet whose bots differ by their names and controls only."""
    common: dict[str, Any] = yaml.safe_load((Environment.read({}).policies / "bots.yaml").read_text(encoding="utf-8"))
    (usual,) = common["bots"]
    bots = [
        {**deepcopy(usual), "name": bot.name, "control": {"kind": "http", "url": bot.control.url}}
        for bot in fleet.bots
        if isinstance(bot.control, HttpControl)
    ]
    return {**common, "bots": bots}


def free_address() -> str:
    """A loopback address that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def serving(address: str, log: Path, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until the block ends; it is given once it says that it is ready."""
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as server:
        try:
            until = time.monotonic() + 60
            while not _answers(f"http://{address}/-/ready"):
                assert server.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < until, log.read_text(encoding="utf-8")
                time.sleep(0.05)
            yield server
        finally:
            server.terminate()
            server.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.ConnectionError:
        return False
