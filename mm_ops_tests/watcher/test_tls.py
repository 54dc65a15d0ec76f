"""The watcher over TLS, for clients with a certificate only."""

import socket
import subprocess
from pathlib import Path

import pytest
import requests

from mm_ops_tests.alert_stack import catalogue_of
from mm_ops_tests.live_watcher import TOKEN, RunningWatcher, prepare
from mm_ops_tests.requirements import require_binary
from mm_ops_tests.watcher.alerts import LATENCY


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """An authority, a server's certificate and a client's, in one folder."""
    openssl, folder = require_binary("openssl"), tmp_path / "tls"
    folder.mkdir()
    new = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    for name, subject, more in (
        ("ca", "/CN=authority", []),
        ("server", "/CN=watcher", ["-addext", "subjectAltName=IP:127.0.0.1", "-CA", "ca.crt", "-CAkey", "ca.key"]),
        ("client", "/CN=alertmanager", ["-CA", "ca.crt", "-CAkey", "ca.key"]),
        ("stranger", "/CN=stranger", []),
    ):
        out = ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", subject]
        subprocess.run([*new, *out, *more], cwd=folder, check=True, capture_output=True)
    return folder


def test_only_clients_of_the_authority_get_in(tmp_path: Path, certificates: Path):
    prepare(tmp_path, catalogue_of({"paper": "http://127.0.0.1:9"}, "https://127.0.0.1/alert-hook", 1).fleet)
    names = {"--tls-cert": "server.crt", "--tls-key": "server.key", "--client-ca": "ca.crt"}
    watcher = RunningWatcher(
        tmp_path, tuple(part for flag, name in names.items() for part in (flag, str(certificates / name)))
    )
    process = watcher.spawn()
    try:
        url = f"https://127.0.0.1:{watcher.port}"
        watcher.until(lambda: f"{url}/alert-hook" in watcher.log)

        def post(client: str | None) -> int:
            pair = (
                None if client is None else (str(certificates / f"{client}.crt"), str(certificates / f"{client}.key"))
            )
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answer = requests.post(
                f"{url}/alert-hook",
                json=LATENCY,
                headers=headers,
                cert=pair,
                verify=str(certificates / "ca.crt"),
                timeout=30,
            )
            return answer.status_code

        assert post("client") == 200
        for stranger in (None, "stranger"):
            with pytest.raises(requests.ConnectionError):
                post(stranger)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{watcher.port}/health", timeout=30)
        assert post("client") == 200
    finally:
        process.terminate()
        assert process.wait(40) == 0


def test_a_peer_that_drips_its_greeting_is_left(tmp_path: Path, certificates: Path):
    prepare(tmp_path, catalogue_of({"paper": "http://127.0.0.1:9"}, "https://127.0.0.1/alert-hook", 1).fleet)
    flags = ("--tls-cert", str(certificates / "server.crt"), "--tls-key", str(certificates / "server.key"))
    watcher = RunningWatcher(tmp_path, flags)
    process = watcher.spawn()
    try:
        watcher.until(lambda: "/alert-hook" in watcher.log)
        with socket.create_connection(("127.0.0.1", watcher.port), timeout=40) as peer:  # asyncio's own limit is 60 s
            peer.sendall(b"\x16\x03\x01\x02\x00")  # the head of a record, and nothing of what it promises
            assert peer.recv(1) == b""
    finally:
        process.terminate()
        assert process.wait(40) == 0


def test_a_certificate_that_cannot_be_used_is_said_in_one_line(tmp_path: Path, certificates: Path):
    prepare(tmp_path, catalogue_of({"paper": "http://127.0.0.1:9"}, "https://127.0.0.1/alert-hook", 1).fleet)
    (certificates / "server.key").write_text("no key\n", encoding="utf-8")
    flags = ("--tls-cert", str(certificates / "server.crt"), "--tls-key", str(certificates / "server.key"))
    watcher = RunningWatcher(tmp_path, flags)
    assert watcher.spawn().wait(60) == 2
    assert "tls: /" in watcher.log.splitlines()[-1], "it names the file"
    assert "Traceback" not in watcher.log
