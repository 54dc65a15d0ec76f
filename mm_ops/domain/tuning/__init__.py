"""Which quote width earns what, and what would be changed for it: proposed, never applied."""
