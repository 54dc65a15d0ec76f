"""Touches the world: files, Prometheus. Plain classes without opinions, and without Dagster."""
