"""The threat model names tests, and each of them is there."""

import re

from mm_ops_tests.requirements import PROJECT

PAGE = (PROJECT / "deploy/security.md").read_text(encoding="utf-8")


def test_every_test_that_the_threat_model_names_is_there():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAGE)
    assert len(named) >= 11
    for file, name in named:
        assert f"def {name}(" in (PROJECT / "mm_ops_tests" / file).read_text(encoding="utf-8"), f"{file}::{name}"


def test_every_file_that_it_names_is_there():
    for file in re.findall(r"`([\w/]+\.py)`", PAGE):
        assert (PROJECT / "mm_ops_tests" / file).is_file()
    assert "**it has no authentication**" in PAGE


def test_every_border_has_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count(" | ") == 3]
    borders = [row for row in rows if "---" not in row and "shown by" not in row]
    assert len(borders) >= 11
    assert all("::test_" in row for row in borders)
