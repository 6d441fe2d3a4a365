"""The per-site lock between those who add to the tree and those who rearrange it."""

from apps.core.locks import hold


def hold_tree(*, exclusive: bool = False) -> None:
    """Until the transaction ends: signups and folds share the tree, a move has it alone. Take it before any row of the tree.

    Without it, eight signups beside two moves left orphans, wrong child counts and deadlocks (spec: foundation.md 5, measured).
    """
    hold("tree", shared=not exclusive)
