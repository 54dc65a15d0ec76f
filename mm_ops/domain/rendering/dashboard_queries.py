"""The PromQL of a dashboard: it parses, reads one bot and only what is exported, and names variables that are there.

Grafana puts the values of its variables into the text of a query before Prometheus sees it, and so it is done here:
a duration for its own, a word for those of the dashboard.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import promql_parser

from mm_ops.domain.rendering.faults import Fault, Path, look, texts

RANGES: Mapping[str, str] = {"__interval": "30s", "__rate_interval": "1m", "__range": "72h"}
"""Grafana's own variables that a query may use, each with a value that it can have."""

SERVERS_OWN = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
"""Series that Prometheus writes itself."""

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?:[.:][^}]*)?\}|\[\[(\w+)(?:[.:][^\]]*)?\]\]", re.ASCII)
_LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+), *(?P<label>[a-zA-Z_]\w*)\)", re.ASCII)


def find_query_faults(document: Any, chosen_by: str, exported: AbstractSet[str] | None) -> Iterator[Fault]:
    """Find what Prometheus would refuse, or answer for another bot than the chosen one, or not at all.

    Args:
        document: a dashboard whose fields have the SDK's types.
        chosen_by: the variable that chooses the bot, and the label that has its name.
        exported: the metrics that there are; ``None`` where they are not known.
    """
    defined = {variable["name"] for variable in _list(document, ("templating", "list"))}
    for path, text in texts(document):
        for name in _names(text):
            if name not in defined | RANGES.keys():
                yield Fault(path, f"uses the variable ${name}, which is not defined")
    for path, query in _queries(document):
        yield from _find_faults(query, path, chosen_by, exported)
    yield from _find_instants(document)
    for path, query in _choices(document):
        yield from _find_faults_of_choice(query, path, exported)


def substitute(text: str) -> str:
    """Put a value that each variable can have where Grafana would put its own."""
    return _VARIABLE.sub(lambda found: _value(next(filter(None, found.groups()))), text)


def _value(name: str) -> str:
    return RANGES.get(name, f"value_of_{name}")


def _names(text: str) -> Iterator[str]:
    for found in _VARIABLE.finditer(text):
        yield next(filter(None, found.groups()))


def _list(document: Any, path: Path) -> list[Any]:
    """What may be absent as a whole."""
    return look(document, path) or []


def _queries(document: Any) -> Iterator[tuple[Path, str]]:
    for number, panel in enumerate(_list(document, ("panels",))):
        for n, target in enumerate(panel.get("targets", [])):
            yield ("panels", number, "targets", n, "expr"), target["expr"]
    for number, annotation in enumerate(_list(document, ("annotations", "list"))):
        yield ("annotations", "list", number, "expr"), annotation.get("expr", "")


def _find_instants(document: Any) -> Iterator[Fault]:
    """Find what is asked at one moment only, so that nothing is drawn over time."""
    for number, panel in enumerate(_list(document, ("panels",))):
        for n, target in enumerate(panel.get("targets", [])):
            if target.get("instant") or not target.get("range", True):
                yield Fault(("panels", number, "targets", n), "expected a query over the range, was one at its end")


def _choices(document: Any) -> Iterator[tuple[Path, str]]:
    for number, variable in enumerate(_list(document, ("templating", "list"))):
        for name in ("query", "definition"):
            if variable["type"] == "query":
                yield ("templating", "list", number, name), str(variable.get(name, ""))


def _find_faults(query: str, path: Path, chosen_by: str, exported: AbstractSet[str] | None) -> Iterator[Fault]:
    if not query.strip():
        yield Fault(path, "expected a query, was empty")
        return
    try:
        parsed = promql_parser.parse(substitute(query))
    except ValueError as error:
        yield Fault(path, f"not PromQL: {' '.join(str(error).split())}")
        return
    if isinstance(parsed, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        yield Fault(path, "expected a value at each time, was a range of them")
    selectors = _selectors(parsed)
    if not selectors:
        yield Fault(path, "reads no series")
    for selector in selectors:
        if not _reads_one(selector, chosen_by):
            yield Fault(path, f'{selector.name}: expected the matcher {chosen_by}="${chosen_by}", was none')
        yield from _find_unknown(selector, path, exported)


def _find_faults_of_choice(query: str, path: Path, exported: AbstractSet[str] | None) -> Iterator[Fault]:
    found = _LABEL_VALUES.fullmatch(query)
    try:
        selector = promql_parser.parse(substitute(found["selector"])) if found else None
    except ValueError:
        selector = None
    if not isinstance(selector, promql_parser.VectorSelector):
        yield Fault(path, f"expected label_values(series, label), was {query or 'empty'}")
        return
    yield from _find_unknown(selector, path, exported)


def _find_unknown(selector: Any, path: Path, exported: AbstractSet[str] | None) -> Iterator[Fault]:
    if exported is not None and selector.name not in exported | SERVERS_OWN:
        yield Fault(path, f"reads {selector.name or 'series without a name'}, which is not exported")


def _selectors(parsed: Any) -> list[Any]:
    found: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(parsed, visit)
    return found


def _reads_one(selector: Any, chosen_by: str) -> bool:
    """Whether the selector is narrowed to the chosen bot; one with alternatives (``or``) has no matchers as such."""
    wanted = (promql_parser.MatchOp.Equal, chosen_by, _value(chosen_by))
    matchers = [(one.op, one.name, one.value) for one in selector.matchers.matchers]
    return wanted in matchers
