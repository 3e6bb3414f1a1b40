"""`siteems backup` and `siteems restore`: copies of a site's record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import SiteArgument, StateOption

app = typer.Typer()


@app.command(short_help="Copy the record of a site to a file.")
def backup(
    site_file: SiteArgument,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="New file for the copy.")],
    state: StateOption = None,
) -> None:
    """Copy the record of a site to a new file and check the copy. The daemon may be running: the
    copy is consistent, and control does not wait for it.
    """
    from siteems.history.backup import back_up
    from siteems.history.location import state_dir
    from siteems.site.read_file import load_site

    site = load_site(site_file, read_only=True)
    back_up(state_dir(site.site.id, state), target, site.site.id)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


@app.command(short_help="Put a copy in the place of a site's record.")
def restore(
    site_file: SiteArgument,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file made by `backup`.")],
    state: StateOption = None,
) -> None:
    """Put a copy in the place of a site's record. The daemon must not be running. The record that
    was there is not deleted; the command prints its new name.
    """
    from siteems.history.backup import restore as restore_record
    from siteems.history.location import history_path, state_dir
    from siteems.site.read_file import load_site

    site = load_site(site_file, read_only=True)
    folder = state_dir(site.site.id, state)
    kept = restore_record(folder, source, site.site.id, datetime.now(UTC))
    print(f"{history_path(folder)}: restored from {source}")
    if kept is not None:
        print(f"the record that was there: {kept}")
