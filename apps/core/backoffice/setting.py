"""A screen of a row that a site has once: who takes its money, who signs its people in. It is set by a form, as a whole."""

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.core.backoffice.admin import UplineModelAdmin
from apps.core.errors import DomainError


class SetByForm(UplineModelAdmin):
    """Its button makes the row or changes the one there is, by a service, after a fresh proof of who one is:
    what is named here decides where money goes or who may come in.

    `set_form` has the fields, those of `exclude` are secrets and never shown again; `set_by` is the service, called with `actor`
    and what was typed. Its refusal comes back to the field that it names.
    """

    set_form: ClassVar[type[Form]]

    def set_by(self, **values: Any) -> Any:
        raise NotImplementedError

    def set_intro(self, request: Any) -> str:
        """What to know before."""
        return ""

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if (asked := self.proof(request, self.add_word)) is not None:
            return asked
        form = self.set_form(request.POST or None, initial=self._known())
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    self.set_by(actor=request.user, **form.cleaned_data)
                return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        return self.form_page(request, form, title=self.add_word, submit="Save", intro=self.set_intro(request))

    def _known(self) -> dict[str, Any]:
        row = self.model._default_manager.first()
        shown = [name for name in self.set_form.base_fields if name not in (self.exclude or ())]
        return {name: getattr(row, name) for name in shown if hasattr(row, name)} if row is not None else {}
