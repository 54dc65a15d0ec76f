"""Bodies as Alertmanager writes them, for the live bot."""

from typing import Any

from mm_ops.domain.rollback.alert import fingerprint_of

STARTS_AT = "2026-11-25T06:00:00.123456789Z"


def one(name: str, *, firing: bool = True, starts_at: str = STARTS_AT, **labels: str) -> dict[str, Any]:
    named = {"alertname": name, "bot": "paper", **labels}
    return {
        "status": "firing" if firing else "resolved",
        "labels": {key: value for key, value in named.items() if value},
        "annotations": {"summary": f"{named['bot']}: {name}"},
        "startsAt": starts_at,
        "endsAt": "0001-01-01T00:00:00Z" if firing else "2026-11-25T06:05:00Z",
        "generatorURL": "",
        "fingerprint": fingerprint_of({key: value for key, value in named.items() if value}),
    }


def body(*alerts: dict[str, Any]) -> dict[str, Any]:
    status = "firing" if any(one["status"] == "firing" for one in alerts) else "resolved"
    return {"version": "4", "status": status, "receiver": "stop", "truncatedAlerts": 0, "alerts": list(alerts)}


LATENCY = body(one("SoakLatencyP95High"))
