"""The base of every model's screen: who may, how lists scale, and that every write goes through a service."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.backoffice import bulk
from apps.core.backoffice.across import ReadAcrossSites
from apps.core.backoffice.actions import holds, may
from apps.core.backoffice.asking import AsksByForm
from apps.core.backoffice.columns import plain_json, plain_money
from apps.core.backoffice.exporting import MakesFiles
from apps.core.backoffice.fields import LinesField, amount_field
from apps.core.backoffice.filters import is_asked_by, is_column
from apps.core.backoffice.lists import CappedPaginator, found_by
from apps.core.errors import DomainError
from apps.core.tenancy import reading_across


class UplineModelAdmin(ReadAcrossSites, MakesFiles, AsksByForm, admin.ModelAdmin):
    """Read-only unless a key says otherwise. `search_prefixes` are columns whose beginnings are searched: an index serves that,
    and it is leakproof, while LIKE is not. `money_fields` are shown with their currency, `json_fields` as lines of text. `pages`
    are (name, URL name, key…) of pages beside the list, for the navigation of those who hold each key at the whole site.

    `scope_by` is the column of the user a row is about. With it, those who hold a key for a department or an enterprise may come
    in, and see the rows of the people they work for.
    """

    view_keys: ClassVar[Sequence[str]] = ()
    add_keys: ClassVar[Sequence[str]] = ()
    change_keys: ClassVar[Sequence[str]] = ()
    search_prefixes: ClassVar[Sequence[str]] = ()
    editable: ClassVar[Sequence[str]] = ()
    money_fields: ClassVar[Sequence[str]] = ()
    json_fields: ClassVar[Sequence[str]] = ()
    pages: ClassVar[Sequence[tuple[str, ...]]] = ()
    scope_by: ClassVar[str] = ""
    plural: ClassVar[str] = ""
    intro: ClassVar[str] = ""
    empty_text: ClassVar[str] = ""
    add_word: ClassVar[str] = ""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    actions_on_top = True
    actions_on_bottom = False
    empty_value_display = "–"

    @property
    def scoped(self) -> bool:
        """Do those come in too who hold a key for a department or an enterprise only?"""
        return bool(self.scope_by)

    def may(self, request: HttpRequest, *keys: str) -> bool:
        """Does the caller hold one of these keys for rows of this screen?"""
        return may(request, keys, scoped=self.scoped)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return self.seen(request, rows)

    def seen(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The part of `rows` that the caller's keys open."""
        access: Any = getattr(request, "access", None)
        if not self.scope_by:
            return rows
        if access is None:
            return rows.none()
        narrowed: QuerySet[Any] = access.narrow(rows, *self.view_keys, *self.change_keys, by=self.scope_by)
        return narrowed

    def theirs(self, request: HttpRequest, rows: QuerySet[Any], *keys: str) -> QuerySet[Any]:
        """The rows whose user these keys are held for; `rows` itself where they are held for all."""
        access: Any = getattr(request, "access", None)
        if access is None:
            return rows.none()
        narrowed: QuerySet[Any] = access.narrow(rows, *keys, by=self.scope_by)
        return narrowed

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.is_offered() and holds(request, (*self.view_keys, *self.change_keys), scoped=self.scoped)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, self.add_keys)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, *self.change_keys)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything but `editable`, and on adding everything that may be given."""
        if obj is None:
            return super().get_readonly_fields(request, obj)
        hidden = {"site", *(self.exclude or ())}
        names = [f.name for f in self.opts.local_fields if f.name not in self.editable and f.name not in hidden]
        return [*names, *(name for name in self.readonly_fields if name not in names)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is only shown goes through its formatter: money with its currency, JSON as text."""
        fixed = set() if obj is None else set(self.get_readonly_fields(request, obj))
        hidden = {"site", *(self.exclude or ())}  # Django leaves those out of forms only, not of what is shown
        names = [name for name in super().get_fields(request, obj) if name not in hidden]
        if not self.fields and obj is not None:
            names = [name for name in names if name != "id"]
            names = [field.name for field in self.opts.local_fields if field.name in names] + [
                name for name in names if name not in {field.name for field in self.opts.local_fields}
            ]
        allowed = self.has_change_permission(request, obj)
        names = self.fields_across(names)
        return [self._shown(name) if name in fixed or (obj is not None and not allowed) else name for name in names]

    def currency_of(self, row: Any) -> str:
        """Of a row, or of new ones when there is none. Where rows have no currency of their own, the site's."""
        return str(row.currency)

    def _shown(self, name: Any) -> Any:
        if name not in self.money_fields and name not in self.json_fields:
            return name
        label = str(getattr(self.opts.get_field(name), "verbose_name", name))
        return plain_money(name, label, self.currency_of) if name in self.money_fields else plain_json(name, label)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in self.money_fields and not reading_across():
            return amount_field(db_field, self.currency_of(None))
        if isinstance(db_field, models.JSONField):
            label = str(db_field.verbose_name).capitalize()
            return LinesField(required=False, label=label, help_text=f"One on each line. {db_field.help_text}")
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @property
    def media(self) -> forms.Media:
        """Ours are in every page; Django's would bring jQuery along."""
        return forms.Media()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        said = {
            "plural": self.plural, "intro": self.intro, "empty_text": self.empty_text, "add_word": self.add_word,
            "files": self.files(request),
        }  # fmt: skip
        if bulk.is_for_all(request) and ACTION_CHECKBOX_NAME not in request.POST:
            # "All that fit" needs no row to be chosen; Django asks for one.
            sent = request.POST.copy()
            sent[ACTION_CHECKBOX_NAME] = "all"
            request.POST = sent  # type: ignore[assignment]
        return super().changelist_view(request, {**said, **(extra_context or {})})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """A service's refusal is a message on the same page, and nothing has changed."""
        said = {"plural": self.plural, "intro": self.intro, "add_word": self.add_word}
        context: dict[str, Any] = {**said, **(extra_context or {})}
        obj = self.get_object(request, object_id) if object_id and request.method == "GET" else None
        if obj is not None:
            context |= self._row_context(request, obj)
        if request.method == "GET":
            return super().changeform_view(request, object_id, form_url, context)
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, context)
        except DomainError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())

    def _row_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        offered = {
            name: action for name, action in self.get_actions(request).items() if action and self.offers(name, obj)
        }
        actions = [(name, str(action[2])) for name, action in offered.items()]
        form = self.action_form(auto_id="id_row_%s")
        if "note" in form.fields and all(getattr(action[0], "needs_reason", False) for action in offered.values()):
            form.fields["note"].required = True  # "if any" would be wrong, and what was sent without one is refused
        fields = [form[name] for name in form.fields if name not in {"action", "select_across"}]
        return {
            "row_title": self.title_of(obj), "row_state": self.state(obj) if hasattr(self, "state") else "",
            "row_actions": actions, "row_action_fields": fields,
            "row_links": self.row_links(request, obj),
        }  # fmt: skip

    def title_of(self, obj: Any) -> str:
        """The headline of a row's page."""
        return str(obj)

    def note_of(self, obj: Any) -> str:
        """What tells a row from others of the same headline, where a search lists it."""
        return str(obj.pk)

    def offers(self, action: str, obj: Any) -> bool:
        """May this action do anything for this row? What may not is left off its page."""
        return True

    def row_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        """(label, address) beside the title of a row's page."""
        if not holds(request, ("user.read", "permission.read")):
            return []
        return [("History", reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_history", args=[obj.pk]))]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Ours is the audit: the back office's site knows how to show it."""
        if not self.has_view_permission(request) or not holds(request, ("user.read", "permission.read")):
            raise PermissionDenied
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        site: Any = self.admin_site
        page: HttpResponse = site.history(request, self, obj)
        return page

    def related_history(self, obj: Any) -> list[tuple[str, Any]]:
        """(model's label, id) of what else belongs to the history of a row."""
        return []

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any) -> HttpResponse | None:
        """Who moves money has proved lately who they are. An action that was chosen on a row's page leads back there."""
        if not self._chosen_are_keys(request):
            messages.error(request, "Choose rows of this list.")
            return HttpResponseRedirect(request.get_full_path())
        asked = self._asked_again(request)
        if asked is not None:
            return asked
        response = super().response_action(request, queryset, *args)
        after = request.POST.get("next", "")
        if isinstance(response, HttpResponseRedirect) and url_has_allowed_host_and_scheme(after, {request.get_host()}):
            return HttpResponseRedirect(after)
        return response

    def _chosen_are_keys(self, request: HttpRequest) -> bool:
        """Could what was chosen be keys of rows? Django asks the database, and fails."""
        if bulk.is_for_all(request):
            return True
        try:
            for written in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(written)
        except ValidationError:
            return False
        return True

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """By columns of the table itself: one of another would be joined to every row first (5 s of a million, measured)."""
        own = {field.name for field in self.opts.local_fields if not field.is_relation}
        shown = [str(name) for name in self.get_list_display(request)]
        return [name for name in shown if getattr(getattr(self, name, None), "admin_order_field", name) in own]

    def _asked_again(self, request: HttpRequest) -> HttpResponse | None:
        """The page that asks for a proof, when one of the chosen rows' action needs it and there is none."""
        known = self.get_actions(request)
        chosen = [known[name] for name in request.POST.getlist("action") if name in known]
        asking = [str(found[2]) for found in chosen if found and getattr(found[0], "moves_money", False)]
        if not asking or ACTION_CHECKBOX_NAME not in request.POST:
            return None
        site: Any = self.admin_site
        count = len(request.POST.getlist(ACTION_CHECKBOX_NAME))
        page: HttpResponse | None = site.prove(request, what=f"{asking[0]}, {count} row{'' if count == 1 else 's'}")
        return page

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return is_asked_by(self.get_list_filter(request), lookup) or not is_column(
            self.model, lookup.partition("__")[0]
        )

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_prefixes or super().get_search_fields(request)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """An id, or the beginning of one of `search_prefixes`."""
        found = found_by(queryset, self.search_prefixes, search_term)
        request.search_cropped = found.cropped  # type: ignore[attr-defined]
        return found.rows, False

    def log_addition(self, *args: Any, **kwargs: Any) -> Any:
        """The service has recorded it."""

    def log_change(self, *args: Any, **kwargs: Any) -> Any:
        """The service has recorded it."""

    def log_deletions(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing is deleted here."""
