"""The pack of dry runs before a bot goes live: four ends of a step, and only one of them is green."""
