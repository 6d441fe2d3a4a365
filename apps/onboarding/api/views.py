"""Registration, and who I am (spec: api.md, Accounts)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services as accounts
from apps.accounts import tokens
from apps.accounts.api.caller import person
from apps.accounts.api.views import durable_of, user_agent
from apps.core.api.views import ApiView
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
        "broker_connected": False,
        "two_factor_required": access.withheld is not None,
    }
