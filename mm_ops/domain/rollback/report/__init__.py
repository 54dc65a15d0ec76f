"""What is told of a stop after it: what the journal says, what is seen again, and the report that people read."""
