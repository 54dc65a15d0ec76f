"""A bundle that is packed and not stored: what would be released now, or why it would not."""

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dagster as dg

from mm_ops.adapters.bundle import Built
from mm_ops.defs.automation import refusals_end_the_step
from mm_ops.defs.release.assets import assemble
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot


def pack_dry(
    instance: dg.DagsterInstance, site: Site, bot: Bot, day: date, checks: Sequence[dg.AssetChecksDefinition]
) -> Built | str:
    """Ask every blocking check and pack to nowhere; the bundle that is there stays, and so does what is on record.

    Returns:
        The bundle, or why it is refused.
    """
    specs = [spec for definition in checks for spec in definition.check_specs if spec.blocking]
    hard = {spec.key: spec.partitions_def is not None for spec in specs}
    try:
        contents = assemble(instance, site, bot, day, hard)
        with refusals_end_the_step(), Path(os.devnull).open("wb") as nowhere:
            return contents.build(nowhere)
    except dg.Failure as refused:
        return refused.description or "refused, without a reason"
