"""``mm-ops readiness validate`` as a user runs it: 0 only on GO, and never 1 for what cannot be believed."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.policy_files import read_policy
from mm_ops.adapters.signatures import is_signed_by
from mm_ops.cli import cli
from mm_ops.domain.bots import Fleet
from mm_ops.domain.canonical import digest, encode, to_plain
from mm_ops.domain.readiness.document import readiness_document
from mm_ops.domain.readiness.last_day import judge_last_day
from mm_ops.domain.readiness.override import OVERRIDE, Held, judge_override
from mm_ops.domain.readiness.policy import ReadinessPolicy
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.soundness import POLICIES
from mm_ops.domain.signers import SignersPolicy
from mm_ops_tests.domain.readiness.week import EXPECTED, LAST, week
from mm_ops_tests.domain.readiness.written import reports_of, rules
from mm_ops_tests.signing_keys import make_key, public_key

PAPER = read_policy(Environment.read({}).policies / "bots.yaml", Fleet).bots[0]
POLICY = Environment.read({}).policies / "readiness.yaml"
EDGE = f"paper/{EXPECTED[0]}/reports/edge_report.json"


def store(root: Path, *, bot: str = "paper", **different: Any) -> Path:
    """A readiness file at its place below a root, with the reports that it was made from."""
    reports = {name.replace("paper/", f"{bot}/"): report for name, report in reports_of(**different).items()}
    inputs = {name: put(root / name, {**report, "stored_as": name}) for name, report in reports.items()}
    days = week(**different)
    gates = judge_last_day(
        reports[f"{bot}/{LAST}/reports/edge_report.json"],
        reports[f"{bot}/{LAST}/reports/soak_metrics.json"],
        rules(),
        "1.0.0",
    )
    document = readiness_document(
        score_readiness(days, EXPECTED, read_policy(POLICY, ReadinessPolicy), gates),
        days,
        gates,
        bot=bot,
        day=LAST,
        runtime={"utc": "2026-11-21T00:30:00+00:00", "version": "0.1.0"},
        basis={
            "stored_as": f"{bot}/2026-11-20/reports/readiness.json",
            "version": "1.0.0",
            "made_by": "0.1.0",
            "origin": PAPER.origin if bot == "paper" else "sha256:" + "0" * 64,
            "sources": {},
            "inputs": inputs,
            "policies": {name: digest((POLICY.parent / name).read_bytes()) for name in POLICIES},
        },
    )
    file = root / f"{bot}/{LAST}/reports/readiness.json"
    put(file, document)
    return file


def put(path: Path, value: object) -> str:
    """Write it as it is stored, and say its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(value))
    return digest(encode(value))


def swap(file: Path, name: str, data: bytes) -> None:
    """Replace a report and its digest in the file, as somebody would who knows how to."""
    root = file.parents[3]
    (root / name).write_bytes(data)
    document = json.loads(file.read_bytes())
    document["inputs"][name] = digest(data)
    file.write_bytes(encode(document))


def validate(*words: str | Path, now: str = "2026-11-21T06:00:00Z") -> Result:
    return CliRunner(env={"CI_FAKE_UTC": now}).invoke(cli, ["readiness", "validate", *map(str, words)])


def answer(result: Result) -> tuple[int, str]:
    return result.exit_code, result.stdout.splitlines()[-1]


def test_a_go_at_its_place_is_compared_with_the_reports_around_it(tmp_path: Path):
    result = validate(store(tmp_path))
    assert answer(result) == (0, "| readiness | GO | READINESS=GO |")
    assert f"provenance: the 28 reports it rests on are stored unchanged in {tmp_path} and say so\n" in result.stdout


def test_a_hold_says_why_and_exits_one(tmp_path: Path):
    result = validate(store(tmp_path, net_edge_bps=1.0))
    assert answer(result) == (1, "| readiness | HOLD | READINESS=HOLD |")
    assert "  because edge: median 1 bps, full at 2.5 or more\n" in result.stdout


UNPROVEN = (2, "| readiness | UNPROVEN | READINESS=UNPROVEN |")


