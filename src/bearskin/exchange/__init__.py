"""A derivatives exchange on your own machine: the core that decides and the wire that real clients speak to."""
