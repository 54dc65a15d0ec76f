"""From a breach to a halted bot through a real Prometheus and Alertmanager at 1 s, and how much of it is ours.

Alertmanager sends each alert to two hooks at once: the watcher, and one that only notes when it came. Between that
and the last action that was read back lies what the watcher takes; all before is Prometheus and Alertmanager.
"""

import http.server
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from bench_watch import finished

from mm_ops.domain.rendering.alertmanager import build_alertmanager
from mm_ops_tests.alert_stack import catalogue_of, free_address, serving
from mm_ops_tests.live_paperbot import free_port, running
from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, prepare
from mm_ops_tests.requirements import require_binary

BREACHES = 40
APART_S = 0.37
"""No divisor of a second: every phase of a scrape and an evaluation is met."""

ALERT = "SoakLatencyP95High"
RULES = {
    "groups": [
        {
            "name": "breach",
            "rules": [
                {"alert": ALERT, "expr": "breached > 0", "labels": {"action": "rollback", "severity": "critical"}}
            ],
        }
    ]
}


class Breaches:
    """When each bot's breach began, and when the hook beside the watcher's heard of it; serves both."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        self.heard: dict[str, float] = {}

    def exposition(self) -> str:
        """The metric that the rule reads."""
        return "".join(f'breached{{bot="bot{n}"}} {int(f"bot{n}" in self.began)}\n' for n in range(BREACHES))

    def hear(self, body: bytes) -> None:
        """Note when an alert came first."""
        for alert in json.loads(body)["alerts"]:
            self.heard.setdefault(alert["labels"]["bot"], time.time())


def measure_breach(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured: name, value, the target of the issue."""
    breaches = Breaches()
    with ExitStack() as stack:
        beside = stack.enter_context(_beside(breaches))
        bot = stack.enter_context(running(folder, speed=20))
        port = free_port()
        hook = f"http://127.0.0.1:{port}/alert-hook"
        catalogue = catalogue_of({f"bot{number}": bot.url for number in range(BREACHES)}, hook, 1)
        prepare(folder, catalogue.fleet)
        routes = build_alertmanager(catalogue)
        for receiver in routes["receivers"]:
            receiver["webhook_configs"].append({"url": f"http://{beside}/hook", "send_resolved": False})
        prometheus, alertmanager = _start(stack, folder, beside, routes)
        watcher = RunningWatcher(folder, ("--prometheus", prometheus, "--alertmanager", alertmanager), port)
        watcher.start()
        stack.callback(watcher.stop)
        _breach(breaches)
        watcher.until(lambda: len(finished(watcher)) == BREACHES, 120)
        halted = finished(watcher)
    whole = sorted(halted[name] - began for name, began in breaches.began.items())
    ours = sorted(halted[name] - heard for name, heard in breaches.heard.items())
    theirs = sorted(heard - breaches.began[name] for name, heard in breaches.heard.items())
    yield "breach to bot halted, 1 s scrape and evaluation, p50 / p95", f"{_both(whole)} s", "-"
    yield "  of that Prometheus and Alertmanager", f"{_both(theirs)} s", "-"
    yield "  ours above that, p95", f"{_p95(ours) * 1e3:.0f} ms", "< 100 ms"


def _breach(breaches: Breaches) -> None:
    time.sleep(3)
    for number in range(BREACHES):
        breaches.began[f"bot{number}"] = time.time()
        time.sleep(APART_S)


def _start(stack: ExitStack, folder: Path, beside: str, routes: object) -> tuple[str, str]:
    prometheus, alertmanager = free_address(), free_address()
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": "breach", "static_configs": [{"targets": [beside]}]}],
    }
    for name, document in (("rules", RULES), ("prometheus", configuration), ("alertmanager", routes)):
        (folder / f"{name}.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (folder / "hook.token").write_text(f"{TOKEN}\n", encoding="utf-8")
    for binary, address, *flags in (
        (
            "prometheus-alertmanager",
            alertmanager,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/am",
            "--cluster.listen-address=",
        ),
        ("prometheus", prometheus, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"),
    ):
        command = (require_binary(binary), f"--web.listen-address={address}", *flags)
        stack.enter_context(serving(address, folder / f"{binary}.log", *command))
    return f"http://{prometheus}", f"http://{alertmanager}"


@contextmanager
def _beside(breaches: Breaches) -> Iterator[str]:
    """Serve the metric and the hook that only notes; gives the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(breaches.exposition().encode())

        def do_POST(self) -> None:
            breaches.hear(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[18]


def _both(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} / {_p95(values):.2f}"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        for what, value, target in measure_breach(Path(name)):
            print(f"{what:<60} {value:<60} {target}")
