"""`siteems status`: the state of a site, from its record."""

from __future__ import annotations

import typer

from siteems.cli.options import JsonOption, SiteArgument, StateOption
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Show the state of a site.")
def status(
    site_file: SiteArgument, state: StateOption = None, json_output: JsonOption = False
) -> None:
    """Show the state of a site: measurements, plan, demand-response events, link counters, and the
    alarms, warnings and information of the last 24 hours.

    Everything is read from the site's record, so the daemon need not be running. Measurements are
    recorded once a minute, unless the site file sets another `recording.sample_s`.

    Ends with code 0 where a running daemon controls the site by a fresh plan, 3 where none runs, 4
    where it has recorded nothing for three sample intervals, and 5 where it follows an old plan or
    the rules, has released the devices, or is read-only.
    """

    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.operations.status import exit_code, read_status
    from siteems.operations.status_json import as_data
    from siteems.operations.status_text import as_text
    from siteems.site.read_file import load_site

    site = load_site(site_file, read_only=True)
    history = History(history_path(state_dir(site.site.id, state)), read_only=True)
    check_site(history, site.site.id)
    found = read_status(site, history)
    if json_output:
        print(json_text(as_data(found), indent=2))
    else:
        print(as_text(found, site.site.zone))
    if code := exit_code(found, site):
        raise typer.Exit(code)
