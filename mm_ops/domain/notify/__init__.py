"""Telling people: what is said, to whom, how often at most, and when it is tried again."""
