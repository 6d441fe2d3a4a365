"""Forms of the pages that belong to no table."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.utils import timezone

from apps.accounts.services import check_password
from apps.core.errors import DomainError
from apps.core.moments import EARLIEST


class InstantForm(forms.Form):
    """A past moment, in the time zone of the site at work. Without one it is now."""

    at = forms.DateTimeField(
        label="At", required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )  # fmt: skip

    def clean_at(self) -> datetime:
        moment: datetime = self.cleaned_data["at"] or timezone.now()
        if not EARLIEST <= moment <= timezone.now():
            raise forms.ValidationError("A moment between the year 2000 and now.")
        return moment


class SignInForm(AdminAuthenticationForm):
    """Signing in, by the same rules as the API; the first step of two, for some.

    One limiter for every door: ten wrong passwords a minute, wherever they are typed.
    """

    username = forms.CharField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autofocus": True}))

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            try:
                request: Any = self.request
                user: Any = check_password(email=email, password=password, durable=request.durable)
            except DomainError as error:
                raise forms.ValidationError(error.message, code=error.code) from error
            user.backend = "apps.accounts.backends.MembershipBackend"
            self.user_cache = user
            self.confirm_login_allowed(user)
        return self.cleaned_data

    def confirm_login_allowed(self, user: Any) -> None:
        """Whether they are staff is for the site to say: it needs the request."""
