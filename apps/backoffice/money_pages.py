"""Pages of money that belong to no table: the liability, and everybody's tax year. Each is a file too, by `?format=`."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.accounts.models import User
from apps.backoffice.forms import InstantForm
from apps.core import exports
from apps.core.backoffice.keyset import OLDER
from apps.core.errors import DomainError
from apps.core.ids import read_uuid
from apps.rbac.access import access_of
from apps.reports import periods, sheets, tax
from apps.reports.selectors import liability

PAGE = 50


class MoneyPages:
    """For the admin site."""

    each_context: Any

    def liability(self, request: HttpRequest) -> Any:
        """What the program owed `?at=` a past moment, beside what the ledger says (X9)."""
        _need(request, "analytics.read")
        form = InstantForm({"at": request.GET.get("at", "")})
        if form.is_valid() and "format" in request.GET:
            return _file(request, sheets.liability_sheet(at=form.cleaned_data["at"], actor=request.user))
        told = liability(at=form.cleaned_data["at"]) if form.is_valid() else []
        context = {**self.each_context(request), "title": "Liability", "form": form, "told": told}
        return TemplateResponse(request, "admin/liability.html", context, status=200 if told else 400)

    def tax_summaries(self, request: HttpRequest) -> Any:
        """Everybody whose earnings moved in a tax year."""
        _need(request, "payout.read")
        year, problem = _year(request)
        if "format" in request.GET and not problem:
            return _file(request, sheets.tax_list_sheet(year=year, actor=request.user))
        after = read_uuid(request.GET.get(OLDER, ""))
        found, _ = exports.keyset_page(tax.who_moved(year), ordering="-id", after=after, size=PAGE + 1)
        found, more = found[:PAGE], found[PAGE:]
        told = tax.summaries([account.user_id for account in found], year)
        context = {
            **self.each_context(request), "title": "Tax-year summary", "year": year, "years": periods.last_tax_years(),
            "rows": [(account.user, told[account.user_id]) for account in found], "older": found[-1].pk if more else None,
            "older_field": OLDER, "is_first": OLDER not in request.GET, "problem": problem,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tax_summaries.html", context, status=400 if problem else 200)

    def tax_summary(self, request: HttpRequest, pk: UUID) -> Any:
        """One person's, month by month."""
        _need(request, "payout.read")
        user = User.objects.members().filter(pk=pk).first()
        if user is None:
            raise Http404
        year, problem = _year(request)
        if "format" in request.GET and not problem:
            return _file(request, sheets.tax_sheet(user=user, year=year, actor=request.user))
        context = {
            **self.each_context(request), "title": "Tax-year summary", "person": user, "told": tax.summary(user.pk, year),
            "year": year, "years": periods.last_tax_years(), "problem": problem,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tax_summary.html", context, status=400 if problem else 200)


def _need(request: HttpRequest, key: str) -> None:
    if not access_of(request).at_site(key):
        raise PermissionDenied


def _year(request: HttpRequest) -> tuple[periods.TaxYear, str]:
    """(the year, what is wrong with what was asked for): the present one where it is wrong."""
    try:
        return periods.read_tax_year(request.GET.get("year")), ""
    except DomainError as error:
        return periods.present_tax_year(), error.message


def _file(request: HttpRequest, sheet: exports.Sheet) -> HttpResponse:
    try:
        file: Any = exports.export(sheet, exports.read_format(request.GET["format"]), actor=request.user)
    except DomainError as error:
        return HttpResponse(error.message, status=error.status, content_type="text/plain")
    return file
