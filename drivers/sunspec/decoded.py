"""One SunSpec model with its values decoded. No object of pysunspec2 is used outside this file.

pysunspec2 brings the definitions of the models, and applies their scale factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sunspec2.device import Model

from drivers.sunspec.discovery import FoundModel

DC_PORTS: Final = 714
PV_PORT: Final = 0
"""Value of `PrtTyp` of a DC port to which PV modules are connected."""
ESS_PORT: Final = 1
"""The same, of an energy storage system."""
MOST_EXPONENT: Final = 10
"""Scale factors are powers of ten from -10 to 10."""


class DecodedPoint:
    """One point of a model as found in a device."""

    def __init__(self, point: Any) -> None:
        self._point = point

    @property
    def type(self) -> str:
        """Its SunSpec type, such as `uint16`."""
        return str(self._point.pdef["type"])

    @property
    def offset(self) -> int:
        """Its first register, from the begin of the model."""
        return int(self._point.offset)

    @property
    def raw(self) -> float | None:
        """Its value without scale; None where the device does not implement it."""
        value = self._point.value
        return None if value is None else float(value)

    @property
    def value(self) -> float | None:
        """Its value in the unit of the model."""
        value = self._point.cvalue if self._point.value is not None else None
        return None if value is None else float(value)

    @property
    def scale_factor(self) -> int | str | None:
        """Its exponent of ten, or the name of the point that holds it."""
        factor: int | str | None = self._point.pdef.get("sf")
        return factor


class Decoded:
    """A model as found in a device. One that pysunspec2 does not know, or that is too short for its
    definition, has no points.
    """

    def __init__(self, model: FoundModel) -> None:
        packed = b"".join(word.to_bytes(2, "big") for word in model.words)
        self._id = model.id
        try:
            self._model: Any = Model(model.id, data=packed, model_len=model.words[1])
        except Exception:  # pysunspec2 raises what it likes for a model too short
            self._model = None
        self._points: Mapping[str, Any] = getattr(self._model, "points", {})

    def point(self, name: str) -> DecodedPoint | None:
        """A point by its name, implemented or not. Of model 714 those of the battery's DC port."""
        found = self._battery_port() if self._id == DC_PORTS else self._points
        return DecodedPoint(found[name]) if name in found else None

    def offset(self, name: str) -> int:
        """The first register of a point, from the begin of the model."""
        return DecodedPoint(self._points[name]).offset

    def registers_of(self, name: str) -> tuple[int, ...]:
        """The registers of a 16-bit point and of its scale factor, from the begin of the model."""
        factor = DecodedPoint(self._points[name]).scale_factor
        names = (name, factor) if isinstance(factor, str) and factor in self._points else (name,)
        return tuple(self.offset(each) for each in names)

    def exponent(self, point: DecodedPoint) -> int | None:
        """The exponent of ten of a point; None where the device does not implement its factor, or
        holds one that no scale factor has.
        """
        factor = point.scale_factor
        if factor is None:
            return 0
        if isinstance(factor, int):
            return factor
        raw = DecodedPoint(self._points[factor]).raw if factor in self._points else None
        return None if raw is None or abs(raw) > MOST_EXPONENT else int(raw)

    def first_value(self, *names: str) -> float | None:
        """The value of the first of these points that is implemented and not 0."""
        for name in names:
            value = DecodedPoint(self._points[name]).value if name in self._points else None
            if value:
                return value
        return None

    @property
    def has_pv_port(self) -> bool:
        """Whether it is a model 714 with PV modules at one of its DC ports."""
        return self._port(PV_PORT) is not None

    def _battery_port(self) -> Mapping[str, Any]:
        return self._port(ESS_PORT) or {}

    def _port(self, kind: int) -> Mapping[str, Any] | None:
        """The points of the first DC port of this kind."""
        if self._id != DC_PORTS:
            return None
        for port in getattr(self._model, "groups", {}).get("Prt", []):
            if port.points["PrtTyp"].value == kind:
                points: Mapping[str, Any] = port.points
                return points
        return None
