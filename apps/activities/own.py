"""Reports of what lies at or below this app: the caller's ledger, the people below them, their activities."""

from apps.accounts.models import User
from apps.activities.reports import OwnReport
from apps.activities.selectors import activities_of
from apps.core.exports import money_cell
from apps.referrals.models import Partner
from apps.referrals.selectors import masked_email
from apps.wallet.selectors import ledger_of


def ledger(user: User) -> OwnReport:
    return OwnReport(
        title="Ledger",
        columns=("date", "kind", "pocket", "amount", "balance_after", "currency", "reference"),
        rows=ledger_of(user.pk),
        cells=lambda row: (
            row.entry.created_at, row.entry.kind, row.account.kind, money_cell(row.amount, row.currency),
            money_cell(row.balance_after, row.currency), row.currency,
            f"{row.entry.ref_type} {row.entry.ref_id}".strip(),
        ),
        when="entry__created_at",
    )  # fmt: skip


def downline(user: User) -> OwnReport:
    """Names as the tree shows them, e-mails masked. Nobody for who is no partner."""
    mine = Partner.objects.people().filter(user_id=user.pk).first()
    people = Partner.objects.people()
    rows = people.downline_of(mine, depth=20) if mine is not None else people.none()
    return OwnReport(
        title="Downline",
        columns=("level", "name", "email", "referral_code", "status", "joined_at"),
        rows=rows.select_related("user"),
        cells=lambda row: (
            row.depth - (mine.depth if mine else 0), row.user.full_name if row.user else "",
            masked_email(row.user.email) if row.user else "", row.code, row.status, row.joined_at,
        ),
        ordering="path", when="joined_at",
    )  # fmt: skip


def activities(user: User) -> OwnReport:
    """Of an enterprise also those of its sub-users."""
    return OwnReport(
        title="Activities",
        columns=("date", "activity", "what", "by", "status", "cost", "currency"),
        rows=activities_of(user).select_related("user"),
        cells=lambda row: (
            row.created_at, row.get_type_display(), row.summary, str(row.user), row.status,
            money_cell(row.cost, row.currency), row.currency,
        ),
    )  # fmt: skip
