"""What an enterprise does with its sub-users (W1). It reaches its own only: callers find them by `selectors.sub_users`."""

from typing import Any

from django.db import transaction

from apps.accounts.errors import email_taken
from apps.accounts.models import Membership, User
from apps.accounts.services.guessing import Durable
from apps.accounts.services.logins import ensure_member
from apps.accounts.services.signing_in import normal_email
from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid, NotFound, Unauthenticated

MOST = 1000
"""Sub-users of one enterprise."""
ALLOWED = ("report_generation", "form_download", "statistics")
"""What a sub-user may be let do."""
CHANGEABLE = ("full_name", "spending_limit", "is_active", "allowed")
Kind = Membership.Kind


@transaction.atomic
def create_sub_user(
    *, enterprise: Membership, email: str, password: str, full_name: str = "", spending_limit: int | None = None,
    is_active: bool = True, allowed: list[str] | None = None, actor: User, durable: Durable | None = None,
) -> Membership:  # fmt: skip
    """A member without a place in the tree, whose acts the enterprise pays. Without `allowed`, reports and forms.

    Raises Invalid (email_taken, password_too_weak, allowed), Conflict (too_many).
    """
    chosen = _allowed(["report_generation", "form_download"] if allowed is None else allowed)
    Membership.objects.select_for_update(no_key=True).get(pk=enterprise.pk)  # they are counted under it
    if Membership.objects.filter(enterprise=enterprise).count() >= MOST:
        raise Conflict("too_many", f"{MOST} sub-users are the most.")
    is_new = not User.objects.filter(email=normal_email(email)).exists()
    try:
        user = ensure_member(
            email=email, password=password, full_name=full_name, user_type=Kind.SUB_USER, durable=durable
        )
    except Unauthenticated as error:  # somebody's login with two-factor: theirs to bring along, not the enterprise's
        raise email_taken() from error
    member = Membership.objects.get(user=user)
    member.enterprise, member.spending_limit, member.is_active = enterprise, spending_limit, is_active
    member.allowed, member.made_login = chosen, is_new
    member.save(update_fields=["enterprise", "spending_limit", "is_active", "allowed", "made_login"])
    audit.record(actor=actor, action="sub_user.created", target=user, after=_told(member))
    return member


@transaction.atomic
def change_sub_user(*, member: Membership, changes: dict[str, Any], actor: User) -> Membership:
    """Suspending counts at their next request. E-mail and password are the person's own. Raises Invalid, NotFound."""
    fixed = sorted(set(changes) - set(CHANGEABLE))
    if fixed:
        raise Invalid(
            "not_changeable", f"Only the person can change their {fixed[0].replace('_', ' ')}.", field=fixed[0]
        )
    found = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("user").filter(
        pk=member.pk, user_type=Kind.SUB_USER
    ).first()  # fmt: skip
    if found is None:
        raise NotFound()
    if "allowed" in changes:
        changes = {**changes, "allowed": _allowed(changes["allowed"])}
    before = _told(found)
    _rename(found, changes)
    names = [name for name in ("spending_limit", "is_active", "allowed") if name in changes]
    for name in names:
        setattr(found, name, changes[name])
    after = _told(found)
    if after != before:
        if names:
            found.save(update_fields=names)
        audit.record(actor=actor, action="sub_user.changed", target=found.user, before=before, after=after)
    return found


def _rename(found: Membership, changes: dict[str, Any]) -> None:
    """A login that was there before, or that its person brought along, keeps its name. Raises Invalid."""
    if "full_name" not in changes or changes["full_name"] == found.user.full_name:
        return
    if not found.made_login:
        raise Invalid("not_changeable", "Only the person can change their full name.", field="full_name")
    found.user.full_name = changes["full_name"]
    found.user.save(update_fields=["full_name"])


def _allowed(wanted: list[str]) -> list[str]:
    unknown = sorted(set(wanted) - set(ALLOWED))
    if unknown:
        raise Invalid("invalid", f"Each is one of {', '.join(ALLOWED)}.", field="allowed")
    return [name for name in ALLOWED if name in wanted]


def _told(member: Membership) -> dict[str, Any]:
    return {
        "spending_limit": member.spending_limit, "is_active": member.is_active, "allowed": member.allowed,
        "full_name": member.user.full_name,
    }  # fmt: skip
