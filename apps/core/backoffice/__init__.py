"""The back office's ground rules, shared by every app's `admin.py`: who may, how lists scale, how values are shown and typed,
and that every write goes through a service.

A model's admin names the permission keys that open it. `request.access` is put there by apps.accounts' middleware, so that the
admin obeys the same roles as the API. Nothing is written to Django's log: the audit log has it.
"""

from apps.core.backoffice.actions import Outcome, ReasonForm, attempt, decision, holds, may, reason_of, repeated, tell
from apps.core.backoffice.admin import UplineModelAdmin
from apps.core.backoffice.columns import amount_text, badge, json_text, money, named
from apps.core.backoffice.fields import AmountField, ExactField, LinesField, amount_field
from apps.core.backoffice.filters import DayRangeFilter, ExactFilter, OnlyFilter
from apps.core.backoffice.lists import CappedPaginator
from apps.core.backoffice.setting import SetByForm

__all__ = [
    "AmountField",
    "CappedPaginator",
    "DayRangeFilter",
    "ExactField",
    "ExactFilter",
    "LinesField",
    "OnlyFilter",
    "Outcome",
    "ReasonForm",
    "SetByForm",
    "UplineModelAdmin",
    "amount_field",
    "amount_text",
    "attempt",
    "badge",
    "decision",
    "holds",
    "json_text",
    "may",
    "money",
    "named",
    "reason_of",
    "repeated",
    "tell",
]
