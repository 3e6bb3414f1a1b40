"""What a demand-response programme is: prices, valid band, penalty, limits, and where each figure
comes from.

Prices are in the programme's currency. Hours of a day are local, as in tariffs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, fields, replace
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from siteems.config.fields import CLOSED, LARGEST, Name, NonNegative, Positive, Share
from siteems.config.validation_error import KeyPath, ValidationError, choices
from siteems.errors import UserError
from siteems.tariff.hours import parse_hours
from siteems.tariff.model import Month

Currency = Annotated[
    str, Field(pattern=r"^[A-Z]{3}$", description='three capital letters such as "CNY"')
]
SourceText = Annotated[str, Field(min_length=1, description="a source in quotes")]
ASSUMED = "assumed"
"""The source of a figure that was chosen here, because none was found."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Programme:
    """The rules by which one kind of DR event is paid. What is not known is None.

    Every figure has a source, see `source_of`.
    """

    name: Name
    title: str
    region: str
    currency: Currency
    direction: Literal["shed", "fill"]
    """`shed`: import falls below the baseline. `fill`: it rises above it."""
    source: SourceText
    """The document of all figures that are listed neither in `sources` nor in `assumed`."""
    assumed: tuple[str, ...] = ()
    sources: dict[str, SourceText] = field(default_factory=dict)
    """Sources of single figures, by key."""

    price_per_kwh: NonNegative
    """Paid for a kWh within the valid band."""
    price_kind: Literal["fixed", "cap"]
    """`cap`: the price of an event is cleared, at most this one."""
    capacity_per_kw_month: NonNegative | None = None
    capacity_basis: Literal["reserved", "delivered", "not-dispatched"] | None = None
    """The capacity payment is for all contracted kW, for the share of them that was delivered, or
    for those that no event used.
    """
    valid_low: Share
    """Share of the bid below which a settlement period is not paid."""
    valid_high: Annotated[float, Field(ge=1, le=LARGEST)] | None = None
    """Share of the bid above which nothing more is paid; None = no limit."""
    penalty_below: Share | None = None
    """Share of the bid below which the shortfall is charged; None = no penalty."""
    penalty_factor: NonNegative | None = None
    """A kWh of shortfall costs this multiple of `price_per_kwh`."""
    penalty_per_kwh: NonNegative | None = None
    """Instead of `penalty_factor`: the price of a kWh of shortfall."""

    least_kw: NonNegative | None = None
    """Smallest bid, of a site or of the aggregator that bids for it."""
    notice_min: NonNegative | None = None
    """From the announcement to the start of an event."""
    shortest_h: Positive | None = None
    longest_h: Positive | None = None
    ramp_min: NonNegative | None = None
    """From the start of an event until the whole bid is due."""
    settlement_min: Literal[5, 15, 30, 60]
    baseline: Name
    """Name of the rule of the baseline, such as `high-5-of-10`."""
    months: tuple[Month, ...] = ()
    hours: tuple[str, ...] = ()
    """When events occur; empty = at any time."""

    def source_of(self, figure: str) -> str:
        """Where the figure of this key comes from: a document, or `assumed`."""
        return ASSUMED if figure in self.assumed else self.sources.get(figure, self.source)


NOT_FIGURES = frozenset(
    ("name", "title", "region", "currency", "direction", "source", "assumed", "sources")
)
FIGURES = tuple(each.name for each in fields(Programme) if each.name not in NOT_FIGURES)
"""Keys that have a source."""


def at_cleared_price(programme: Programme, price_per_kwh: float) -> Programme:
    """The programme with the price that was cleared for an event.

    Raises `UserError` for a price that is negative or above the cap, and for a programme whose
    price is fixed.
    """
    highest = programme.price_per_kwh
    if programme.price_kind == "fixed":
        raise UserError(f"{programme.name} pays a fixed price of {highest:g}; none is cleared")
    if not 0.0 <= price_per_kwh <= highest:
        raise UserError(
            f"a price of {price_per_kwh:g} is outside {programme.name}; allowed: 0 to {highest:g}"
        )
    assumed = tuple(key for key in programme.assumed if key != "price_per_kwh")
    sources = programme.sources | {"price_per_kwh": "cleared for the event"}
    return replace(
        programme,
        price_per_kwh=price_per_kwh,
        price_kind="fixed",
        assumed=assumed,
        sources=sources,
    )


def programme_errors(programme: Programme) -> Iterator[ValidationError]:
    """What is wrong with a programme although each value is valid by itself."""
    yield from _source_errors(programme)
    yield from _penalty_errors(programme)
    if (programme.capacity_per_kw_month is None) != (programme.capacity_basis is None):
        yield ValidationError(
            ("capacity_basis",),
            "does not go with capacity_per_kw_month",
            "give both or neither",
        )
    shortest, longest = programme.shortest_h, programme.longest_h
    if shortest is not None and longest is not None and shortest > longest:
        yield ValidationError(
            ("shortest_h",), f"above longest_h {longest:g}", f"allowed: at most {longest:g}"
        )
    for index, hours in enumerate(programme.hours):
        try:
            parse_hours(hours)
        except ValueError as error:
            wrong, allowed = str(error).split("; ", 1)  # the form of errors of `parse_hours`
            yield ValidationError(("hours", index), wrong, allowed)


def _source_errors(programme: Programme) -> Iterator[ValidationError]:
    listed: list[tuple[KeyPath, str]] = [
        *((("assumed", index), key) for index, key in enumerate(programme.assumed)),
        *((("sources", key), key) for key in programme.sources),
    ]
    for key_path, key in listed:
        if key not in FIGURES:
            yield ValidationError(key_path, f"{key} is not a figure", choices(key, FIGURES))
    for key in sorted(set(programme.assumed) & programme.sources.keys()):
        yield ValidationError(
            ("sources", key), "listed in assumed too", "a figure has a source or is assumed"
        )


def _penalty_errors(programme: Programme) -> Iterator[ValidationError]:
    prices = (programme.penalty_factor, programme.penalty_per_kwh)
    given = sum(price is not None for price in prices)
    if programme.penalty_below is None and given:
        yield ValidationError(
            ("penalty_below",), "is missing", "a penalty needs the share of the bid below it"
        )
    elif programme.penalty_below is not None and given != 1:
        wrong = "has no price" if given == 0 else "has two prices"
        allowed = "give penalty_factor or penalty_per_kwh"
        yield ValidationError(("penalty_below",), wrong, allowed)
