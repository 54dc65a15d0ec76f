"""Expressions are parsed before they are written: what no linter of rules catches is refused here."""

from typing import Any

import promql_parser

from mm_ops.domain.errors import PolicyError

_NO_NUMBER = promql_parser.MatrixSelector | promql_parser.SubqueryExpr | promql_parser.StringLiteral


def metrics_of(expression: str, where: str) -> frozenset[str]:
    """Parse an expression that a rule may have, and give the names of the series that it reads.

    ``promtool check rules`` accepts a range vector as a rule, which then fails at every evaluation.

    Raises:
        PolicyError: it is no PromQL, its value is not one number for each series, or a selector has no name.
    """
    try:
        tree = promql_parser.parse(expression)
    except ValueError as error:
        raise PolicyError(f"{where}: not readable as PromQL: {' '.join(str(error).split())}: {expression}") from error
    root = tree
    while isinstance(root, promql_parser.ParenExpr):
        root = root.expr
    if isinstance(root, _NO_NUMBER):
        raise PolicyError(f"{where}: expected one number for each series, was a {type(root).__name__}: {expression}")
    names = _names(tree)
    if None in names:
        raise PolicyError(f"{where}: expected a metric's name in every selector, was none in: {expression}")
    return frozenset(str(name) for name in names)


def _names(node: Any) -> set[str | None]:
    if isinstance(node, promql_parser.VectorSelector):
        return {node.name}
    if isinstance(node, promql_parser.MatrixSelector):
        return {node.vector_selector.name}
    children = [getattr(node, field, None) for field in ("expr", "lhs", "rhs", "param")]
    parts = [*(child for child in children if child is not None), *getattr(node, "args", ())]
    return set().union(*(_names(part) for part in parts))
