"""What the forms of every page are made of: one base, and fields whose widgets say what browsers may fill in."""

from typing import Any

from django import forms

from apps.core.errors import DomainError

PASSWORD_MAX = 128  # argon2 is slow on purpose; a megabyte of password would be slow for us
OTP_MAX = 32  # room for a recovery code, dashes and spaces


class PageForm(forms.Form):
    """Fields drawn by partials/field.html; `refuse` puts a service's refusal beside the field at fault."""

    use_required_attribute = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def add_error(self, field: str | None, error: Any) -> None:
        """The page comes back at the first field at fault, which may stand far below."""
        super().add_error(field, error)
        wrong = [name for name in self.fields if name in self.errors]
        for name in wrong:
            self.fields[name].widget.attrs["autofocus"] = name == wrong[0]

    def refuse(self, error: DomainError) -> None:
        self.is_valid()  # so that there is a place for the error
        field = (error.field or "").removeprefix("details.")
        self.add_error(field if field in self.fields else None, error.message)


def text_field(label: str, *, autocomplete: str = "off", **kwargs: Any) -> forms.CharField:
    attrs = {"autocomplete": autocomplete, **kwargs.pop("attrs", {})}
    return forms.CharField(label=label, widget=forms.TextInput(attrs=attrs), **kwargs)


def password_field(label: str, *, new: bool = False, **kwargs: Any) -> forms.CharField:
    attrs = {"autocomplete": "new-password" if new else "current-password"}
    widget = forms.PasswordInput(attrs=attrs)
    return forms.CharField(label=label, strip=False, max_length=PASSWORD_MAX, widget=widget, **kwargs)


def email_field(label: str = "Email", *, autocomplete: str = "email", **kwargs: Any) -> forms.EmailField:
    return forms.EmailField(
        label=label, max_length=254, widget=forms.EmailInput(attrs={"autocomplete": autocomplete}), **kwargs
    )


def code_field(label: str = "Code", **kwargs: Any) -> forms.CharField:
    """A code of the authenticator app; long enough for a recovery code, so no numeric keyboard."""
    attrs = {"class": "mono", "spellcheck": "false", "autocapitalize": "off"}
    return text_field(label, autocomplete="one-time-code", max_length=OTP_MAX, attrs=attrs, **kwargs)
