import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.resources import Site
from mm_ops.defs.selection import choose_checks
from mm_ops.domain.errors import PolicyError


@pytest.fixture(scope="module")
def location() -> Location:
    return build_location(Site.of(Environment.read({})))


def test_without_a_word_it_is_every_check_of_the_evidence(location: Location):
    every = {key for graph in location.every_graph for key in graph.all_checks}
    assert set(choose_checks(location, []).values()) == every


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("paper/soak_findings:restarts", {"paper/soak_findings:restarts"}),
        ("is_go", {"paper/readiness_score:is_go"}),
        ("edge_report", {"paper/edge_report:identity", "paper/edge_report:inputs"}),
        ("paper/golden_report", {"paper/golden_report:no_drift"}),
        ("group:catalogue", {"prometheus_rules:no_rule_drift"}),
    ],
    ids=["a check", "a gate", "an asset of every bot", "an asset of one bot", "a group"],
)
def test_a_word_means_a_check_a_gate_an_asset_or_a_group(location: Location, word: str, meant: set[str]):
    assert set(choose_checks(location, [word])) == meant


def test_a_group_of_a_bot_is_all_of_its_checks_and_words_add_up(location: Location):
    of_bot = choose_checks(location, ["group:paper"])
    assert set(of_bot.values()) == set(location.graphs["paper"].all_checks)
    both = choose_checks(location, ["group:paper", "group:catalogue"])
    assert both == choose_checks(location, [])


def test_a_word_that_means_nothing_is_refused_with_what_there_is(location: Location):
    with pytest.raises(PolicyError, match=r"^--select: no such check: is_goo; there are: .*group:paper, .*is_go, "):
        choose_checks(location, ["is_go", "is_goo"])
