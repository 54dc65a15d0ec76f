"""Retention: which stored evidence is kept, which is rotated out, and why each."""
