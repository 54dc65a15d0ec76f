from typing import Any

import pytest

from mm_ops.domain.rendering.faults import Fault, Path, look, shorten, texts

DOCUMENT = {"title": "whole", "panels": [{"title": "Lag", "targets": [{"expr": "up"}]}, {"title": 7}], "tags": ["a", 1]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), "dashboard: as a whole: wrong"),
        (("time", "from"), "dashboard: time.from: wrong"),
        (("panels",), "dashboard: panels: wrong"),
        (("panels", 0), "panel 1 (Lag): as a whole: wrong"),
        (("panels", 0, "targets", 0, "expr"), "panel 1 (Lag): targets.0.expr: wrong"),
        (("panels", 1, "id"), "panel 2 (without a title): id: wrong"),
        (("panels", 2, "id"), "panel 3 (without a title): id: wrong"),
        (("panels", "first"), "dashboard: panels.first: wrong"),
    ],
)
def test_a_fault_names_panel_and_field(path: Path, expected: str) -> None:
    assert Fault(path, "wrong").text(DOCUMENT) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("panels", 0, "targets", 0, "expr"), "up"),
        (("panels", 2), None),
        (("panels", "0"), None),
        (("title", 0), None),
        (("panels", 0, "none", "further"), None),
    ],
)
def test_looking_where_nothing_is_finds_nothing(path: Path, expected: Any) -> None:
    assert look(DOCUMENT, path) == expected


def test_every_text_is_found_with_its_place() -> None:
    assert list(texts(DOCUMENT)) == [
        (("title",), "whole"),
        (("panels", 0, "title"), "Lag"),
        (("panels", 0, "targets", 0, "expr"), "up"),
        (("tags", 0), "a"),
    ]


def test_a_long_value_is_cut_to_a_line_of_a_terminal() -> None:
    assert shorten("x" * 58) == "'" + "x" * 58 + "'"
    assert shorten("x" * 59) == "'" + "x" * 56 + "..."
