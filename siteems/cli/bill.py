"""`bill`: what a metered import costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument, load, parse_day

app = typer.Typer()


@app.command(short_help="Reckon the bill of a metered import, by month and period.")
def bill(
    site_file: SiteArgument,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Metered import: time, grid_import_kw; CSV, CSV.gz or Parquet."
        ),
    ],
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="YYYY-MM-DD", help="First day. [default: of the data]"),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="YYYY-MM-DD", help="Day after the last. [default: of the data]"
        ),
    ] = None,
    data_map: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Which column is which, as `siteems inspect` proposes it."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Reckon what a metered import costs at the site's tariffs: energy by period, demand and
    standing charges.

    Every line is rounded to the cent and sums are sums of lines, so the bill adds up. The series
    that `siteems replay` writes are metered imports too. What had to be filled in the data is told
    on stderr.
    """
    import json as json_module
    import sys

    from siteems.accounting.bill import make_bill
    from siteems.accounting.bill_text import as_data, as_page
    from siteems.config.local_time import span_of
    from siteems.recordings.column_map import read_mapping
    from siteems.recordings.metered import read_metered
    from siteems.tariff.lookup import TariffSchedule

    site = load(site_file)
    zone = site.site.zone
    for day in (start, end):
        parse_day(day)
    metered = read_metered(data, zone, None if data_map is None else read_mapping(data_map))
    metered = metered.between(*span_of(start, end, zone))
    for said in metered.said:
        print(f"note  {said}", file=sys.stderr)
    schedule = TariffSchedule(site.tariffs, zone)
    made = make_bill(
        schedule,
        site.grid,
        site.site.currency,
        metered.start,
        metered.step,
        metered.import_kw,
        metered.export_kw,
    )
    print(json_module.dumps(as_data(made), indent=1) if json else as_page(made))
