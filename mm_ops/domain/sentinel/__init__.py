"""What watches the watchers: tasks that must have run by now, and an edge that must not decay."""
