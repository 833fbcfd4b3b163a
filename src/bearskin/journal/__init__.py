"""The append-only log of what was decided, its snapshots, and pages of what is closed."""

from bearskin.journal._journal import JOURNAL_VERSION, Journal, journal_version

__all__ = ["JOURNAL_VERSION", "Journal", "journal_version"]
