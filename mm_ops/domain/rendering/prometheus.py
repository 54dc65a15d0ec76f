"""Prometheus' configuration from the catalogue: what is scraped, which rules, where alerts go."""

from typing import Any
from urllib.parse import urlsplit

from mm_ops.domain.rendering.catalogue import Catalogue
from mm_ops.domain.windows import format_duration


def build_prometheus(catalogue: Catalogue, rule_file: str) -> dict[str, Any]:
    """Build the configuration; every target carries the label ``bot``, by which rules tell bots apart."""
    policy = catalogue.alerting.prometheus
    targets = [{"targets": [target.address], "labels": {"bot": target.bot}} for target in policy.targets]
    return {
        "global": {
            "scrape_interval": format_duration(catalogue.soak.scrape_interval),
            "scrape_timeout": format_duration(policy.scrape_timeout),
            "evaluation_interval": format_duration(catalogue.soak.evaluation_interval),
        },
        "rule_files": [rule_file],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(policy.alertmanagers)}]}]},
        "scrape_configs": [
            {"job_name": policy.job, "metrics_path": policy.metrics_path, "static_configs": targets},
            _watcher_job(catalogue),
        ],
    }


def _watcher_job(catalogue: Catalogue) -> dict[str, Any]:
    """Scrape the watcher where Alertmanager posts to it: that is how a fire drill is asked for, and how it is seen."""
    hook = urlsplit(catalogue.alerting.alertmanager.hook)
    return {
        "job_name": catalogue.alerting.drill.job,
        "scheme": hook.scheme,
        "static_configs": [{"targets": [hook.netloc]}],
    }


def prometheus_flags(catalogue: Catalogue) -> list[str]:
    """The flags that the file cannot hold and the alerts rely on."""
    policy = catalogue.alerting.prometheus
    return [
        f"--rules.alert.resend-delay={format_duration(policy.resend_delay)}",
        f"--rules.alert.for-grace-period={format_duration(policy.for_grace_period)}",
        f"--web.listen-address={policy.listen}",
    ]
