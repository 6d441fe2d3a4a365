"""Actions in words: one way to say them, wherever they are told."""

import re
from pathlib import Path

import pytest

from apps.audit import words


@pytest.mark.parametrize(
    ("action", "times", "said"),
    [
        ("payout.approved", 1, "approved a payout"),
        ("order.refunded", 1, "refunded an order"),
        ("commission.approved", 41, "approved 41 commissions"),
        ("category.made", 2, "made 2 categories"),
        ("sitesettings.changed", 1, "changed the settings"),
        ("role.assigned", 3, "gave a role, 3 times"),
        ("department.member_added", 2, "took somebody into a department, 2 times"),
        ("happened", 2, "happened"),
    ],
)
def test_an_action_in_words(action, times, said):
    assert words.said(action, times=times) == said


def test_whatever_is_recorded_can_be_filtered_by_its_noun():
    sources = [path for path in Path("apps").rglob("*.py") if "tests" not in path.parts]
    recorded = {noun for path in sources for noun in re.findall(r'action="([a-z_]+)\.[a-z_]+"', path.read_text())}

    assert recorded - {noun for noun, _ in words.nouns()} == set()
