"""What is paid by hand, as a file that the bank takes. What it gives back: result_files.py."""

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from apps.audit import services as audit
from apps.core import exports
from apps.core.tenancy import require_site_id, site_context
from apps.payouts import gateways
from apps.payouts.models import Payout, PayoutBatch
from apps.payouts.services.methods import read_details
from apps.sites.selectors import current_site
from apps.wallet.services import guards

ACCOUNT = ("account_holder", "account_number", "bank_code", "vpa", "note")
COLUMNS = ("ref", "number", "amount", "currency", "name", "kind", *ACCOUNT)
Status = Payout.Status


def by_hand(batch: PayoutBatch) -> QuerySet[Payout]:
    """The payouts of a batch that somebody has to pay."""
    return batch.payouts.filter(gateway=gateways.MANUAL, status=Status.PROCESSING)


def bank_file(*, batch: PayoutBatch, actor: Any) -> StreamingHttpResponse:
    """The streamed CSV of them, audited as every file is, and as `payout_batch.bank_file`. Whose money must stay since it was
    sent (apps.wallet.services.guards) is not in it, and waits."""
    audit.record(actor=actor, action="payout_batch.bank_file", target=batch)
    sheet = exports.Sheet(
        name=f"bank-file-{batch}", title=f"To be paid of {batch}", site=current_site().code, columns=COLUMNS,
        read=partial(_read, batch), count=lambda limit: by_hand(batch)[:limit].count(),
        context=partial(site_context, require_site_id()), filters={"batch": str(batch)},
        who=f"{actor.actor_name}, {timezone.now():%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip
    return exports.export(sheet, "csv", actor=actor)


def _read(batch: PayoutBatch, after: Any, size: int) -> tuple[list[list[Any]], Any]:
    rows = by_hand(batch).select_related("user", "method")
    page, end = exports.keyset_page(rows, ordering="id", after=after, size=size)
    stay = guards.staying(row.user_id for row in page)
    return [_line(row) for row in page if row.user_id not in stay], end


def _line(row: Payout) -> list[Any]:
    details = read_details(row.method) if row.method is not None else {}
    kind = row.method.kind if row.method is not None else "manual"
    account = [details.get(name, "") for name in ACCOUNT]
    amount = exports.money_cell(row.amount, row.currency)
    return [str(row.pk), row.number, amount, row.currency, row.user.full_name, kind, *account]
