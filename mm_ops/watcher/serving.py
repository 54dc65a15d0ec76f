"""Runs the watcher until it is told to stop."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvicorn

from mm_ops.adapters.alertmanager import Alertmanager
from mm_ops.adapters.environment import WallClock, is_read_by_others
from mm_ops.adapters.journal import Journal
from mm_ops.adapters.locks import held
from mm_ops.adapters.notifier import Notifier, outbox_beside
from mm_ops.adapters.prometheus_alerts import PrometheusAlerts
from mm_ops.domain.errors import IntegrityError, PolicyError, SourceUnavailableError
from mm_ops.domain.notify.notice import About
from mm_ops.domain.notify.policy import NotifyPolicy
from mm_ops.domain.policy import SecretPlace
from mm_ops.domain.rollback.bot import BotControl
from mm_ops.domain.rollback.policy import RollbackPolicy
from mm_ops.domain.rollback.response import Responder
from mm_ops.watcher.app import build_app
from mm_ops.watcher.backstop import Backstop
from mm_ops.watcher.guard import Guard
from mm_ops.watcher.protocol import DeadlineLoop, DeadlineProtocol
from mm_ops.watcher.service import Service

MOST_CONNECTIONS = 512
"""More are answered 503 at once."""
_UNHEARD = "stop the bots by hand if they must stop: no alert is heard"
BACKLOG = 128
"""Taken in at once, before any of them can be closed: files are finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a watcher is run; with ``tls_cert`` over TLS, with ``client_ca`` only for clients that it has signed.

    ``alertmanager`` and ``prometheus`` are the addresses that the backstop reads; without any there is none.
    ``secret`` reads the address of a channel of ``notify``; ``secret_files`` are those that hold a token or an address.
    """

    host: str
    port: int
    journal: str
    anchor: Path
    owner: str
    token_file: Path
    policy: RollbackPolicy
    bots: dict[str, BotControl]
    notify: NotifyPolicy
    secret: Callable[[SecretPlace], str]
    release_of: Callable[[str], str]
    dry_run: bool
    secret_files: tuple[Path, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    alertmanager: str | None = None
    prometheus: str | None = None


def watch(setup: Setup, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        IntegrityError: the journal is damaged; it is said as a page, and nothing is served.
        SourceUnavailableError: the journal does not answer.
        PolicyError: a file cannot be used, or the address is taken.
    """
    guard = Guard(setup.token_file)
    if guard.fault:
        raise PolicyError(guard.fault)
    with _listening(setup.host, setup.port) as door, _alone(setup):  # before anything is asked of a bot
        _watch(setup, guard, door, say)


def _watch(setup: Setup, guard: Guard, door: socket.socket, say: Callable[[str], None]) -> None:
    clock = WallClock()
    outbox = outbox_beside(setup.anchor)
    notifier = Notifier(
        setup.notify,
        outbox,
        clock,
        say=lambda words: say(f"watch: {words}"),
        secret=setup.secret,
        release_of=setup.release_of,
    )
    notifier.start()
    journal = _open_journal(setup, notifier)
    notifier.attach(lambda subject, key, body: journal.note_event(subject, key, body, clock.now()))
    service = _compose(setup, journal, notifier, clock, say)
    _say_how_it_is_set(setup, say)
    _note_how_it_is_set(setup, journal, clock, say)
    service.start()
    try:
        with asyncio.Runner(loop_factory=DeadlineLoop) as runner:
            runner.run(_serve(setup, service, guard, door, say))
    finally:
        within = setup.policy.attempts.longest + timedelta(seconds=1)
        if not service.close(within):
            say("watch: a stop was still running; the next start finishes it")


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take the address; nobody is let in before everything is ready."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an acknowledgement
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise PolicyError(f"{host}:{port}: the address is taken or not ours: {error.strerror or error}") from error
        yield door


def _alone(setup: Setup) -> contextlib.AbstractContextManager[None]:
    """Hold the anchor: two watchers of one owner would both carry out a stop, and one would lose its anchor."""
    busy = f"{setup.anchor}: a watcher is at work with this anchor: stop it, or give another --owner and --anchor"
    return held(setup.anchor.with_name(f".{setup.anchor.name}.lock"), busy)


def _open_journal(setup: Setup, notifier: Notifier) -> Journal:
    """Open the journal, or page and say why not."""
    try:
        journal = Journal(setup.journal, setup.anchor, owner=setup.owner, lease=2 * setup.policy.attempts.longest)
        _keep_trials_apart(setup, journal)
    except IntegrityError as error:
        todo = f"{_UNHEARD}; keep the file, then `mm-ops audit verify`"
        reason = f"the journal is not as it was written, the watcher does not start: {error}"
        notifier.page(reason, About(todo=todo, grave=True))
        raise
    except SourceUnavailableError as error:
        todo = (
            f"{_UNHEARD}; see that the journal's server or disk is there: the watcher starts again when it is restarted"
        )
        notifier.page(f"the watcher does not start: {error}", About(todo=todo, grave=True))
        raise
    else:
        return journal
    finally:
        if sys.exc_info()[0] is not None:
            notifier.close()


