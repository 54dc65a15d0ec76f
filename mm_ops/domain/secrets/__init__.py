"""Secrets in bytes: rules, decoded text, fingerprints, and what somebody has looked at. Nothing here shows a secret."""
