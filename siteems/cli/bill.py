"""`siteems bill`: what a metered import costs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import ColumnMapOption, FromOption, JsonOption, SiteArgument, ToOption
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Calculate the bill for a metered import, by month and period.")
def bill(
    site_file: SiteArgument,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="Metered import with the columns time and grid_import_kw: CSV, CSV.gz or Parquet.",
        ),
    ],
    start: FromOption = None,
    end: ToOption = None,
    column_map: ColumnMapOption = None,
    json_output: JsonOption = False,
) -> None:
    """Calculate what a metered import costs under the site's tariffs: energy by period, demand
    charges and standing charges.

    Each line is rounded to the cent, and totals are sums of these lines, so that the bill adds up.
    The series that `siteems replay` writes can be billed too. Gaps that had to be filled in the
    data are listed on stderr.
    """

    from siteems.accounting.beyond_connection import with_beyond_noted
    from siteems.accounting.bill_text import as_data, as_text
    from siteems.accounting.billing import make_bill
    from siteems.accounting.metered_steps import with_step_notes
    from siteems.config.local_time import utc_span
    from siteems.recordings.column_map import read_column_map
    from siteems.recordings.read import read_metered
    from siteems.site.read_file import load_site
    from siteems.tariff.schedule import TariffSchedule

    site = load_site(site_file)
    zone = site.site.zone
    columns = None if column_map is None else read_column_map(column_map)
    span = utc_span(start, end, zone)
    metered = read_metered(data, zone, columns, span)
    schedule = TariffSchedule(site.tariffs, zone)
    metered = with_beyond_noted(metered.between(*span), site.grid.import_limit_kw)
    metered = with_step_notes(schedule, metered)
    for note in metered.notes:
        print(f"note  {note}", file=sys.stderr)
    made = make_bill(
        schedule,
        site.grid,
        site.site.currency,
        metered.start,
        metered.step,
        metered.import_kw,
        metered.export_kw,
    )
    print(json_text(as_data(made)) if json_output else as_text(made))
