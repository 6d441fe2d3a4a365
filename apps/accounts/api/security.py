"""One's own two-factor and sign-ins (spec: W12, W5)."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api import serializers
from apps.accounts.api.caller import person
from apps.accounts.api.views import durable_of
from apps.accounts.models import SignIn
from apps.accounts.sessions import prove_session
from apps.accounts.sign_ins import live_sign_ins
from apps.accounts.tokens import Claims
from apps.core.api.views import ApiView, ListView
from apps.core.errors import Denied
from apps.rbac.access import SIGNED_IN


class TwoFactorView(ApiView):
    """Codes of an authenticator app beside the password. It belongs to the person and counts at every site."""

    access = {"GET": SIGNED_IN, "POST": SIGNED_IN, "DELETE": SIGNED_IN}
    serializer_class = serializers.TwoFactorBegin

    @extend_schema(responses=serializers.TwoFactorStanding)
    def get(self, request: Request) -> Response:
        return Response(serializers.TwoFactorStanding(services.standing(person(request))).data)

    @extend_schema(responses=serializers.TwoFactorEnrolment)
    def post(self, request: Request) -> Response:
        """Begin: what the app needs. Nothing changes before a code of it is confirmed."""
        password = self.validated(request)["password"]
        begun = services.begin_two_factor(user=person(request), password=password, durable=durable_of(request))
        return Response(serializers.TwoFactorEnrolment(begun).data)

    @extend_schema(request=serializers.TwoFactorEnd, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Switch it off, with `password` and `otp` in the body."""
        serializer = serializers.TwoFactorEnd(data=request.data)
        serializer.is_valid(raise_exception=True)
        services.switch_off_two_factor(user=person(request), **serializer.validated_data, durable=durable_of(request))
        return Response(status=204)


class TwoFactorConfirmView(ApiView):
    """Switch it on with a first code. The recovery codes are shown this once."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.OtpRequest

    @extend_schema(responses=serializers.RecoveryCodes)
    def post(self, request: Request) -> Response:
        otp = self.validated(request)["otp"]
        made = services.confirm_two_factor(user=person(request), otp=otp, durable=durable_of(request))
        return Response({"recovery_codes": made})


class RecoveryCodesView(ApiView):
    """A new set of recovery codes, shown this once. The old ones end."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.OtpRequest

    @extend_schema(responses=serializers.RecoveryCodes)
    def post(self, request: Request) -> Response:
        otp = self.validated(request)["otp"]
        made = services.renew_recovery_codes(user=person(request), otp=otp, durable=durable_of(request))
        return Response({"recovery_codes": made})


class StepUpView(ApiView):
    """Prove who you are again: an access token with which money may move for a while (`step_up_required`). With two-factor by a
    code, else by the password."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.StepUpRequest

    @extend_schema(responses=serializers.AccessRenewed)
    def post(self, request: Request) -> Response:
        proof, user = self.validated(request), person(request)
        if not isinstance(request.auth, Claims):
            services.prove_again(user=user, **proof, durable=durable_of(request))
            prove_session(request._request)
            return Response({"access": None})
        sid = request.auth.sid
        sign_in = SignIn.objects.filter(pk=sid, user_id=user.pk).first() if sid else None
        if sign_in is None:  # a token from before sign-ins were kept; it is gone within a quarter of an hour
            raise Denied("step_up_required", "Sign in again.")
        access = services.step_up(user=user, sign_in=sign_in, **proof, durable=durable_of(request))
        return Response({"access": access})


class SessionListView(ListView):
    """What is signed in as the caller at this site: apps and browsers."""

    access = {"GET": SIGNED_IN}
    serializer_class = serializers.SignInRow

    def get_queryset(self) -> Any:
        return live_sign_ins(person(self.request))


class SessionView(ApiView):
    """End one sign-in, at its next request."""

    access = {"DELETE": SIGNED_IN}
    serializer_class = serializers.SignInRow

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        services.end_sign_in(user=person(request), sign_in_id=pk)
        return Response(status=204)


class SessionsRevokeView(ApiView):
    """End every sign-in at every site, this one too."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.SignInRow

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        services.sign_out_everywhere(user=person(request))
        return Response(status=204)
