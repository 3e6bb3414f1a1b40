"""The solver's child process on its own: its first frame says whether it can solve."""

import subprocess
import sys
from pathlib import Path

import optimisation
from siteems.planning.solver_child import LENGTH_BYTES


def test_without_the_highs_library_the_first_frame_gives_the_reason_and_the_process_ends():
    code = """
from optimisation.solving import highs
from siteems.planning import solver_child
highs._LIBRARIES = ("libnone.so",)
solver_child.main()
"""
    folder = Path(optimisation.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, check=False, timeout=60
    )
    length, reason = done.stdout[:LENGTH_BYTES], done.stdout[LENGTH_BYTES:]
    assert (done.returncode, int.from_bytes(length)) == (1, len(reason))
    assert reason.startswith(b"no libnone.so in ")
    assert b"ImportError: no libnone.so in " in done.stderr
    assert b"install highspy from a wheel" in done.stderr
