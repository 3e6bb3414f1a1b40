"""A command run as its users run it, but within the process of the test."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import structlog

from siteems.cli import main


def run_command(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and messages of `siteems ARGUMENTS`."""
    output, messages, logging = io.StringIO(), io.StringIO(), structlog.get_config()
    with (
        patch.object(sys, "argv", ["siteems", *map(str, arguments)]),
        redirect_stdout(output),
        redirect_stderr(messages),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            structlog.configure(**logging)  # a replay logs nothing; other tests look at the log
    return code, output.getvalue(), messages.getvalue()
