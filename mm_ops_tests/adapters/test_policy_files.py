from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.bots import Fleet
from mm_ops.domain.chaos.policy import ChaosPolicy
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.inputs import InputsPolicy
from mm_ops.domain.edge.page_policy import EdgePagePolicy
from mm_ops.domain.edge.policy import EdgePolicy, Instruments
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.golden.policy import GoldenPolicy
from mm_ops.domain.grafana.policy import GrafanaPolicy
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops.domain.prelive.policy import PrelivePolicy
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.release.policy import ReleasePolicy
from mm_ops.domain.rendering.policy import AlertingPolicy
from mm_ops.domain.retention.policy import RetentionPolicy
from mm_ops.domain.rollback.drill.policy import DrillPolicy
from mm_ops.domain.rollback.keeping import JournalPolicy
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.report.policy import ReportPolicy
from mm_ops.domain.rollback.resolve import resolve_rollback
from mm_ops.domain.secrets.policy import SecretsPolicy
from mm_ops.domain.sentinel.edge_policy import EdgeSentinelPolicy
from mm_ops.domain.sentinel.edge_profiles import Profiles
from mm_ops.domain.signers import SignersPolicy
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.policy import SoakPolicy
from mm_ops.domain.soak.resolve import resolve
from mm_ops.domain.tuning.policy import TuningPolicy

POLICIES = Environment.read({}).policies
OURS: dict[str, type[Any]] = {
    "alerting.yaml": AlertingPolicy,
    "bots.yaml": Fleet,
    "chaos.yaml": ChaosPolicy,
    "drill.yaml": DrillPolicy,
    "edge.yaml": EdgePolicy,
    "edge_page.yaml": EdgePagePolicy,
    "edge_sentinel.yaml": EdgeSentinelPolicy,
    "ema.yaml": EmaPolicy,
    "golden.yaml": GoldenPolicy,
    "grafana.yaml": GrafanaPolicy,
    "inputs.yaml": InputsPolicy,
    "instruments.yaml": Instruments,
    "journal.yaml": JournalPolicy,
    "notify.yaml": NotifyPolicy,
    "prelive.yaml": PrelivePolicy,
    "profiles.yaml": Profiles,
    "readiness.yaml": ReadinessPolicy,
    "release.yaml": ReleasePolicy,
    "retention.yaml": RetentionPolicy,
    "rollback.yaml": RollbackPolicy,
    "rollback_report.yaml": ReportPolicy,
    "secrets.yaml": SecretsPolicy,
    "signers.yaml": SignersPolicy,
    "slis.yaml": SliCatalogue,
    "soak.yaml": SoakPolicy,
    "tune.yaml": TuningPolicy,
}

FLEET = """\
first_day: 2025-01-01
source: made up for a test
bots:
  - name: paper
    version: 1.0.0
    samples: {kind: recording, path: r}
    fills: f
    quotes: q
    results: x
    day_entries: none
    symbols: [AAA-USDT]
    source: made up for a test
"""
SECOND = FLEET[FLEET.index("  - name") :]


def read(folder: Path, text: str) -> Fleet:
    path = folder / "bots.yaml"
    path.write_bytes(text.encode("latin-1"))
    return read_policy(path, Fleet)


def test_every_policy_of_the_project_is_read_and_known_here():
    assert sorted(path.name for path in POLICIES.glob("*.yaml")) == sorted(OURS)
    for name, kind in OURS.items():
        assert read_policy(POLICIES / name, kind)
    soak = read_policy(POLICIES / "soak.yaml", SoakPolicy)
    resolve(read_policy(POLICIES / "slis.yaml", SliCatalogue), soak)
    alerting = read_policy(POLICIES / "alerting.yaml", AlertingPolicy)
    resolve_rollback(read_policy(POLICIES / "rollback.yaml", RollbackPolicy), soak, alerting)


def test_a_sound_file_is_read(tmp_path: Path):
    assert read(tmp_path, FLEET).bots[0].name == "paper"


def test_a_file_that_changed_is_read_anew_and_one_that_did_not_is_parsed_once(tmp_path: Path):
    before = read(tmp_path, FLEET)
    assert read(tmp_path, FLEET) is before
    assert read(tmp_path, FLEET.replace("name: paper", "name: other")).bots[0].name == "other"
    assert read(tmp_path, FLEET) == before


