"""A bundle that is packed and not stored: what would be released now, or why it would not."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from mm_ops.defs.release.assets import Packed, assemble
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot


def pack_dry(
    instance: dg.DagsterInstance, site: Site, bot: Bot, day: date, checks: Sequence[dg.AssetChecksDefinition]
) -> Packed | str:
    """Ask every blocking check and pack in memory; the bundle that is there stays, and so does what is on record.

    Returns:
        The bundle, or why it is refused.
    """
    specs = [spec for definition in checks for spec in definition.check_specs if spec.blocking]
    hard = {spec.key: spec.partitions_def is not None for spec in specs}
    try:
        return assemble(instance, site, bot, day, hard)
    except dg.Failure as refused:
        return refused.description or "refused, without a reason"
