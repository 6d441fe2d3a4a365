"""Signing in to the back office, by the same rules as the API."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm

from apps.accounts.services import check_password
from apps.core.errors import DomainError


class SignInForm(AdminAuthenticationForm):
    """One limiter for every door: ten wrong passwords a minute, wherever they are typed. The first step of two, for some."""

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