def _keep_trials_apart(setup: Setup, journal: Journal) -> None:
    """Refuse a dry run on the journal of a watcher that commands bots: it would mark as done what was left to do."""
    if setup.dry_run and not all(mode["dry_run"] for mode in journal.modes().values()):
        journal.close()
        raise PolicyError(
            f"--journal: {setup.journal} is of a watcher that commands bots: --dry-run needs one of its own"
        )


def _compose(
    setup: Setup, journal: Journal, notifier: Notifier, clock: WallClock, say: Callable[[str], None]
) -> Service:
    within = setup.policy.backstop.timeout
    alertmanager = None if setup.alertmanager is None else Alertmanager.at(setup.alertmanager, within)
    prometheus = None if setup.prometheus is None else PrometheusAlerts.at(setup.prometheus, within)
    responder = Responder(
        journal,
        setup.bots,
        setup.policy,
        clock,
        notifier,
        dry_run=setup.dry_run,
        source=alertmanager,
        truth=prometheus,
    )
    service = Service(journal, responder, say, notifier=notifier)
    if alertmanager or prometheus:
        service.backstop = Backstop(
            journal=journal,
            policy=setup.policy,
            clock=clock,
            pager=notifier,
            take_in=service.put_in,
            say=lambda words: say(f"watch: {words}"),
            alertmanager=alertmanager,
            prometheus=prometheus,
        )
    return service


def _say_how_it_is_set(setup: Setup, say: Callable[[str], None]) -> None:
    if setup.dry_run:
        say("watch: DRY RUN: no bot is commanded, whatever fires")
    if not setup.policy.auto_rollback.enabled:
        say("watch: AUTO ROLLBACK IS OFF (rollback.yaml: auto_rollback.enabled): every rollback is only a page")
    if setup.alertmanager is None and setup.prometheus is None:
        say("watch: NO BACKSTOP (--alertmanager, --prometheus): an alert that no webhook brings is not heard")
    for path in setup.secret_files:  # told, and not refused: a stop must not hang on the mode of a file
        if is_read_by_others(path):
            say(f"watch: {path}: every user may read it: chmod 600, and make another secret")
    if not setup.bots:
        say("watch: no bot of bots.yaml has a control: every rollback is only a page")


def _note_how_it_is_set(setup: Setup, journal: Journal, clock: WallClock, say: Callable[[str], None]) -> None:
    """Write down what others must know of this watcher: whether it commands bots, and which servers it reads."""
    named = {"alertmanager": setup.alertmanager, "prometheus": setup.prometheus}
    mode = {
        "dry_run": setup.dry_run,
        "auto_rollback": setup.policy.auto_rollback.enabled,
        "reads": sorted(name for name, url in named.items() if url is not None),
    }
    try:
        journal.note_event("watcher", setup.owner, mode, clock.now())
    except SourceUnavailableError as error:  # what it is for goes on; a stop is written down again and again
        say(f"watch: not written down how it is set: {error}")


async def _serve(setup: Setup, service: Service, guard: Guard, door: socket.socket, say: Callable[[str], None]) -> None:
    config = uvicorn.Config(
        build_app(service, guard),
        host=setup.host,
        port=setup.port,
        http=DeadlineProtocol,
        ws="none",
        lifespan="off",
        log_config=None,  # its complaints take the way of ours
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=75,  # longer than Alertmanager's own pauses, so that it keeps its connection
        timeout_graceful_shutdown=10,
        ssl_certfile=setup.tls_cert,
        ssl_keyfile=setup.tls_key,
        ssl_ca_certs=None if setup.client_ca is None else str(setup.client_ca),
        ssl_cert_reqs=2 if setup.client_ca is not None else 0,  # ssl.CERT_REQUIRED, CERT_NONE
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(str(file) for file in (setup.tls_cert, setup.tls_key, setup.client_ca) if file is not None)
        raise PolicyError(f"tls: {error.filename or files}: {error.strerror or error}") from error
    scheme = "http" if setup.tls_cert is None else "https"
    server = _Server(config, lambda port: say(f"watch: {scheme}://{setup.host}:{port}/alert-hook"))
    try:
        await server.serve(sockets=[door])
    except SystemExit as error:  # uvicorn's way to say that another listens there since
        raise PolicyError(f"{setup.host}:{setup.port}: the address is taken or not ours") from error


class _Server(uvicorn.Server):
    """Says its address once it listens, and ends with 0 when it is told to stop."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[int], None]) -> None:
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: object = None) -> None:
        """Listen."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started and self.servers:
            self._tell(self.servers[0].sockets[0].getsockname()[1])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, without raising the signal again when all is done: a supervisor would see a failure."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
