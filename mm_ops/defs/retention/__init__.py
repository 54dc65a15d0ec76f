"""What keeps the disk from filling."""
