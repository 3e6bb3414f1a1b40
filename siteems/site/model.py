"""What a site is: frozen, validated dataclasses. `config.py` reads them from `site.toml`; nothing
else makes them.

Units are in the names. Powers are kW, energies kWh; shares (SoC, efficiencies) are 0..1, never
percent. Battery, PV and telecom load are measured at the DC bus, grid, genset and air conditioner
on the AC side.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic.dataclasses import dataclass

from drivers.simulated.faults import FaultKind
from siteems.config.fields import (
    CLOSED,
    MAP_FORM,
    DayShape,
    Efficiency,
    LocalTime,
    Name,
    NonNegative,
    Positive,
    Share,
)
from siteems.tariff.records import TariffVersion


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Identity:
    """Which site this is and where it stands."""

    id: Name
    name: str
    timezone: str
    """IANA name, such as `Asia/Shanghai`."""
    latitude_deg: Annotated[float, Field(ge=-90, le=90)]
    longitude_deg: Annotated[float, Field(ge=-180, le=180)]
    altitude_m: Annotated[float, Field(ge=-500, le=6000)] = 0.0
    currency: Annotated[
        str, Field(pattern=r"^[A-Z]{3}$", description='three capital letters such as "CNY"')
    ]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone; `config.py` has checked that it exists."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class GridConnection:
    """The grid connection, AC side."""

    import_limit_kw: Positive
    transformer_kva: Positive | None = None
    """Rated power of the customer's transformers: what a capacity charge is billed on."""
    contract_kw: Positive | None = None
    """Contracted maximum demand."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Load:
    """What the site draws when nothing has been measured yet: hourly means of a typical day."""

    typical_dc_kw: DayShape
    typical_ac_kw: DayShape
    """AC side without the rectifier: air conditioner, lighting."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Rectifier:
    """The rectifier shelf between the AC side and the -48 V bus."""

    rated_kw: Positive
    """DC output of the whole shelf."""
    float_v: Annotated[float, Field(ge=42, le=58)] = 53.5
    efficiency: Annotated[tuple[tuple[Share, Efficiency], ...], Field(min_length=2)] = (
        (0.05, 0.84),
        (0.10, 0.90),
        (0.20, 0.94),
        (0.40, 0.96),
        (0.60, 0.965),
        (0.80, 0.96),
        (1.00, 0.955),
    )
    """(share of rated output, efficiency), rising in share. The default is the house curve for 97 %
    modules.
    """


Chemistry = Literal["lead-carbon", "lfp"]

