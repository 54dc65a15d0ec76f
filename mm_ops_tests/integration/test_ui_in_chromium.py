"""The Dagster UI as a person sees it after a bad night: the graph, a run by a click, a red gate and why, a report."""

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import Locator, Page, expect

from mm_ops.defs.keys import BotKeys
from mm_ops_tests.live_daemon import daemon
from mm_ops_tests.live_ui import browser_page, served_files, webserver
from mm_ops_tests.site import Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]
GROUP = "/locations/mm_ops.definitions/asset-groups/paper/lineage"
GOLDEN = BotKeys("paper").golden_report
PAINTED = """row => [...row.querySelectorAll('*')].flatMap(one => {
    const style = getComputedStyle(one);
    return [style.backgroundColor, style.color, style.fill];
})"""


@pytest.fixture(name="opened", scope="module")
def night_and_ui(
    degraded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, Page, str, list[str]]]:
    """A degraded bot's night, the UI and the daemon over it, and a browser; with every address it asked elsewhere."""
    deployment = Deployment(tmp_path_factory.mktemp("ui") / "site", {"paper": degraded})
    stored = deployment.root / "var/artifacts"
    stored.mkdir(parents=True)
    with browser_page() as page, served_files(stored) as files:
        said = deployment.run("nightly", "--date", "2026-11-20", MM_OPS_REPORTS_URL=files)
        assert said.returncode == 1, said.stderr
        elsewhere: list[str] = []
        page.on("request", lambda asked: elsewhere.append(asked.url))
        variables = {**deployment.variables, "MM_OPS_REPORTS_URL": files}
        with webserver(deployment.root, variables) as url, daemon(deployment.root, variables):
            yield deployment, page, url, elsewhere
    assert not [one for one in elsewhere if not re.match(r"(http://127\.0\.0\.1:|data:|blob:)", one)]


def is_red(row: Locator) -> bool:
    colours = [tuple(map(int, re.findall(r"\d+", colour)[:3])) for colour in row.evaluate(PAINTED)]
    return any(len(one) == 3 and one[0] > 150 and max(one[1:]) < 90 for one in colours)


def row_of(page: Page, check: str) -> Locator:
    """The row of a check in the list: its sign, its name and how it stands."""
    return page.get_by_title(check, exact=True).first.locator("xpath=ancestor::*[.//*[@role='img']][1]")


def made(deployment: Deployment) -> int:
    with deployment.instance() as instance:
        return len(instance.fetch_materializations(GOLDEN, limit=9).records)


def test_the_graph_shows_the_whole_way_of_the_evidence(opened: tuple[Deployment, Page, str, list[str]]):
    _, page, url, _ = opened
    page.goto(url + GROUP)
    for key in BotKeys("paper").all:
        expect(page.get_by_text(key.path[-1], exact=True).first).to_be_attached()


def test_an_asset_is_materialised_by_a_click(opened: tuple[Deployment, Page, str, list[str]]):
    deployment, page, url, _ = opened
    assert made(deployment) == 1
    page.goto(f"{url}/assets/paper/golden_report?view=events")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_text("View", exact=True).first.click()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=120_000)
    assert made(deployment) == 2
    with deployment.instance() as instance:
        assert instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.SUCCESS


def test_a_hard_gate_that_failed_is_red_and_says_why_and_a_soft_one_is_not(
    opened: tuple[Deployment, Page, str, list[str]],
):
    _, page, url, _ = opened
    page.goto(f"{url}/assets/paper/soak_findings?view=checks&checkDetail=deadline_miss_ratio")
    reason = re.compile(r"deadline_miss_ratio was 0\.1\d+ ratio, at most 0\.02 ratio: 0\.1\d+ ratio beyond the limit")
    expect(page.get_by_text(reason).filter(visible=True).first).to_be_visible()
    assert is_red(row_of(page, "deadline_miss_ratio"))
    assert not is_red(row_of(page, "guard_trips"))


def test_the_report_of_the_night_opens_from_the_asset(opened: tuple[Deployment, Page, str, list[str]]):
    _, page, url, _ = opened
    page.goto(f"{url}/assets/paper/soak_findings?view=events")
    with page.context.expect_page() as beside:
        page.get_by_role("link", name="SOAK_RESULTS.html").and_(page.locator("[href^='http']")).first.click()
    report = beside.value
    expect(report).to_have_title(re.compile("^Fail: soak of paper"))
    expect(report.get_by_text("8 of 12 hard gates failed")).to_be_visible()
