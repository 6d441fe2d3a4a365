"""Tamper evidence: how far each chain of a site is sealed (see apps.core.chain)."""

from django.db import models

from apps.core.models.base import SiteModel


class ChainLink(SiteModel):
    """One sealed row: its place, its digest's hash chained to the one before. A table per chain inherits it."""

    seq = models.BigIntegerField()
    row_id = models.UUIDField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        abstract = True


class ChainHead(SiteModel):
    """Per site and chain: the transactions sealed so far are those below `sealed_xid`."""

    chain = models.CharField(max_length=32)
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32, default=bytes)
    sealed_xid = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "chain"], name="core_chain_once")]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"
