"""Every asset key, in the order evidence flows; one set of them for each bot."""

from dataclasses import dataclass

import dagster as dg

PROMETHEUS_RULES = dg.AssetKey("prometheus_rules")
"""Rules of every gate, rendered: of no day and of no single bot."""
GRAFANA_DASHBOARD = dg.AssetKey("grafana_dashboard")
"""The committed dashboards, as they are in Grafana."""

ARTIFACT_ROTATION = dg.AssetKey("artifact_rotation")
"""What was rotated out of the stored evidence."""

DAGSTER_RUNS = dg.AssetKey("dagster_runs")
"""What Dagster keeps of its own runs."""

CRON_FRESHNESS = dg.AssetKey("cron_freshness")
"""How every scheduled task stands: of no day and of no single bot."""


@dataclass(frozen=True, slots=True)
class BotKeys:
    """The keys of one bot: ``<bot>/<asset>``."""

    bot: str

    @property
    def sli_samples(self) -> dg.AssetKey:
        """Raw samples of a UTC day."""
        return self._of("sli_samples")

    @property
    def soak_metrics(self) -> dg.AssetKey:
        """Every SLI over the soak window, and over the day itself."""
        return self._of("soak_metrics")

    @property
    def soak_findings(self) -> dg.AssetKey:
        """Every gate's verdict."""
        return self._of("soak_findings")

    @property
    def edge_report(self) -> dg.AssetKey:
        """The day's fills against the day's quotes."""
        return self._of("edge_report")

    @property
    def golden_report(self) -> dg.AssetKey:
        """Pinned inputs through the same code, against signed-off baselines."""
        return self._of("golden_report")

    @property
    def chaos_drill(self) -> dg.AssetKey:
        """The day's drill."""
        return self._of("chaos_drill")

    @property
    def test_results(self) -> dg.AssetKey:
        """The day's run of the bot's own tests."""
        return self._of("test_results")

    @property
    def readiness_score(self) -> dg.AssetKey:
        """GO or HOLD over the last days."""
        return self._of("readiness_score")

    @property
    def secrets_scan(self) -> dg.AssetKey:
        """Whether a secret lies in the repository or the artifacts."""
        return self._of("secrets_scan")

    @property
    def pre_live_pack(self) -> dg.AssetKey:
        """Every dry run before the bot goes live."""
        return self._of("pre_live_pack")

    @property
    def release_bundle(self) -> dg.AssetKey:
        """What ships, with its evidence."""
        return self._of("release_bundle")

    @property
    def promotion(self) -> dg.AssetKey:
        """Which bundle is in staging, which live, and which to go back to."""
        return self._of("promotion")

    @property
    def rollback_report(self) -> dg.AssetKey:
        """What is told of each stop."""
        return self._of("rollback_report")

    @property
    def rollback_state(self) -> dg.AssetKey:
        """Whether the bot is stopped, by its own word and by the journal's."""
        return self._of("rollback_state")

    @property
    def edge_profile(self) -> dg.AssetKey:
        """The closed windows of the edge, and the profile that follows from them."""
        return self._of("edge_profile")

    @property
    def fire_drill(self) -> dg.AssetKey:
        """The bot stopped on purpose, and how long that took."""
        return self._of("fire_drill")

    @property
    def day_evidence(self) -> list[dg.AssetKey]:
        """What readiness needs of each of its days."""
        return [self.soak_metrics, self.edge_report, self.chaos_drill, self.test_results]

    @property
    def all(self) -> list[dg.AssetKey]:
        """The graph of the bot's evidence, day by day; what follows a stop is no part of it."""
        return [
            self.sli_samples,
            self.soak_metrics,
            self.soak_findings,
            self.edge_report,
            self.golden_report,
            self.chaos_drill,
            self.test_results,
            self.readiness_score,
            self.secrets_scan,
            self.release_bundle,
        ]

    def _of(self, asset: str) -> dg.AssetKey:
        return dg.AssetKey([self.bot, asset])


def name_of(key: dg.AssetCheckKey) -> str:
    """``<asset>:<check>``, as refusals and selections name it."""
    return f"{key.asset_key.to_user_string()}:{key.name}"
