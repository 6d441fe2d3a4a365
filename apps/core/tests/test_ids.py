import threading

import pytest

from apps.core.ids import read_uuid, uuid7


def test_ids_are_version_7_and_in_the_order_of_their_making():
    made = [uuid7() for _ in range(20_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


def test_threads_never_share_one():
    made: list = []
    threads = [threading.Thread(target=lambda: made.extend([uuid7() for _ in range(5000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 20_000


@pytest.mark.parametrize(
    "text", ["", "x", "0190f5a0-0000-7000-8000", None, 7, "0190f5a0-0000-7000-8000-00000000000g\x00"]
)
def test_what_is_no_id_is_none(text):
    assert read_uuid(text) is None


def test_an_id_is_read_however_it_was_written():
    one = uuid7()

    assert [read_uuid(text) for text in (str(one), one.hex, str(one).upper(), one)] == [one] * 4
