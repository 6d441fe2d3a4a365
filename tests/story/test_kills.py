"""Money moves on while what moves it is killed (R1), small: bin/bench kills --soak does it at full size, and R7."""

import json
import subprocess
import sys

import pytest

from bench.kills import clean
from tests.harness.databases import ROOT
from tests.story.outage import redis_binary

pytestmark = pytest.mark.slow


@pytest.mark.skipif(redis_binary() is None, reason="no real Redis to work with")
def test_no_call_is_lost_or_doubled_when_workers_die():
    """In a process of its own, on a PostgreSQL of its own."""
    env = clean() | {"DJANGO_SETTINGS_MODULE": "config.settings.local"}
    command = [sys.executable, "-m", "bench.kills", "R1", "--small"]

    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=540, check=False)

    assert done.returncode == 0, done.stderr[-6000:]
    assert json.loads(done.stdout)[2].endswith("0 lost, 0 doubled")
