"""Signing in with a site's own issuer of identities, such as Auth0 (P7).

A site names one issuer and the audience its tokens must be for. A token is checked outside of any database transaction, since its
keys may have to be fetched; who it is about is found or made afterwards.
"""

from apps.accounts.oidc.identities import member_of, welcome_by
from apps.accounts.oidc.providers import Provider, provider_of, set_provider
from apps.accounts.oidc.verifying import Person, is_foreign, verify

__all__ = ["Person", "Provider", "is_foreign", "member_of", "provider_of", "set_provider", "verify", "welcome_by"]
