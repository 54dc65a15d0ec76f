"""Brings committed dashboards into one Grafana: looks, decides, writes, reads back, remembers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.grafana import GrafanaServer
from mm_ops.adapters.json_files import parse_json, read_json
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import EffectNotConfirmedError, PolicyError, SchemaError
from mm_ops.domain.grafana.decision import (
    Board,
    Create,
    Decision,
    Found,
    Refuse,
    Remembered,
    Same,
    decide_import,
    differs,
)
from mm_ops.domain.grafana.differences import Difference
from mm_ops.domain.grafana.form import canonical_form, form_digest
from mm_ops.domain.grafana.policy import Grafana, GrafanaPolicy


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import did, or would have done: ``version`` is what was read back, and nothing where nothing is known."""

    environment: str
    board: Board
    decision: Decision
    differences: Sequence[Difference]
    version: int | None


Show = Callable[[Board, Sequence[Difference]], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """One Grafana, and what was imported into it last."""

    grafana: Grafana
    server: GrafanaServer
    artifacts: Artifacts

    @classmethod
    def of(cls, grafana: Grafana, policy: GrafanaPolicy, environment: Environment) -> "Desk":
        """Make one; the token is read now.

        Raises:
            PolicyError: there is no token, or others may read it.
        """
        token = environment.token(grafana.token)
        return cls(grafana, GrafanaServer(grafana.url, token, policy.timeout), Artifacts(environment.artifacts))

    def compare(self, board: Board) -> list[Difference]:
        """Every difference between what is committed and what is there.

        Raises:
            MmOpsError: nobody can tell.
        """
        return differs(board, self.grafana.folder_uid, self.server.dashboard(board.uid))

    def bring(self, board: Board, now: datetime, *, overwrite: int | None, dry: bool, show: Show) -> Brought:
        """Import one dashboard, where that is allowed; what it changes is shown before anything is.

        ``overwrite`` is the version that may be written over whoever made it, 0 for one that is gone.

        Raises:
            EffectNotConfirmedError: it was taken, and what is there is something else.
            MmOpsError: it cannot be told what is there, or it was not taken.
        """
        found = self.server.dashboard(board.uid)
        decision = decide_import(
            board, self.grafana.folder_uid, found, self._remembered(board.uid), overwrite=overwrite
        )
        differences = differs(board, self.grafana.folder_uid, found)
        show(board, differences)
        if isinstance(decision, Refuse) and found is None:
            decision = Refuse(decision.reason + self._elsewhere(board))
        version = found.version if found else None
        if not dry and not isinstance(decision, Refuse):
            decision, version = self._write(board, decision, now)
        return Brought(self.grafana.name, board, decision, differences, version)

    def _write(self, board: Board, decision: Decision, now: datetime) -> tuple[Decision, int | None]:
        if not isinstance(decision, Same):
            if self.grafana.folder is not None:
                self.server.require_folder(self.grafana.folder)
            version = 0 if isinstance(decision, Create) else decision.version  # type: ignore[union-attr] # an update
            message = f"mm-ops grafana import of {board.file}"
            refused = self.server.save(board.form, version, self.grafana.folder_uid, message)
            if refused is not None:
                return refused, None
        found = self.server.dashboard(board.uid)
        left = differs(board, self.grafana.folder_uid, found)
        if found is None or left:
            raise EffectNotConfirmedError(
                f"{self.grafana.name}/{board.uid}: was written and reads back as another: {left[0]}"
            )
        self._remember(board, found, now)
        return decision, found.version

    def _elsewhere(self, board: Board) -> str:
        uids = [uid for uid in self.server.titled(str(board.form["title"])) if uid != board.uid]
        return f" (there is one of its title: {', '.join(uids)})" if uids else ""

    def _remembered(self, uid: str) -> Remembered | None:
        """What was imported here last; of another address it is nothing that can be compared with."""
        name = self._memory(uid)
        if not self.artifacts.has(name):
            return None
        kept = parse_json(self.artifacts.read(name), self.artifacts.address(name))
        try:
            last = Remembered(int(kept["version"]), str(kept["digest"]))
            return last if kept["url"] == self.grafana.url else None
        except (TypeError, KeyError, ValueError) as error:
            raise SchemaError(
                f"{self.artifacts.address(name)}: not what mm-ops wrote: remove it, and look at mm-ops grafana diff"
            ) from error

    def _remember(self, board: Board, found: Found, now: datetime) -> None:
        kept = {
            "url": self.grafana.url,
            "uid": board.uid,
            "file": board.file,
            "version": found.version,
            "digest": form_digest(found.form),
            "at": now,
        }
        self.artifacts.put(self._memory(board.uid), encode(kept))

    def _memory(self, uid: str) -> str:
        return f"grafana/{self.grafana.name}/{uid}.json"


def read_board(root: Path, file: str) -> Board:
    """Read a committed dashboard.

    Raises:
        MissingEvidenceError: there is no such file.
        SchemaError: it is no dashboard with a uid.
    """
    form = canonical_form(read_json(root / file), file)
    uid = form.get("uid")
    if not isinstance(uid, str) or not uid:
        raise SchemaError(f"{file}: uid: expected one: without it Grafana would make another dashboard each time")
    return Board(file, uid, form)


def read_boards(root: Path, files: Sequence[str]) -> list[Board]:
    """Read the committed dashboards; two of one uid would overwrite each other.

    Raises:
        PolicyError: two files hold one uid.
    """
    boards = [read_board(root, file) for file in files]
    uids = [board.uid for board in boards]
    for board in boards:
        if uids.count(board.uid) > 1:
            raise PolicyError(f"{board.file}: uid {board.uid} is another's too: give each dashboard its own")
    return boards
