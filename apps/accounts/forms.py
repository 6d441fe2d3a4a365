"""Shapes of what people type to prove who they are. Rules are the services'."""

from typing import Any

from apps.core.forms import PageForm, code_field, password_field

EITHER = "Six digits from your app, or a recovery code"


class BeginForm(PageForm):
    """Before two-factor is set up."""

    password = password_field("Your password")


class ConfirmForm(PageForm):
    otp = code_field("Code from the app", help_text="Six digits; a new one every half a minute")


class CodeForm(PageForm):
    otp = code_field("Code", help_text=EITHER)


class SwitchOffForm(PageForm):
    password = password_field("Your password")
    otp = code_field("Code", help_text=EITHER)


class ProveForm(PageForm):
    """A code where there is two-factor, else the password."""

    password = password_field("Your password", required=False)
    otp = code_field("Code", required=False, help_text=EITHER)

    def __init__(self, *args: Any, two_factor: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password" if two_factor else "otp"]
        for field in self.fields.values():
            field.required = True
            field.widget.is_required = True
