"""The append-only log of what was decided, and its snapshots."""
