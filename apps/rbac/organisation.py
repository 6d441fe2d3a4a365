"""The departments of document H with their positions (H1), and what a person in each position may do.

Seven positions have a system role of their own. The others get ordinary roles, which the site may change as it likes: seeding
makes them once and never touches them again.
"""

from dataclasses import dataclass

from apps.rbac.catalogue import RESOURCES


@dataclass(frozen=True)
class OrdinaryRole:
    """A role to begin with. It holds `permissions` and all that `parent`, the key of an earlier role, holds."""

    key: str
    name: str
    description: str
    permissions: tuple[str, ...]
    parent: str = ""


@dataclass(frozen=True)
class Post:
    key: str
    name: str
    role: str


@dataclass(frozen=True)
class Part:
    code: str
    name: str
    purpose: str
    posts: tuple[Post, ...]


_SEES_ALL = tuple(f"{resource}.read" for resource in RESOURCES)

ORDINARY_ROLES: tuple[OrdinaryRole, ...] = (
    OrdinaryRole(
        "executive", "Executive", "Sees everything, decides nothing here",
        (*_SEES_ALL, "referral.read", "referral.history.view_all", "referral.wallet.view"),
    ),
    OrdinaryRole(
        "operations_manager", "Operations manager", "Sees everything, runs daily work",
        ("user.update", "server.update", "order.update", "support_ticket.update", "department.create", "department.update"),
        "executive",
    ),
    OrdinaryRole(
        "finance_director", "Finance director", "Sees all money, approves bills and payouts",
        ("billing.read", "billing.update", "billing.approve", "payout.read", "payout.approve", "commission.read", "order.read",
         "analytics.read", "invoice.manage", "referral.read"),
        "finance_manager",
    ),
    OrdinaryRole(
        "system_administrator", "System administrator", "Runs the servers",
        ("server.create", "server.read", "server.update", "server.delete", "user.read", "support_ticket.read"),
    ),
    OrdinaryRole(
        "technology_lead", "Technology lead", "Leads technology",
        ("server.approve", "server.manage", "analytics.read", "role.read", "permission.read"), "system_administrator",
    ),
    OrdinaryRole("developer", "Developer", "Builds: sees servers and tickets", ("server.read", "support_ticket.read")),
    OrdinaryRole("devops_engineer", "DevOps engineer", "Deploys and automates", ("server.update",), "developer"),
    OrdinaryRole(
        "security_engineer", "Security engineer", "Watches over accounts, roles and servers",
        ("user.read", "user.update", "server.read", "role.read", "permission.read", "analytics.read"),
    ),
    OrdinaryRole(
        "senior_support_agent", "Senior support agent", "Solves complex issues", ("user.update", "order.read"), "support_agent",
    ),
    OrdinaryRole(
        "technical_support", "Technical support", "Solves technical issues", ("server.update",), "support_agent",
    ),
    OrdinaryRole(
        "sales_manager", "Sales manager", "Leads sales", ("order.update", "affiliate.read", "analytics.read"), "sales_executive",
    ),
    OrdinaryRole("marketer", "Marketer", "Sees what brings people in", ("analytics.read", "referral.read")),
    OrdinaryRole(
        "marketing_manager", "Marketing manager", "Leads marketing",
        ("affiliate.read", "affiliate.update", "commission.read"), "marketer",
    ),
    OrdinaryRole(
        "affiliate_support", "Affiliate support", "Helps partners",
        ("affiliate.read", "commission.read", "payout.read", "referral.read", "user.read", "support_ticket.read",
         "support_ticket.update"),
    ),
    OrdinaryRole(
        "commission_analyst", "Commission analyst", "Follows how commissions come about",
        ("commission.read", "affiliate.read", "order.read", "analytics.read"),
    ),
    OrdinaryRole(
        "accountant", "Accountant", "Reads the books",
        ("billing.read", "order.read", "payout.read", "commission.read", "analytics.read", "referral.wallet.view"),
    ),
    OrdinaryRole(
        "product_analyst", "Product analyst", "Reads how products do", ("analytics.read", "order.read", "server.read"),
    ),
    OrdinaryRole(
        "product_manager", "Product manager", "Leads products", ("server.update", "support_ticket.read"), "product_analyst",
    ),
    OrdinaryRole(
        "qa_engineer", "QA engineer", "Tests and reports",
        ("server.read", "order.read", "support_ticket.create", "support_ticket.read"),
    ),
    OrdinaryRole(
        "qa_manager", "QA manager", "Leads testing", ("support_ticket.update", "analytics.read"), "qa_engineer",
    ),
    OrdinaryRole(
        "compliance_officer", "Compliance officer", "Sees what rules are kept by",
        ("user.read", "affiliate.read", "commission.read", "payout.read", "order.read", "role.read", "permission.read",
         "analytics.read", "referral.history.view_all"),
    ),
    OrdinaryRole(
        "legal_advisor", "Legal advisor", "Sees what contracts are about",
        ("user.read", "affiliate.read", "order.read", "billing.read"),
    ),
)  # fmt: skip

