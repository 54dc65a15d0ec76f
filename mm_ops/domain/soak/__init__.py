"""The soak: its gates, what they found, and the report that people read."""
