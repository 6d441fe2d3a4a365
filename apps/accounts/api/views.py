"""Sign-in, tokens, passwords and API keys (spec: api.md, Accounts)."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services, tokens
from apps.accounts.api import serializers
from apps.accounts.api.caller import person
from apps.accounts.models import ApiKey
from apps.core.api.views import ApiView, ListView
from apps.core.errors import NotFound
from apps.rbac.access import PUBLIC, SIGNED_IN, access_of, requires
from apps.sites.selectors import current_site

# A key may move money, and is never asked for a code itself.
SECRET_SHOWN = requires("permission.manage", step_up=True)


def user_agent(request: Request) -> str:
    return str(request.headers.get("User-Agent", ""))


def durable_of(request: Request) -> services.Durable:
    """What is still done after a refusal."""
    inner: Any = request._request
    found: services.Durable = inner.durable
    return found


class TokenView(ApiView):
    """Sign in at this site. Whoever has two-factor gives a code in `otp` too: of the device, or a recovery code."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    serializer_class = serializers.TokenRequest

    @extend_schema(responses=serializers.TokenPair)
    def post(self, request: Request) -> Response:
        data = self.validated(request)
        user = services.sign_in(**data, durable=durable_of(request))
        return Response(tokens.issue_pair(user=user, site=current_site(), user_agent=user_agent(request)))


class RefreshView(ApiView):
    """Exchange a refresh token. Each works once."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    serializer_class = serializers.RefreshRequest

    @extend_schema(responses=serializers.TokenPair)
    def post(self, request: Request) -> Response:
        raw = self.validated(request)["refresh"]
        durable = durable_of(request)
        pair = tokens.rotate(raw=raw, site=current_site(), durable=durable, user_agent=user_agent(request))
        return Response(pair)


class LogoutView(ApiView):
    """End the sign-in a refresh token came from."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    serializer_class = serializers.RefreshRequest

    @extend_schema(responses={204: None})
    def post(self, request: Request) -> Response:
        tokens.revoke(raw=self.validated(request)["refresh"], site=current_site())
        return Response(status=204)


class PasswordChangeView(ApiView):
    """A new password. Ends every sign-in at every site."""

    access = {"POST": SIGNED_IN}
    serializer_class = serializers.PasswordChange

    @extend_schema(responses={204: None})
    def post(self, request: Request) -> Response:
        services.change_password(user=person(request), **self.validated(request))
        return Response(status=204)


class PasswordResetView(ApiView):
    """Mail a link for a new password. Always 204."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    serializer_class = serializers.PasswordReset

    @extend_schema(responses={204: None})
    def post(self, request: Request) -> Response:
        services.request_password_reset(email=self.validated(request)["email"])
        return Response(status=204)


class PasswordResetConfirmView(ApiView):
    """Set the password a mailed link asks for. Ends every sign-in."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    serializer_class = serializers.PasswordResetConfirm

    @extend_schema(responses={204: None})
    def post(self, request: Request) -> Response:
        services.confirm_password_reset(**self.validated(request))
        return Response(status=204)


class ApiKeyListView(ListView):
    """Keys of this site's servers."""

    access = {"GET": requires("permission.manage"), "POST": SECRET_SHOWN}
    serializer_class = serializers.ApiKeyRow

    def get_queryset(self) -> Any:
        return ApiKey.objects.all()

    @extend_schema(request=serializers.ApiKeyRequest, responses={201: serializers.ApiKeySecret})
    def post(self, request: Request) -> Response:
        serializer = serializers.ApiKeyRequest(data=request.data)
        serializer.is_valid(raise_exception=True)
        key, raw = services.create_api_key(actor=request.user, access=access_of(request), **serializer.validated_data)
        return Response({**serializers.ApiKeyRow(key).data, "key": raw}, status=201)


class ApiKeyView(ApiView):
    access = {"DELETE": requires("permission.manage")}
    serializer_class = serializers.ApiKeyRow

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        services.revoke_api_key(key=_find_key(pk), actor=request.user)
        return Response(status=204)


class ApiKeyRotateView(ApiView):
    access = {"POST": SECRET_SHOWN}
    serializer_class = serializers.ApiKeyRow

    @extend_schema(request=None, responses=serializers.ApiKeySecret)
    def post(self, request: Request, pk: UUID) -> Response:
        key = _find_key(pk)
        raw = services.rotate_api_key(key=key, actor=request.user, access=access_of(request))
        key.refresh_from_db()
        return Response({**serializers.ApiKeyRow(key).data, "key": raw})


def _find_key(pk: UUID) -> ApiKey:
    key = ApiKey.objects.filter(pk=pk).first()
    if key is None:
        raise NotFound()
    return key
