"""`python -m siteems` is the command line."""

from siteems.cli import main

if __name__ == "__main__":
    main()
