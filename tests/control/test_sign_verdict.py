"""Which sign is wrong: command, measurement and the balance of the bus compared."""

from __future__ import annotations

import pytest
from control_cases import image

from siteems.control.sign_verdict import Powers, Verdict, mean, powers, verdict


@pytest.mark.parametrize(
    ("asked", "measured", "balance", "expected"),
    [
        (2.0, 2.0, 2.1, "agrees"),
        (-2.0, -1.7, -1.9, "agrees"),
        (2.0, 1.9, None, "agrees"),
        (2.0, -2.0, 2.0, "measurement"),
        (-2.0, 1.8, -2.1, "measurement"),
        (2.0, -2.0, -2.0, "command"),
        (2.0, 2.0, -2.0, "both"),
        (2.0, -2.0, None, "either"),
        (0.0, -4.0, 4.0, "measurement"),  # whatever was asked
        (2.0, 0.0, 0.0, "unclear"),  # it does not follow
        (2.0, 0.3, 2.0, "unclear"),  # a sensor that shows too little
        (2.0, 2.0, 0.0, "unclear"),  # a flow that is not measured
        (-2.0, 5.0, 5.0, "unclear"),  # its own management charges it
        (0.3, -0.3, 0.3, "unclear"),  # noise
    ],
)
def test_verdict(asked: float, measured: float, balance: float | None, expected: Verdict) -> None:
    assert verdict(Powers(asked, measured, balance), 0.5) == expected
    mirrored = Powers(-asked, -measured, None if balance is None else -balance)
    assert verdict(mirrored, 0.5) == expected, "it is the same in the other direction"


def test_the_balance_is_what_rectifiers_and_pv_give_beyond_the_load() -> None:
    known = image(battery_kw=-1.5, rectifier_dc_kw=2.0, pv_kw=0.5, dc_load_kw=4.0)
    assert powers(known, -1.5, has_pv=True) == Powers(-1.5, -1.5, -1.5)
    unknown_pv = image(battery_kw=-1.5, rectifier_dc_kw=2.0, dc_load_kw=3.5, pv_kw=None)
    assert powers(unknown_pv, -1.5, has_pv=True) == Powers(-1.5, -1.5, None)
    assert powers(unknown_pv, -1.5, has_pv=False) == Powers(-1.5, -1.5, -1.5)
    assert powers(image(battery_kw=None), 1.0, has_pv=True) is None


def test_a_mean_without_one_balance_has_none() -> None:
    assert mean([Powers(1.0, 2.0, 3.0), Powers(3.0, 4.0, 5.0)]) == Powers(2.0, 3.0, 4.0)
    assert mean([Powers(1.0, 2.0, 3.0), Powers(3.0, 4.0, None)]) == Powers(2.0, 3.0, None)
    assert Powers(1.0, 2.0, None).less(Powers(0.5, 0.5, 1.0)) == Powers(0.5, 1.5, None)
