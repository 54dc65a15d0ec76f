"""Measures the readiness of a day on seven days of stored evidence, with its texts and its page, in one process.

``MM_OPS_POLICIES``, ``MM_OPS_ARTIFACTS`` and ``DAGSTER_HOME`` say where a night was run; prints the best of five, in
seconds of CPU.
"""

import sys
import time
from datetime import date

from mm_ops.adapters.environment import Environment
from mm_ops.adapters.evidence import READINESS
from mm_ops.adapters.readiness_html import render_readiness_page
from mm_ops.cli.instance import open_instance
from mm_ops.defs.readiness.stored import find_readiness
from mm_ops.defs.readiness.week import judge_week
from mm_ops.defs.resources import Site
from mm_ops.domain.canonical import encode
from mm_ops.domain.readiness.document import readiness_markdown
from mm_ops.domain.readiness.history import score_history
from mm_ops.domain.readiness.policy import ReadinessPolicy

REPEATS = 5


def main(day: date) -> None:
    """Print the least seconds that a readiness took; a score that differs from the stored one ends the bench."""
    environment = Environment.read()
    site = Site.of(environment)
    bot, policy = site.fleet().bots[0], site.policy("readiness.yaml", ReadinessPolicy)
    evidence = site.evidence(bot)
    stored, times = evidence.read_json(evidence.report(day, READINESS)), []
    with open_instance(environment) as instance:
        for _ in range(REPEATS):
            start = time.process_time()
            document = judge_week(site, bot, instance, day, policy)
            history = score_history(document, lambda past: find_readiness(evidence, past), day)
            pages = (encode(document), readiness_markdown(document), render_readiness_page(document, history))
            times.append(time.process_time() - start)
            if not all(pages) or document["score"] != stored["score"]:
                sys.exit(f"bench: the score was {document['score']}, and {stored['score']} is stored")
    print(min(times))


if __name__ == "__main__":
    main(date.fromisoformat(sys.argv[1]))
