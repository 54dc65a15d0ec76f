"""Everything that is rendered from the catalogue, as files below the project: made, compared, written.

A rendering is a committed path and its bytes; runbooks and the page of checks are rendered in part, between markers.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mm_ops.adapters.artifacts import write_atomically
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.renamings import deployment_of, render_deployments
from mm_ops.domain.bots import Fleet
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.golden.policy import GoldenPolicy
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.rendering import gate_table, runbooks
from mm_ops.domain.rendering.alertmanager import alertmanager_flags, build_alertmanager
from mm_ops.domain.rendering.catalogue import Catalogue
from mm_ops.domain.rendering.dashboard import build_dashboard
from mm_ops.domain.rendering.dashboard_check import find_dashboard_faults
from mm_ops.domain.rendering.marked import replace_block
from mm_ops.domain.rendering.policy import AlertingPolicy
from mm_ops.domain.rendering.prometheus import build_prometheus, prometheus_flags
from mm_ops.domain.rendering.rule_tests import build_rule_tests
from mm_ops.domain.rendering.rules import build_rules, runbook_path
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.resolve import resolve_rollback
from mm_ops.domain.signers import SignersPolicy, allowed_signers
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.policy import SoakPolicy

RULES = "deploy/prometheus/alerts_soak.yml"
RULE_TESTS = "deploy/prometheus/alerts_soak_test.yml"
PROMETHEUS = "deploy/prometheus/prometheus.yml"
ALERTMANAGER = "deploy/alertmanager/alertmanager.yml"
DASHBOARD = "deploy/grafana/dashboards/mm_operability.json"
CHECKS = "deploy/checks.md"
ALLOWED_SIGNERS = "deploy/allowed_signers"

_SHOWN_LINES = 24
_RULE_FILE = RULES.rsplit("/", 1)[-1]
_HEADER = "# Rendered by `mm-ops render` from deploy/policies: change those, not this file."


@dataclass(frozen=True, slots=True)
class Difference:
    """A committed file that is not what the catalogue renders; ``diff`` leads from the one to the other."""

    path: str
    diff: str


def read_catalogue(policies: Path) -> Catalogue:
    """Read the policies that say what is watched, how, and for which bots.

    Raises:
        PolicyError: one of them is impossible, or two disagree.
    """
    return Catalogue(
        slis=read_policy(policies / "slis.yaml", SliCatalogue),
        soak=read_policy(policies / "soak.yaml", SoakPolicy),
        alerting=read_policy(policies / "alerting.yaml", AlertingPolicy),
        fleet=read_policy(policies / "bots.yaml", Fleet),
    )


def check_rollback(policies: Path, catalogue: Catalogue) -> None:
    """Check that ``rollback.yaml`` says of every rendered alert what its rule says, and knows no other.

    Raises:
        PolicyError: it is impossible, or the two disagree.
    """
    resolve_rollback(read_policy(policies / "rollback.yaml", RollbackPolicy), catalogue.soak, catalogue.alerting)


def render_all(root: Path, policies: Path) -> dict[str, bytes]:
    """Render every file, by its path below the root; a page that people write must be there to be completed.

    In a container the addresses are its deployment's: the files that have any are compared in the project, not there.

    Raises:
        PolicyError: a policy is impossible, or a page has no place for its block.
    """
    catalogue = read_catalogue(policies)
    run = "# Run with:"
    texts = {
        RULES: _as_yaml(build_rules(catalogue), _HEADER),
        RULE_TESTS: _as_yaml(build_rule_tests(catalogue, _RULE_FILE), _HEADER, "# Run: promtool test rules FILE"),
        PROMETHEUS: _as_yaml(
            build_prometheus(catalogue, _RULE_FILE), _HEADER, run, *_flags(prometheus_flags(catalogue))
        ),
        ALERTMANAGER: _as_yaml(build_alertmanager(catalogue), _HEADER, run, *_flags(alertmanager_flags(catalogue))),
        DASHBOARD: build_dashboard(catalogue.slis, catalogue.soak),
        ALLOWED_SIGNERS: "\n".join([_HEADER, allowed_signers(read_policy(policies / "signers.yaml", SignersPolicy))]),
        CHECKS: _with_gate_table(root, policies, catalogue),
        **_with_alert_tables(root, catalogue),
    }
    if deployment_of(policies) is None:
        texts |= render_deployments(root, texts)
    else:
        del texts[PROMETHEUS], texts[ALERTMANAGER]
    return {path: text.encode() for path, text in texts.items()}


def find_differences(root: Path, rendered: Mapping[str, bytes]) -> list[Difference]:
    """Compare what is committed with what is rendered, byte by byte."""
    differences = []
    for path, data in rendered.items():
        committed = _read(root / path)
        if committed != data:
            differences.append(Difference(path, _diff(path, committed, data)))
    return differences


def find_faults(root: Path, catalogue: Catalogue) -> list[str]:
    """Find what no comparison of a file with its rendering shows: pages and rule files that are not there, or left."""
    alerts = {runbook_path(name) for name in catalogue.alert_names}
    pages = {f"deploy/runbooks/{path.name}" for path in root.glob("deploy/runbooks/*.md")}
    missing = [f"{path}: expected a runbook for the alert of that name, was none" for path in sorted(alerts - pages)]
    left = [f"{path}: there is no alert of that name: rename the page or remove it" for path in sorted(pages - alerts)]
    return [*missing, *left, *_find_dead_globs(root / PROMETHEUS), *_find_drawing_faults(root / DASHBOARD, catalogue)]


def _find_drawing_faults(path: Path, catalogue: Catalogue) -> list[str]:
    """Find what Grafana would take and draw wrongly, or not at all; absence is told by the comparison."""
    if not path.is_file():
        return []
    faults = find_dashboard_faults(path.read_text(encoding="utf-8"), policies=(catalogue.slis, catalogue.soak))
    return [f"{DASHBOARD}: {fault}" for fault in faults]


def write_changed(root: Path, rendered: Mapping[str, bytes]) -> list[str]:
    """Write every file that differs, each whole or not at all; gives their paths."""
    changed = [path for path, data in rendered.items() if _read(root / path) != data]
    for path in changed:
        write_atomically(root / path, rendered[path])
    return changed


def as_markdown(rendered: Mapping[str, bytes], path: str) -> str:
    """One rendering as a block of Markdown."""
    return f"```yaml\n{rendered[path].decode()}```\n"


def _find_dead_globs(config: Path) -> list[str]:
    """Find names of rule files that match none: promtool accepts them, and no alert would ever fire."""
    try:
        document = yaml.safe_load(_read(config))
    except yaml.YAMLError as error:
        return [f"{PROMETHEUS}: not readable: {' '.join(str(error).split())}"]
    if not isinstance(document, dict | None):
        return [f"{PROMETHEUS}: not readable: expected a mapping, was a {type(document).__name__}"]
    names = (document or {}).get("rule_files") or []
    if not isinstance(names, list):
        return [f"{PROMETHEUS}: rule_files: expected a list of names, was {names!r}"]
    faults = [
        f"{PROMETHEUS}: rule_files: {name} matches no file"
        for name in names
        if not any(found.is_file() for found in _matches(config.parent / str(name)))
    ]
    return faults if names else [f"{PROMETHEUS}: rule_files: expected at least one, was none"]


def _matches(pattern: Path) -> Iterable[Path]:
    """Find what Prometheus would: only the last part of a name may have a ``*``."""
    return pattern.parent.glob(pattern.name)


def _with_gate_table(root: Path, policies: Path, catalogue: Catalogue) -> str:
    golden = read_policy(policies / "golden.yaml", GoldenPolicy)
    readiness = read_policy(policies / "readiness.yaml", ReadinessPolicy)
    text = gate_table.build_gate_table(catalogue.soak, golden, readiness)
    return replace_block(_read_page(root, CHECKS), gate_table.BLOCK, text, CHECKS)


def _with_alert_tables(root: Path, catalogue: Catalogue) -> dict[str, str]:
    blocks = runbooks.build_runbook_blocks(catalogue)
    pages = {runbook_path(name): block for name, block in blocks.items()}
    return {
        path: replace_block(_read_page(root, path), runbooks.BLOCK, block, path)
        for path, block in pages.items()
        if (root / path).exists()
    }


def _as_yaml(document: Mapping[str, Any], *header: str) -> str:
    body = yaml.dump(document, Dumper=_Indented, sort_keys=False, width=10_000, allow_unicode=True)
    return "\n".join([*header, body])


class _Indented(yaml.SafeDumper):
    """Lists are indented below their key, as people write them, and nothing is abbreviated by an anchor."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _flags(flags: Sequence[str]) -> list[str]:
    return [f"#   {flag}" for flag in flags]


def _read(path: Path) -> bytes:
    """Nothing where there is no file: it differs from whatever is rendered.

    Raises:
        PolicyError: something is there that is no file.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}") from error


def _read_page(root: Path, path: str) -> str:
    try:
        return _read(root / path).decode()
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: expected text in UTF-8, was byte {error.object[error.start]:#x}") from error


def _diff(path: str, committed: bytes, rendered: bytes) -> str:
    before, after = (data.decode(errors="replace").splitlines() for data in (committed, rendered))
    lines = list(difflib.unified_diff(before, after, f"committed/{path}", f"rendered/{path}", n=1, lineterm=""))
    cut = len(lines) - _SHOWN_LINES
    return "\n".join(lines[:_SHOWN_LINES] + ([f"… {cut} more lines"] if cut > 0 else []))
