"""Pages of a screen that ask for something by a form of their own, rather than by the row's."""

from typing import Any, ClassVar

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


class AsksByForm:
    """Part of every screen (UplineModelAdmin)."""

    plural: ClassVar[str]
    opts: Any
    admin_site: Any

    def proof(self, request: HttpRequest, what: str) -> HttpResponse | None:
        """The page that asks who one is before `what` is done; None where they have lately said so, or only look."""
        if request.method != "POST":
            return None
        asked: HttpResponse | None = self.admin_site.prove(request, what=what)
        return asked

    def form_page(self, request: HttpRequest, form: BaseForm, *, title: str, submit: str, intro: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "plural": self.plural, "title": title, "form": form,
            "submit": submit, "intro": intro,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/form.html", context)
