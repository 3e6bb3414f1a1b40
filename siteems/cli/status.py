"""`siteems status`."""

from __future__ import annotations

import typer

from siteems.cli.options import JsonOption, SiteArgument, StateOption, load

app = typer.Typer()


@app.command(short_help="Tell how a site is doing.")
def status(site_file: SiteArgument, state: StateOption = None, json: JsonOption = False) -> None:
    """Tell how a site is doing: measurements, plan, calls, and what went wrong in the last day."""
    import json as json_module

    from siteems.history.location import history_path, state_dir
    from siteems.history.store import History
    from siteems.operations.status import as_json, as_text, read_status

    site = load(site_file)
    found = read_status(site, History(history_path(state_dir(site.site.id, state)), read_only=True))
    print(json_module.dumps(as_json(found), indent=2) if json else as_text(found, site.site.zone))
