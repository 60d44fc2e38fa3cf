"""The tables of this app, by noun. Import them from here."""

from erp_sync.models.connection import ErpConnection, SyncJob, SyncRun
from erp_sync.models.inbound import ExternalRef, InboundRecord
from erp_sync.models.outbound import OutboundAttempt, OutboundMessage

__all__ = [
    "ErpConnection",
    "ExternalRef",
    "InboundRecord",
    "OutboundAttempt",
    "OutboundMessage",
    "SyncJob",
    "SyncRun",
]
