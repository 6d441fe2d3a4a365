"""A request that calls out: commit the intent, call, commit the result (settled.md, Technical traps).

No network call happens inside a database transaction. A view that needs one ends its first phase with `call_out`; the middleware
commits what it wrote, makes the call outside of any transaction, and commits what `finish` does with the result. The answer, and
what is kept of it under an Idempotency-Key, is the last phase's.

    def post(self, request):
        order = place_order(...)                                    # committed first
        return call_out(request, lambda: gateway.open(order.pk), lambda opened: Response(record(order.pk, opened)))
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

NOT_YET = 202


@dataclass(frozen=True)
class Phase:
    """`call` runs outside of any transaction. `finish` gets what it returned, `failed` what it raised; each runs in a transaction
    of the site of its own. `answer` makes an answer of what either returned or raised."""

    call: Callable[[], Any]
    finish: Callable[[Any], Any]
    failed: Callable[[Exception], Any] | None
    answer: Callable[[Callable[[], Any]], HttpResponse]


def call_out(
    request: Request | HttpRequest,
    call: Callable[[], Any],
    finish: Callable[[Any], Any],
    failed: Callable[[Exception], Any] | None = None,
) -> HttpResponse:
    """What a view returns to go on after its transaction. `finish` returns the answer, or another `call_out`.

    An error of `call` is the answer, in the usual shape, once `failed` has committed what follows from it; if `failed` returns an
    answer, that is it.
    """
    if isinstance(request, Request):
        view: Any = request.parser_context["view"]
        request._request.phase = Phase(call, finish, failed, _of_view(view, request))  # type: ignore[attr-defined]
        return Response(status=NOT_YET)
    request.phase = Phase(call, finish, failed, _plain)  # type: ignore[attr-defined]
    return HttpResponse(status=NOT_YET)


def _plain(make: Callable[[], Any]) -> HttpResponse:
    made: HttpResponse = make()
    return made


def _of_view(view: Any, request: Request) -> Callable[[Callable[[], Any]], HttpResponse]:
    """As DRF's dispatch would: errors in our shape, rendered by the view."""

    def answer(make: Callable[[], Any]) -> HttpResponse:
        try:
            made = make()
        except Exception as error:
            made = view.handle_exception(error)
        response: Any = view.finalize_response(request, made, *view.args, **view.kwargs)
        return response.render() if hasattr(response, "render") else response

    return answer


class Transaction(Protocol):
    """Runs a function in a transaction of the site's. With `is_answer`, what it returns is kept with what hangs on the answer."""

    def __call__(self, make: Callable[[], HttpResponse], *, is_answer: bool = True) -> HttpResponse: ...


def run(request: Any, transaction: Transaction) -> HttpResponse:
    """The phases that are left, after the first has been committed."""
    while True:
        phase: Phase = request.phase
        request.phase = None
        try:
            result = phase.call()
        except Exception as error:
            caught = error
            response = _failed(phase, caught, transaction)
        else:
            response = transaction(lambda: phase.answer(lambda: phase.finish(result)))  # noqa: B023 - runs at once
        if request.phase is None:
            return response


def _failed(phase: Phase, error: Exception, transaction: Transaction) -> HttpResponse:
    """What follows from the failure is committed even though the answer is an error, so it has a transaction of its own."""
    if phase.failed is not None:
        answered = _follow_up(phase.failed, error, transaction)
        if answered is not None:
            return phase.answer(lambda: answered)

    def again() -> Any:
        raise error

    return phase.answer(again)


def _follow_up(failed: Callable[[Exception], Any], error: Exception, transaction: Transaction) -> Any:
    """Its empty response is nobody's answer: kept under an Idempotency-Key it would be replayed as one."""
    told: list[Any] = []

    def follow() -> HttpResponse:
        told.append(failed(error))
        return HttpResponse()

    transaction(follow, is_answer=False)
    return told[0]


def carry_over(first: HttpResponse, last: HttpResponse) -> HttpResponse:
    """The headers and cookies that the middleware within gave to the first phase's placeholder."""
    for name, value in first.items():
        if name.lower() not in {"content-type", "content-length"} and not last.has_header(name):
            last[name] = value
    for name, cookie in first.cookies.items():
        last.cookies.setdefault(name, cookie)
    return last
