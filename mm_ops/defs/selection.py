"""Which checks the words of ``--select`` mean: a check, an asset, a gate, or a group of assets."""

from collections.abc import Iterator, Sequence

import dagster as dg

from mm_ops.defs.fleet import Location
from mm_ops.defs.keys import name_of
from mm_ops.domain.errors import PolicyError

GROUP = "group:"


def choose_checks(location: Location, words: Sequence[str]) -> dict[str, dg.AssetCheckKey]:
    """The checks that are judged without a look at a live bot, by ``<asset>:<check>``; all without a word.

    Args:
        location: the checks that there are.
        words: each ``<asset>:<check>``, an asset with or without its bot, a gate, or ``group:<group>``.

    Raises:
        PolicyError: a word means none; the message has every word that would.
    """
    known = {name_of(key): key for graph in location.every_graph for key in graph.all_checks}
    groups = {key: spec.group_name for one in location.definitions.assets or () for key, spec in _specs(one)}
    meant = {name: set(_words(key, groups[key.asset_key])) for name, key in known.items()}
    unknown = sorted(word for word in set(words) if not any(word in said for said in meant.values()))
    if unknown:
        there = ", ".join(sorted(set().union(*meant.values())))
        raise PolicyError(f"--select: no such check: {', '.join(unknown)}; there are: {there}")
    return {name: key for name, key in known.items() if not words or meant[name].intersection(words)}


def _words(key: dg.AssetCheckKey, group: str | None) -> Iterator[str]:
    yield name_of(key)
    yield key.name
    yield key.asset_key.to_user_string()
    yield key.asset_key.path[-1]
    yield f"{GROUP}{group}"


def _specs(asset: object) -> Iterator[tuple[dg.AssetKey, dg.AssetSpec]]:
    if isinstance(asset, dg.AssetsDefinition):
        yield from asset.specs_by_key.items()
