"""setups: to come."""
