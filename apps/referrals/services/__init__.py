"""Every write to the tree, its statistics and the attribution of signups and sales."""

from apps.referrals.services.attribution import (
    Attribution,
    attribute,
    create_link,
    follow_link,
    record_click,
    record_conversion,
    update_link,
)
from apps.referrals.services.circles import CIRCLE_REFUSED, INTO_OWN_DOWNLINE, note_circle
from apps.referrals.services.codes import generate_code, guarded_code, resolve_code
from apps.referrals.services.folding import fold_stats
from apps.referrals.services.joining import ensure_root, join
from apps.referrals.services.moving import MovePlan, apply_due_moves, move_partner, preview_move
from apps.referrals.services.standing import (
    activate,
    revoke_activation,
    set_partner_kind,
    set_partner_status,
    thaw_partner,
)

__all__ = [
    "CIRCLE_REFUSED",
    "INTO_OWN_DOWNLINE",
    "Attribution",
    "MovePlan",
    "activate",
    "apply_due_moves",
    "attribute",
    "create_link",
    "ensure_root",
    "fold_stats",
    "follow_link",
    "generate_code",
    "guarded_code",
    "join",
    "move_partner",
    "note_circle",
    "preview_move",
    "record_click",
    "record_conversion",
    "resolve_code",
    "revoke_activation",
    "set_partner_kind",
    "set_partner_status",
    "thaw_partner",
    "update_link",
]
