"""paths: to come."""
