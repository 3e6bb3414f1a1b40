"""What goes wrong through no fault of the program: clear lines for the person at the keyboard,
never a traceback.
"""

from __future__ import annotations


class UserError(Exception):
    """Sentences that say what was wrong, where, and what to do. The command line prints them and
    exits with 2.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines: tuple[str, ...] = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


class SiteFileError(UserError):
    """A `site.toml` that cannot be used; one line for each mistake in it."""
