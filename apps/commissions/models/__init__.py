from apps.commissions.models.commissions import Commission, CommissionOutcome
from apps.commissions.models.plans import CommissionPlan, PartnerOverride, PlanRule, PlanVersion

__all__ = ["Commission", "CommissionOutcome", "CommissionPlan", "PartnerOverride", "PlanRule", "PlanVersion"]