@pytest.mark.parametrize("edge", [3.0, 1.0])
def test_a_file_away_from_its_artifacts_is_not_proven_and_says_what_to_do(tmp_path: Path, edge: float):
    alone = store(tmp_path / "root", net_edge_bps=edge).rename(tmp_path / "readiness.json")
    result = validate(alone)
    assert answer(result) == UNPROVEN
    assert "not proven: no artifacts are at hand; name their root with --artifacts DIR, or ask for " in result.stdout
    told = json.loads(validate(alone, "--json").stdout)
    assert (told["answer"], told["artifacts"], told["provenance"]) == ("UNPROVEN", None, "not at hand")
    beside = validate(alone, "--artifacts", tmp_path / "root")
    assert f"stored unchanged in {tmp_path / 'root'} and say so\n" in beside.stdout
    assert beside.exit_code == (0 if edge == 3.0 else 1)


def test_the_structure_alone_is_answered_where_it_alone_is_asked_for(tmp_path: Path):
    file = store(tmp_path)
    (tmp_path / EDGE).unlink()
    assert validate(file).exit_code == 2
    result = validate(file, "--structure-only")
    assert answer(result) == (0, "| readiness | GO | READINESS=GO |")
    assert "provenance was not asked for: of this file only the structure is known\n" in result.stdout
    told = json.loads(validate(file, "--structure-only", "--json").stdout)
    assert (told["answer"], told["artifacts"], told["provenance"]) == ("GO", None, "not asked for")
    assert validate(store(tmp_path, net_edge_bps=1.0), "--structure-only").exit_code == 1


def test_the_structure_alone_and_its_artifacts_are_not_asked_for_at_once(tmp_path: Path):
    result = validate(store(tmp_path), "--structure-only", "--artifacts", tmp_path)
    assert result.exit_code == 2
    assert "give one of both" in result.stderr


FAILED = encode({"outcome": "failed", "stored_as": f"paper/{EXPECTED[2]}/reports/chaos_drill.json"})
CONTRADICTED = {
    "a drill that failed": (
        f"paper/{EXPECTED[2]}/reports/chaos_drill.json",
        FAILED,
        f"days[2].chaos_ok: expected False from the stored reports of {EXPECTED[2]}, was True",
    ),
    "a report that is no object": (EDGE, b"[]", f"days[0]: a stored report of {EXPECTED[0]} has not the form of one"),
    "a report that lacks all": (EDGE, b"{}", f"days[0]: a stored report of {EXPECTED[0]} has not the form of one"),
}


@pytest.mark.parametrize("name", CONTRADICTED)
def test_a_go_on_reports_that_do_not_say_so_is_invalid_though_their_digests_agree(tmp_path: Path, name: str):
    report, data, message = CONTRADICTED[name]
    file = store(tmp_path)
    swap(file, report, data)
    result = validate(file)
    assert answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert f"{file}: {message}" in result.stdout
    assert validate(file, "--structure-only").exit_code == 0


def test_a_report_that_is_no_json_is_refused(tmp_path: Path):
    file = store(tmp_path)
    swap(file, EDGE, b"edge")
    result = validate(file)
    assert type(result.exception).__name__ == "SchemaError"
    assert "edge_report.json:1:1: not JSON" in str(result.exception)


def test_a_bot_that_the_policies_name_is_judged_by_its_version_and_its_symbols(tmp_path: Path):
    policies = tmp_path / "policies"
    shutil.copytree(POLICY.parent, policies)
    bots = policies / "bots.yaml"
    file, words = store(tmp_path), bots.read_text()

    def again() -> Result:
        environment = {"CI_FAKE_UTC": "2026-11-21T06:00:00Z", "MM_OPS_POLICIES": str(policies)}
        return CliRunner(env=environment).invoke(cli, ["readiness", "validate", str(file)])

    assert again().exit_code == 0
    bots.write_text(words.replace("version: 1.0.0", "version: 1.1.0"))
    assert f"{file}: version: expected 1.1.0, which bots.yaml names, was 1.0.0\n" in again().stdout
    assert again().exit_code == 2
    bots.write_text(words.replace("[AAA-USDT, BBB-USDT]", "[AAA-USDT, BBB-USDT, CCC-USDT]"))
    assert "days[0].net_edge_bps: expected None from the stored reports of 2026-11-14, was 3.0\n" in again().stdout
    assert again().exit_code == 2


