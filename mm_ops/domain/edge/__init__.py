"""Fills against quotes: what was earned at the touch, what the market took back, what is left."""
