"""Shapes of the allocations API. Tokens are decimal strings."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.allocations import selectors
from apps.allocations.models import Allocation, AllocationBatch
from apps.allocations.services.batches import MOST
from apps.core.api.fields import IdField
from apps.custody.gateways import plain


class AllocationRow(serializers.ModelSerializer[Allocation]):
    """`waits_for` says why a pending one can't be sent yet: `dispute`, `account`, `frozen`, `address` or `address_rests`."""

    order_id = serializers.UUIDField()
    line_id = serializers.UUIDField()
    tokens = serializers.SerializerMethodField()
    ordered = serializers.SerializerMethodField()
    overpaid = serializers.SerializerMethodField()
    waits_for = serializers.CharField()

    class Meta:
        model = Allocation
        fields = (
            "id", "order_id", "line_id", "tokens", "ordered", "overpaid", "status", "waits_for", "reason", "asset", "tx_hash",
            "created_at", "completed_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_tokens(self, row: Allocation) -> str:
        return plain(row.tokens)

    def get_ordered(self, row: Allocation) -> str:
        return plain(row.ordered)

    def get_overpaid(self, row: Allocation) -> str:
        return plain(row.overpaid)


class StaffAllocationRow(AllocationRow):
    user = serializers.SerializerMethodField()

    class Meta(AllocationRow.Meta):
        fields = (*AllocationRow.Meta.fields, "user")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    def get_user(self, row: Allocation) -> dict[str, str] | None:
        user = row.order.customer.user
        return {"id": str(user.pk), "name": user.full_name} if user is not None else None


class BatchRequest(serializers.Serializer[Any]):
    allocation_ids = serializers.ListField(child=IdField(), min_length=1, max_length=MOST)


class BatchRow(serializers.ModelSerializer[AllocationBatch]):
    """`progress` counts its transfers by their state; `state` is `running` until all have arrived or failed, then `finished`."""

    state = serializers.SerializerMethodField()
    tokens = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    created_by = serializers.SerializerMethodField()

    class Meta:
        model = AllocationBatch
        fields = ("id", "created_at", "created_by", "asset", "count", "tokens", "state", "progress")
        read_only_fields = fields

    def get_tokens(self, row: AllocationBatch) -> str:
        return plain(row.tokens)

    def get_created_by(self, row: AllocationBatch) -> dict[str, str] | None:
        maker = row.created_by
        return {"id": str(maker.pk), "name": maker.full_name} if maker is not None else None

    def get_state(self, row: AllocationBatch) -> str:
        return "running" if row.is_running else "finished"

    def get_progress(self, row: Any) -> dict[str, int]:
        return {"waiting": row.waiting, "sent": row.sent, "completed": row.completed, "failed": row.failed}


class BatchDetail(BatchRow):
    """With its allocations as they are now: one that failed here may be in another batch since."""

    allocations = serializers.SerializerMethodField()

    class Meta(BatchRow.Meta):
        fields = (*BatchRow.Meta.fields, "allocations")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(StaffAllocationRow(many=True))
    def get_allocations(self, row: AllocationBatch) -> Any:
        return StaffAllocationRow(selectors.allocations_of(row), many=True).data
