"""The code location: the graph of every bot of the fleet."""

import gc

import dagster as dg

from mm_ops.adapters.environment import Environment
from mm_ops.defs.fleet import build_location
from mm_ops.defs.resources import Site


@dg.definitions
def defs() -> dg.Definitions:
    """Read the fleet's policies and build the graph; a fault in a policy is the location's load error.

    A broken entry of ``bots.yaml`` is told in the log and in the location's metadata, and leaves out its bot alone.
    What is built stays until the end, so the collector need not look at it: of 100 bots that is a fifth of the time.
    """
    site = Site.of(Environment.read())
    loaded = site.sound_bots()
    for fault in loaded.faults:
        dg.get_dagster_logger().error("%s: this bot is not loaded; the others are", fault)
    gc.disable()
    try:
        built = build_location(site, loaded=loaded).definitions
        built.get_repository_def()
        gc.freeze()
    finally:
        gc.enable()
    return built
