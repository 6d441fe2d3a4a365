"""Serializer fields with the rules of api.md."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from apps.core.money import MAX_AMOUNT


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer. Neither true, "12" nor 12.0 is one."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class IdField(serializers.UUIDField):
    """A UUID in text: Python would make one of a number too, which then names nothing."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        found: UUID = super().to_internal_value(data)
        return found


class AmountField(StrictIntegerField):
    """A positive integer count of minor units."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 1)
        kwargs.setdefault("max_value", MAX_AMOUNT)
        super().__init__(**kwargs)
