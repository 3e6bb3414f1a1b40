"""Where the replays of a batch run: in this process, in others of this machine, or on a Dask
cluster.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from siteems.errors import UserError


class HereExecutor(Executor):
    """Runs each task at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the task and return a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def executor_for(jobs: int, dask: str | None = None) -> Iterator[Executor]:
    """An executor for `jobs` processes, or for a Dask scheduler.

    Raises `UserError` when no scheduler answers at the address.
    """
    if dask is not None:
        yield from _on_cluster(dask)
    elif jobs == 1:
        yield HereExecutor()
    else:
        # A fresh interpreter for each: a forked one would share the solver's threads and locks.
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as executor:
            yield executor


def _on_cluster(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError("--dask needs Dask; install siteems[cluster]") from error
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]  # untyped in distributed
    except (OSError, ValueError, TimeoutError) as error:
        raise UserError(f"--dask {address}: no scheduler answers ({error})") from error
    with client:
        yield client.get_executor(pure=False)  # type: ignore[no-untyped-call]  # untyped in distributed
