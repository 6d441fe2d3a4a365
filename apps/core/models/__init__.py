from apps.core.models.base import SiteModel
from apps.core.models.chain import ChainHead
from apps.core.models.fields import PathField, SiteForeignKey
from apps.core.models.idempotency import IdempotencyKey
from apps.core.models.inbox import InboxEvent
from apps.core.models.outbox import OutboxEvent
from apps.core.models.sending import Sending

__all__ = [
    "ChainHead", "IdempotencyKey", "InboxEvent", "OutboxEvent", "PathField", "Sending", "SiteForeignKey", "SiteModel",
]  # fmt: skip
