"""Registration, and who I am (spec: api.md, Accounts)."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import oidc, tokens
from apps.accounts import services as accounts
from apps.accounts.api.caller import person
from apps.accounts.api.serializers import TokenPair
from apps.accounts.api.views import durable_of, user_agent
from apps.accounts.models import User
from apps.brokers.selectors import is_connected
from apps.core.api.views import ApiView
from apps.core.errors import Conflict
from apps.core.phases import call_out
from apps.onboarding.api import serializers
from apps.onboarding.services import Newcomer, register
from apps.rbac.access import PUBLIC, SIGNED_IN, access_of
from apps.referrals.cookies import read_click
from apps.referrals.models import Partner
from apps.sites.selectors import current_site


class RegisterView(ApiView):
    """Register at this site, under whoever invited you."""

    access = {"POST": PUBLIC}
    authentication_classes = ()
    serializer_class = serializers.RegisterRequest

    @extend_schema(responses={201: serializers.Registered})
    def post(self, request: Request) -> Response:
        data = self.validated(request)
        newcomer = Newcomer(
            email=data["email"],
            password=data["password"],
            full_name=data["full_name"],
            referral_code=data["referral_code"] or "",
            click_id=data["click_id"] or "",
            cookie=read_click(request._request),
            user_type=data["user_type"],
            otp=data["otp"],
        )
        user, partner = register(newcomer, durable=durable_of(request))
        pair = tokens.issue_pair(user=user, site=current_site(), user_agent=user_agent(request))
        shown = {"id": user.pk, "email": user.email, "full_name": user.full_name, "user_type": data["user_type"]}
        body = {"user": shown, "partner": partner, **pair}
        return Response(serializers.Registered(body).data, status=201)


class OidcView(ApiView):
    """Sign in by the site's own issuer; on first sight as a new member. With a bearer token, connect the two logins instead."""

    access = {"POST": PUBLIC}
    serializer_class = serializers.OidcRequest

    @extend_schema(responses=TokenPair)
    def post(self, request: Request) -> HttpResponse:
        data, site = self.validated(request), current_site()
        provider = oidc.provider_of(site.pk, site.code)
        if provider is None:
            raise Conflict("oidc_unavailable", "This site has no issuer of identities.")
        return call_out(
            request,
            lambda: oidc.verify(provider, data["id_token"], nonce=data["nonce"]),
            lambda who: self.sign_in(request, who, data),
        )

    def sign_in(self, request: Request, who: oidc.Person, data: dict[str, Any]) -> Response:
        caller = request.user if isinstance(request.user, User) else None
        user = oidc.member_of(
            who, link_to=caller, referral_code=data["referral_code"], click_id=data["click_id"],
            cookie=read_click(request._request),
        )  # fmt: skip
        if caller is None and accounts.has_two_factor(user):
            accounts.check_second_step(user=user, otp=data["otp"], durable=durable_of(request))
        pair = tokens.issue_pair(
            user=user, site=current_site(), user_agent=user_agent(request), authenticated_at=moment(who.auth_time)
        )
        return Response(pair)


def moment(seconds: int) -> datetime:
    """When the issuer says they proved who they are; never to come."""
    return min(datetime.fromtimestamp(max(seconds, 0), tz=UTC), timezone.now())


class MeView(ApiView):
    """The caller at this site: roles, permissions and place in the tree."""

    access = {"GET": SIGNED_IN, "PATCH": SIGNED_IN}
    serializer_class = serializers.MeChange

    @extend_schema(responses=serializers.Me)
    def get(self, request: Request) -> Response:
        return Response(serializers.Me(_me(request)).data)

    @extend_schema(responses=serializers.Me)
    def patch(self, request: Request) -> Response:
        accounts.update_profile(user=person(request), changes=self.validated(request))
        return Response(serializers.Me(_me(request)).data)


def _me(request: Request) -> dict[str, Any]:
    user: Any = person(request)
    access = access_of(request)
    return {
        "id": user.pk,
        "email": user.email,
        "full_name": user.full_name,
        "user_type": user.user_type,
        "locale": user.locale,
        "site": current_site().code,
        "roles": sorted(access.roles),
        "permissions": access.keys,
        "partner": Partner.objects.people().filter(user_id=user.pk).first(),
        "broker_connected": is_connected(user.pk),
        "two_factor_required": access.withheld is not None,
    }
