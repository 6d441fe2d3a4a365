from apps.referrals.models.attribution import CampaignLink, Click, Conversion
from apps.referrals.models.moves import TreeMove
from apps.referrals.models.partner import MAX_LEVEL, Partner, PartnerManager, PartnerQuerySet, paths_above
from apps.referrals.models.stats import PartnerStats, StatsTail

__all__ = [
    "MAX_LEVEL",
    "CampaignLink",
    "Click",
    "Conversion",
    "Partner",
    "PartnerManager",
    "PartnerQuerySet",
    "PartnerStats",
    "StatsTail",
    "TreeMove",
    "paths_above",
]
