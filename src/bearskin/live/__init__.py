"""live: to come."""
