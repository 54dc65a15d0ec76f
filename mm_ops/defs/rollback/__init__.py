"""What Dagster does about a stop: it follows the watcher's journal, reports, and looks again. The watcher acts."""