DEPARTMENTS: tuple[Part, ...] = (
    Part("EXEC", "Executive Department", "Top-level management and strategic decisions", (
        Post("ceo", "CEO/Founder", "executive"),
        Post("coo", "COO", "operations_manager"),
        Post("cfo", "CFO", "finance_director"),
    )),
    Part("TECH", "Technology Department", "System development, maintenance, and infrastructure", (
        Post("cto", "CTO", "technology_lead"),
        Post("system_administrator", "System Administrator", "system_administrator"),
        Post("devops_engineer", "DevOps Engineer", "devops_engineer"),
        Post("backend_developer", "Backend Developer", "developer"),
        Post("frontend_developer", "Frontend Developer", "developer"),
        Post("security_engineer", "Security Engineer", "security_engineer"),
    )),
    Part("SUPPORT", "Customer Support Department", "Customer service and technical support", (
        Post("support_manager", "Support Manager", "support_manager"),
        Post("senior_support_agent", "Senior Support Agent", "senior_support_agent"),
        Post("support_agent", "Support Agent", "support_agent"),
        Post("technical_support_specialist", "Technical Support Specialist", "technical_support"),
    )),
    Part("SALES", "Sales & Marketing Department", "Revenue generation and customer acquisition", (
        Post("sales_manager", "Sales Manager", "sales_manager"),
        Post("sales_executive", "Sales Executive", "sales_executive"),
        Post("marketing_manager", "Marketing Manager", "marketing_manager"),
        Post("content_creator", "Content Creator", "marketer"),
        Post("seo_specialist", "SEO Specialist", "marketer"),
    )),
    Part("AFFILIATE_MGMT", "Affiliate Management Department", "Manage affiliate program and partnerships", (
        Post("affiliate_manager", "Affiliate Manager", "affiliate_manager"),
        Post("affiliate_support_specialist", "Affiliate Support Specialist", "affiliate_support"),
        Post("commission_analyst", "Commission Analyst", "commission_analyst"),
    )),
    Part("FINANCE", "Finance & Billing Department", "Financial operations and billing management", (
        Post("finance_manager", "Finance Manager", "finance_manager"),
        Post("billing_specialist", "Billing Specialist", "billing_specialist"),
        Post("accountant", "Accountant", "accountant"),
        Post("payout_manager", "Payout Manager", "payout_manager"),
    )),
    Part("PRODUCT", "Product Management Department", "Product strategy and development", (
        Post("product_manager", "Product Manager", "product_manager"),
        Post("product_analyst", "Product Analyst", "product_analyst"),
    )),
    Part("QA", "Quality Assurance Department", "Testing and quality control", (
        Post("qa_manager", "QA Manager", "qa_manager"),
        Post("qa_engineer", "QA Engineer", "qa_engineer"),
    )),
    Part("LEGAL", "Compliance & Legal Department", "Legal compliance and risk management", (
        Post("compliance_officer", "Compliance Officer", "compliance_officer"),
        Post("legal_advisor", "Legal Advisor", "legal_advisor"),
    )),
)  # fmt: skip
