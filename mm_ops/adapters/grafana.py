"""Speaks with Grafana over its HTTP API, as a service account with a token.

Source: Grafana, docs/sources/developers/http_api, dashboard.md, folder.md and folder_dashboard_search.md; what refuses
with which status, pkg/services/dashboards/errors.go and pkg/api/apierrors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from mm_ops.adapters.bot_http import Answer, NoAnswerError, exchange, shown
from mm_ops.domain.errors import EffectNotConfirmedError, MmOpsError, PolicyError, SchemaError, SourceUnavailableError
from mm_ops.domain.grafana.decision import Found, Refuse
from mm_ops.domain.grafana.form import canonical_form
from mm_ops.domain.grafana.policy import Folder

MOST_BYTES = 16 * 1024 * 1024
"""Of one answer; a dashboard of 500 panels takes about 2 MB."""

_OK, _UNKNOWN, _OTHER_SCHEMA, _CONFLICT, _PRECONDITION = 200, 404, 406, 409, 412
_WRONG = 400
_PROVISIONED = "provisioned"
_BETWEEN = {
    "version-mismatch": "was changed while it was compared: look at the differences again",
    "name-exists": "has the title or the uid of another dashboard there: rename one of the two",
    "plugin-dashboard": "belongs to a plugin of that Grafana, which would overwrite it: give it another uid",
}
"""What a 412 says in its status. Source: dashboard.md, "Create / Update dashboard"."""


@dataclass(frozen=True, slots=True)
class GrafanaServer:
    """One Grafana; no error shows the token."""

    url: str
    token: str = field(repr=False)
    timeout: timedelta

    def dashboard(self, uid: str) -> Found | None:
        """Read a dashboard; ``None`` where there is none of that uid.

        Raises:
            SourceUnavailableError: no whole answer in time, or a refusal.
            PolicyError: the token is refused.
            SchemaError: the answer is not what the API documents, or is no dashboard that has one form.
        """
        answer = self._ask("GET", f"/api/dashboards/uid/{quote(uid, safe='')}")
        if answer.status == _UNKNOWN:
            return None
        if answer.status == _OTHER_SCHEMA:
            raise SchemaError(
                f"{self._place}: {uid} is kept in schema v2, which /api does not give: save it as v1 there"
            )
        document, meta = self._parts(self._read(answer, f"dashboard {uid}"), uid)
        version, folder = document.get("version"), meta.get("folderUid", "")
        if type(version) is not int or not isinstance(folder, str) or document.get("uid") != uid:
            raise SchemaError(f"{self._place}: {uid}: expected its uid, a whole version and a folderUid in the answer")
        provisioned = str(meta.get("provisionedExternalId") or "") if meta.get(_PROVISIONED) is True else None
        return Found(canonical_form(document, f"{uid} in Grafana"), version, folder, provisioned)

    def save(self, form: Mapping[str, Any], version: int, folder_uid: str, message: str) -> Refuse | None:
        """Write a dashboard over the one of this version (0: over none); Grafana refuses where another lies there.

        Raises:
            SourceUnavailableError: no whole answer came; whether it was taken is not known.
            PolicyError: the token is refused.
            SchemaError: Grafana does not take it.
        """
        body = {
            "dashboard": {**form, "id": None, "version": version},
            "folderUid": folder_uid,
            "message": message,
            "overwrite": False,
        }
        answer = self._ask("POST", "/api/dashboards/db", body)
        uid, said = str(form["uid"]), _said(answer)
        if answer.status == _PRECONDITION:
            return Refuse(f"{uid} {_BETWEEN.get(_field(answer, 'status'), said)}")
        if answer.status == _WRONG and _PROVISIONED in said.lower():
            return Refuse(f"{uid} is provisioned from a file of that Grafana: change that file instead")
        if answer.status in {_WRONG, _UNKNOWN}:
            raise SchemaError(f"{self._place}: does not take {uid}: {said}")
        self._read(answer, f"saving {uid}")
        return None

    def require_folder(self, folder: Folder) -> None:
        """Make the folder where it is not there, and read it back.

        Raises:
            PolicyError: it can neither be found nor made.
        """
        if self._has_folder(folder.uid):
            return
        answer = self._ask("POST", "/api/folders", {"uid": folder.uid, "title": folder.title})
        if answer.status in {_CONFLICT, _PRECONDITION, _WRONG}:
            raise PolicyError(
                f"{self._place}: folder {folder.uid}: is not there, and {folder.title!r} cannot be made: "
                f"{_said(answer)}: write the uid of the one that is there into grafana.yaml"
            )
        self._read(answer, f"folder {folder.uid}")
        if not self._has_folder(folder.uid):
            raise EffectNotConfirmedError(f"{self._place}: folder {folder.uid}: was made and is not there")

    def titled(self, title: str) -> list[str]:
        """The uids of the dashboards that have exactly this title."""
        query = urlencode({"query": title, "type": "dash-db", "limit": 100})
        answer = self._ask("GET", f"/api/search?{query}")
        listed = self._read(answer, "search")
        if not isinstance(listed, list):
            raise SchemaError(f"{self._place}: search: expected a list, was {type(listed).__name__}")
        return [str(hit["uid"]) for hit in listed if isinstance(hit, dict) and hit.get("title") == title]

    @property
    def _place(self) -> str:
        return f"grafana {shown(self.url)}"

    def _has_folder(self, uid: str) -> bool:
        answer = self._ask("GET", f"/api/folders/{quote(uid, safe='')}")
        if answer.status == _UNKNOWN:
            return False
        self._read(answer, f"folder {uid}")
        return True

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        address, within = f"{self.url.rstrip('/')}{path}", self.timeout.total_seconds()
        try:
            return exchange(method, address, within_s=within, headers=headers, body=body, most=MOST_BYTES)
        except NoAnswerError as error:
            raise SourceUnavailableError(
                f"{self._place}: {error}; does it run there, and is it its address?"
            ) from error

    def _read(self, answer: Answer, what: str) -> Any:
        """The document of a good answer, or what the status means."""
        if answer.status == _OK:
            try:
                return answer.document()
            except SchemaError as error:
                raise SchemaError(f"{self._place}: {what}: no JSON; is this the address of Grafana?") from error
        raise self._refusal(answer, what)

    def _refusal(self, answer: Answer, what: str) -> MmOpsError:
        said = f"{self._place}: {what}: status {answer.status}"
        match answer.status:
            case 401:
                return PolicyError(f"{said}: the token is wrong or has ended: make another of the service account")
            case 403:
                return PolicyError(f"{said}: the token may not: its service account needs the role Editor there")
            case status if 300 <= status < 400:  # noqa: PLR2004 - the redirects
                return PolicyError(f"{said}, a redirect: name the address that it leads to")
            case _:
                return SourceUnavailableError(f"{said}: {_said(answer)}")

    def _parts(self, document: Any, uid: str) -> tuple[dict[str, Any], dict[str, Any]]:
        parts = [document.get(name) if isinstance(document, dict) else None for name in ("dashboard", "meta")]
        if not all(isinstance(part, dict) for part in parts):
            raise SchemaError(f"{self._place}: {uid}: expected the objects dashboard and meta in the answer")
        return parts[0], parts[1]  # type: ignore[return-value] # both were just looked at


def _field(answer: Answer, name: str) -> str:
    try:
        document = answer.document()
    except SchemaError:
        return ""
    return str(document.get(name, "")) if isinstance(document, dict) else ""


def _said(answer: Answer) -> str:
    words = _field(answer, "message") or answer.body.decode(errors="replace")
    return " ".join(words.split())[:200] or f"status {answer.status} without a word"
