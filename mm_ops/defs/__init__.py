"""Schedules: the only folder that imports Dagster. Thin: read, call the domain, store, return."""

import warnings

import dagster as dg

# Features that the pinned version still calls young, each held by tests here: checks that are judged day by day
# (without them yesterday's pass could release today), a look back over days before the first one, and an asset that is
# only looked at.
warnings.filterwarnings("ignore", r"Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning)
warnings.filterwarnings("ignore", r"Parameter `allow_nonexistent_upstream_partitions`", dg.BetaWarning)
warnings.filterwarnings("ignore", r"Function `observable_source_asset`", dg.BetaWarning)