CHARGE_ACCEPTANCE: dict[Chemistry, tuple[tuple[float, float], ...]] = {
    "lead-carbon": (
        (0.0, 0.20),
        (0.80, 0.20),
        (0.90, 0.10),
        (0.95, 0.05),
        (0.98, 0.02),
        (1.0, 0.005),
    ),
    "lfp": ((0.0, 0.50), (0.90, 0.50), (1.0, 0.05)),
}
"""(SoC, charge power per rated kWh) that the chemistry takes; lead-carbon is shaped on the makers'
test regime.
"""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Wear:
    """Wear by depth of discharge, from the maker's cycle table: shallow cycles cost less per kWh
    than deep ones.
    """

    cycles: Annotated[tuple[tuple[Share, Positive], ...], Field(min_length=1)]
    """(depth of discharge, cycles to the end of life), rising in depth."""
    replacement_per_kwh: Positive
    """Price of a new battery per rated kWh, in the site's currency."""
    mode: Literal["cycle", "calendar-netted", "off"] = "cycle"
    """`calendar-netted`: what ages out after `calendar_years` anyway wears for nothing."""
    calendar_years: Positive | None = None
    cycles_per_day: Positive = 1.0
    segments: Annotated[int, Field(ge=1, le=8)] = 4


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Battery:
    """The battery on the DC bus."""

    chemistry: Chemistry
    rated_ah: Positive
    nominal_v: Annotated[float, Field(ge=40, le=60)] = 48.0
    state_of_health: Annotated[float, Field(gt=0.4, le=1)] = 1.0
    charge_efficiency: Efficiency
    discharge_efficiency: Efficiency
    max_charge_kw: Positive
    max_discharge_kw: Positive
    min_soc: Share = 0.10
    """Deepest discharge that the maker allows; a mains failure may go there, economics never."""
    min_charge_temp_c: float = 0.0
    max_temp_c: float = 50.0
    wear_per_kwh: NonNegative
    """Mean cost of wear per kWh discharged, in the site's currency: what reports reckon with, and
    the plan too where it has no table.
    """
    wear: Wear | None = None
    """By depth of discharge, for the plan."""
    full_charge_days: Annotated[float, Field(ge=1, le=60)] | None = None
    """Fully charged at least this often; lead batteries lose capacity without (every 7 to 14 days).
    """
    charge_acceptance: tuple[tuple[Share, NonNegative], ...] | None = None
    """(SoC, kW per rated kWh); default by chemistry."""

    @property
    def rated_kwh(self) -> float:
        """Rated energy."""
        return self.rated_ah * self.nominal_v / 1000.0

    @property
    def capacity_kwh(self) -> float:
        """Actual energy today: what an SoC of 1 stands for."""
        return self.rated_kwh * self.state_of_health

    @property
    def acceptance(self) -> tuple[tuple[float, float], ...]:
        """(SoC, kW) that the battery accepts."""
        table = self.charge_acceptance or CHARGE_ACCEPTANCE[self.chemistry]
        return tuple((soc, min(rate * self.rated_kwh, self.max_charge_kw)) for soc, rate in table)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Backup:
    """The promise: how long the telecom load must run when the mains fail."""

    hours: Annotated[float, Field(ge=0.5, le=72)]
    coldest_c: Annotated[float, Field(ge=-40, le=40)]
    """Coldest battery temperature to reckon with, where it is not measured."""
    soc_margin: Annotated[float, Field(ge=0, le=0.3)] = 0.05
    """Added to the reserve for the error of the SoC estimate."""
    load_margin: Annotated[float, Field(ge=0, le=1)] = 0.10
    """P95 of the load over its forecast, until residuals of its own are known."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Pv:
    """Photovoltaics on the DC bus (直流光伏)."""

    rated_kwp: Positive
    tilt_deg: Annotated[float, Field(ge=0, le=90)] = 20.0
    azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 180.0
    """Clockwise from north: 180 looks south."""
    performance_ratio: Annotated[float, Field(gt=0.3, le=1)] = 0.85


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class AirConditioner:
    """The shelter's cooling, AC side."""

    rated_kw: Positive
    cop: Annotated[float, Field(ge=1, le=6)] = 2.8
    setpoint_c: Annotated[float, Field(ge=15, le=35)] = 26.0
    heat_capacity_kwh_per_k: Positive = 0.6
    heat_loss_kw_per_k: Positive = 0.045
    indoor_share: Share = 1.0
    """Share of the telecom load whose heat stays in the shelter; radio units on the mast give
    theirs to the wind.
    """


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Genset:
    """A generator on the AC side. Read and reported; it is started by its own controller when the
    mains fail.
    """

    rated_kw: Positive
    fuel_price_per_kwh: NonNegative
    start_below_soc: Share = 0.3


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EmissionFactor:
    """A grid emission factor as a record; results print all of it."""

    kg_per_kwh: NonNegative
    scope: Literal["location", "residual", "footprint"]
    region: str
    data_year: Annotated[int, Field(ge=1990, le=2100)]
    source: str


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Link:
    """A connection that devices share."""

    url: str
    """`tcp://host:port` and the other forms of `drivers/address.py`."""
    timeout_s: Annotated[float, Field(ge=0.05, le=30)] = 1.0
    gap_ms: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Pause between two requests; serial gateways need one."""
    ca: str | None = None
    """TLS only: PEM file, beside `site.toml`, of who signed the other side's certificate."""
    certificate: str | None = None
    """TLS only: PEM file of our own certificate, where the other side asks for one."""
    key: str | None = None
    """TLS only: PEM file of its key."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DeviceEntry:
    """A device of the site: which model, behind which link, and which one there.

    Modbus devices have a `unit`, DL/T 645 meters an `address`.
    """

    name: Name
    map: Annotated[
        str,
        Field(
            pattern=r"^([a-z0-9][a-z0-9-]*|[^\x00]+\.toml)$", max_length=1024, description=MAP_FORM
        ),
    ]
    """A model that comes with the package, or a map file from the folder of the site file,
    `"my-unit.toml"`.
    """
    link: Name
    unit: Annotated[int, Field(ge=1, le=247)] | None = None
    address: (
        Annotated[str, Field(pattern=r"^\d{12}$", description="12 digits, as printed on the meter")]
        | None
    ) = None
    ratio: Positive = 1.0
    """Of the transformers before a DL/T 645 meter: power and energy are what it shows times this.
    """

    @property
    def where(self) -> str:
        """Unit or address, in words."""
        return f"unit {self.unit}" if self.unit is not None else f"address {self.address}"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Control:
    """The fast loop."""

    cycle_s: Annotated[float, Field(ge=0.2, le=60)] = 1.0
    lease_s: Annotated[float, Field(ge=5, le=3600)] = 60.0
    """A device falls back to its safe value when no setpoint came for this long."""
    reserve_recovery_soc: Annotated[float, Field(ge=0.002, le=0.2)] = 0.01
    """Discharge stops at the reserve and is allowed again this far above it."""
    import_margin_kw: NonNegative = 0.05
    """Kept free below an import limit, for what happens between two cycles."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Planning:
    """The slow loop."""

    step_min: Literal[15, 30, 60] = 15
    horizon_h: Annotated[int, Field(ge=6, le=96)] = 36
    fine_h: Annotated[int, Field(ge=3, le=96)] = 12
    """Steps are `step_min` long for this many hours, then an hour: what is farther off is not known
    that finely.
    """
    solve_limit_s: Annotated[float, Field(ge=0.5, le=120)] = 10.0
    reserve_penalty_factor: Annotated[float, Field(ge=60)] = 100.0
    """Price of a kWh missing from the reserve for an hour, in multiples of the highest tariff
    price.
    """


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Recording:
    """The historian."""

    sample_s: Annotated[float, Field(ge=1, le=900)] = 60.0
    keep_days: Annotated[int, Field(ge=1, le=4000)] = 800


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemandCall:
    """A demand-response call of the demo day."""

    limit_kw: NonNegative
    start: LocalTime
    """Local time, `"14:30"`."""
    hours: Positive


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class MainsFailure:
    """A mains failure of the demo day."""

    start: LocalTime
    """Local time, `"21:40"`."""
    minutes: Positive


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemoFault:
    """Something that a device does wrong on the demo day (docs/faults.md)."""

    device: Name
    kind: FaultKind
    start: LocalTime
    """Local time, `"16:00"`."""
    minutes: Positive = 1.0
    point: str | None = None
    value: float | None = None


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemoDay:
    """The day that `siteems demo` and `siteems simulate` run."""

    date: date
    profile: str
    """CSV file beside `site.toml`."""
    start_soc: Share
    demand_call: DemandCall | None = None
    mains_failure: MainsFailure | None = None
    faults: tuple[DemoFault, ...] = ()


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Site:
    """Everything that is known about a site before the first measurement."""

    schema_version: Literal[1]
    site: Identity
    grid: GridConnection
    load: Load
    rectifier: Rectifier
    battery: Battery
    backup: Backup
    tariffs: Annotated[tuple[TariffVersion, ...], Field(min_length=1)]
    carbon: EmissionFactor
    links: Annotated[dict[Name, Link], Field(min_length=1)]
    devices: Annotated[tuple[DeviceEntry, ...], Field(min_length=1)]
    pv: Pv | None = None
    air_conditioner: AirConditioner | None = None
    genset: Genset | None = None
    control: Control = field(default_factory=Control)
    planning: Planning = field(default_factory=Planning)
    recording: Recording = field(default_factory=Recording)
    demo: DemoDay | None = None
