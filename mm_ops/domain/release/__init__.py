"""May it ship, and what exactly ships."""
