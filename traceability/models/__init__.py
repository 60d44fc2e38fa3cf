"""The tables of this app, by noun. Import them from here."""

from traceability.models.genealogy import GenealogyLink, MaterialMovement
from traceability.models.lots import LotBalance, MaterialHold, MaterialLot

__all__ = ["GenealogyLink", "LotBalance", "MaterialHold", "MaterialLot", "MaterialMovement"]
