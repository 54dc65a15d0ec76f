"""Imports as a whole: looked at, decided, written, read back and remembered, in a folder and against a server."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.grafana_desk import Brought, Desk, read_board, read_boards
from mm_ops.domain.errors import EffectNotConfirmedError, MissingEvidenceError, PolicyError, SchemaError
from mm_ops.domain.grafana.decision import Create, Refuse, Same, Update
from mm_ops.domain.grafana.policy import Folder, Grafana, GrafanaPolicy
from mm_ops.domain.policy import SecretPlace
from mm_ops_tests.builders import WORDS
from mm_ops_tests.grafana_boards import board, panel
from mm_ops_tests.grafana_server import EDITOR, FakeGrafana, as_javascript, fake_grafana

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class World:
    """A project with one dashboard, and a Grafana."""

    def __init__(self, root: Path, grafana: FakeGrafana) -> None:
        self.grafana, self.root, self.shown = grafana, root, list[int]()
        (root / "token").write_text(EDITOR)
        (root / "token").chmod(0o600)
        self.commit(board())

    def commit(self, document: dict[str, Any]) -> None:
        (self.root / "board.json").write_text(json.dumps(document))

    def desk(self, **different: Any) -> Desk:
        usual: dict[str, Any] = {
            "name": "production",
            "url": self.grafana.url,
            "token": SecretPlace(file="token"),
            "folder": Folder(uid="mm", title="Market making"),
            "source": WORDS,
        }
        chosen = Grafana(**{**usual, **different})
        policy = GrafanaPolicy(dashboards=("board.json",), timeout="10s", environments=(chosen,), source=WORDS)  # type: ignore[arg-type] # read as in a policy
        return Desk.of(chosen, policy, Environment.read({"MM_OPS_ROOT": str(self.root)}))

    def bring(self, *, overwrite: int | None = None, dry: bool = False, **different: Any) -> Brought:
        def show(_: Any, differences: Any) -> None:
            self.shown.append(len(differences))

        ours = read_board(self.root, "board.json")
        return self.desk(**different).bring(ours, NOW, overwrite=overwrite, dry=dry, show=show)

    @property
    def writes(self) -> list[str]:
        return [path for method, path in self.grafana.asked if method == "POST"]

    @property
    def memory(self) -> Path:
        return self.root / "var/artifacts/grafana/production/oper.json"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with fake_grafana() as grafana:
        yield World(tmp_path, grafana)


def rename(title: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: data.update(title=title)


def test_the_first_import_makes_folder_and_dashboard_and_remembers(world: World):
    done = world.bring()
    assert (done.decision, done.version, world.shown) == (Create(), 1, [1])
    assert (world.grafana.folders, world.grafana.boards["oper"].folder) == ({"mm": "Market making"}, "mm")
    kept = json.loads(world.memory.read_text())
    assert (kept["version"], kept["url"], kept["at"]) == (1, world.grafana.url, "2026-11-25T12:00:00+00:00")


def test_again_changes_nothing_and_a_changed_file_is_the_next_version(world: World):
    world.bring()
    writes = len(world.writes)
    assert world.bring().decision == Same(1)
    assert len(world.writes) == writes
    world.commit(board(title="Mine"))
    done = world.bring()
    assert (done.decision, done.version, len(done.differences)) == (Update(1), 2, 1)
    assert world.desk().compare(read_board(world.root, "board.json")) == []


def test_what_a_browser_adds_when_it_saves_is_no_change(world: World):
    world.bring()
    world.grafana.edit("oper", lambda _: None)
    world.grafana.boards["oper"].data = as_javascript(world.grafana.boards["oper"].data)
    assert world.bring().decision == Same(2)
    world.commit(board(title="Mine"))
    assert world.bring().decision == Update(2)


def test_what_somebody_changed_there_stays_until_one_says_so(world: World):
    world.bring()
    world.grafana.edit("oper", rename("Theirs"))
    world.commit(board(title="Mine"))
    done = world.bring()
    assert isinstance(done.decision, Refuse)
    assert "was changed in Grafana since its last import (version 1, is 2)" in done.decision.reason
    assert [str(one) for one in done.differences] == ["$.title: committed 'Mine', in Grafana 'Theirs'"]
    assert world.grafana.boards["oper"].data["title"] == "Theirs"
    world.grafana.edit("oper", rename("Theirs, once more"))
    assert isinstance(world.bring(overwrite=2).decision, Refuse), "it is another than the one that was shown"
    assert world.grafana.boards["oper"].data["title"] == "Theirs, once more"
    assert world.bring(overwrite=3).decision == Update(3)
    assert world.grafana.boards["oper"].data["title"] == "Mine"
    assert world.bring().decision == Same(4)


def test_what_somebody_saves_between_the_look_and_the_write_stays_even_then(world: World):
    world.bring()
    world.commit(board(title="Mine"))

    def meanwhile(grafana: FakeGrafana, method: str, _: str) -> None:
        if method == "POST":
            grafana.before = None
            grafana.edit("oper", rename("Theirs"))

    world.grafana.before = meanwhile
    done = world.bring(overwrite=1)
    assert done.decision == Refuse("oper was changed while it was compared: look at the differences again")
    assert world.grafana.boards["oper"].data["title"] == "Theirs"
    assert done.version is None


def test_a_dry_run_decides_and_changes_nothing(world: World):
    done = world.bring(dry=True)
    assert (done.decision, done.version) == (Create(), None)
    assert (world.writes, world.memory.exists()) == ([], False)


def test_one_that_is_gone_is_not_made_again_unasked_and_its_new_uid_is_told(world: World):
    world.bring()
    world.grafana.boards["theirs"] = world.grafana.boards.pop("oper")
    done = world.bring()
    assert isinstance(done.decision, Refuse)
    assert done.decision.reason.endswith("or say --overwrite 0 (there is one of its title: theirs)")
    assert set(world.grafana.boards) == {"theirs"}
    del world.grafana.boards["theirs"]
    again = world.bring()
    assert isinstance(again.decision, Refuse)
    assert "title" not in again.decision.reason


def test_one_of_the_uid_that_nobody_imported_stays(world: World):
    world.grafana.put("oper", board(panel(1)))
    done = world.bring()
    assert isinstance(done.decision, Refuse)
    assert "was never imported from here" in done.decision.reason


def test_what_was_imported_elsewhere_is_not_remembered_of_here(world: World):
    world.bring()
    kept = json.loads(world.memory.read_text())
    world.memory.write_text(json.dumps({**kept, "url": "http://another"}))
    world.commit(board(title="Mine"))
    done = world.bring()
    assert isinstance(done.decision, Refuse)
    assert "was never imported from here" in done.decision.reason
    assert world.bring(name="another").version == 1


def test_one_that_moved_is_told_and_another_folder_of_the_policy_moves_it_by_word(world: World):
    world.bring()
    done = world.bring(folder=None)
    assert isinstance(done.decision, Refuse)
    assert "oper lies in folder mm, expected root" in done.decision.reason
    assert world.bring(folder=None, overwrite=1).decision == Update(1)
    assert world.grafana.boards["oper"].folder == ""


def test_a_provisioned_one_is_refused_whatever_is_said(world: World):
    world.grafana.put("oper", board(panel(1)), provisioned="oper.json")
    for overwrite in (None, 1):
        done = world.bring(overwrite=overwrite)
        assert isinstance(done.decision, Refuse)
        assert "provisioned from a file of that Grafana (oper.json)" in done.decision.reason
    assert world.writes == []


def test_what_reads_back_as_another_is_no_success_and_not_remembered(world: World):
    world.grafana.keep = lambda data: {**data, "title": "something else"}
    with pytest.raises(EffectNotConfirmedError) as refused:
        world.bring()
    assert str(refused.value) == (
        "production/oper: was written and reads back as another: "
        "$.title: committed 'Operability', in Grafana 'something else'"
    )
    assert not world.memory.exists()


def test_a_folder_that_is_not_there_after_it_was_made_is_no_success(world: World):
    def forgets(grafana: FakeGrafana, method: str, _: str) -> Any:
        grafana.folders.clear()
        return (200, {"uid": "mm"}) if method == "POST" else None

    world.grafana.before = forgets
    with pytest.raises(EffectNotConfirmedError, match="folder mm: was made and is not there"):
        world.bring()


@pytest.mark.parametrize("text", ["[]", "{}", '{"version": "x", "digest": "y", "url": "z"}'])
def test_a_damaged_memory_decides_nothing(world: World, text: str):
    world.bring()
    world.memory.write_text(text)
    with pytest.raises(SchemaError, match=r"oper.json: not what mm-ops wrote: remove it"):
        world.bring()


def test_a_token_that_others_may_read_is_none(world: World):
    (world.root / "token").chmod(0o640)
    with pytest.raises(PolicyError, match="token: others may read it: chmod 600, and make another token"):
        world.desk()
    (world.root / "token").unlink()
    with pytest.raises(PolicyError, match="token: expected a token, there is none"):
        world.desk()
    with pytest.raises(PolicyError, match="the environment variable NOBODY_SET_IT: expected a token in one word"):
        world.desk(token=SecretPlace(env="NOBODY_SET_IT"))


def test_a_file_that_is_no_dashboard_is_told(world: World):
    with pytest.raises(MissingEvidenceError, match=r"none.json: no such file"):
        read_board(world.root, "none.json")
    world.commit({"title": "x"})
    with pytest.raises(SchemaError, match=r"board.json: uid: expected one"):
        read_board(world.root, "board.json")


def test_two_files_of_one_uid_are_told(world: World):
    (world.root / "copy.json").write_text((world.root / "board.json").read_text())
    with pytest.raises(PolicyError, match=r"board.json: uid oper is another's too"):
        read_boards(world.root, ["board.json", "copy.json"])
    assert [one.uid for one in read_boards(world.root, ["board.json"])] == ["oper"]
