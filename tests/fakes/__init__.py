"""Fixtures of the outside services, and their own tests."""
