"""The base of every site table."""

from django.db import models

from apps.core.ids import uuid7
from apps.core.tenancy import current_site_id


class SiteModel(models.Model):
    """A row of one site. `site` fills itself from the site context; nothing a client sends can set it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    site = models.ForeignKey(
        "sites.Site",
        on_delete=models.PROTECT,
        related_name="+",
        default=current_site_id,
        editable=False,
        db_index=False,
    )

    class Meta:
        abstract = True
