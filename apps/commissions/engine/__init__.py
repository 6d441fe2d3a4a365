"""The commission engine: pure functions over frozen values. No database, no clock, no Django.

The services load a plan version, the upline as it stood and the overrides, ask `outcomes_for`, and store what it says.
"""

from .explain import recompute
from .outcomes import commissions, is_skipped, outcomes_for, path_to
from .refunds import mirror
from .values import (
    ACTIVATION,
    ANY,
    MAX_DEPTH,
    MAX_FLAT,
    Ancestor,
    Base,
    Compression,
    Kind,
    Line,
    Outcome,
    PathStep,
    Reason,
    Rule,
    RuleBook,
    Terms,
)

__all__ = [
    "ACTIVATION",
    "ANY",
    "MAX_DEPTH",
    "MAX_FLAT",
    "Ancestor",
    "Base",
    "Compression",
    "Kind",
    "Line",
    "Outcome",
    "PathStep",
    "Reason",
    "Rule",
    "RuleBook",
    "Terms",
    "commissions",
    "is_skipped",
    "mirror",
    "outcomes_for",
    "path_to",
    "recompute",
]
