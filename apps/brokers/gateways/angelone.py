"""Angel One over SmartAPI (https://smartapi.angelbroking.com/docs/User): the profile of whom the keys belong to."""

from django.conf import settings

from apps.brokers.gateways import Credentials, Refused, Unknown, ask, same_client

PATH = "/rest/secure/angelbroking/user/v1/getProfile"


class AngelOne:
    """`api_secret` is the JWT of SmartAPI's login; without it SmartAPI can't be asked."""

    def verify(self, credentials: Credentials) -> None:
        if not credentials.api_secret:
            raise Unknown("a token of a session is needed to ask")
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {credentials.api_secret}",
            "X-PrivateKey": credentials.api_key,
            "X-UserType": "USER",
            "X-SourceID": "WEB",
            "X-ClientLocalIP": "127.0.0.1",
            "X-ClientPublicIP": "127.0.0.1",
            "X-MACAddress": "00:00:00:00:00:00",
        }
        status, found = ask(f"{settings.ANGELONE_API_BASE}{PATH}", headers)
        if found.get("status") is False or status in (400, 401, 403):
            raise Refused(str(found.get("message") or f"Angel One answered {status}")[:200])
        if status != 200:
            raise Unknown(f"answered {status}")
        same_client(found.get("data"), "clientcode", credentials)
