"""The cron sentinel in Dagster: a real instance, real files and times, a server that takes pages and pings."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster import DagsterEvent, DagsterEventType
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_shared.error import SerializableErrorInfo
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.policy_files import read_policy
from mm_ops.defs.fleet import Location, build_location
from mm_ops.defs.keys import CRON_FRESHNESS
from mm_ops.defs.resources import Site
from mm_ops.defs.sentinel.cron_columns import freshness_policy
from mm_ops.defs.sentinel.cron_look import FILE, STORED_AS
from mm_ops.defs.sentinel.evidence import DagsterRecords
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sentinel.content import fault_of_document
from mm_ops.domain.sentinel.runs import Evidence, Run
from mm_ops.domain.sentinel.schedule import Cron, Due, MaxAge
from mm_ops.domain.sentinel.standing import State, judge_task
from mm_ops.domain.sentinel.tasks import AssetProof, Content, CronPolicy, Ended, JobProof, Task, TickProof
from mm_ops_tests.domain.sentinel.cron_tasks import HOUR, MINUTE, SKEW, cron, max_age, task, timer
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.site import Deployment

START = datetime(2026, 11, 25, 9, tzinfo=UTC)
SOURCE = "made up for a test"


def entry(name: str, glob: str, **fields: Any) -> dict[str, Any]:
    proof = {"kind": "file", "glob": glob}
    return {"name": name, "proof": proof, "due": {"max_age": "20h", "grace": "1h"}, "source": SOURCE, **fields}


@dataclass
class Watched:
    """A deployment whose tasks write files; ``now`` is its clock, ``told`` what its channel was sent."""

    deployment: Deployment
    server: HTTPServer
    instance: dg.DagsterInstance
    now: datetime = START
    cursor: str | None = None
    told: list[str] = field(default_factory=list)
    pinged: list[str] = field(default_factory=list)
    deaf: bool = False

    def __post_init__(self) -> None:
        secrets = self.deployment.root / "secrets"
        secrets.mkdir()
        (secrets / "pager").write_text(self.server.url_for("/page"))
        (secrets / "outside").write_text(self.server.url_for("/ping"))
        notify = self.deployment.policy("notify.yaml")
        document = yaml.safe_load(notify.read_text())
        channel = {"name": "desk", "kind": "webhook", "audiences": ["oncall", "team"], "source": SOURCE}
        notify.write_text(yaml.safe_dump({**document, "channels": [{**channel, "address": {"file": "secrets/pager"}}]}))
        self.server.expect_request("/page").respond_with_handler(self._take_page)
        self.server.expect_request("/ping").respond_with_handler(self._take_ping)
        self.server.expect_request("/ping/fail").respond_with_handler(self._take_ping)
        self.watch(entry("nightly", "out/nightly"), entry("report", "out/report", needs=["nightly"]))

    def _take_page(self, request: Request) -> Response:
        if self.deaf:
            return Response(status=500)
        self.told.append(request.get_json()["text"])
        return Response()

    def _take_ping(self, request: Request) -> Response:
        self.pinged.append(f"{request.path} {request.get_data(as_text=True)}".strip())
        return Response(status=500 if self.deaf else 200)

    @property
    def config(self) -> Path:
        return self.deployment.root / FILE

    def watch(self, *tasks: dict[str, Any]) -> None:
        length = {"source": SOURCE, "length": "10m"}
        lengths = {"clock_skew": {**length, "length": "5s"}, "attempt": {**length, "length": "20s"}, "gap": length}
        outside = {"address": {"file": "secrets/outside"}, "source": SOURCE}
        told = {"told_at_least": {**length, "length": "1h"}, "outside": outside}
        self.config.write_text(json.dumps({**lengths, **told, "source": SOURCE, "tasks": list(tasks)}))

    def ran(self, *names: str) -> None:
        for name in names:
            path = self.deployment.root / "out" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("{}")
            os.utime(path, (self.now.timestamp(), self.now.timestamp()))

    @property
    def site(self) -> Site:
        return Site.of(Environment.read({**self.deployment.variables, "CI_FAKE_UTC": self.now.isoformat()}))

    @property
    def location(self) -> Location:
        return build_location(self.site)

    def tick(self, after: timedelta = MINUTE, location: Location | None = None) -> Any:
        """Evaluate the sensor, and keep what it tells as the daemon does."""
        self.now += after
        definitions = (location or self.location).definitions
        with dg.build_sensor_context(
            self.instance, self.cursor, definitions=definitions, resources={"site": self.site}
        ) as context:
            result = definitions.resolve_sensor_def("cron_freshness").evaluate_tick(context)
        self.cursor = result.cursor
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        return result

    def checks(self) -> dict[str, bool]:
        keys = [
            key
            for key in self.location.definitions.resolve_asset_graph().asset_check_keys
            if key.asset_key == CRON_FRESHNESS
        ]
        storage = self.instance.event_log_storage
        found = storage.get_latest_asset_check_execution_by_key(keys)
        return {key.name: record.status.value == "SUCCEEDED" for key, record in found.items()}

    def table(self) -> dict[str, dict[str, Any]]:
        event = self.instance.get_latest_materialization_event(CRON_FRESHNESS)
        assert event is not None
        assert event.asset_materialization is not None
        table = event.asset_materialization.metadata["tasks"]
        assert isinstance(table, dg.TableMetadataValue)
        return {str(row.data["task"]): dict(row.data) for row in table.records}


@pytest.fixture
def watched(tmp_path: Path, httpserver: HTTPServer) -> Iterator[Watched]:
    deployment = Deployment(tmp_path / "site", {"paper": tmp_path})
    with deployment.instance() as instance:
        yield Watched(deployment, httpserver, instance)


def test_a_look_tells_the_table_the_checks_and_somebody_outside(watched: Watched):
    watched.ran("nightly")
    result = watched.tick()
    assert len(result.asset_events) == 3
    row = watched.table()["nightly"]
    assert (row["state"], row["due"], row["last_seen"]) == ("up", "2026-11-26T05:00:00Z", "2026-11-25T09:00:00Z")
    assert (row["age"], row["since"], row["proof"]) == ("1m", "2026-11-25T09:00:00Z", "file out/nightly")
    assert watched.table()["report"]["why"] == "no file matches out/report"
    assert watched.checks() == {"nightly": True, "report": False}
    assert watched.told[0].startswith("PAGE 1 task is down: report: no file matches out/report\n")
    assert watched.pinged == ["/ping"]
    stored = watched.deployment.root / "var/artifacts" / STORED_AS
    assert json.loads(stored.read_text())["verdict"] == "fail"


def test_nothing_is_told_twice_and_the_table_once_an_hour(watched: Watched):
    watched.ran("nightly", "report")
    watched.tick()
    shown = []
    for _ in range(9):
        result = watched.tick(9 * MINUTE)
        shown.append(len(result.asset_events or ()))
    assert shown == [0, 0, 0, 0, 0, 0, 3, 0, 0]
    assert result.skip_message == "2 tasks: pass; nothing has changed"
    assert watched.told == []


def test_a_daemon_that_was_off_for_a_day_brings_one_page(watched: Watched):
    watched.watch(*(entry(f"task{n}", f"out/task{n}") for n in range(30)))
    watched.ran(*(f"task{n}" for n in range(30)))
    watched.tick()
    assert watched.told == []
    watched.tick(24 * HOUR)
    assert watched.told == []
    watched.ran("task0")
    for _ in range(3):
        watched.tick()
    (page,) = watched.told
    assert "nobody looked for 24h, since 2026-11-25T09:01:00Z; 29 tasks are down: task1: it was due at" in page
    assert "and 19 more" in page
    watched.ran(*(f"task{n}" for n in range(30)))
    for _ in range(2):
        watched.tick()
    assert len(watched.told) == 2
    assert "task1 is up again" in watched.told[1]


def test_a_child_of_a_late_parent_is_told_only_when_the_parent_is_back(watched: Watched):
    watched.ran("nightly", "report")
    watched.tick()
    for _ in range(190):  # each look is within the gap of the one before
        watched.now += 7 * MINUTE
    watched.cursor = (watched.cursor or "").replace(
        '"at":"2026-11-25T09:01:00Z"', f'"at":"{watched.now:%Y-%m-%dT%H:%M:%SZ}"'
    )
    watched.tick()
    (page,) = watched.told
    assert "1 task is down: nightly: it was due at" in page
    watched.ran("nightly")
    watched.tick()
    assert "1 task is down: report: it was due at" in watched.told[1]
    assert "nightly is up again" in watched.told[2]


def test_what_could_not_be_delivered_is_delivered_by_the_next_tick(watched: Watched):
    watched.ran("nightly")
    watched.deaf = True
    watched.tick()
    assert watched.told == []
    assert json.loads(watched.cursor or "{}")["waiting"] is True
    watched.deaf = False
    watched.tick()
    assert json.loads(watched.cursor or "{}")["waiting"] is False
    assert any("1 task is down: report" in told for told in watched.told)


def test_a_ping_that_fails_twice_is_told(watched: Watched):
    watched.ran("nightly", "report")
    watched.tick()
    (watched.deployment.root / "secrets/outside").write_text(watched.server.url_for("/nobody"))
    watched.tick()
    assert watched.told == []
    watched.tick()
    (note,) = watched.told
    assert "the outside heartbeat is not taken: answered 500" in note
    assert watched.instance.get_latest_materialization_event(CRON_FRESHNESS) is not None


def test_a_file_that_is_broken_fails_the_tick_and_is_told_outside(watched: Watched):
    location = watched.location
    watched.config.write_text(watched.config.read_text().replace('"kind": "file"', '"kind": "sheet"', 1))
    with pytest.raises(PolicyError, match=r"sentinel\.yaml:1: tasks\.0\.proof"):
        watched.tick(location=location)
    assert watched.pinged == []  # the address is in that file: that nobody pings says it
    watched.watch(entry("a", "{bot}"), entry("a_paper", "x"))
    with pytest.raises(PolicyError, match="two are called a_paper"):
        watched.tick(location=location)
    (ping,) = watched.pinged
    assert ping.startswith("/ping/fail ")
    assert "two are called a_paper" in ping


def test_a_broken_entry_is_down_at_once_with_its_line(watched: Watched):
    watched.watch(entry("nightly", "out/{bot}"))
    watched.ran("paper", "mm2", "entry_3")
    path = watched.deployment.policy("bots.yaml")
    fleet = yaml.safe_load(path.read_text(encoding="utf-8"))
    (sound,) = fleet["bots"]
    nameless = {key: value for key, value in sound.items() if key != "name"}
    fleet["bots"] += [{**sound, "name": "mm2", "version": "new"}, {**nameless, "nmae": "mm3"}]
    path.write_text(json.dumps(fleet))
    watched.tick(location=build_location(watched.site, loaded=watched.site.sound_bots()))
    (page,) = watched.told
    assert "2 tasks are down: nightly_mm2: " in page
    assert "bots.1.version" in page
    assert watched.table()["nightly_entry_3"]["state"] == "down"
    assert watched.table()["nightly_paper"]["state"] == "up"


def test_a_run_looks_at_once_and_every_check_runs_alone(watched: Watched):
    watched.ran("nightly")
    definitions = watched.location.definitions
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.get_subset(asset_selection={CRON_FRESHNESS}).execute_in_process(
        instance=watched.instance, resources={"site": watched.site}, raise_on_error=False
    )
    assert result.success
    assert watched.table()["report"]["state"] == "down"
    evaluations = {one.check_name: (one.passed, one.description) for one in result.get_asset_check_evaluations()}
    assert evaluations["nightly"][0]
    assert evaluations["report"] == (False, "down: no file matches out/report")


def test_a_restart_does_not_lose_what_was_told(watched: Watched):
    watched.ran("nightly")
    watched.tick()
    again = Watched.__new__(Watched)  # another process: only the cursor is the same
    again.__dict__.update(watched.__dict__)
    again.tick()
    assert len(watched.told) == 1


def read(instance: dg.DagsterInstance, one: Task) -> Evidence:
    return DagsterRecords(instance, datetime.now(UTC)).read(one, one.depth)


def test_a_backfill_of_old_days_does_not_hide_the_last_days_result(tmp_path: Path):
    key = "paper/soak_metrics"
    today = datetime.now(UTC).date()
    proof = AssetProof(kind="asset", key=key, day_within=36 * HOUR)
    one = task(proof=proof, due=max_age(26))
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert read(instance, one).remark == f"no materialisation of {key} is on record"
        days = [today - timedelta(days=1), *(today - timedelta(days=n) for n in range(9, 2, -1))]
        for day in days:
            asset = dg.AssetKey.from_user_string(key)
            instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=day.isoformat()))
        evidence = read(instance, one)
        assert today - timedelta(days=1) in {run.day for run in evidence.runs}
        assert judge_task(one, evidence, datetime.now(UTC), SKEW).state is State.UP
        plain = read(instance, task(proof=AssetProof(kind="asset", key=key), due=max_age(26)))
        assert [run.day for run in plain.runs] == days[-3:]


def test_a_result_of_no_day_and_its_content(tmp_path: Path):
    content = Content(field="verdict", expected=("GO",))
    one = task(proof=AssetProof(kind="asset", key="x"), due=max_age(26), content=content)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        for verdict in ("GO", "HOLD"):
            made = dg.AssetMaterialization("x", partition="no day", metadata={"verdict": verdict})
            instance.report_runless_asset_event(made)
        first, last = read(instance, one).runs
    assert (first.fault, first.day) == ("", None)
    assert last.fault == fault_of_document(content, {"verdict": "HOLD"})


@dg.op(config_schema={"fails": bool})
def work(context: dg.OpExecutionContext) -> None:
    if context.op_config["fails"]:
        raise dg.Failure("made up for a test")


@dg.job
def nightly() -> None:
    work()


ANY_END = JobProof(kind="job", name="nightly", ended=Ended.ANY)


def _begin(instance: dg.DagsterInstance, run_id: str) -> None:
    """As a run whose process is killed right after it began."""
    event = DagsterEvent(DagsterEventType.RUN_START.value, "nightly", message="begun")
    instance.report_dagster_event(event, run_id=run_id)


def test_the_runs_of_a_job_are_those_with_its_tags(tmp_path: Path):
    good = JobProof(kind="job", name="nightly", tags={"bot": "paper"})
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert read(instance, task(proof=good)).remark == "no run of nightly is on record that has begun"
        for bot, fails in (("paper", False), ("paper", True), ("other", False)):
            nightly.execute_in_process(
                run_config={"ops": {"work": {"config": {"fails": fails}}}},
                tags={"bot": bot},
                instance=instance,
                raise_on_error=False,
            )
        runs = read(instance, task(proof=good)).runs
        any_end = read(instance, task(proof=ANY_END))
        waits = {"ops": {"work": {"config": {"fails": False}}}}  # it has not begun
        for _ in range(9):
            waiting = instance.create_run_for_job(nightly, run_config=waits, tags={"bot": "paper"})
        assert read(instance, task(proof=good)).runs == runs[-2:]
        instance.report_run_canceled(waiting)
        fault = f"run {waiting.run_id[:8]} ended as canceled before it began"
        assert [run.fault for run in read(instance, task(proof=ANY_END)).runs] == ["", "", fault]
        for _ in range(9):
            begun = instance.create_run_for_job(nightly, run_config=waits, tags={"bot": "paper"})
            _begin(instance, begun.run_id)
        hung = read(instance, task(proof=good)).runs
        assert [run.ended_at is None for run in hung] == [False, True, True, True]
    assert [bool(run.fault) for run in runs] == [False, True]
    assert runs[-1].fault.endswith("ended as failure")
    assert all(run.began_at is not None and run.ended_at is not None for run in runs)
    assert [run.fault for run in any_end.runs] == ["", "", ""]


def test_only_a_good_tick_is_a_proof(tmp_path: Path):
    proof = TickProof(kind="tick", name="watch")
    origin = _origin("watch")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        one = task(proof=proof, due=max_age(1))
        assert read(instance, one).remark == "no tick of watch is on record"
        for name in ("watch", "other"):
            instance.add_instigator_state(_state(_origin(name)))
        for minute, status in ((0, TickStatus.SUCCESS), (1, TickStatus.SKIPPED), (2, TickStatus.FAILURE)):
            instance.create_tick(_tick(origin, START + minute * MINUTE, status))
        evidence = read(instance, one)
        assert evidence.runs == (Run(ended_at=START), Run(ended_at=START + MINUTE))
        assert evidence.remark == "its tick of 2026-11-25T09:02:00Z failed"
        instance.create_tick(_tick(origin, START + 3 * MINUTE, TickStatus.SKIPPED))
        assert read(instance, one).remark == ""


def _origin(name: str) -> Any:
    loaded = LoadableTargetOrigin(executable_path="python", module_name="made_up")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(InProcessCodeLocationOrigin(loaded), "made_up"), name)


def _state(origin: Any) -> Any:
    return InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)


def _tick(origin: Any, at: datetime, status: TickStatus) -> TickData:
    return TickData(
        instigator_origin_id=origin.get_id(),
        instigator_name=origin.instigator_name,
        instigator_type=InstigatorType.SENSOR,
        status=status,
        timestamp=at.timestamp(),
        run_ids=[],
        error=SerializableErrorInfo("made up", [], None) if status is TickStatus.FAILURE else None,
        selector_id=origin.get_selector().get_id(),
    )


@pytest.mark.parametrize(
    ("due", "policy"),
    [
        (max_age(26, HOUR), dg.FreshnessPolicy.time_window(27 * HOUR, 26 * HOUR)),
        (max_age(26), dg.FreshnessPolicy.time_window(26 * HOUR)),
        (cron("30 0 * * *", "Europe/Berlin"), dg.FreshnessPolicy.cron("40 1 * * *", 70 * MINUTE, "Europe/Berlin")),
        (cron("30 23 * * *"), dg.FreshnessPolicy.cron("40 0 * * *", 70 * MINUTE, "UTC")),
        (cron("30 0 * * 1"), None),
        (cron("30 0 * * *", early=MINUTE), None),
        (timer("daily"), None),
        (MaxAge(max_age=timedelta(seconds=30)), None),
    ],
    ids=str,
)
def test_dagsters_own_column_says_the_same_or_nothing(due: Due, policy: dg.FreshnessPolicy | None):
    assert freshness_policy(due) == policy


def test_the_projects_own_file_watches_what_the_issue_names():
    policy = read_policy(PROJECT / FILE, CronPolicy)
    assert {one.name for one in policy.tasks} >= {
        "nightly",
        "soak_metrics",
        "readiness_score",
        "release_bundle",
        "fire_drill",
        "drill_age",
        "edge_profile",
        "artifact_rotation",
        "cron_freshness",
    }
    location = build_location(Site.of(Environment.read({})))
    sensors = {one.name for one in location.definitions.sensors or ()}
    ticks = {one.proof.name for one in policy.tasks if isinstance(one.proof, TickProof)}
    assert ticks == sensors | {"nightly_schedule"}
    graph = location.definitions.resolve_asset_graph()
    columns = {key.path[-1] for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy_or_from_metadata}
    assert columns >= {"soak_metrics", "readiness_score", "release_bundle"}


def test_every_schedule_is_watched_by_what_it_makes():
    definitions = build_location(Site.of(Environment.read({}))).definitions
    jobs = {one.job_name for one in definitions.schedules or () if isinstance(one, dg.ScheduleDefinition)}
    proofs = [one.proof for one in read_policy(PROJECT / FILE, CronPolicy).tasks]
    ran = {one.name for one in proofs if isinstance(one, JobProof)}
    made = {one.key.rpartition("/")[2] for one in proofs if isinstance(one, AssetProof)}
    for job in jobs - ran:
        makes = definitions.resolve_job_def(job).asset_layer.selected_asset_keys
        assert {key.path[-1] for key in makes} & made, job


def test_a_task_is_due_when_its_schedule_starts_it():
    definitions = build_location(Site.of(Environment.read({}))).definitions
    schedules = [one for one in definitions.schedules or () if isinstance(one, dg.ScheduleDefinition)]
    due: dict[str, set[tuple[str, str]]] = {}
    for one in read_policy(PROJECT / FILE, CronPolicy).tasks:
        if isinstance(one.due, Cron):
            due.setdefault(one.name.removesuffix("_schedule"), set()).add((one.due.cron, one.due.zone))
    started = {
        one.job_name.replace("rotation", "artifact_rotation"): {(str(one.cron_schedule), str(one.execution_timezone))}
        for one in schedules
    }
    assert due == {name: times for name, times in started.items() if name != "fire_drill"}  # weekly: it has an age


def test_what_cannot_be_kept_is_told_outside_and_people_hear_it_once(watched: Watched):
    watched.ran("nightly")
    artifacts = watched.deployment.root / "var/artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    (artifacts / "sentinel").write_text("a file where a folder must be")
    for _ in range(3):
        result = watched.tick()
        assert result.skip_message.startswith("the table is not kept: ")
    (page,) = watched.told
    assert page.startswith("PAGE 1 task is down: report")
    assert [one.partition(" ")[0] for one in watched.pinged] == ["/ping", "/ping/fail"] * 3
    (artifacts / "sentinel").unlink()
    assert len(watched.tick().asset_events) == 3
    assert len(watched.told) == 1


def test_a_notify_file_that_is_broken_is_told_outside(watched: Watched):
    watched.deployment.policy("notify.yaml").write_text("channels: 3")
    with pytest.raises(PolicyError, match=r"notify\.yaml"):
        watched.tick()
    assert [one.partition(" ")[0] for one in watched.pinged] == ["/ping", "/ping/fail"]
