"""A server that behaves as Grafana's HTTP API is documented; Grafana itself cannot be installed here.

From docs/sources/developers/http_api (dashboard.md, folder.md, folder_dashboard_search.md), and for what refuses when
pkg/services/dashboards/database/database.go, errors.go and pkg/api/apierrors of Grafana's repository.
"""

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from mm_ops_tests.site import Deployment

EDITOR, VIEWER = "glsa_editor_0123456789", "glsa_viewer_0123456789"
Answer = tuple[int, Any]
PROMETHEUS = {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}


@dataclass
class Stored:
    """A dashboard in the database."""

    number: int
    version: int
    folder: str
    data: dict[str, Any]
    provisioned: str | None = None
    plugin: str | None = None


@dataclass
class FakeGrafana:
    """The database, what was asked, and what else may happen."""

    url: str = ""
    boards: dict[str, Stored] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[["FakeGrafana", str, str], Answer | None] | None = None
    """Called before each request with its method and path; what it returns is the answer."""
    keep: Callable[[dict[str, Any]], dict[str, Any]] = copy.deepcopy
    """What a save keeps: one that keeps something else is a Grafana that lies."""
    numbers: int = 0

    def edit(self, uid: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a dashboard as a person does in the UI: it is saved with all that Grafana's own pages add."""
        stored = self.boards[uid]
        change(stored.data)
        stored.data.setdefault("annotations", {"list": []})["list"].insert(0, copy.deepcopy(BUILT_IN))
        for panel in stored.data["panels"]:
            panel["pluginVersion"] = "12.3.1"
        for variable in stored.data["templating"]["list"]:
            if variable["type"] in {"query", "datasource"}:
                variable["current"], variable["options"] = {"text": "paper", "value": "paper"}, []
        stored.version += 1

    def put(self, uid: str, data: dict[str, Any], **different: Any) -> Stored:
        """Put a dashboard there that nobody imported."""
        self.numbers += 1
        self.boards[uid] = Stored(self.numbers, 1, different.pop("folder", ""), copy.deepcopy(data), **different)
        return self.boards[uid]

    def answer(self, method: str, target: str, token: str, body: Any) -> Answer:
        """Answer one request."""
        parts = urlsplit(target)
        self.asked.append((method, parts.path))
        hooked = self.before(self, method, parts.path) if self.before else None
        if hooked is not None:
            return hooked
        if token not in {EDITOR, VIEWER}:
            return 401, {"message": "Invalid API key", "messageId": "api-key.invalid", "statusCode": 401, "traceID": ""}
        if method == "POST" and token != EDITOR:
            said = "You'll need additional permissions to perform this action. Permissions needed: dashboards:write"
            return 403, {"accessErrorId": "ACE0123456789", "message": said, "title": "Access denied"}
        return self._route(method, parts.path, parse_qs(parts.query), body)

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if found := re.fullmatch(r"/api/dashboards/uid/([^/]+)", path):
            return self._get(found[1])
        if found := re.fullmatch(r"/api/folders/([^/]+)", path):
            return self._folder(found[1])
        if path == "/api/search":
            return 200, self._search(query)
        if method == "POST" and path == "/api/dashboards/db":
            return self._save(body)
        if method == "POST" and path == "/api/folders":
            return self._make(body)
        return 404, {"message": "Not found"}

    def _get(self, uid: str) -> Answer:
        if uid not in self.boards:
            return 404, {"message": "Dashboard not found", "traceID": ""}
        stored = self.boards[uid]
        meta = {
            "type": "db",
            "canSave": True,
            "slug": "x",
            "url": f"/d/{uid}/x",
            "version": stored.version,
            "created": "2026-11-20T00:00:00Z",
            "updated": "2026-11-20T00:00:00Z",
            "updatedBy": "sa-mm-ops",
            "isFolder": False,
            "folderId": 0,
            "folderUid": stored.folder,
            "folderTitle": self.folders.get(stored.folder, "General"),
            "provisioned": stored.provisioned is not None,
            "provisionedExternalId": stored.provisioned or "",
        }
        data = {**stored.data, "id": stored.number, "uid": uid, "version": stored.version}
        return 200, {"meta": meta, "dashboard": data}

    def _save(self, body: Any) -> Answer:  # noqa: C901, PLR0911 - the refusals of one documented call, in its order
        if not isinstance(body, dict) or not isinstance(body.get("dashboard"), dict):
            return 400, {"message": "bad request data"}
        data, folder = body["dashboard"], body.get("folderUid") or ""
        if not data.get("title"):
            return 400, {"status": "empty-name", "message": "Dashboard title cannot be empty"}
        if len(data.get("uid") or "") > 40:
            return 400, {"message": "uid too long, max 40 characters"}
        if folder and folder not in self.folders:
            return 400, {"message": "folder not found"}
        uid = data.get("uid") or f"made-{self.numbers}"
        stored = self.boards.get(uid)
        if stored is None:
            stored = self.put(uid, {})
        else:
            if stored.provisioned is not None:
                return 400, {"message": "Cannot save provisioned dashboard"}
            if data.get("version") != stored.version and not body.get("overwrite"):
                said = "The dashboard has been changed by someone else"
                return 412, {"status": "version-mismatch", "message": said}
            if stored.plugin is not None and not body.get("overwrite"):
                return 412, {
                    "status": "plugin-dashboard",
                    "message": f"The dashboard belongs to plugin {stored.plugin}.",
                }
            stored.version += 1
        kept = self.keep({name: value for name, value in data.items() if name not in {"id", "version", "uid"}})
        stored.data, stored.folder = kept, folder
        slug = re.sub(r"\W+", "-", data["title"].lower())
        found = {"id": stored.number, "uid": uid, "url": f"/d/{uid}/{slug}", "slug": slug}
        return 200, {**found, "status": "success", "version": stored.version, "folderUid": folder}

    def _folder(self, uid: str) -> Answer:
        if uid not in self.folders:
            return 404, {"status": "not-found", "message": "folder not found"}
        return 200, {"id": 1, "uid": uid, "title": self.folders[uid], "url": f"/dashboards/f/{uid}/x", "version": 1}

    def _make(self, body: Any) -> Answer:
        uid, title = body["uid"], body["title"]
        if uid in self.folders or title in self.folders.values():
            return 409, {"message": "a folder with the same name already exists in the current location"}
        self.folders[uid] = title
        return self._folder(uid)

    def _search(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """A part of the title is enough, as in Grafana."""
        wanted = query["query"][0].lower()
        named = {uid: str(stored.data.get("title")) for uid, stored in self.boards.items()}
        return [
            {"id": 1, "uid": uid, "title": title, "uri": "db/x", "url": f"/d/{uid}/x", "type": "dash-db", "tags": []}
            for uid, title in named.items()
            if wanted in title.lower()
        ]


BUILT_IN = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def as_javascript(data: dict[str, Any]) -> dict[str, Any]:
    """Keep numbers as JavaScript and Go's floats do: ``2.0`` comes back as ``2``."""

    def whole(text: str) -> Any:
        return int(float(text)) if float(text).is_integer() else float(text)

    kept: dict[str, Any] = json.loads(json.dumps(data), parse_float=whole)
    return kept


def name_grafanas(site: Deployment, urls: dict[str, str]) -> None:
    """Name Grafanas in the policy of a deployment, all with the editor's token."""
    (site.root / "grafana.token").write_text(EDITOR + "\n")
    (site.root / "grafana.token").chmod(0o600)
    policy = yaml.safe_load(site.policy("grafana.yaml").read_text())
    policy["environments"] = [
        {
            "name": name,
            "url": url,
            "token": {"file": "grafana.token"},
            "folder": {"uid": "mm-ops", "title": "Market making"},
            "source": "made up for a test",
        }
        for name, url in urls.items()
    ]
    site.policy("grafana.yaml").write_text(yaml.safe_dump(policy))


@contextmanager
def fake_grafana() -> Iterator[FakeGrafana]:
    """Serve on a free port of this machine."""
    grafana = FakeGrafana()

    class Handler(BaseHTTPRequestHandler):
        def _meet(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = grafana.answer(self.command, self.path, token, json.loads(data) if data else None)
            content = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            kind = "text/html" if isinstance(document, str) else "application/json; charset=UTF-8"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _meet  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        grafana.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield grafana
        finally:
            server.shutdown()
            thread.join(10)
