"""Runs in this process, for the command line: first what is missing, then what was asked for."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.defs.fleet import Shape
from mm_ops.defs.interrupts import interrupts_end_the_command
from mm_ops.defs.jobs import BOT_TAG, CHECKS, NIGHTLY, PROMOTION
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import PARTITION_TAG
from mm_ops.defs.resources import Site
from mm_ops.defs.soak.assets import policies as read_policies
from mm_ops.defs.verdicts import finding_of
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import digest
from mm_ops.domain.provenance import find_departures
from mm_ops.domain.readiness.finding import OVERRIDDEN
from mm_ops.domain.verdict import Finding
from mm_ops.domain.windows import DAY, TimeWindow

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The console belongs to the command; the whole log is in the run, in the UI."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A check's finding, and the asset and the name of the check that it judges."""

    asset: dg.AssetKey
    finding: Finding
    blocking: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: findings, files written, assets made, and why an asset that was asked for was not."""

    run_id: str
    judged: Sequence[Judged]
    written: Sequence[str]
    materialised: Sequence[dg.AssetKey]
    refusals: dict[dg.AssetKey, str]


@dataclass(frozen=True, slots=True)
class Work:
    """Assets of one day that have to be materialised."""

    day: date
    assets: Sequence[dg.AssetKey]


def find_missing(instance: dg.DagsterInstance, site: Site, bot: Bot, shape: Shape, last: date) -> list[Work]:
    """List what readiness of ``last`` needs and is not there yet, oldest day first.

    An asset counts as there when Dagster has it on record for the day, its file exists, *and* it still rests on the
    policies and the evidence that are there now.
    """
    keys = BotKeys(bot.name)
    there = _Present(instance, site, bot, keys)
    earlier = [last - DAY * back for back in range(1, shape.readiness.days)]
    sampled = {sampled for day in (last, *earlier) for sampled in _soak_days(day, shape)} - {last}
    uncollected = {day for day in sampled if not there.has(keys.sli_samples, day)}
    needed: dict[date, list[dg.AssetKey]] = {}
    for day in earlier:
        outdated = {keys.soak_metrics} if uncollected.intersection(_soak_days(day, shape)) else set()
        needed[day] = [key for key in keys.day_evidence if key in outdated or not there.has(key, day)]
    for day in uncollected:
        needed.setdefault(day, []).append(keys.sli_samples)
    return [Work(day, assets) for day, assets in sorted(needed.items()) if assets and day >= shape.first_day]


def _soak_days(day: date, shape: Shape) -> list[date]:
    return TimeWindow.ending(TimeWindow.of_day(day).end, shape.soak.window).days()


class _Present:
    def __init__(self, instance: dg.DagsterInstance, site: Site, bot: Bot, keys: BotKeys) -> None:
        from mm_ops.domain.soak.resolve import selectors_of

        self._keys = keys
        self._site = site
        self._bot = bot
        self._current = site.current(bot)
        self._evidence = evidence = site.evidence(bot)
        self._asked = {one.promql({}) for one in selectors_of(*read_policies(site))}
        self._recorded = {
            key: instance.get_materialized_partitions(key) for key in (keys.sli_samples, *keys.day_evidence)
        }
        self._files: dict[dg.AssetKey, Callable[[date], str]] = {
            keys.sli_samples: evidence.day_entry,
            keys.soak_metrics: lambda day: evidence.report(day, names.SOAK_METRICS),
            keys.edge_report: lambda day: evidence.report(day, names.EDGE_REPORT),
            keys.chaos_drill: lambda day: evidence.report(day, names.CHAOS_DRILL),
            keys.test_results: lambda day: evidence.report(day, names.TEST_RESULTS),
        }

    def has(self, key: dg.AssetKey, day: date) -> bool:
        name = self._files[key](day)
        data = self._current.read(name) if day.isoformat() in self._recorded[key] else None
        if data is None:
            return False
        try:
            document = json.loads(data)
        except ValueError:
            return False  # not what was stored; it is made again
        if key == self._keys.sli_samples:
            return self._is_collected(day, document)
        return not find_departures(document, self._current, where=name)

    def _is_collected(self, day: date, entry: Any) -> bool:
        """Whether every part is there as it was stored, of what is asked for now, from where it comes from now."""
        files = entry.get("files") if isinstance(entry, dict) else None
        segment = self._evidence.find(self._evidence.segment_entry(day, 0))
        if not isinstance(files, dict) or segment is None or not self._evidence.has(self._evidence.registration(day)):
            return False
        origin = json.loads(segment).get("origin")
        return (
            origin == self._site.sample_origin(self._bot, day)
            and self._asked <= set(entry.get("selectors", ()))
            and all(self._is_whole(name, digest_of) for name, digest_of in files.items())
        )

    def _is_whole(self, file: str, recorded: object) -> bool:
        data = self._evidence.find(f"{self._bot.name}/{file}")
        return data is not None and digest(data) == f"sha256:{recorded}"


def run_assets(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    bot: str,
    day: date,
    assets: Sequence[dg.AssetKey],
) -> Outcome:
    """Run the nightly job for some assets of one bot and one day; a failed step is in the outcome, not raised.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM came meanwhile.
    """
    with interrupts_end_the_command():
        result = definitions.resolve_job_def(NIGHTLY).execute_in_process(
            instance=instance,
            partition_key=day.isoformat(),
            asset_selection=list(assets),
            tags={BOT_TAG: bot},
            run_config=QUIET,
            raise_on_error=False,
        )
    return _outcome(result, assets)


def run_promotion(
    definitions: dg.Definitions, instance: dg.DagsterInstance, bot: str, config: Mapping[str, str]
) -> Outcome:
    """Run one step of a bot's bundle; a refusal is in the outcome, not raised.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM came meanwhile.
    """
    key = BotKeys(bot).promotion
    with interrupts_end_the_command():
        result = definitions.resolve_job_def(PROMOTION).execute_in_process(
            instance=instance,
            asset_selection=[key],
            tags={BOT_TAG: bot},
            run_config={**QUIET, "ops": {key.to_python_identifier(): {"config": dict(config)}}},
            raise_on_error=False,
        )
    return _outcome(result, [key])


def run_checks(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    checks: Iterable[dg.AssetCheckKey],
    day: date,
) -> Outcome:
    """Run checks alone, on what is stored for a day.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM came meanwhile.
    """
    job = definitions.resolve_job_def(CHECKS).get_subset(asset_check_selection=set(checks))
    with interrupts_end_the_command():
        result = job.execute_in_process(
            instance=instance,
            tags={PARTITION_TAG: day.isoformat()},
            run_config=QUIET,
            raise_on_error=False,
        )
    return _outcome(result, [])


def _outcome(result: dg.ExecuteInProcessResult, assets: Sequence[dg.AssetKey]) -> Outcome:
    steps = {event.step_key: _why(event) for event in result.get_step_failure_events()}
    events = result.get_asset_materialization_events()
    materialisations = [event.materialization for event in events]
    return Outcome(
        run_id=result.run_id,
        judged=[
            Judged(evaluation.asset_key, finding_of(evaluation), blocking=bool(evaluation.blocking))
            for evaluation in result.get_asset_check_evaluations()
        ],
        written=[str(value.value) for item in materialisations for value in _paths(item)],
        materialised=[item.asset_key for item in materialisations],
        refusals={key: steps[key.to_python_identifier()] for key in assets if key.to_python_identifier() in steps},
    )


def overrides_of(outcome: Outcome) -> list[str]:
    """The reasons of the checks that pass by a person's override."""
    return [item.finding.reason for item in outcome.judged if item.finding.reason.startswith(OVERRIDDEN)]


def _paths(item: dg.AssetMaterialization) -> list[dg.PathMetadataValue]:
    return [value for value in item.metadata.values() if isinstance(value, dg.PathMetadataValue)]


def _why(event: dg.DagsterEvent) -> str:
    data: Any = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error is not None else "failed without a reason; see the run's log"
