"""The project's catalogue, and ways to change one thing in it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from mm_ops.adapters.renderings import read_catalogue
from mm_ops.domain.bots import Bot, Scraped
from mm_ops.domain.rendering.catalogue import Catalogue, Watched
from mm_ops_tests.soak_samples import POLICIES


def project() -> Catalogue:
    """The project's own."""
    return read_catalogue(POLICIES)


def with_gate(catalogue: Catalogue, name: str, **different: Any) -> Catalogue:
    """Change one gate; what begins with ``alert_`` is a field of its alert."""
    of_alert = {key.removeprefix("alert_"): value for key, value in different.items() if key.startswith("alert_")}
    of_gate = {key: value for key, value in different.items() if not key.startswith("alert_")}
    gates = [
        replace(gate, **of_gate, alert=replace(gate.alert, **of_alert) if gate.alert else None)
        if gate.name == name
        else gate
        for gate in catalogue.soak.gates
    ]
    return replace(catalogue, soak=replace(catalogue.soak, gates=tuple(gates)))


def with_measure(catalogue: Catalogue, name: str, **different: Any) -> Catalogue:
    """Change how one SLI is measured."""
    slis = [
        replace(sli, measure=replace(sli.measure, **different)) if sli.name == name else sli
        for sli in catalogue.slis.slis
    ]
    return replace(catalogue, slis=replace(catalogue.slis, slis=tuple(slis)))


def with_bots(catalogue: Catalogue, *bots: Bot) -> Catalogue:
    """Another fleet."""
    return replace(catalogue, fleet=replace(catalogue.fleet, bots=bots))


def scraped(bot: Bot, name: str, /, **match: str) -> Bot:
    """A bot whose samples come from a server, selected by these labels."""
    server = Scraped(kind="prometheus", url="http://127.0.0.1:9090", match=match, timeout=timedelta(seconds=30))
    return replace(bot, name=name, samples=server)


def watched(catalogue: Catalogue, gate: str) -> Watched:
    """One gate with its SLI and its alert."""
    return next(one for one in catalogue.watched if one.gate.name == gate)
