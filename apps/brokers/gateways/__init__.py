"""What asks a broker whether keys are good. An operator adds one by a class that is made without arguments and does what
`Gateway` says, named in `UPLINE_BROKER_GATEWAYS` by the broker's name."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import requests

TIMEOUT = (3.05, 8)
"""Seconds to connect and to answer."""


class Unknown(Exception):
    """The broker didn't answer, or not so that we know: the keys are as good as before."""


class Refused(Exception):
    """The broker says that these keys are not good. Its text is for the member."""


@dataclass(frozen=True)
class Credentials:
    """What a member typed. `api_secret` is the token of a session where the broker wants one."""

    client_id: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


class Gateway(Protocol):
    def verify(self, credentials: Credentials) -> None:
        """Returns if the keys open the account of this client. Raises Refused, Unknown. To be used outside of a transaction."""
        ...


def ask(url: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """(status, answer) of a GET. Raises Unknown for what tells nothing about the keys: limits, faults, no answer."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the environment sees keys
            answer = session.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise Unknown(type(error).__name__) from error
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500 or not isinstance(found, dict):
        raise Unknown(f"answered {answer.status_code}")
    return answer.status_code, found


def same_client(found: Any, field_name: str, credentials: Credentials) -> None:
    """Raises Refused where the keys are another client's."""
    told = found.get(field_name) if isinstance(found, dict) else None
    if not isinstance(told, str):
        raise Unknown("this is no profile")
    if told.upper() != credentials.client_id.upper():
        raise Refused("These keys are of another client.")
