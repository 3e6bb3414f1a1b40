"""The contracted demand (合同最大需量) that a demand charge is billed on, in exact decimals."""

from __future__ import annotations

from decimal import Decimal

from siteems.accounting.decimals import exact
from siteems.site.model import GridConnection
from siteems.tariff.model import DemandTerm


def contracted_kw(term: DemandTerm, grid: GridConnection) -> Decimal:
    """The contract of the grid connection, but no less than the tariff's share of the transformers'
    rating.
    """
    least_kw = exact(term.least_contract_share) * exact(grid.transformer_kva or 0.0)
    return max(exact(grid.contract_kw or 0.0), least_kw)


def excess_starts_kw(term: DemandTerm, grid: GridConnection) -> list[Decimal]:
    """Where each part of the demand above the contract begins, by the shares in `term.over`."""
    contract_kw = contracted_kw(term, grid)
    return [contract_kw * exact(share) for share, _ in term.over]
