"""What a test may need from outside; absent, it skips, and under MM_OPS_REQUIRE_INTEGRATION=1 it fails."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

PROJECT = Path(__file__).resolve().parents[1]
DATA = PROJECT.parent / "shared" / "data"
_PACKAGES = {"promtool": "prometheus", "ssh-keygen": "openssh-client"}


def _absent(message: str) -> NoReturn:
    if os.environ.get("MM_OPS_REQUIRE_INTEGRATION") == "1":
        pytest.fail(message)
    pytest.skip(message)


def require_data(relative: str) -> Path:
    """A file of the reference data beside the project."""
    path = DATA / relative
    return path if path.exists() else _absent(f"the reference data ../shared/data/{relative} is not here")


def require_binary(name: str) -> str:
    """A program on the path, such as ``prometheus`` or ``promtool``."""
    found = shutil.which(name)
    return found or _absent(f"the program {name} is not installed (apt-get install {_PACKAGES.get(name, name)})")
