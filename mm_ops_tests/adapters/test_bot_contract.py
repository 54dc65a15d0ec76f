"""``deploy/bot/openapi.yaml`` itself, and that the paper bot's answers are what it says."""

from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator

from mm_ops.adapters.bot_probe import PATHS
from mm_ops.adapters.bot_state import wire
from mm_ops.domain.rollback.bot import (
    BotState,
    Circuit,
    Command,
    FreezeOrders,
    SetCircuit,
    SetProfile,
    SetScale,
    SetTradingState,
    TradingState,
)
from mm_ops_tests.live_paperbot import running
from mm_ops_tests.requirements import PROJECT

COMMANDS: list[Command] = [
    SetScale(0.5),
    SetCircuit(Circuit.OPEN),
    FreezeOrders(frozen=True),
    SetProfile("moderate"),
    SetTradingState(TradingState.HALTED),
]


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "deploy/bot/openapi.yaml").read_text(encoding="utf-8"))
    return loaded


def validator(contract: dict[str, Any], schema: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": contract["components"]})


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    return [node["$ref"]] if "$ref" in node else [found for item in node.values() for found in references(item)]


def resolve(contract: dict[str, Any], reference: str) -> Any:
    node: Any = contract
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_it_has_the_parts_that_openapi_31_asks_for(contract: dict[str, Any]):
    assert contract["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(contract["info"])
    operations = [item for path in contract["paths"].values() for item in path.values()]
    assert len({item["operationId"] for item in operations}) == len(operations) == 6
    assert all("200" in item["responses"] for item in operations)
    assert all(resolve(contract, reference) for reference in references(contract))
    for name, schema in contract["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object", name


def test_the_state_has_every_field_that_is_read_with_the_words_that_are_known(contract: dict[str, Any]):
    state = contract["components"]["schemas"]["State"]
    assert set(state["required"]) == set(state["properties"]) == {*BotState.__annotations__, "instance"}
    assert state["properties"]["trading_state"]["enum"] == [item.value for item in TradingState]
    assert set(state["properties"]["circuit"]["enum"]) == {item.value for item in Circuit}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_every_command_is_a_path_with_a_key_and_a_body_that_its_schema_allows(
    contract: dict[str, Any], command: Command
):
    path, body = wire(command)
    operation = contract["paths"][path]["put"]
    (parameter,) = operation["parameters"]
    assert resolve(contract, parameter["$ref"])["required"] is True
    schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert validator(contract, schema).is_valid(body)
    assert not validator(contract, schema).is_valid({})
    assert not validator(contract, schema).is_valid({**body, "x": 1})
    assert PATHS[next(iter(body))] == path


def test_the_commands_and_the_paths_are_the_same_set(contract: dict[str, Any]):
    assert {wire(command)[0] for command in COMMANDS} | {"/state"} == set(contract["paths"])


def test_what_the_paper_bot_answers_is_what_the_contract_says(contract: dict[str, Any], tmp_path: Path):
    state, problem = validator(contract, "State"), validator(contract, "Problem")
    assert not state.is_valid({}), "a schema that allows anything would prove nothing"
    with running(tmp_path) as bot:
        state.validate(bot.state())
        for command in COMMANDS:
            path, body = wire(command)
            state.validate(bot.put(path, path, **body).json())
        latched = bot.put("/trading-state", "latched", trading_state="ACTIVE")
        assert latched.status_code == 409
        problem.validate(latched.json())
        problem.validate(requests.put(f"{bot.url}/circuit", json={}, timeout=10).json())
