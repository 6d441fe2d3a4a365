"""What payments are for. The app that sells registers what happens to its rows (AppConfig.ready):

    purposes.register("order", "apps.orders.services.payments.OrderPayments")

Each method runs in the transaction that moved the payment, and is called again for nothing that it was called for.
"""

from typing import Protocol, cast

from django.utils.module_loading import import_string

from apps.payments.models import Dispute, Payment, PaymentRefund


class Purpose(Protocol):
    def paid(self, payment: Payment) -> bool:
        """The money is there. False if nobody wants it any more: then it is given back."""

    def failed(self, payment: Payment) -> None:
        """A try failed (`payment.failure`), or the payment was cancelled. It may still be paid later."""

    def refunded(self, payment: Payment, *, amount: int, external_id: str, reason: str) -> None:
        """`amount` more went back, known by this id."""

    def refund_failed(self, payment: Payment, refund: PaymentRefund) -> None:
        """A refund that we asked for was not made, after all."""

    def disputed(self, payment: Payment, dispute: Dispute) -> None:
        """A dispute was opened, won or lost. A lost one is followed by `refunded`."""


_paths: dict[str, str] = {}


def register(purpose: str, path: str) -> None:
    _paths[purpose] = path


def of(payment: Payment) -> Purpose:
    return cast(Purpose, import_string(_paths[payment.purpose])())
