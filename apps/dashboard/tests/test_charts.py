"""Charts as percentages and paths, by hand-computed examples."""

import pytest

from apps.dashboard import charts


def test_a_strip_fills_the_whole_width():
    parts = charts.strip(
        [("Paid", "paid", 75, False), ("Held", "processing", 0, False), ("Free", "approved", 25, False)]
    )

    assert [(part.x, part.width) for part in parts] == [("0.0%", "75.0%"), ("75.0%", "0.0%"), ("75.0%", "25.0%")]


def test_a_strip_of_nothing_is_empty():
    assert charts.strip([("Paid", "paid", 0, False)])[0].width == "0%"


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, [200, 100, 0]), (150, [200, 100, 0]), (201, [300, 200, 100, 0]), (301, [400, 200, 0]),
        (2_700_604, [3_000_000, 2_000_000, 1_000_000, 0]), (1_500_001, [2_000_000, 1_000_000, 0]),
    ],
)  # fmt: skip
def test_an_axis_ends_at_a_round_figure_above_the_highest(highest, ticks):
    assert charts.columns([("Jan", [highest])]).ticks == ticks


def test_blocks_stand_on_each_other():
    column = charts.columns([("Jan", [100, 50, 0])]).columns[0]

    assert [(block.series, block.y, block.height) for block in column.blocks] == [
        (1, "50.0%", "50.0%"), (2, "25.0%", "25.0%"),
    ]  # fmt: skip


def test_a_month_of_clawbacks_draws_nothing():
    column = charts.columns([("Jan", [-100])]).columns[0]

    assert (column.total, column.blocks) == (-100, [])


@pytest.mark.parametrize(
    ("values", "path"),
    [([1, 2], "M0 26 100 2"), ([5, 5, 5], "M0 26 50 26 100 26"), ([7], ""), ([], "")],
)
def test_sparklines(values, path):
    assert charts.spark(values) == path


@pytest.mark.parametrize(
    ("now", "before", "trend", "text"),
    [(5, 5, "flat", "same"), (6, 5, "up", "▲ 1"), (0, 5, "down", "▼ 5"), (150, 100, "up", "▲ 50\xa0%")],
)
def test_deltas(now, before, trend, text):
    assert charts.delta(now, before) == charts.Delta(trend, text)


def test_rings_place_each_person_on_their_level():
    people = [charts.Dot("a", "", 1, 1), charts.Dot("b", "a", 2, 0), charts.Dot("c", "", 1, 2)]

    drawn = charts.rings(people)

    assert drawn.dots == {(1, 1): "M132 90h0", (1, 2): "M48 90h0", (2, 0): "M155 90h0"}
    assert drawn.edges == "M132 90L90 90M132 90Q144 90 155 90M48 90L90 90"
