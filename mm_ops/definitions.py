"""The code location: the graph of every bot of the fleet."""

import dagster as dg

from mm_ops.adapters.environment import Environment
from mm_ops.defs.fleet import build_location
from mm_ops.defs.resources import Site


@dg.definitions
def defs() -> dg.Definitions:
    """Read the fleet's policies and build the graph; a fault in a policy is the location's load error."""
    return build_location(Site.of(Environment.read())).definitions
