"""Django's sign-in (admin, dashboard) by the same rules as the API's."""

from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend

from apps.accounts.authentication import load_caller
from apps.accounts.models import User
from apps.core.tenancy import current_site_id
from apps.rbac.access import load_access

# The sign-in that the session of a request names: Django asks a backend for a user with nothing but their id.
presented: ContextVar[UUID | None] = ContextVar("upline_presented_sign_in", default=None)


class MembershipBackend(BaseBackend):
    """Members of the present site and holders of platform roles; on the platform host only the latter."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        email = (username or kwargs.get("email") or "").strip().lower()
        user = User.objects.filter(email=email).first()
        if user is None:
            User().set_password(password or "")  # as slow as a wrong password
            return None
        return user if user.check_password(password or "") and self.get_user(user.pk) is not None else None

    def get_user(self, user_id: Any) -> User | None:
        site_id = current_site_id()
        if site_id is not None:
            return load_caller(site_id, UUID(str(user_id)), sign_in=presented.get())
        user = User.objects.filter(pk=user_id, is_active=True).first()
        return user if user is not None and load_access(user.pk).platform else None
