"""`siteems alarms`: the alarms of a site, and their acknowledgement."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup

from siteems.cli.options import JsonOption, SiteArgument, StateOption
from siteems.messages.json_text import json_text


class _ShowByDefault(TyperGroup):
    """`siteems alarms SITE` is `siteems alarms show SITE`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer has a click of its own
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ShowByDefault,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Show the alarms of a site, or acknowledge one.

`siteems alarms SITE.toml` shows those that stand, with what to do; the most severe come first.""",
)


@app.command("show")
def alarms_show(
    site_file: SiteArgument,
    all_: Annotated[
        bool, typer.Option("--all", help="Also those of the last 90 days that are cleared.")
    ] = False,
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show the alarms that stand. `show` may be left out.

    They are read from the site's record, so the daemon need not be running. Ends with code 1 where
    one stands that is not acknowledged.
    """
    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.operations.alarm_list import alarm_dict, alarm_lines, recorded_alarms
    from siteems.site.read_file import load_site

    site = load_site(site_file, read_only=True)
    history = History(history_path(state_dir(site.site.id, state)), read_only=True)
    check_site(history, site.site.id)
    alarms = recorded_alarms(history)
    shown = [each for each in alarms if all_ or each.state != "cleared"]
    if json_output:
        print(json_text([alarm_dict(each) for each in shown], indent=2))
    else:
        for each in shown:
            print(*alarm_lines(each, site.site.zone), sep="\n")
        if not shown:
            print("no alarms")
    if any(each.state == "raised" for each in alarms):
        raise typer.Exit(1)


@app.command("ack")
def alarms_ack(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code of an alarm that stands.")],
    site_file: SiteArgument,
    subject: Annotated[
        str | None,
        typer.Option("--of", metavar="NAME", help="The device, link or DR event, of several."),
    ] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What is known of it.")] = "",
    state: StateOption = None,
) -> None:
    """Acknowledge an alarm: it has been seen, and someone takes care of it.

    The running daemon records who did so. A lasting alarm stays until its cause has ended.

    Example: siteems alarms ack device-not-following --of smu --note "on my way" site.toml
    """
    from siteems.cli.daemon_commands import at_site
    from siteems.errors import UserError
    from siteems.history.location import history_path
    from siteems.history.store import History
    from siteems.operations.alarm_list import recorded_alarms

    _, daemon = at_site(site_file, state)
    history = History(history_path(daemon.folder), read_only=True)
    standing = [
        each
        for each in recorded_alarms(history)
        if each.alarm.code == code and each.state != "cleared" and subject in (None, each.subject)
    ]
    if not standing:
        raise UserError(f"no alarm {code} stands; `siteems alarms` lists those that do")
    if len(standing) > 1:
        names = ", ".join(sorted(each.subject for each in standing))
        raise UserError(f"several alarms {code} stand, add --of with one of: {names}")
    arguments = {"alarm": code, "subject": standing[0].subject, "note": note}
    daemon.send("alarm-acknowledge", arguments)
    print(f"{code} acknowledged")
