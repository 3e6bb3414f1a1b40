"""Whose record it is: the record of one site is never read or continued as that of another."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from siteems.errors import UserError
from siteems.history.location import history_path
from siteems.history.records import RecordError
from siteems.history.store import History

SITE_FACT: Final = "site"
"""The daemon keeps the id of its site under this key."""


def check_site(record: History, site_id: str) -> None:
    """Raises `UserError` for the record of another site, `RecordError` for one that cannot be read.

    A record without the id of a site passes.
    """
    owner = record.fact(SITE_FACT)
    if owner is not None and owner != site_id:
        raise UserError(
            f"{record.path}: the record of site {owner}, not of {site_id}; "
            "give another folder with --state"
        )


def check_folder(folder: Path, site_id: str) -> None:
    """The same for the record in a state folder, if there is one. What cannot be read passes: the
    daemon sets such a record aside.
    """
    path = history_path(folder)
    if not path.exists():
        return
    try:
        with closing(History(path, read_only=True)) as record:
            check_site(record, site_id)
    except RecordError:
        return
