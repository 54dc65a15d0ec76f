"""What is written from the catalogue: rules, their tests, routing, dashboard, tables."""
