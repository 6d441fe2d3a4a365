"""One after the other: who doesn't answer is left in peace, who breaks keeps nobody else from their turn."""

from apps.core.sweeping import one_by_one


class Silent(Exception):
    pass


def ask(pk):
    if pk == "broken":
        raise KeyError(pk)
    if pk == "silent":
        raise Silent
    return 1


def swept(*ids):
    return one_by_one(ids, ask, unanswered=Silent, what="thing")


def test_one_that_breaks_does_not_stop_the_others(caplog):
    assert swept("a", "broken", "broken", "broken", "broken", "b") == (2, True)
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 4


def test_three_in_a_row_without_an_answer_are_enough():
    assert swept("silent", "silent", "a", "silent", "silent", "b") == (2, True)
    assert swept("a", "silent", "silent", "silent", "b") == (1, False)