FAULTS = {
    "an unknown key": ("    fills: f\n", "    fils: f\n    fills: f\n", ":7: bots.0.fils: Unexpected keyword argument"),
    "a source left out": (
        "    symbols: [AAA-USDT]\n    source: made up for a test\n",
        "    symbols: [AAA-USDT]\n",
        ":4: bots.0.source: ",
    ),
    "a source that says nothing": ("source: made up for a test\nbots", "source: tbd\nbots", ":2: source: "),
    "a number where text is wanted": ("fills: f", "fills: 3", ":7: bots.0.fills: "),
    "a version that YAML takes for a number": ("version: 1.0.0", "version: 1.0", ":5: bots.0.version: "),
    "a bad name": ("name: paper", "name: Paper Bot", ":4: bots.0.name: "),
    "a kind that there is not": ("kind: recording", "kind: tape", ":6: bots.0.samples"),
    "a date that is none": ("2025-01-01", "soon", ":1: first_day: "),
    "a key twice": ("    fills: f\n", "    fills: f\n    fills: g\n", ":8: fills: the key stands twice"),
    "an alias": ("fills: f\n    quotes: q", "fills: &a f\n    quotes: *a", ":7: aliases are not allowed"),
    "not YAML": ("bots:", "bots: [", "not readable as YAML"),
    "not UTF-8": ("made up", "m\xe4de up", "not readable as YAML"),
    "nan": ("fills: f", "fills: .nan", ":7: bots.0.fills: expected a finite number, was '.nan'"),
    "infinity in a list": (
        "fills: f",
        "fills: [1, -.inf]",
        ":7: bots.0.fills.1: expected a finite number, was '-.inf'",
    ),
    "a day that there is not": (
        "fills: f",
        "fills: 2026-13-45",
        ":7: bots.0.fills: month must be in 1..12, was '2026-1",
    ),
    "5,000 digits": ("fills: f", "fills: " + "9" * 5000, ":7: bots.0.fills: Exceeds the limit (4300 digits)"),
    "bytes": (
        "fills: f",
        "fills: !!binary aGk=",
        ":7: bots.0.fills: expected text, a number, a list or a mapping, fou",
    ),
    "a set": (
        "fills: f",
        "fills: !!set {a, b}",
        ":7: bots.0.fills: expected text, a number, a list or a mapping, foun",
    ),
    "a tag": ("fills: f", "fills: !!python/name:os.abort x", ":7: bots.0.fills: could not determine a constructor"),
    "a list as a key": ("fills: f", "? [fills]\n    : f", ":7: expected a word as a key, was a list or a mapping"),
    "a date as a key": ("fills: f", "2026-01-01: f", ":4: bots.0: keys must be str"),
    "2,000 levels": ("fills: f", "fills: " + "[" * 2000 + "]" * 2000, "maximum nesting depth"),
    "900 levels": ("fills: f", "fills: " + "[" * 900 + "]" * 900, "recursion limit exceeded"),
    "a rule over several fields": (FLEET, FLEET + SECOND, ":1: top level: bots: expected every name once, was twice"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_file_line_and_field(tmp_path: Path, name: str):
    old, new, message = FAULTS[name]
    assert old in FLEET
    with pytest.raises(PolicyError) as refusal:
        read(tmp_path, FLEET.replace(old, new, 1))
    assert "bots.yaml" in str(refusal.value)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_every_fault_has_its_own_line(tmp_path: Path):
    with pytest.raises(PolicyError) as refusal:
        read(tmp_path, FLEET.replace("fills: f", "fills: 1").replace("quotes: q", "quotes: 2"))
    assert [line.split(": ")[1] for line in str(refusal.value).splitlines()] == ["bots.0.fills", "bots.0.quotes"]


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_is_said(tmp_path: Path, text: str):
    with pytest.raises(PolicyError, match="the policy file is empty"):
        read(tmp_path, text)


def test_a_missing_file_is_said(tmp_path: Path):
    with pytest.raises(PolicyError, match="the policy file is missing"):
        read_policy(tmp_path / "bots.yaml", Fleet)


def test_a_folder_is_said(tmp_path: Path):
    with pytest.raises(PolicyError, match="the policy file is not readable: Is a directory"):
        read_policy(tmp_path, Fleet)


def test_a_list_is_not_called_too_short_where_its_items_are_refused(tmp_path: Path):
    path = tmp_path / "instruments.yaml"
    path.write_text(
        "instruments:\n  - {symbol: X, venue: v, kind: square, contract_size: 1, settlement: U, source: s}\n"
    )
    with pytest.raises(PolicyError) as refusal:
        read_policy(path, Instruments)
    assert "kind" in str(refusal.value)
    assert "at least 1 item" not in str(refusal.value)
    path.write_text("instruments: []\n")
    with pytest.raises(PolicyError, match="at least 1 item"):
        read_policy(path, Instruments)
