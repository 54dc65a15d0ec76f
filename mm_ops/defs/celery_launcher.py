"""Celery's launcher, with an eye on the workers.

Celery keeps STARTED for a task whose worker was killed as a whole, for ever: nobody is left to say that it ended.
Dagster's run monitor asks the launcher and believes that. Here the worker that has the task is asked too, over the
broker: one that answers and no longer has it, or that does not answer several times, has lost the run, which the
monitor then resumes under the same id. A task that waits in the broker is not lost, however long it waits;
dagster-celery says "unknown" there, and the monitor would put it in once more at every look. And dagster-celery 0.29.27
gives the resumed task its argument under a name that the task does not have, so that no run is ever resumed.

It needs the extra ``scale``. A resumed run does its steps again, and a worker that is cut off from the broker and works
on does them beside another: both give the same bytes.
"""

from typing import Any

import dagster as dg
from dagster import _check as check
from dagster._core.launcher import CheckRunHealthResult, ResumeRunContext, WorkerStatus
from dagster._grpc.types import ResumeRunArgs
from dagster._serdes import pack_value
from dagster_celery.config import TASK_RESUME_JOB_NAME
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from dagster_celery.tasks import create_resume_job_task

_ANSWER_WITHIN_S = 3.0
_ASKED = 3


class WatchfulCeleryRunLauncher(CeleryRunLauncher):
    """As its parent; see the module."""

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Say whether some worker still has the run."""
        task = self.celery.AsyncResult(run.tags[DAGSTER_CELERY_TASK_ID_TAG])
        state = task.state
        if state == "PENDING":
            return CheckRunHealthResult(WorkerStatus.RUNNING, "it waits in the broker")
        lost = self._find_loss(task) if state == "STARTED" else None
        if lost is not None and task.state == "STARTED":  # else it has ended meanwhile
            return CheckRunHealthResult(WorkerStatus.FAILED, lost)
        return super().check_run_worker_health(run)

    def resume_run(self, context: ResumeRunContext) -> None:
        """Put the run in once more, under its id."""
        run = context.dagster_run
        origin = check.not_none(run.job_code_origin)
        args = ResumeRunArgs(origin, run.run_id, self._instance.get_ref(), set_exit_code_on_failure=True)
        task = create_resume_job_task(self.celery).si(resume_job_args_packed=pack_value(args))
        self._launch_celery_task_run(run=run, task_signature=task, routing_key=TASK_RESUME_JOB_NAME)

    def _find_loss(self, task: Any) -> str | None:
        """Why a task that was started is held to be lost; ``None`` while its worker has it."""
        worker = (task.info or {}).get("hostname")
        if worker is None:
            return None
        for _ in range(_ASKED):
            answer = self.celery.control.inspect(destination=[worker], timeout=_ANSWER_WITHIN_S).active()
            if answer:
                has_it = any(one["id"] == task.id for one in answer[worker])
                return None if has_it else f"the worker {worker} was started again and no longer has it"
        return f"the worker {worker} did not answer {_ASKED} times within {_ANSWER_WITHIN_S:g} s"
