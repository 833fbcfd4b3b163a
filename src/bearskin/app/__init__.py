"""The edge of the house: command line, settings, verbs."""


def main() -> None:
    """The command line."""
