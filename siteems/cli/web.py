"""`siteems web`: the page of a site in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.cli.options import SiteArgument, StateOption

app = typer.Typer()


@app.command(short_help="Show a site in a browser.")
def web(
    site_file: SiteArgument,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")
    ] = 8350,
    state: StateOption = None,
) -> None:
    """Serve the page of a site on this machine (loopback), until it is ended with Ctrl-C.

    The page shows what is recorded: power flow, battery and reserve, today's course and plan,
    alarms, events, history. It changes nothing, and the daemon need not be running. From another
    machine, use an SSH tunnel: ssh -L 8350:127.0.0.1:8350 GATEWAY.

    Example: siteems web site.toml
    """
    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.platform.serve import require_library, serve
    from siteems.site.read_file import load_site

    require_library()
    site = load_site(site_file, read_only=True)
    folder = state_dir(site.site.id, state)
    history = History(history_path(folder), read_only=True)
    check_site(history, site.site.id)
    history.close()
    serve(site, folder, port, lambda address: print(f"{site.site.name}: {address}", flush=True))
