"""GO or HOLD: six sections out of 100 over the last days, and absence is never neutral."""
