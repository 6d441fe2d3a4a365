"""`manage.py up`: PostgreSQL, Redis, fakes, migrations, demo, web server, worker and beat, until Ctrl-C."""

import argparse
import http.client
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import closing

from apps.core.launcher import fakes
from apps.core.launcher.errors import Interrupted, LauncherError
from apps.core.launcher.processes import Processes
from apps.core.launcher.report import announce, say, step
from apps.core.launcher.services import ensure_services
from apps.core.launcher.state import REPOSITORY, State, write_private

HOST = "127.0.0.1"
# Those who serve: the app role may not even know how to reach the roles above it.
SERVED_WITHOUT = ("DATABASE_ADMIN_URL", "DATABASE_OWNER_URL")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reset", action="store_true", help="start from empty data (of this instance only)")
    parser.add_argument("--no-demo", action="store_true", help="load no demo")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/up", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(argv)
    try:
        return run(reset=options.reset, demo=not options.no_demo)
    except LauncherError as error:
        print(error, file=sys.stderr, flush=True)
        return 1


def run(*, reset: bool, demo: bool) -> int:
    port = port_of_environment()
    state = State.of_environment()
    with state.hold():
        state.note_holder(f"http://localhost:{port}")
        processes = Processes(state)
        if left := processes.stop_orphans():
            say(f"Stopped what an earlier run left behind: {', '.join(left)}.")
        refuse_taken(port)
        if reset:
            empty(state)
        processes.catch_signals()
        try:
            serve(state, processes, port=port, demo=demo)
        except Interrupted:
            say("\nStopping.")
        except LauncherError as error:
            print(error, file=sys.stderr, flush=True)
            return 1
        finally:
            processes.stop()
            state.env_file.unlink(missing_ok=True)
    return 0


def serve(state: State, processes: Processes, *, port: int, demo: bool) -> None:
    with step("database") as notes:
        services, about = ensure_services(state, processes, fsync=True)
        notes.append(about)
    instance = services | {"UPLINE_STATE_DIR": str(state.home), "UPLINE_PORT": str(port)}
    instance["UPLINE_SECRET_KEY"] = os.environ.get("UPLINE_SECRET_KEY", state.secrets["signing"])
    with step("fakes") as notes:
        instance |= fakes.start(state, processes, environment())
        notes.append(
            f"Stripe at {instance.get('STRIPE_API_BASE', os.environ.get('STRIPE_API_BASE', 'its own address'))}"
        )
    # For load_env(): another terminal may migrate, but not act as superuser.
    write_private(state.env_file, {name: value for name, value in instance.items() if name != "DATABASE_ADMIN_URL"})
    env = environment() | instance
    migrate(processes, env)
    served = {name: value for name, value in env.items() if name not in SERVED_WITHOUT}
    if demo:
        # It makes sites, which only the owner may; everything in them it makes as the app role.
        load_demo(processes, {name: value for name, value in env.items() if name != "DATABASE_ADMIN_URL"})
    with step("ready"):
        start_servers(processes, served, port)
        processes.wait_until(lambda: ready(port), seconds=90, what=f"http://localhost:{port}/ready/ to answer 200")
    announce(f"http://localhost:{port}", state.demo_file, state.logs)
    processes.watch()


def environment() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    env.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    return env | {"PYTHONUNBUFFERED": "1"}


def migrate(processes: Processes, env: Mapping[str, str]) -> None:
    with step("migrate") as notes:
        # An external database without the admin URL was prepared by its administrator.
        if "DATABASE_ADMIN_URL" in env:
            processes.run("bootstrap", manage("bootstrap_database"), env=env)
        if "DATABASE_OWNER_URL" in env:
            owner = {name: value for name, value in env.items() if name != "DATABASE_ADMIN_URL"}
            processes.run("migrate", manage("migrate", "--no-input"), env=owner)
        else:
            notes.append("skipped: DATABASE_URL is set and DATABASE_OWNER_URL is not")


def load_demo(processes: Processes, env: Mapping[str, str]) -> None:
    if any(REPOSITORY.glob("apps/*/management/commands/load_demo.py")):
        with step("demo"):
            processes.run("demo", manage("load_demo"), env=env)


def start_servers(processes: Processes, env: Mapping[str, str], port: int) -> None:
    python = sys.executable
    # The rest is in gunicorn.conf.py, which production uses too.
    web = [python, "-m", "gunicorn", "config.wsgi:application", "--bind", f"{HOST}:{port}"]
    processes.start("web", web, env=env)
    celery = [python, "-m", "celery", "-A", "config"]
    worker = ["worker", "--loglevel", "INFO", "--concurrency", "2", "--prefetch-multiplier", "1", "--without-gossip"]
    processes.start("worker", [*celery, *worker, "--without-mingle"], env=env)
    scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
    processes.start("beat", [*celery, "beat", "--loglevel", "INFO", "--scheduler", scheduler, "--pidfile="], env=env)


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(REPOSITORY / "manage.py"), *arguments]


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    with closing(connection):
        try:
            connection.request("GET", "/ready/", headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def port_of_environment() -> int:
    chosen = os.environ.get("UPLINE_PORT", "8000")
    if not chosen.isdigit() or not 0 < int(chosen) < 65536:
        raise LauncherError(f"UPLINE_PORT is {chosen!r}, which is no port.")
    return int(chosen)


def refuse_taken(port: int) -> None:
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except PermissionError as error:
            raise LauncherError(f"Port {port} needs root. Choose a higher one, like UPLINE_PORT=8000.") from error
        except OSError as error:
            raise LauncherError(
                f"Port {port} is taken by another program, and nothing was started. "
                f"Stop that program, or choose another port: UPLINE_PORT={port + 1} bin/up"
            ) from error


def empty(state: State) -> None:
    if "DATABASE_URL" in os.environ:
        raise LauncherError("--reset empties only the embedded database, and DATABASE_URL names another.")
    state.wipe()
