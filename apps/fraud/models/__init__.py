from apps.fraud.models.freezes import Freeze, FreezeItem
from apps.fraud.models.reviews import FraudSettings, Review
from apps.fraud.models.signals import Kind, Signal, Trace

__all__ = ["FraudSettings", "Freeze", "FreezeItem", "Kind", "Review", "Signal", "Trace"]
