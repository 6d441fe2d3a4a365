"""Zerodha over Kite Connect 3 (https://kite.trade/docs/connect/v3/user/): the profile of whom the keys belong to."""

from django.conf import settings

from apps.brokers.gateways import Credentials, Refused, Unknown, ask, same_client


class Zerodha:
    """`api_secret` is the access token of Kite's login; without it Kite can't be asked."""

    def verify(self, credentials: Credentials) -> None:
        if not credentials.api_secret:
            raise Unknown("an access token is needed to ask")
        headers = {
            "X-Kite-Version": "3",
            "Authorization": f"token {credentials.api_key}:{credentials.api_secret}",
        }
        status, found = ask(f"{settings.ZERODHA_API_BASE}/user/profile", headers)
        if found.get("status") == "error" or status in (400, 401, 403):
            raise Refused(str(found.get("message") or f"Zerodha answered {status}")[:200])
        if status != 200:
            raise Unknown(f"answered {status}")
        same_client(found.get("data"), "user_id", credentials)
