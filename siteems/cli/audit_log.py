"""`siteems audit-log`: who gave which command, and whether the log of it is whole."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from siteems.cli.options import SiteArgument, StateOption

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Show or check the log of commands.

Each command that the daemon has taken or refused is a line of `audit.log` in the state folder:
when, who, what, and the hash of the line before.""",
)


@app.command("show")
def audit_log_show(site_file: SiteArgument, state: StateOption = None) -> None:
    """Print the log, one JSON object per line."""
    sys.stdout.write(_path(site_file, state).read_text(encoding="utf-8", errors="replace"))


@app.command("verify")
def audit_log_verify(site_file: SiteArgument, state: StateOption = None) -> None:
    """Check that no line of the log was changed, removed or inserted.

    Ends with code 1 where one was. Lines cut off at the end do not show: compare number and
    hash of the last one with those of an earlier check.
    """
    from siteems.history.audit_log import verify

    path = _path(site_file, state)
    found = verify(path)
    print(f"{path}: {found.lines} sound lines, the last with hash {found.last_hash}")
    if found.problem:
        print(found.problem, file=sys.stderr)
        raise typer.Exit(1)


def _path(site_file: Path, state: Path | None) -> Path:
    """The log of a site. Raises `UserError` where there is none."""
    from siteems.errors import UserError
    from siteems.history.audit_log import FILE_NAME
    from siteems.history.location import state_dir
    from siteems.site.read_file import load_site

    path = state_dir(load_site(site_file, read_only=True).site.id, state) / FILE_NAME
    if not path.exists():
        raise UserError(f"{path}: no command has been given to a daemon of this record")
    return path
