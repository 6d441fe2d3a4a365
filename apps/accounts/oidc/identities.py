"""Who a verified token is about: the user it was linked to, or a new one on first sight."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from apps.accounts.models import Identity, Membership, User
from apps.accounts.oidc.verifying import Person
from apps.audit import services as audit
from apps.core.errors import Conflict, Denied, Unauthenticated
from apps.rbac.access import load_access

_welcome: list[str] = []


def welcome_by(path: str) -> None:
    """What an upper app does for whoever is new here: `path(user=…, **attribution)` (AppConfig.ready)."""
    _welcome[:] = [path]


@transaction.atomic
def member_of(person: Person, *, link_to: User | None = None, **attribution: Any) -> User:
    """The member a token is about, made on first sight with their login; or, with `link_to`, linked to that login.

    An e-mail that has a login already is not taken over: a site's issuer could name anybody's. Raises Conflict email_taken,
    identity_taken; Unauthenticated (no e-mail to make a login of, a login that was disabled).
    """
    identity = Identity.objects.select_related("user").filter(issuer=person.issuer, subject=person.subject).first()
    if identity is not None:
        if link_to is not None and identity.user_id != link_to.pk:
            raise Conflict("identity_taken", "Another login is connected with this one already.")
        return _joined(identity.user, attribution)
    user = link_to or _new_user(person)
    try:
        with transaction.atomic():
            Identity.objects.create(user=user, issuer=person.issuer, subject=person.subject)
    except IntegrityError:  # at the same moment, by another request
        return member_of(person, link_to=link_to, **attribution)
    audit.record(actor=user, action="identity.linked", target=user, after={"issuer": person.issuer})
    return _joined(user, attribution)


def _new_user(person: Person) -> User:
    try:
        validate_email(person.email)
    except ValidationError:
        raise Unauthenticated("email_required", "The issuer tells no verified e-mail to make a login of.") from None
    try:
        with transaction.atomic():
            return User.objects.create_user(email=person.email, password=None, full_name=person.full_name)
    except IntegrityError as error:
        message = "This e-mail has a login. Sign in with its password and connect the two."
        raise Conflict("email_taken", message, field="email") from error


def _joined(user: User, attribution: dict[str, Any]) -> User:
    """Whoever holds a role at every site is never let in on one site's word."""
    if load_access(user.pk).platform:
        raise Denied("permission_denied", "Holders of a platform role sign in with their own password.")
    if not user.is_active:
        raise Unauthenticated("invalid_credentials", "This login is disabled.")
    member, made = Membership.objects.get_or_create(user=user)
    if not member.is_active:
        raise Unauthenticated("invalid_credentials", "This login is suspended here.")
    if made and _welcome:
        welcome: Callable[..., Any] = import_string(_welcome[0])
        welcome(user=user, **attribution)
    return user
