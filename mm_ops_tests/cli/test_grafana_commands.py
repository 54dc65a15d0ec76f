"""``mm-ops grafana`` as people run it, against a server that behaves as Grafana's API is documented."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mm_ops_tests.grafana_server import EDITOR, FakeGrafana, fake_grafana, name_grafanas
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.site import Deployment

FILE = "deploy/grafana/dashboards/mm_operability.json"
COMMITTED = (PROJECT / FILE).read_text(encoding="utf-8")


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with fake_grafana() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, grafana: FakeGrafana) -> Deployment:
    made = Deployment(tmp_path / "site", {"paper": tmp_path / "recording"})
    name_grafanas(made, {"production": grafana.url})
    return made


def last(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    assert "Traceback" not in done.stderr
    return done.returncode, (done.stdout.splitlines() or [""])[-1]


def test_a_day_with_it(site: Deployment, grafana: FakeGrafana):
    drift = site.run("grafana", "diff")
    assert last(drift) == (1, "| grafana diff | DRIFT | GRAFANA_DIFF=DRIFT |")
    assert "production/mm-operability: 1 difference\n  $: committed a dashboard, in Grafana nothing" in drift.stdout

    dry = site.run("grafana", "import", "--dry-run")
    assert last(dry) == (0, "| grafana import | DRYRUN | GRAFANA_IMPORT=DRYRUN |")
    assert grafana.boards == {}

    done = site.run("grafana", "import")
    assert last(done) == (0, "| grafana import | OK | GRAFANA_IMPORT=OK |")
    assert last(site.run("grafana", "diff")) == (0, "| grafana diff | SAME | GRAFANA_DIFF=SAME |")

    exported = site.run("grafana", "export")
    assert (exported.returncode, exported.stdout) == (0, COMMITTED)
    assert exported.stderr == "| grafana export | OK | GRAFANA_EXPORT=OK |\n"

    grafana.edit("mm-operability", lambda data: data["panels"][0].update(title="Edge, mine"))
    refused = site.run("grafana", "import")
    assert last(refused) == (1, "| grafana import | REFUSED | GRAFANA_IMPORT=REFUSED |")
    shown = "  $.panels.1.title (Net edge): committed 'Net edge', in Grafana 'Edge, mine'"
    assert shown in refused.stdout
    assert "was changed in Grafana since its last import" in " ".join(refused.stdout.split())

    kept = site.run("grafana", "export", "--output", "theirs.json")
    assert last(kept) == (0, "| grafana export | OK | GRAFANA_EXPORT=OK |")
    assert json.loads((site.root / "theirs.json").read_text())["panels"][0]["title"] == "Edge, mine"
    assert last(site.run("grafana", "diff", "--input", "theirs.json"))[0] == 0

    assert last(site.run("grafana", "import", "--overwrite", "1"))[0] == 1
    assert last(site.run("grafana", "import", "--overwrite", "2"))[0] == 0
    assert grafana.boards["mm-operability"].data["panels"][0]["title"] == "Net edge"


def test_a_machine_reads_one_document(site: Deployment):
    drift = site.run("grafana", "diff", "--json")
    (difference,) = json.loads(drift.stdout)["differences"]["mm-operability"]
    assert (drift.returncode, difference) == (1, {"place": "$", "here": "a dashboard", "there": "nothing"})
    done = site.run("grafana", "import", "--json")
    (answer,) = json.loads(done.stdout)
    assert (done.returncode, answer["dashboard"], answer["answer"]) == (0, "production/mm-operability", "create")
    assert answer["version"] == 1
    assert done.stderr == "| grafana import | OK | GRAFANA_IMPORT=OK |\n"


def test_each_of_several_grafanas_has_its_own_memory(site: Deployment, grafana: FakeGrafana):
    with fake_grafana() as other:
        name_grafanas(site, {"production": grafana.url, "staging": other.url})
        unnamed = site.run("grafana", "import")
        assert unnamed.returncode == 2
        assert unnamed.stderr == "mm-ops: --env: expected one of production, staging, was nothing\n"
        for name in ("production", "staging"):
            assert site.run("grafana", "import", "--env", name).returncode == 0
        grafana.edit("mm-operability", lambda data: data.update(title="Mine"))
        codes = [site.run("grafana", "diff", "--env", name).returncode for name in ("production", "staging")]
        assert codes == [1, 0]


def test_any_grafana_by_its_address_with_the_token_of_the_environment(site: Deployment, grafana: FakeGrafana):
    command = [sys.executable, "-m", "mm_ops", "grafana", "import", "--url", grafana.url]
    variables = {**os.environ, **site.variables, "GRAFANA_TOKEN": EDITOR}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=site.root)
    assert last(done) == (0, "| grafana import | OK | GRAFANA_IMPORT=OK |"), done.stderr
    assert grafana.boards["mm-operability"].folder == ""
    by_file = site.run("grafana", "diff", "--url", grafana.url, "--token-file", "grafana.token", "--folder", "x")
    assert "folder: committed 'x', in Grafana 'root'" in by_file.stdout


WRONG = {
    "a uid that there is not": (
        ["export", "--uid", "none"],
        "mm-ops: production: none: there is no dashboard of that uid: see its address, /d/UID/…",
    ),
    "no Grafana of that name": (["diff", "--env", "x"], "mm-ops: --env: expected one of production, was x"),
    "no token": (
        ["diff", "--url", "http://127.0.0.1:9"],
        "mm-ops: the environment variable GRAFANA_TOKEN: expected a token in one word, was 0 words",
    ),
    "no address": (["diff", "--url", "grafana"], "expected the address of a Grafana (http://…), was 'grafana'"),
    "a password in the address": (
        ["diff", "--url", "http://a:secret@x"],
        "mm-ops: --url: expected no user, password, query or fragment",
    ),
    "a folder that cannot be": (
        ["diff", "--url", "http://x", "--folder", "a b"],
        "mm-ops: --folder: expected a uid of at most 40 of A-Z a-z 0-9 _ -",
    ),
    "both": (["diff", "--url", "http://x", "--env", "production"], "--env, --url: expected one of the two"),
    "a token for nobody": (["diff", "--token-file", "x"], "--token-file, --folder: expected --url too"),
    "no such file": (["diff", "--input", "none.json"], "none.json: no such file"),
    "a file that is none": (["import", "--input", "README.md"], "README.md:1:1: not JSON"),
    "nobody there": (
        ["diff", "--url", "http://127.0.0.1:9", "--token-file", "grafana.token"],
        "mm-ops: grafana http://127.0.0.1:9: connection refused; does it run there, and is it its address?",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_decided_is_one_line_and_exit_2(site: Deployment, name: str):
    options, said = WRONG[name]
    done = site.run("grafana", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert EDITOR not in done.stderr
    assert "secret" not in done.stderr


def test_without_any_grafana_it_says_where_to_name_one(site: Deployment):
    name_grafanas(site, {})
    done = site.run("grafana", "diff")
    assert done.returncode == 2
    assert done.stderr == (
        "mm-ops: grafana.yaml: environments: no Grafana is named: add one, or say --url and --token-file\n"
    )


def test_of_several_dashboards_one_is_exported_by_its_uid(site: Deployment):
    (site.root / "other.json").write_text(COMMITTED.replace('"uid": "mm-operability"', '"uid": "other"'))
    policy = yaml.safe_load(site.policy("grafana.yaml").read_text())
    policy["dashboards"].append("other.json")
    site.policy("grafana.yaml").write_text(yaml.safe_dump(policy))
    assert site.run("grafana", "import").returncode == 0
    unclear = site.run("grafana", "export")
    assert unclear.returncode == 2
    assert "--uid: expected one of mm-operability, other" in unclear.stderr
    assert json.loads(site.run("grafana", "export", "--uid", "other").stdout)["uid"] == "other"
