"""What ends the launcher early."""


class LauncherError(Exception):
    """Something the person at the terminal can act on; the message is all they see."""


class AlreadyRunning(LauncherError):
    """Another launcher holds the state directory."""


class Interrupted(Exception):
    """Ctrl-C, or a request to end."""
