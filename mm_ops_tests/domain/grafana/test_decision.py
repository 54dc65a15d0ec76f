from dataclasses import replace

import pytest

from mm_ops.domain.grafana.decision import (
    Board,
    Create,
    Decision,
    Found,
    Refuse,
    Remembered,
    Same,
    Update,
    decide_import,
    differs,
)
from mm_ops.domain.grafana.form import canonical_form, form_digest
from mm_ops_tests.grafana_boards import board

OURS = Board("a.json", "oper", canonical_form(board(), "a.json"))
BEFORE = canonical_form(board(title="before"), "x")
THEIRS = canonical_form(board(title="theirs"), "x")
LEFT = Found(BEFORE, 3, "mm", None)
LAST = Remembered(3, form_digest(BEFORE))


def decide(found: Found | None, last: Remembered | None, *, overwrite: int | None = None) -> Decision:
    return decide_import(OURS, "mm", found, last, overwrite=overwrite)


DECISIONS: dict[str, tuple[Found | None, Remembered | None, Decision | str]] = {
    "nothing is there and nothing was": (None, None, Create()),
    "it is gone": (None, LAST, "oper was imported and is gone: deleted, or its uid changed"),
    "it is as the last import left it": (LEFT, LAST, Update(3)),
    "it was saved again without a change": (replace(LEFT, version=9), LAST, Update(9)),
    "it is there already": (replace(LEFT, form=OURS.form), LAST, Same(3)),
    "it is there already and nobody remembers": (replace(LEFT, form=OURS.form), None, Same(3)),
    "somebody changed it": (
        replace(LEFT, form=THEIRS, version=5),
        LAST,
        "oper was changed in Grafana since its last import (version 3, is 5): mm-ops grafana export keeps",
    ),
    "nobody remembers": (LEFT, None, "oper lies there and was never imported from here"),
    "it was moved": (replace(LEFT, folder_uid=""), LAST, "oper lies in folder root, expected mm: move it back"),
    "it was only moved": (replace(LEFT, form=OURS.form, folder_uid="z"), LAST, "oper lies in folder z, expected mm"),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_what_somebody_did_there_is_not_overwritten(name: str):
    found, last, expected = DECISIONS[name]
    decided = decide(found, last)
    if isinstance(expected, str):
        assert isinstance(decided, Refuse)
        assert decided.reason.startswith(expected)
        assert decided.reason.endswith(f"or say --overwrite {found.version if found else 0}")
    else:
        assert decided == expected


@pytest.mark.parametrize("name", [name for name, (_, _, answer) in DECISIONS.items() if isinstance(answer, str)])
def test_one_who_says_so_overwrites_the_version_that_was_seen_and_no_other(name: str):
    found, last, _ = DECISIONS[name]
    version = 0 if found is None else found.version
    assert decide(found, last, overwrite=version) == (Create() if found is None else Update(version))
    assert isinstance(decide(found, last, overwrite=version + 1), Refuse)


@pytest.mark.parametrize(("file", "words"), [("", ""), ("oper.json", " (oper.json)")])
def test_what_a_file_of_grafana_provisions_cannot_be_overwritten_at_all(file: str, words: str):
    for overwrite in (None, LEFT.version):
        decided = decide(replace(LEFT, provisioned=file), LAST, overwrite=overwrite)
        assert decided == Refuse(f"oper is provisioned from a file of that Grafana{words}: change that file instead")


def test_another_folder_is_a_difference_too():
    assert [str(one) for one in differs(OURS, "", replace(LEFT, form=OURS.form))] == [
        "folder: committed 'root', in Grafana 'mm'"
    ]
    assert [str(one) for one in differs(OURS, "mm", None)] == ["$: committed a dashboard, in Grafana nothing"]
    assert differs(OURS, "mm", replace(LEFT, form=OURS.form)) == []
