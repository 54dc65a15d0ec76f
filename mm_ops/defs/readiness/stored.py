"""The stored reports of a bot's days, and which of them can be believed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from mm_ops.adapters import evidence as names
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.signatures import is_signed_by
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.overrides import SIGNERS
from mm_ops.defs.records import read_recorded
from mm_ops.defs.resources import Site
from mm_ops.domain.bots import Bot
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops.domain.provenance import Current, find_departures
from mm_ops.domain.readiness.evidence import DayEvidence, DayReports, read_day
from mm_ops.domain.readiness.override import OVERRIDE, Held, judge_override
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.signers import SignersPolicy

if TYPE_CHECKING:
    from mm_ops.domain.readiness.hard import HardGate

OF_A_DAY = {
    "edge": names.EDGE_REPORT,
    "soak": names.SOAK_METRICS,
    "chaos": names.CHAOS_DRILL,
    "tests": names.TEST_RESULTS,
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a bot's stored reports and says which of them can be believed."""

    evidence: BotEvidence
    current: Current
    keys: BotKeys
    instance: dg.DagsterInstance

    def believed(self, day: date) -> tuple[dict[str, Any], list[str]]:
        """The day's stored reports by kind, ``None`` where there is none that can be believed, and why not.

        One that is not the one that was materialised, or that rests on what is no longer there, is none.
        """
        stored = {kind: self.evidence.find_json(self.evidence.report(day, name)) for kind, name in OF_A_DAY.items()}
        doubts = {kind: self.doubts(kind, day, document) for kind, document in stored.items() if document is not None}
        told = [f"{day}: {text}" for found in doubts.values() for text in found]
        return {kind: None if doubts.get(kind) else document for kind, document in stored.items()}, told

    def doubts(self, kind: str, day: date, document: Any) -> list[str]:
        """Why a stored report cannot be believed."""
        key = {
            "edge": self.keys.edge_report,
            "soak": self.keys.soak_metrics,
            "chaos": self.keys.chaos_drill,
            "tests": self.keys.test_results,
        }[kind]
        try:
            read_recorded(self.instance, key, day, self.evidence)
        except (IntegrityError, MissingEvidenceError) as error:
            return [str(error)]
        return find_departures(document, self.current, where=self.evidence.report(day, OF_A_DAY[kind]))


def read_stored_day(reader: Reader, bot: Bot, day: date, policy: ReadinessPolicy) -> DayEvidence:
    """What a day contributes; a report that cannot be believed counts as absent, with why."""
    reports, doubts = reader.believed(day)
    known = read_day(day, DayReports(**reports), policy, version=bot.version, symbols=bot.symbols)
    return replace(known, absent=(*known.absent, *doubts))


def judge_stored_day(reader: Reader, site: Site, bot: Bot, day: date) -> "tuple[HardGate, ...]":
    """The hard gates of a day, judged again on its stored reports."""
    from mm_ops.domain.readiness.last_day import SoakRules, judge_last_day
    from mm_ops.domain.sli.catalogue import SliCatalogue
    from mm_ops.domain.soak.policy import SoakPolicy

    slis, soak = site.policy("slis.yaml", SliCatalogue), site.policy("soak.yaml", SoakPolicy)
    rules = SoakRules(slis=slis, soak=soak, known_good=site.known_good(bot))
    reports, _ = reader.believed(day)
    return judge_last_day(reports["edge"], reports["soak"], rules, bot.version)


def find_override(site: Site, bot: Bot, day: date, document: dict[str, Any]) -> dict[str, Any]:
    """What lies beside the day's readiness as its override, and why it does not count; nothing where nothing does."""
    evidence = site.evidence(bot)
    data = evidence.find(evidence.report(day, OVERRIDE))
    if data is None:
        return {}
    signers = site.policy(SIGNERS, SignersPolicy)
    return {"override": judge_override(data, Held.of(document), signers, is_signed_by, site.now())}


def find_inputs(evidence: BotEvidence, days: Sequence[date], last: date) -> list[str]:
    """Every stored report that a score rests on, by its name, and the override of the last day."""
    stored = [evidence.report(day, name) for day in days for name in OF_A_DAY.values()]
    stored.append(evidence.report(last, OVERRIDE))
    return [name for name in stored if evidence.has(name)]


def find_readiness(evidence: BotEvidence, day: date) -> dict[str, Any] | None:
    """The stored readiness of a day; one that is no object any more is none."""
    try:
        found = evidence.find_json(evidence.report(day, names.READINESS))
    except IntegrityError:
        return None
    return found if isinstance(found, dict) else None
