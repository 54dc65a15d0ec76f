"""Secrets in every place where one belongs, a night, the commands that use them: none is seen anywhere afterwards."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mm_ops_tests.planted_secrets import drawn
from mm_ops_tests.site import Deployment

PLANTED = {
    name: drawn(32, seed=n) for n, name in enumerate(("bot", "channel", "journal", "ping", "grafana", "hook"), 70)
}


@pytest.fixture(scope="module")
def site(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A bot with a token, a channel with an address, a journal with a password: all of them where they belong."""
    made, kept = Deployment(tmp_path_factory.mktemp("site"), {"paper": healthy}), tmp_path_factory.mktemp("kept")
    for name, secret in PLANTED.items():
        (kept / name).write_text(f"http://127.0.0.1:9/{secret}\n" if name == "channel" else f"{secret}\n")
        (kept / name).chmod(0o600)
    fleet = yaml.safe_load(made.policy("bots.yaml").read_text())
    control = {"kind": "http", "url": "http://127.0.0.1:9", "token_file": str(kept / "bot")}
    fleet["bots"][0] |= {"control": control, "watcher": "optional"}
    made.policy("bots.yaml").write_text(yaml.safe_dump(fleet))
    notify = yaml.safe_load(made.policy("notify.yaml").read_text())
    address = {"file": str(kept / "channel")}
    notify["channels"] = [
        {"name": "pager", "kind": "webhook", "address": address, "audiences": ["oncall"], "source": "of this test"}
    ]
    made.policy("notify.yaml").write_text(yaml.safe_dump(notify))
    return made


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, and what is in every ZIP; what a database holds is in its file as it is."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path), path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    for name in archive.namelist():
                        yield f"{path}!{name}", archive.read(name)


def test_no_secret_is_in_logs_metadata_or_artifacts(site: Deployment):
    ping = {"MM_OPS_SENTINEL_PING": f"http://127.0.0.1:9/{PLANTED['ping']}", "GRAFANA_TOKEN": PLANTED["grafana"]}
    journal = f"postgresql+psycopg2://watcher:{PLANTED['journal']}@127.0.0.1:9/journal"
    night = site.run("nightly", **ping)
    assert night.returncode == 0, night.stderr
    before = {name for name, _ in everything(site.root)}
    alone = site.run("ci", "--ephemeral", "--select", "is_go", "--select", "golden_report", **ping)
    assert (alone.returncode, alone.stdout.splitlines()[-1]) == (0, "| ci | PASS | CI=PASS |"), alone.stderr
    assert {name for name, _ in everything(site.root)} == before  # the place where it made the day is gone
    commands = (["notify", "test"], ["halt", "status"], ["audit", "verify"], ["sentinel", "cron"])
    told = [night, alone, *(site.run(*words, **ping, MM_OPS_JOURNAL=journal) for words in commands)]
    told += [site.run("--log-format", "json", "bot", "check", f"http://bot:{PLANTED['hook']}@127.0.0.1:9", **ping)]
    assert [done.returncode for done in told[2:]].count(0) == 0  # each was refused by what it asked, and says so
    spoken = [(" ".join(done.args[3:]), (done.stdout + done.stderr).encode()) for done in told]
    written = list(everything(site.root))
    assert any("release/paper-v1.0.0.zip!" in name for name, _ in written)
    assert any(name.endswith(".db") and b"MATERIALIZATION" in data for name, data in written)
    seen = [
        (where, name) for where, data in [*spoken, *written] for name, one in PLANTED.items() if one.encode() in data
    ]
    assert seen == []
