"""A command run as its users run it, but within the process of the test."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from siteems.cli import main


def run_command(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and messages of `siteems ARGUMENTS`."""
    output, messages = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["siteems", *map(str, arguments)]),
        redirect_stdout(output),
        redirect_stderr(messages),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, output.getvalue(), messages.getvalue()
