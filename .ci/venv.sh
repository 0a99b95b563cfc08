#!/bin/sh
# Make a virtual environment: sh .ci/venv.sh FOLDER [PYTHON]
# Without PYTHON, the first Python on the PATH that the pinned packages run on is taken.
set -eu

folder=$1
wanted=${2:-}
suits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'

complain() {
    printf '\n' >&2
    printf '%s\n' "$@" >&2
    exit 1
}

python=
for candidate in ${wanted:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c "$suits" >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done

if [ -z "$python" ]; then
    found=$("${wanted:-python3}" --version 2>&1) || found="no ${wanted:-python3}"
    complain "The exhibit needs Python 3.11, 3.12, 3.13 or 3.14; found here: $found." \
        "Install one (Debian: sudo apt install python3 python3-venv; macOS: brew install python@3.13)," \
        "or name one that you have: make run PYTHON=/path/to/python3.12"
fi

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    complain "This Python ($("$python" --version)) cannot make virtual environments." \
        "On Debian and Ubuntu: sudo apt install python3-venv, then the same command again."
fi

if [ -d "$folder" ] && [ ! -f "$folder/pyvenv.cfg" ] && [ -n "$(ls -A "$folder")" ]; then
    complain "$folder holds other things than a virtual environment; nothing was touched." \
        "Name a folder that does not exist yet: make run VENV=.venv"
fi

echo "Making a virtual environment in $folder with $("$python" --version)."
trap 'rm -rf "$folder"; exit 1' INT TERM HUP
if ! "$python" -m venv --clear "$folder"; then
    rm -rf "$folder"
    complain "The virtual environment $folder could not be made; the lines above say why."
fi
