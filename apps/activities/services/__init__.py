"""Every write of activities, what they cost and the forms that can be downloaded."""

from apps.activities.services.catalogue import MOST_BYTES as MOST_FORM_BYTES
from apps.activities.services.catalogue import add_form, open_types, set_form_active, set_type
from apps.activities.services.finishing import finish, forget_files
from apps.activities.services.running import run_activity

__all__ = [
    "MOST_FORM_BYTES",
    "add_form",
    "finish",
    "forget_files",
    "open_types",
    "run_activity",
    "set_form_active",
    "set_type",
]
