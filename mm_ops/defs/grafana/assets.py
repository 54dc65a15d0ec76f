"""The committed dashboards in every Grafana that is named: of no day and of no single bot."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.defs.keys import GRAFANA_DASHBOARD
from mm_ops.defs.resources import Site
from mm_ops.domain.errors import MmOpsError

if TYPE_CHECKING:
    from mm_ops.adapters.grafana_desk import Brought

GROUP = "catalogue"
_COLUMNS = [
    dg.TableColumn("grafana"),
    dg.TableColumn("dashboard"),
    dg.TableColumn("answer", description="create, update, same or refuse"),
    dg.TableColumn("version", "int", description="as it was read back"),
    dg.TableColumn("differences", "int", description="before the import"),
    dg.TableColumn("reason"),
]


class Import(dg.Config):
    """What a person says at the launch: which version, changed in Grafana since the last import, is overwritten.

    It is the one that the refusal named, 0 for one that is gone; no other is written over.
    """

    overwrite: int | None = None


def grafana_assets() -> list[dg.AssetsDefinition]:
    """Build ``grafana_dashboard``; launched by people alone, since it writes into something that others write into."""

    @dg.asset(
        key=GRAFANA_DASHBOARD,
        group_name=GROUP,
        kinds={"grafana"},
        description="The committed dashboards, imported into every Grafana of grafana.yaml and read back; what was "
        "changed there since the last import stays and fails the step.",
    )
    def grafana_dashboard(context: dg.AssetExecutionContext, config: Import, site: Site) -> dg.MaterializeResult[Any]:
        from mm_ops.domain.grafana.decision import Refuse

        done: list[Brought] = []
        try:
            done.extend(_bring(site, context, overwrite=config.overwrite))
        except MmOpsError as error:  # what was written before it is in the list, and is told
            raise dg.Failure(description=str(error), metadata=_metadata(done), allow_retries=False) from error
        metadata = _metadata(done)
        refused = [f"{one.environment}: {one.decision.reason}" for one in done if isinstance(one.decision, Refuse)]
        if refused:
            raise dg.Failure(description="; ".join(refused), metadata=metadata, allow_retries=False)
        return dg.MaterializeResult(metadata=metadata)

    return [grafana_dashboard]


def _bring(site: Site, context: dg.AssetExecutionContext, *, overwrite: int | None) -> "Iterator[Brought]":
    from mm_ops.adapters.grafana_desk import Desk, read_boards
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.grafana.policy import GrafanaPolicy

    policy = site.policy("grafana.yaml", GrafanaPolicy)
    if not policy.environments:
        raise PolicyError("no Grafana is named in grafana.yaml, so nothing was imported: name one there")
    environment = site.environment()
    boards = read_boards(environment.root, policy.dashboards)
    desks = [Desk.of(one, policy, environment) for one in policy.environments]

    def show(board: Any, differences: Sequence[Any]) -> None:
        context.log.info("\n".join([f"{board.uid}: {len(differences)} differences", *map(str, differences)]))

    for desk in desks:
        for board in boards:
            yield desk.bring(board, site.now(), overwrite=overwrite, dry=False, show=show)


def _metadata(done: "Sequence[Brought]") -> dict[str, Any]:
    records = [
        dg.TableRecord(
            {
                "grafana": one.environment,
                "dashboard": one.board.uid,
                "answer": type(one.decision).__name__.lower(),
                "version": -1 if one.version is None else one.version,
                "differences": len(one.differences),
                "reason": str(getattr(one.decision, "reason", "")),
            }
        )
        for one in done
    ]
    return {"dashboards": dg.MetadataValue.table(records, dg.TableSchema(_COLUMNS))}
