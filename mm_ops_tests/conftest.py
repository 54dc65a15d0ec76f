"""Recordings that many tests read: made once a session by the real recorder."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import settings

from mm_ops.paperbot.recording import record

LAST = date(2026, 11, 20)

settings.register_profile("untimed", settings.default, deadline=None)  # no test says how fast a machine is
settings.load_profile("untimed")


def _record(folder: Path, profile: str, days: int) -> Path:
    record(folder, profile=profile, end=LAST, days=days, seed=7, progress=lambda _: None)
    return folder


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine days of the healthy paper bot up to 2026-11-20."""
    return _record(tmp_path_factory.mktemp("healthy"), "healthy", 9)


@pytest.fixture(scope="session")
def degraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine days of the degraded paper bot up to 2026-11-20."""
    return _record(tmp_path_factory.mktemp("degraded"), "degraded", 9)


@pytest.fixture(scope="session")
def recorded(healthy: Path, degraded: Path) -> Callable[[str], Path]:
    """A recording by the name of its profile."""
    return {"healthy": healthy, "degraded": degraded}.__getitem__
