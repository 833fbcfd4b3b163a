"""The append-only log of what was decided, and its snapshots."""

from bearskin.journal._journal import JOURNAL_VERSION, Journal, journal_version

__all__ = ["JOURNAL_VERSION", "Journal", "journal_version"]
