"""Doing something that costs money: the file and the charge are one transaction, or there is neither (W3).

The file is made before anything is locked, so that one person's long report holds up nobody's funds; then whoever has a limit is
locked, then the wallet. A report of more rows is charged at once, made by the background, and refunded if that fails.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.activities import errors, reports, selectors
from apps.activities.models import Activity, ActivityFile, ActivityType, FormDocument, Kind
from apps.audit import services as audit
from apps.core import exports, waking
from apps.core.api.filters import day_of
from apps.core.errors import Conflict, Invalid
from apps.core.ids import uuid7
from apps.core.tenancy import require_site_id
from apps.sites.selectors import current_site
from apps.wallet.selectors import wallet_summary
from apps.wallet.services import charge_funds, insufficient_funds

AT_ONCE = 10_000
"""Rows up to which the file exists when the answer does (settled.md)."""
Status = Activity.Status


@dataclass(frozen=True)
class Product:
    """What an act gives: a file, or a promise of one (`content` None) of so many rows."""

    params: dict[str, Any]
    name: str
    content_type: str
    content: bytes | None
    rows: int = 0
    form: FormDocument | None = None


@transaction.atomic
def run_activity(
    *, user: User, type: str, params: dict[str, Any] | None = None, once: UUID | None = None,  # noqa: A002 - the contract's name
    at_once: int | None = None, at: datetime | None = None,
) -> Activity:  # fmt: skip
    """Charge whoever pays and make the file. Nothing is charged, and nothing made, when it raises

    Invalid (params), Denied (activity_not_allowed), Conflict (activity_unavailable, insufficient_funds, spending_limit_exceeded,
    export_too_large, already_running). `once` is the new activity's id: of a form that is sent twice, the second is the first's.
    A report of more rows than `at_once` (10,000) is left RUNNING to the background. `at`: when it was done, where that is told
    later; the charge is booked now.
    """
    if once is not None and (known := Activity.objects.filter(pk=once, user=user).first()) is not None:
        return known
    offered = ActivityType.objects.filter(key=type, is_active=True).first()
    if offered is None:
        raise errors.activity_unavailable()
    member = selectors.membership_of(user)
    payer_id = _payer(member, type)
    _look_before(member, payer_id, offered.cost)
    product = (
        _report(user, params or {}, AT_ONCE if at_once is None else at_once)
        if type == Kind.REPORT
        else _form(params or {})
    )
    if member.spending_limit is not None:
        # As it is now: the enterprise may have changed it while the file was made.
        _check_limit(Membership.objects.select_for_update(no_key=True).get(pk=member.pk), offered.cost)
    return _book(user, payer_id, offered, product, once, at or timezone.now())


def _payer(member: Membership, kind: str) -> UUID:
    if member.user_type != Membership.Kind.SUB_USER:
        return member.user_id
    if member.enterprise is None or not member.enterprise.is_active or kind not in member.allowed:
        raise errors.not_allowed()
    return member.enterprise.user_id


def _look_before(member: Membership, payer_id: UUID, cost: int) -> None:
    """Without a lock, so that what can't be paid isn't made either; the charge decides."""
    _check_limit(member, cost)
    if cost > wallet_summary(payer_id).funds:
        raise insufficient_funds()


def _check_limit(member: Membership, cost: int) -> None:
    """Raises Conflict spending_limit_exceeded."""
    if member.spending_limit is None:
        return
    rows = Activity.objects.filter(user_id=member.user_id, created_at__gte=selectors.month_began())
    if selectors.spent(rows) + cost > member.spending_limit:
        raise errors.spending_limit_exceeded()


def _report(user: User, params: dict[str, Any], at_once: int) -> Product:
    wanted = read_params(params)
    file_format = wanted["format"]
    sheet = sheet_of(user, wanted, context=nullcontext)
    rows = sheet.count(AT_ONCE + 1)
    content_type, chunks = exports.FORMATS[file_format]
    if rows > AT_ONCE and file_format == "pdf":
        raise Conflict("export_too_large", f"A PDF holds up to {AT_ONCE:,} rows. Choose fewer days, or XLSX.")
    content = b"".join(chunks(sheet)) if rows <= at_once else None
    return Product(wanted, exports.filename(sheet, file_format), content_type, content, rows)


def sheet_of(user: User, wanted: dict[str, Any], *, context: Any) -> exports.Sheet:
    """Of params as `read_params` left them."""
    first, last = (date.fromisoformat(wanted[name]) if wanted.get(name) else None for name in ("date_from", "date_to"))
    return reports.sheet_of(wanted["report"], user, first=first, last=last, context=context)


def read_params(params: dict[str, Any]) -> dict[str, Any]:
    """{report, format, date_from?, date_to?}; without them the ledger as PDF. Raises Invalid naming one."""
    unknown = sorted(set(params) - {"report", "format", "date_from", "date_to"})
    if unknown:
        raise Invalid("invalid", f"Unknown: {str(unknown[0])[:40]}.", field="params")
    wanted: dict[str, Any] = {"report": params.get("report") or "ledger", "format": params.get("format") or "pdf"}
    if wanted["report"] not in reports.kinds():
        raise errors.unknown_report(", ".join(reports.kinds()))
    if wanted["format"] not in reports.FORMATS:
        raise Invalid("invalid", f"format is one of {', '.join(reports.FORMATS)}.", field="params.format")
    for name in ("date_from", "date_to"):
        day = day_of(params.get(name) or None, name=f"params.{name}")
        if day is not None:
            wanted[name] = day.isoformat()
    return wanted


def _form(params: dict[str, Any]) -> Product:
    """Of {form: id}; the newest where none is named."""
    named = params.get("form")
    if set(params) - {"form"}:
        raise Invalid("invalid", "Only form: the id of one.", field="params")
    offered = FormDocument.objects.filter(is_active=True).order_by("-id")
    if named is not None:
        try:
            offered = offered.filter(pk=UUID(str(named)))
        except ValueError as error:
            raise Invalid("form_unknown", "There is no such form.", field="params.form") from error
    form = offered.first()
    if form is None and named is None:
        raise errors.activity_unavailable()
    if form is None:
        raise Invalid("form_unknown", "There is no such form.", field="params.form")
    told = {"form": str(form.pk), "title": form.title}
    return Product(told, form.filename, form.content_type, bytes(form.content), form=form)


def _book(
    user: User, payer_id: UUID, offered: ActivityType, product: Product, once: UUID | None, at: datetime
) -> Activity:
    is_made = product.content is not None
    activity = Activity(
        pk=once or uuid7(), user=user,
        payer_id=payer_id, type=offered.key, params=product.params, form=product.form, cost=offered.cost,
        currency=current_site().currency, status=Status.COMPLETED if is_made else Status.RUNNING, rows_total=product.rows,
        rows_done=product.rows if is_made else 0, finished_at=at if is_made else None, created_at=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            activity.save(force_insert=True)
    except IntegrityError as error:  # sent twice at once
        raise errors.already_running() from error
    if product.content is not None:
        keep_file(activity, product.name, product.content_type, product.content)
    audit.record(
        actor=user, action="activity.run", target=activity,
        after={"type": activity.type, "amount": activity.cost, "currency": activity.currency, "payer": str(payer_id)},
    )  # fmt: skip
    if not is_made:
        wake(activity)
    if activity.cost:  # last: the wallet's lock is held no longer than the commit takes
        charge_funds(
            user_id=payer_id, amount=activity.cost, currency=activity.currency, ref_id=str(activity.pk),
            meta={"activity": activity.type, "user_id": str(user.pk), "user": str(user)},
        )  # fmt: skip
    return activity


def keep_file(activity: Activity, name: str, content_type: str, content: bytes) -> None:
    ActivityFile.objects.create(
        activity=activity, name=name, content_type=content_type, size=len(content), content=content
    )


def wake(activity: Activity) -> None:
    waking.after_commit("apps.activities.tasks.finish_activity", str(require_site_id()), str(activity.pk))
