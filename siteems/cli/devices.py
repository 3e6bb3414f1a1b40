"""`siteems devices`: list the device models, show one, read a real device once."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument, StateOption
from siteems.messages.json_text import json_text

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""List the device models that siteems supports, show one in full, or read a real device.

A device model is a data file; docs/add-a-device.md describes how to add one.""",
)

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="Name of a model as listed by `devices list`, or a map file."
    ),
]


@app.command("list", short_help="List the device models.")
def list_devices(json_output: JsonOption = False) -> None:
    """List the device models, with their roles at a site, the evidence for their maps, and the
    setpoints that siteems can write.
    """

    from siteems.commissioning.device_models import all_models, model_row

    models = all_models()
    print(json_text(models) if json_output else "\n".join(map(model_row, models)))


@app.command("show", short_help="Show one device model in full.")
def show(model: ModelArgument, json_output: JsonOption = False) -> None:
    """Show a device model: the register, type and range of each point, which points are written,
    and how often.
    """

    from siteems.commissioning.device_models import model_facts, model_text

    facts = model_facts(model)
    print(json_text(facts) if json_output else model_text(facts))


@app.command("try", short_help="Read a real device once; nothing is written.")
def try_device(
    model: ModelArgument,
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="Link to the device, such as tcp://192.168.1.20:502."),
    ],
    unit: Annotated[
        int, typer.Option("--unit", metavar="N", min=0, max=255, help="Modbus unit id.")
    ] = 1,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="DIGITS", help="12-digit address of a DL/T 645 meter."),
    ] = None,
    timeout_s: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.05,
            max=30,
            help="Timeout for connecting and for each reply.",
        ),
    ] = 2.0,
    json_output: JsonOption = False,
) -> None:
    """Read a real device once and print its values. Nothing is written to the device.

    Exits with 1 if no point could be read.
    """

    from siteems.commissioning.probe import probe, probe_text

    result = probe(model, url, unit, address, timeout_s)
    print(json_text(result) if json_output else probe_text(result))
    if not any(point["quality"] == "good" for point in result["points"].values()):
        raise typer.Exit(1)


@app.command("prove", short_help="Have the sign of a battery's power proved again.")
def prove(site_file: SiteArgument, state: StateOption = None) -> None:
    """Forget whether the sign of the battery's power was proved or contradicted. The daemon proves
    it with a small step when it is started next.
    """

    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.operations.battery_sign import BATTERY_SIGN
    from siteems.operations.daemon_state import daemon_state
    from siteems.site.read_file import load_site

    site = load_site(site_file)
    path = history_path(state_dir(site.site.id, state))
    History(path, read_only=True).close()  # refuses a record that does not exist
    history = History(path)
    check_site(history, site.site.id)
    history.set_fact(BATTERY_SIGN, "")
    running = daemon_state(history).running
    history.close()
    print("proved again " + ("when the daemon is restarted" if running else "at the next start"))
