"""Schedules: the only folder that imports Dagster. Thin: read, call the domain, store, return."""
