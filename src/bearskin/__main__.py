"""`python -m bearskin` is the command line."""

from bearskin.app import main

if __name__ == "__main__":
    main()
