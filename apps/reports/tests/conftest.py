from apps.payouts.tests.conftest import shop

__all__ = ["shop"]
