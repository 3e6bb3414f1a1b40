"""Real siteems processes for the demo: started, awaited until they are ready, ended by SIGTERM."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from siteems.errors import UserError

READY_WITHIN_S = 60.0
"""Two Python processes on a slow machine take some ten seconds to import and connect."""
STOP_WITHIN_S = 15.0
"""The daemon releases its devices before it ends, which takes a few reads and writes each."""
LOG_TAIL = 800
"""Characters of a log that are shown when a process has ended early."""


@contextmanager
def siteems_process(name: str, arguments: Sequence[str], folder: Path) -> Iterator[None]:
    """A siteems command as a process, with its log in `folder`; entered when the process is ready.

    Raises `UserError` when it ends before, or takes too long.
    """
    log_path = folder / f"{name}.log"
    with log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "siteems", *arguments], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await_ready(name, process, log_path)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(name: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        text = log_path.read_text(encoding="utf-8")
        if '"event": "ready"' in text:
            return
        if process.poll() is not None:
            raise UserError(
                f"the {name} ended with code {process.returncode} before it was ready; "
                f"its log ends with: {text[-LOG_TAIL:].strip()}"
            )
        time.sleep(0.05)
    raise UserError(f"the {name} was not ready within {READY_WITHIN_S:g} s; see {log_path}")
