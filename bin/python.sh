# Sets $here to the clone and $python to a Python >= 3.11, or ends with what is missing.
# Sourced by bin/up, bin/test and bin/bench. A name on PATH proves nothing (pyenv shims), so each one is run.
here=$(cd "$(dirname "$0")/.." && pwd)
for python in ${UPLINE_PYTHON:+"$UPLINE_PYTHON"} python3 python3.12 python3.11 python3.13 python3.14 python ""; do
    [ -z "$python" ] && break
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
done
if [ -z "$python" ]; then
    echo "Upline needs Python 3.11 or newer on PATH, found: $(python3 --version 2>&1)." >&2
    echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: UPLINE_PYTHON=/path/to/python3" >&2
    exit 1
fi
