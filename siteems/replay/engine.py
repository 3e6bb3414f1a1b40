"""The replay: each policy drives the simulated site through the same recorded data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from siteems.recordings.profile import Profile
from siteems.replay.bound_run import BoundRun
from siteems.replay.outcome import POLICIES, Policy, PolicyOutcome, ReplayResult
from siteems.replay.policy_run import PolicyRun, Progress
from siteems.replay.window import INTERVAL, ReplayWindow
from siteems.site.model import START_SOC, Site


def run_replay(
    site: Site,
    profile: Profile,
    policies: Sequence[Policy] = POLICIES,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    start_soc: float = START_SOC,
    notes: tuple[str, ...] = (),
    progress: Progress = lambda policy, done, total: None,
) -> ReplayResult:
    """Replay a span of a profile without gaps with each policy.

    The span is cut to whole quarter hours. The air conditioner is simulated where the site has one,
    else its recorded load is used. `notes` on the data are kept in the result. Raises `TariffGap`
    when no tariff is valid in the span.
    """
    first, last = start or profile.start, end or profile.end
    window = ReplayWindow(first, int((last - first) / INTERVAL))
    to_run = set(policies)
    if "foresight" in to_run:
        to_run.add("idle")  # its AC load is what perfect foresight expects
    if "bound" in to_run:
        to_run.add("self-consumption")  # from its run the bound knows the reserve and the AC load
    outcomes: dict[Policy, PolicyOutcome] = {}
    for policy in POLICIES:
        if policy in to_run:
            if policy == "bound":
                known = outcomes["self-consumption"]
                run: PolicyRun = BoundRun(site, profile, window, start_soc, known, progress)
            else:
                idle = outcomes.get("idle")
                run = PolicyRun(site, profile, policy, window, start_soc, idle, progress)
            outcomes[policy] = run.outcome()
    return ReplayResult(
        site_id=site.site.id,
        currency=site.site.currency,
        source=profile.source,
        start=first,
        step=INTERVAL,
        notes=notes,
        policies={policy: outcomes[policy] for policy in POLICIES if policy in policies},
    )
