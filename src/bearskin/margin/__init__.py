"""margin: to come."""
