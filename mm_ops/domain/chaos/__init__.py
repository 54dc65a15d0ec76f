"""Drills on a live bot: what is done to it, what must be seen within which time, and what was."""
