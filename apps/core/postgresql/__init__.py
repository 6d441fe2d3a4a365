"""Django's PostgreSQL backend that sets the site in the round trip of BEGIN."""