def test_a_bot_that_no_policy_names_is_judged_by_the_symbols_of_its_reports(tmp_path: Path):
    file = store(tmp_path, bot="other")
    assert validate(file).exit_code == 0
    last = f"other/{LAST}/reports/edge_report.json"
    report = json.loads((tmp_path / last).read_bytes())
    del report["by_symbol"]["BBB-USDT"]
    swap(file, last, encode(report))
    assert "days[6].net_edge_bps: expected None from the stored reports of 2026-11-20" in validate(file).stdout


def test_a_file_made_more_than_a_day_from_now_is_made_up(tmp_path: Path):
    result = validate(store(tmp_path), now="2026-11-19T23:00:00Z")
    assert answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert "runtime.utc: expected a time before now, 2026-11-19T23:00:00Z, was 2026-11-21T00:30:00" in result.stdout


def chain(file: Path, entry: bytes | None, edge: str) -> None:
    """Let the first day's edge rest on a stored entry and on a policy, as stored reports do."""
    root = file.parents[3]
    name = f"paper/days/date={EXPECTED[0]}/day.json"
    report = json.loads((root / EDGE).read_bytes()) | {
        "version": "1.0.0",
        "made_by": "0.1.0",
        "origin": PAPER.origin,
        "sources": {},
        "inputs": {name: put(root / name, {"files": {}})},
        "policies": {"edge.yaml": edge},
    }
    swap(file, EDGE, encode(report))
    if entry is None:
        (root / name).unlink()
    else:
        (root / name).write_bytes(entry)


