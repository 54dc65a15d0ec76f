"""Decides. No Dagster, no input or output, no clock, no environment."""
