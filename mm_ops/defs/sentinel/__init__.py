"""The sentinels, as Dagster runs them."""
