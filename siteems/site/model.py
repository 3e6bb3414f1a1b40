"""What a site is: frozen, validated dataclasses, one for each section of `site.toml`.

`site/read_file.py` makes them from a file. Units are in the names: power in kW, energy in kWh;
shares such as SoC and efficiencies are 0..1, never percent. Battery, PV and telecom load are
measured at the DC bus; grid, genset and air conditioner on the AC side.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic.dataclasses import dataclass

from siteems.config.fields import (
    CLOSED,
    MAP_FORM,
    DayShape,
    Efficiency,
    Name,
    NonNegative,
    Positive,
    Share,
)
from siteems.site.demand_response import DemandResponse, Iec104, OpenAdr
from siteems.site.demo_day import DemoDay
from siteems.site.monitoring import AlarmHook, Metrics
from siteems.tariff.model import TariffVersion


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Identity:
    """Name, location and currency of the site."""

    id: Name
    name: Annotated[
        str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200, description="text on one line")
    ]
    timezone: str
    """IANA name, such as `Asia/Shanghai`. A check of the site file makes sure that it exists."""
    latitude_deg: Annotated[float, Field(ge=-90, le=90)]
    longitude_deg: Annotated[float, Field(ge=-180, le=180)]
    altitude_m: Annotated[float, Field(ge=-500, le=6000)] = 0.0
    currency: Annotated[
        str, Field(pattern=r"^[A-Z]{3}$", description='three capital letters such as "CNY"')
    ]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class GridConnection:
    """The grid connection, AC side."""

    import_limit_kw: Positive
    transformer_kva: Positive | None = None
    """Rated power of the customer's transformers, on which a capacity charge is billed."""
    contract_kw: Positive | None = None
    """Contracted maximum demand."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Load:
    """Hourly means of a typical day, used until the site has measured its own load."""

    typical_dc_kw: DayShape
    typical_ac_kw: DayShape
    """AC side without the rectifier: air conditioner and lighting."""


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
    """(share of rated output, efficiency), rising in share.

    The default is a typical curve for modules with a peak efficiency of 97 %, with the losses of
    the shelf; the data sheet of the site's own modules is better.
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
"""(SoC, highest charge power in kW per rated kWh). Lead-carbon follows the charge regime of
manufacturers' cycle tests.
"""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Wear:
    """Wear by depth of discharge, from the manufacturer's cycle table.

    Shallow cycles cost less per kWh than deep ones.
    """

    cycles: Annotated[tuple[tuple[Share, Positive], ...], Field(min_length=1)]
    """(depth of discharge, cycles to the end of life), rising in depth."""
    replacement_per_kwh: Positive
    """Price of a new battery per rated kWh, in the site's currency."""
    mode: Literal["cycle", "calendar-netted", "off"] = "cycle"
    """`cycle`: each cycle has a cost. `calendar-netted`: cycles that do not shorten the battery's
    life below `calendar_years`, at `cycles_per_day`, are free. `off`: no cost.
    """
    calendar_years: Positive | None = None
    cycles_per_day: Positive = 1.0
    segments: Annotated[int, Field(ge=1, le=8)] = 4
    """Depth segments of the linear program. More segments follow the cycle table more closely, and
    each adds variables.
    """


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
    """Deepest discharge that the manufacturer allows. Only a mains failure may use it; arbitrage
    stops at the backup reserve.
    """
    min_charge_temp_c: Annotated[float, Field(ge=-40, le=40)] = 0.0
    max_temp_c: Annotated[float, Field(ge=0, le=80)] = 50.0
    wear_per_kwh: NonNegative
    """Mean cost of wear per kWh discharged, in the site's currency. Reports use it, and so does the
    plan if there is no `wear` table.
    """
    wear: Wear | None = None
    """Cost of wear by depth of discharge, for the plan."""
    full_charge_days: Annotated[float, Field(ge=1, le=60)] | None = None
    """Longest time between full charges. Lead batteries lose capacity by sulphation without a full
    charge every 7 to 14 days.
    """
    charge_acceptance: (
        Annotated[tuple[tuple[Share, NonNegative], ...], Field(min_length=1)] | None
    ) = None
    """(SoC, highest charge power in kW per rated kWh); by default that of the chemistry."""

    @property
    def rated_kwh(self) -> float:
        """Rated energy at nominal voltage."""
        return self.rated_ah * self.nominal_v / 1000.0

    @property
    def capacity_kwh(self) -> float:
        """Actual capacity today, rated energy times state of health; SoC is a share of it."""
        return self.rated_kwh * self.state_of_health

    @property
    def acceptance(self) -> tuple[tuple[float, float], ...]:
        """(SoC, highest charge power in kW), limited to `max_charge_kw`."""
        table = self.charge_acceptance or CHARGE_ACCEPTANCE[self.chemistry]
        return tuple((soc, min(rate * self.rated_kwh, self.max_charge_kw)) for soc, rate in table)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Backup:
    """The backup promise: how long the battery must carry the telecom load when the mains fail."""

    hours: Annotated[float, Field(ge=0.5, le=72)]
    coldest_c: Annotated[float, Field(ge=-40, le=40)]
    """Coldest battery temperature of the year, used where the temperature is not measured."""
    shed_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Share of the telecom load that the site's own contactors disconnect in a long mains failure;
    `siteems status` then also shows the time left without it.
    """
    soc_margin: Annotated[float, Field(ge=0, le=0.3)] = 0.05
    """Share of capacity added to the reserve, for the error of the SoC estimate."""
    load_margin: Annotated[float, Field(ge=0, le=1)] = 0.10
    """P95 of the load relative to its forecast, minus 1; used until the site's own forecast errors
    are known.
    """


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Pv:
    """Photovoltaics on the DC bus (直流光伏)."""

    rated_kwp: Positive
    tilt_deg: Annotated[float, Field(ge=0, le=90)] = 20.0
    azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 180.0
    """Clockwise from north: 180 faces south."""
    performance_ratio: Annotated[float, Field(gt=0.3, le=1)] = 0.85
    """Output at the DC bus relative to rated power times irradiance: temperature, soiling, wiring
    and conversion losses.
    """


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class AirConditioner:
    """The air conditioner of the shelter, AC side."""

    rated_kw: Positive
    """Electric power."""
    cop: Annotated[float, Field(ge=1, le=6)] = 2.8
    setpoint_c: Annotated[float, Field(ge=15, le=35)] = 26.0
    heat_capacity_kwh_per_k: Positive = 0.6
    heat_loss_kw_per_k: Positive = 0.045
    indoor_share: Share = 1.0
    """Share of the telecom load that heats the shelter; radio units on the mast do not."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Genset:
    """A generator on the AC side.

    It is measured and reported. Its own controller starts it when the mains have failed.
    """

    rated_kw: Positive
    fuel_price_per_kwh: NonNegative
    start_below_soc: Share = 0.3


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class EmissionFactor:
    """A grid emission factor with its scope and source; results print the whole record."""

    kg_per_kwh: NonNegative
    scope: Literal["location", "residual", "footprint"]
    region: str
    data_year: Annotated[int, Field(ge=1990, le=2100)]
    source: str


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Link:
    """A link that one or more devices share."""

    url: str
    """`tcp://host:port`, or one of the other forms in `drivers/address.py`."""
    timeout_s: Annotated[float, Field(ge=0.05, le=30)] = 1.0
    gap_ms: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Pause between two requests, which many serial gateways need."""
    ca: str | None = None
    """TLS only: PEM file with the authority that signed the device's certificate.

    Paths of PEM files are relative to the folder of the site file.
    """
    certificate: str | None = None
    """TLS only: PEM file with our own certificate, if the device requires one."""
    key: str | None = None
    """TLS only: PEM file with the private key of that certificate."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DeviceEntry:
    """A device of the site: its model, its link, and its address on that link.

    A Modbus device has a `unit`, a DL/T 645 meter an `address`.
    """

    name: Name
    map: Annotated[
        str,
        Field(
            pattern=r"^([a-z0-9][a-z0-9-]*|[^\x00]+\.toml)$", max_length=1024, description=MAP_FORM
        ),
    ]
    """A device model that comes with siteems, or a map file in the folder of the site file, such as
    `"my-unit.toml"`.
    """
    link: Name
    unit: Annotated[int, Field(ge=0, le=255)] | None = None
    address: (
        Annotated[str, Field(pattern=r"^\d{12}$", description="12 digits, as printed on the meter")]
        | None
    ) = None
    ratio: Positive = 1.0
    """Ratio of the instrument transformers of a meter (current ratio times voltage ratio), such as
    20 for 100 A : 5 A, unless the meter computes with it itself. Power and energy are multiplied.
    """

    @property
    def where(self) -> str:
        """Unit or address as text, such as `unit 3`."""
        return f"unit {self.unit}" if self.unit is not None else f"address {self.address}"


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Control:
    """Settings of the control loop."""

    cycle_s: Annotated[float, Field(ge=0.2, le=60)] = 1.0
    lease_s: Annotated[float, Field(ge=5, le=3600)] = 60.0
    """A device falls back to its safe value if it gets no setpoint for this long."""
    reserve_recovery_soc: Annotated[float, Field(ge=0.002, le=0.2)] = 0.01
    """Hysteresis: discharge stops at the reserve and is allowed again this far above it."""
    import_margin_kw: NonNegative = 0.05
    """Margin kept below an import limit, for changes of load between two cycles."""
    command_group: Name | None = None
    """Group of users who may give commands to the daemon, beside its own user."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Planning:
    """Settings of the planning loop."""

    step_min: Literal[15, 30, 60] = 15
    horizon_h: Annotated[int, Field(ge=6, le=96)] = 36
    fine_h: Annotated[int, Field(ge=3, le=96)] = 12
    """For this many hours steps are `step_min` long; after that they are an hour long, because
    forecasts that far ahead are no finer, and a smaller program solves faster.
    """
    solve_limit_s: Annotated[float, Field(ge=0.5, le=120)] = 10.0
    reserve_penalty_factor: Annotated[float, Field(ge=60, le=1e6)] = 100.0
    """Price of a kWh missing from the reserve for an hour, as a multiple of the highest tariff
    price.
    """


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Recording:
    """Settings of the historian."""

    sample_s: Annotated[float, Field(ge=1, le=900)] = 60.0
    keep_days: Annotated[int, Field(ge=1, le=4000)] = 800
    keep_rollup_years: Annotated[int, Field(ge=1, le=50)] = 15
    """How long the means over 15 min are kept that are made of samples before they are deleted:
    longer than the calendar life of a battery, 6 to 12 years, so that its ageing is seen from its
    first day and that of the one before it can be compared. A year of them takes at most 13 MB.
    """


START_SOC = 0.6
"""State of charge to start from at a site without a demo day: above most reserves, below full."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Site:
    """A site, as its file describes it."""

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
    demand_response: DemandResponse = field(default_factory=DemandResponse)
    openadr: OpenAdr | None = None
    """Without it, no server of a grid operator is asked for events."""
    iec104: Iec104 | None = None
    """Without it, no control room can connect."""
    metrics: Metrics | None = None
    """Without it, the daemon opens no port."""
    alarm_hooks: tuple[AlarmHook, ...] = ()
    demo: DemoDay | None = None

    @property
    def start_soc(self) -> float:
        """SoC from which plans and replays start where none is measured: that of the demo day."""
        return START_SOC if self.demo is None else self.demo.start_soc
