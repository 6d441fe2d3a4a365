"""`bin/bench`: the benchmarks of bench/ on servers of their own, which keep their data on disk as production does."""

import os
import sys

from apps.core.launcher.errors import Interrupted, LauncherError
from apps.core.launcher.report import say
from apps.core.launcher.services import beside


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    try:
        with beside("bench", fsync=True) as (processes, env):
            if "DATABASE_ADMIN_URL" in env:
                processes.run("bootstrap", [sys.executable, "manage.py", "bootstrap_database"], env=env)
            return processes.run_in_terminal("bench", [sys.executable, "-m", "bench", *arguments], env=env)
    except LauncherError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except Interrupted:
        say("\nInterrupted.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
