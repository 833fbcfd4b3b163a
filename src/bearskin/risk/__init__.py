"""risk: to come."""