EDGE_POLICY = digest((POLICY.parent / "edge.yaml").read_bytes())
REPLACED = {
    "nothing": (encode({"files": {}}), EDGE_POLICY, None),
    "an entry of samples": (b"{}", EDGE_POLICY, "rests on another paper/days/date=2026-11-14/day.json than"),
    "an entry that is gone": (None, EDGE_POLICY, "rests on paper/days/date=2026-11-14/day.json, which is gone"),
    "a policy": (encode({"files": {}}), digest(b"other"), "made with another edge.yaml than the one that is there"),
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_the_reports_rest_on_in_turn_is_compared_too(tmp_path: Path, name: str):
    entry, edge, words = REPLACED[name]
    file = store(tmp_path)
    chain(file, entry, edge)
    result = validate(file)
    assert result.exit_code == (2 if words else 0), result.output
    assert words is None or f"{EDGE}: {words}" in result.stdout


def test_a_bot_whose_evidence_comes_from_elsewhere_now_is_judged_again(tmp_path: Path):
    policies = tmp_path / "policies"
    shutil.copytree(POLICY.parent, policies)
    bots = policies / "bots.yaml"
    bots.write_text(bots.read_text().replace("recordings/paper", "recordings/elsewhere"))
    environment = {"CI_FAKE_UTC": "2026-11-21T06:00:00Z", "MM_OPS_POLICIES": str(policies)}
    result = CliRunner(env=environment).invoke(cli, ["readiness", "validate", str(store(tmp_path / "root"))])
    assert result.exit_code == 2
    assert "the bot's evidence comes from elsewhere now (bots.yaml)" in result.stdout


STALE = (2, "| readiness | STALE | READINESS=STALE |")


def test_a_verdict_stands_for_so_long_and_no_longer(tmp_path: Path):
    file = store(tmp_path)
    assert validate(file, now="2026-11-23T00:00:00Z").exit_code == 0
    result = validate(file, now="2026-11-23T00:00:01Z")
    assert answer(result) == STALE
    assert (
        f"{file}: day: 2026-11-20 ended 48 h ago, and a verdict stands for 48h: decide again, or ask " in result.stdout
    )
    assert validate(file, now="2027-06-01T00:00:00Z").exit_code == 2
    assert validate(file, "--structure-only", now="2027-06-01T00:00:00Z").exit_code == 0


def test_the_day_that_is_asked_for_is_the_one_that_counts(tmp_path: Path):
    file = store(tmp_path)
    assert validate(file, "--date", "2026-11-20", now="2027-06-01T00:00:00Z").exit_code == 0
    result = validate(file, "--date", "2026-11-21")
    assert answer(result) == STALE
    assert f"{file}: day: expected 2026-11-21, which was asked for, was 2026-11-20\n" in result.stdout


def test_a_device_is_no_readiness_file():
    result = validate("/dev/zero")
    assert str(result.exception) == "/dev/zero: not readable: expected a regular file, was a device"


@pytest.mark.parametrize("gone", [True, False])
def test_a_report_that_was_replaced_or_is_gone_is_named_and_nothing_is_believed(tmp_path: Path, *, gone: bool):
    file = store(tmp_path)
    was, recorded = "not there" if gone else digest(b"{}"), digest((tmp_path / EDGE).read_bytes())
    if gone:
        (tmp_path / EDGE).unlink()
    else:
        (tmp_path / EDGE).write_bytes(b"{}")
    result = validate(file)
    assert answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert f"{file}: inputs: {EDGE}: expected {recorded}, was {was}\n" in result.stdout
    away = file.rename(tmp_path / "readiness.json")
    assert validate(away, "--artifacts", tmp_path).exit_code == 2
    assert answer(validate(away)) == UNPROVEN


def test_a_file_at_the_place_of_another_day_is_not_believed(tmp_path: Path):
    result = validate(store(tmp_path).rename(tmp_path / "paper/2026-11-19/reports/readiness.json"))
    assert answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert "bot, day: expected paper 2026-11-19, where the file lies, was paper 2026-11-20\n" in result.stdout


def test_a_folder_of_another_name_is_no_artifacts_root(tmp_path: Path):
    (tmp_path / "x/reports").mkdir(parents=True)
    result = validate(store(tmp_path / "root").rename(tmp_path / "x/reports/readiness.json"))
    assert answer(result) == UNPROVEN


BAD = {
    "nothing": b"",
    "no JSON": b"GO",
    "noise": bytes(range(256)),
    "no object": b"[]",
    "an empty object": b"{}",
    "a number too large for a float": b'{"score": 1e999}',
    "a number of more digits than Python reads": b'{"score": ' + b"9" * 5000 + b"}",
    "half a surrogate": b'{"bot": "\\ud800", "\\udfff": 1}',
    "too deep": b"[" * 5000 + b"]" * 5000,
    "a verdict alone": b'{"verdict": "GO"}',
    "NaN": b'{"score": NaN}',
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_readiness_file_is_told_with_exit_two_and_no_traceback(tmp_path: Path, name: str):
    file = tmp_path / "readiness.json"
    file.write_bytes(BAD[name])
    result = validate(file)
    refused = type(result.exception).__name__ in {"SchemaError", "MissingEvidenceError"}
    assert refused or answer(result) == (2, "| readiness | INVALID | READINESS=INVALID |"), result.exception


@pytest.mark.parametrize("words", [("nowhere.json",), (".",), ("x", "--artifacts", "nowhere")])
def test_a_file_or_a_folder_that_is_none_is_told(words: tuple[str, ...]):
    result = validate(*words)
    assert result.exit_code == 2 or type(result.exception).__name__ in {"SchemaError", "MissingEvidenceError"}


class Signed:
    """A root with a held week, policies with one signer, and her key."""

    def __init__(self, folder: Path, **different: Any) -> None:
        self.policies = folder / "policies"
        shutil.copytree(POLICY.parent, self.policies)
        self.key = make_key(folder / "ada")
        signer = (
            f'  - {{name: ada, person: Ada Example, public_key: "{public_key(self.key)}", signs: [override],'
            " source: made for a test}"
        )
        path = self.policies / "signers.yaml"
        path.write_text(path.read_text().replace("signers: []", f"signers:\n{signer}"))
        self.file = store(folder / "root", **({"net_edge_bps": 2.0} | different))

    def run(self, *words: str, now: str = "2026-11-21T06:00:00Z", ci: str | None = None) -> Result:
        environment = {"CI_FAKE_UTC": now, "MM_OPS_POLICIES": str(self.policies), "CI": ci}
        return CliRunner(env=environment).invoke(cli, ["readiness", *words])

    def sign(
        self, *words: str, key: Path | None = None, now: str = "2026-11-21T06:00:00Z", ci: str | None = None
    ) -> Result:
        said = ["--key-file", str(key or self.key), "--reason", "the market was halted", *words]
        return self.run("override", str(self.file), *said, "--expires", "2026-11-22T06:00:00Z", now=now, ci=ci)

    def take_in(self) -> dict[str, Any]:
        """What materialising does with an override: the file says what it is, and rests on it."""
        data = (self.file.parent / OVERRIDE).read_bytes()
        document: dict[str, Any] = json.loads(self.file.read_bytes())
        signers, made = (
            read_policy(self.policies / "signers.yaml", SignersPolicy),
            datetime(2026, 11, 21, 0, 30, tzinfo=UTC),
        )
        document["override"] = to_plain(judge_override(data, Held.of(document), signers, is_signed_by, made))
        document["inputs"][f"paper/{LAST}/reports/{OVERRIDE}"] = digest(data)
        self.file.write_bytes(encode(document))
        return document


def test_a_hold_is_overridden_by_a_signature_and_stays_a_hold(tmp_path: Path):
    world = Signed(tmp_path)
    done = world.sign("--section", "edge", now="2026-11-21T00:30:00Z")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        0,
        "| readiness override | SIGNED | READINESS_OVERRIDE=SIGNED |",
    )
    world.take_in()
    shown = world.run("validate", str(world.file))
    assert answer(shown) == (1, "| readiness | HOLD | READINESS=HOLD |")
    assert (
        "  override: edge passed over until 2026-11-22T06:00:00+00:00 by Ada Example: the market was ha" in shown.stdout
    )
    assert "does not count" not in shown.stdout
    late = world.run("validate", str(world.file), now="2026-11-22T06:00:00Z")
    assert "  override does not count: expired at 2026-11-22T06:00:00Z\n" in late.stdout


def test_an_override_that_is_not_the_one_beside_the_file_is_not_believed(tmp_path: Path):
    world = Signed(tmp_path)
    world.sign("--section", "edge", now="2026-11-21T00:30:00Z")
    document = world.take_in()
    document["override"]["refused"] = ["it was refused"]
    world.file.write_bytes(encode(document))
    assert "override: expected {" in world.run("validate", str(world.file)).stdout
    del document["inputs"][f"paper/{LAST}/reports/{OVERRIDE}"]
    world.file.write_bytes(encode(document))
    shown = world.run("validate", str(world.file))
    assert answer(shown) == (2, "| readiness | INVALID | READINESS=INVALID |")
    assert f"inputs: expected the digest of paper/{LAST}/reports/{OVERRIDE}, was missing" in shown.stdout


NOT_SIGNED: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "a section short": ({"taker_share": 0.3}, ("--section", "edge"), "scope: taker holds too, and is not in it"),
    "no section": ({}, ("--section", "luck"), "sections[0]: expected 'edge', 'latency'"),
    "a GO": ({"net_edge_bps": 3.0}, ("--section", "edge"), "no section holds: there is nothing to pass over"),
}


@pytest.mark.parametrize("name", NOT_SIGNED)
def test_what_would_not_count_is_not_signed(tmp_path: Path, name: str):
    different, words, message = NOT_SIGNED[name]
    world = Signed(tmp_path, **different)
    refused = world.sign(*words)
    assert type(refused.exception).__name__ == "PolicyError"
    assert message in str(refused.exception)
    assert not (world.file.parent / OVERRIDE).exists()


def test_a_key_that_nobody_knows_and_a_file_that_is_not_sound_are_refused_and_so_is_ci(tmp_path: Path):
    world = Signed(tmp_path)
    unknown = world.sign("--section", "edge", key=make_key(tmp_path / "eve"))
    assert "is not in signers.yaml" in str(unknown.exception)
    assert "there is none in CI" in str(world.sign("--section", "edge", ci="1").exception)
    document = json.loads(world.file.read_bytes())
    world.file.write_bytes(encode({**document, "score": 99.0}))
    assert "score: expected 94.0" in str(world.sign("--section", "edge").exception)
