"""A browser that is signed in, without going through the form."""

import time

from django.test import Client

from apps.accounts.middleware import SESSION_AUTH_TIME, SESSION_SIGN_INS, SESSION_SITE
from apps.accounts.models import SignIn
from apps.accounts.sign_ins import begin_sign_in

BACKEND = "apps.accounts.backends.MembershipBackend"


def browser_of(user, site, *, signed_in_ago=0):
    """Call it inside the site's context. `signed_in_ago` in seconds."""
    client = Client(headers={"host": f"{site.code.lower()}.localhost"})
    client.force_login(user, backend=BACKEND)
    sign_in = begin_sign_in(user=user, kind=SignIn.Kind.BROWSER, user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    session = client.session
    session[SESSION_SITE] = site.code
    session[SESSION_SIGN_INS] = {site.code: str(sign_in.pk)}
    session[SESSION_AUTH_TIME] = int(time.time()) - signed_in_ago
    session.save()
    return client
