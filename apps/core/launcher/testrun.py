"""`bin/test`: every check on servers of its own, or pytest alone with the arguments given."""

import os
import sys
import time
from collections.abc import Mapping

from apps.core.launcher import chromium
from apps.core.launcher.errors import Interrupted, LauncherError
from apps.core.launcher.processes import Processes
from apps.core.launcher.report import say
from apps.core.launcher.services import beside
from apps.core.launcher.state import REPOSITORY

PYTHON = sys.executable
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS = {
    "ruff": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "imports": ["-c", LINT_IMPORTS],
    "templates": ["-m", "djlint", "templates", "--lint", "--quiet"],
    "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
    "tests": ["-m", "pytest", "-n", "2", "--dist", "worksteal"],
}


def main(arguments: list[str]) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    browser = find_browser(arguments)
    try:
        with beside("test", fsync=False) as (processes, env):
            if browser:
                env["UPLINE_CHROMIUM"] = browser
            failed = run(processes, env, arguments)
    except LauncherError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except Interrupted:
        say("\nInterrupted.")
        return 130
    if not browser and not arguments:
        say("Browser tests were skipped: there is no Chromium, and it could not be installed.")
    return 1 if failed else 0


def find_browser(arguments: list[str]) -> str | None:
    """Only a whole run, or one that names the browser tests, may install one."""
    if arguments and not any(str(chromium.WANTED) in argument for argument in arguments):
        return chromium.find()
    return chromium.find_or_install()


def run(processes: Processes, env: Mapping[str, str], arguments: list[str]) -> list[str]:
    """Returns the names of the checks that failed; the others run nevertheless."""
    if "DATABASE_ADMIN_URL" in env:
        processes.run("bootstrap", [PYTHON, "manage.py", "bootstrap_database"], env=env)
    if arguments:
        return ["pytest"] if processes.run_in_terminal("tests", [PYTHON, "-m", "pytest", *arguments], env=env) else []
    results: dict[str, tuple[int, float]] = {}
    for name, command in CHECKS.items():
        if name == "templates" and not any(REPOSITORY.glob("templates/**/*.html")):
            continue
        say(f"--- {name}")
        started = time.monotonic()
        status = processes.run_in_terminal(name, [PYTHON, *command], env=env)
        results[name] = status, time.monotonic() - started
    say()
    for name, (status, seconds) in results.items():
        say(f"{name:<12}{seconds:6.1f} s   {'FAILED' if status else 'passed'}")
    return [name for name, (status, _) in results.items() if status]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
