"""Drift against a signed-off report: what is compared, within which tolerance, and every difference."""
