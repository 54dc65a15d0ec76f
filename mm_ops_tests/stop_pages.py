"""Pages of stops as people meet them: confirmed, not confirmed, and without metrics."""

from mm_ops.adapters.rollback_html import render_rollback_page
from mm_ops.domain.rollback.policy import ActionName
from mm_ops.domain.rollback.report.build import Metrics, Release, build_report
from mm_ops.domain.rollback.report.charts import draw_around
from mm_ops.domain.rollback.report.story import Story
from mm_ops.domain.rollback.stop import ActionState
from mm_ops_tests.rollback_world import ACTIVE, NOW, POLICY
from mm_ops_tests.stopped_site import samples_around
from mm_ops_tests.stories import AROUND, SLIS, SOAK, UNCONFIRMED, WINDOW, action, after, resume, stop, story

MEASURED = Metrics(
    source="recording x",
    window=WINDOW,
    whole=True,
    charts=draw_around(SLIS, SOAK, samples_around(NOW), AROUND),
    versions=["1.0.1"],
)
MISSING = Metrics(source="Prometheus x", window=WINDOW, whole=False, missing="connection refused")
_LOST = action(
    ActionName.HALT,
    state=ActionState.UNCONFIRMED,
    observed=ACTIVE,
    attempts=4,
    reason="trading_state: expected HALTED, was ACTIVE after 4 attempts",
)
CONFIRMED = story()
LIED_TO = story(
    stop(**UNCONFIRMED, actions=(_LOST, *(action(name) for name in list(ActionName)[1:]))),
    stop(round=2, claimed_at=after(30_000), finished_at=after(30_040)),
    resumes=(resume(),),
)
HOSTILE = story(annotations={"summary": "<script>alert(1)</script>", "runbook": "x" * 300})


def page(one: Story, metrics: Metrics = MEASURED) -> bytes:
    """The page of an episode."""
    release = Release(version="1.0.0", known_good=None, known_good_version=None)
    report = {**build_report(one, metrics, release, POLICY), "policies": {"soak.yaml": "sha256:" + "a" * 64}}
    return render_rollback_page(report, metrics.drawn)


PAGES = {"confirmed": page(CONFIRMED), "lied_to": page(LIED_TO), "missing": page(story(stop(**UNCONFIRMED)), MISSING)}
