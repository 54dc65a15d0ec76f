"""What is measured: typed indicators, their PromQL, and their value on raw samples."""
