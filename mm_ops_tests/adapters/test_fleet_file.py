from pathlib import Path

import pytest

from mm_ops.adapters.fleet_file import read_sound_bots
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sentinel.tasks import CronPolicy
from mm_ops.domain.sentinel.watched import tasks_of
from mm_ops_tests.requirements import PROJECT

HEAD = 'first_day: 2025-01-01\nsource: "made up for a test"\nbots:\n'


def entry(name: str, version: str = "1.0.0") -> str:
    """An entry of ten lines."""
    return f"""\
  - name: {name}
    version: {version}
    samples: {{kind: recording, path: var/{name}}}
    fills: var/{name}/fills
    quotes: var/{name}/quotes
    results: var/{name}/results
    day_entries: none
    symbols: [AAA-USDT]
    source: "made up for a test"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bots.yaml"


def test_sound_entries_are_all_there(path: Path) -> None:
    path.write_text(HEAD + entry("mm1") + entry("mm2"))
    loaded = read_sound_bots(path)
    assert [bot.name for bot in loaded.fleet.bots] == ["mm1", "mm2"]
    assert (loaded.faults, loaded.left_out) == ((), ())


def test_a_broken_entry_is_named_by_its_line_and_leaves_out_its_bot_alone(path: Path) -> None:
    path.write_text(HEAD + entry("mm1") + entry("mm2", version="new") + entry("mm3"))
    loaded = read_sound_bots(path)
    assert [bot.name for bot in loaded.fleet.bots] == ["mm1", "mm3"]
    assert loaded.left_out == ("mm2",)
    assert len(loaded.faults) == 1
    assert loaded.faults[0].startswith(f"{path}:14: bots.1.version: String should match pattern")
    assert loaded.faults[0].endswith(", was 'new'")


def test_of_two_entries_of_one_name_the_first_is_loaded(path: Path) -> None:
    path.write_text(HEAD + entry("mm1") + entry("mm1", version="2.0.0"))
    loaded = read_sound_bots(path)
    assert [bot.version for bot in loaded.fleet.bots] == ["1.0.0"]
    assert loaded.faults == (f"{path}:13: bots.1.name: mm1 stands above already",)
    assert loaded.left_out == ("entry_2",)


def test_entries_that_are_no_mappings_or_have_no_name_are_told_too(path: Path) -> None:
    path.write_text(HEAD + "  - mm0\n" + entry("mm1").replace("name: mm1", "nmae: mm1") + entry("mm2"))
    loaded = read_sound_bots(path)
    assert [bot.name for bot in loaded.fleet.bots] == ["mm2"]
    assert {fault.split(":")[1] for fault in loaded.faults} == {"4", "5"}
    assert loaded.left_out == ("entry_1", "entry_2")


@pytest.mark.parametrize("name", ["paper-2", "Paper", '"x y"', "12", "a" * 49, "[]"])
def test_an_entry_whose_name_is_none_is_watched_by_its_number(path: Path, name: str) -> None:
    path.write_text(HEAD + entry("m" * 48) + entry("mm2").replace("name: mm2", f"name: {name}"))
    loaded = read_sound_bots(path)
    assert loaded.left_out == ("entry_2",)
    policy = read_policy(PROJECT / "deploy/cron/sentinel.yaml", CronPolicy)
    names = {task.name for task in tasks_of(policy, loaded.fleet.bots, loaded.left_out)}
    assert {"readiness_score_" + "m" * 48, "nightly_entry_2"} <= names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + entry("mm1", version="new"), ":5: bots.0.version:"),
        (HEAD.replace("first_day: 2025-01-01", "first_day: soon") + entry("mm1"), ":1: first_day:"),
        (HEAD + entry("mm1") + "\tx", "not readable as YAML"),
        (HEAD.replace("bots:\n", "bots: none\n"), ":3: bots:"),
    ],
    ids=["no entry is sound", "a field beside the bots", "no YAML", "no list"],
)
def test_a_file_of_which_nothing_can_be_loaded_is_refused_as_ever(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(PolicyError) as refusal:
        read_sound_bots(path)
    assert said in str(refusal.value)
