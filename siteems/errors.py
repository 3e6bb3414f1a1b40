"""Errors that the user can correct. They are reported as plain lines, without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Lines that say what is wrong, where, and what to do.

    The command line prints them and exits with `exit_code`.
    """

    exit_code: int = 2

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines: tuple[str, ...] = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


class SiteFileError(UserError):
    """A `site.toml` that cannot be used; one line for each error in it."""
