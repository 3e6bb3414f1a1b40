"""Peer projects, each in a virtual environment of its own below the build folder, made once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1]
BUILD = BENCHMARKS.parent / "build" / "bench"
VERSIONS = {"flexmeasures": "1.0.1", "emhass": "0.18.7"}
INSTALL_LIMIT_S = 900.0


class PeerError(RuntimeError):
    """A peer cannot be run here; the message is the reason."""


class Peer:
    """The program `peers/NAME.py` of one peer; it solves one problem at a time."""

    def __init__(self, name: str) -> None:
        """Start the program. The first time this installs the peer, which takes minutes.

        Raises `PeerError`.
        """
        self.name = name
        python = _environment(name)
        self._process = subprocess.Popen(
            # -P: a folder named like the peer, as there is here, must not hide its package.
            [python, "-P", "-m", f"peers.{name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=BUILD,
            env=os.environ | {"PYTHONPATH": str(BENCHMARKS)},
        )

    def solve(self, number: int) -> tuple[float, float]:
        """Solve one variation of S1; returns its cost in currency and the peer's own solve time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{number}\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            self._process.kill()
            raise PeerError(
                f"{self.name} ended without an answer, exit code {self._process.wait()}"
            ) from None
        return answer["cost"], answer["solve_s"]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def _environment(name: str) -> Path:
    """Return the Python of the peer's environment, which is made where it is missing."""
    folder = BUILD / name
    python, done = folder / "bin" / "python", folder / f"installed-{VERSIONS[name]}"
    if done.exists():
        return python
    print(f"installing {name} {VERSIONS[name]} ...", flush=True)
    pip = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--prefer-binary",
    ]
    for command in ([sys.executable, "-m", "venv", folder], [*pip, f"{name}=={VERSIONS[name]}"]):
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerError(f"{name} could not be installed: {error}") from None
        if ran.returncode:
            last = [line for line in ran.stderr.splitlines() if line.strip()][-1:]
            raise PeerError(
                f"{name} could not be installed: {' '.join(last) or f'exit code {ran.returncode}'}"
            )
    done.touch()
    return python
