#!/bin/sh
# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
#
# make-venv.sh FOLDER: make a virtual environment with pip in FOLDER, from $PYTHON or
# else from any other Python 3.11 or newer on the PATH.
set -eu

folder=$1
python=
for candidate in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python3.14
do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
    then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "gpu_hpo needs Python 3.11 or newer, and neither ${PYTHON:-python3} nor another" >&2
    echo "python3 on the PATH is one. Name one: make PYTHON=/path/to/python3.12 ..." >&2
    exit 1
fi

rm -rf "$folder"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    exec "$python" -m venv "$folder"
fi

# Debian and Ubuntu keep ensurepip in a package of its own, python3-venv. Without it
# pip's wheel, which can install itself, comes straight from PyPI.
echo "$python has no ensurepip; fetching pip from PyPI instead"
if "$python" -m venv --without-pip "$folder" && "$folder/bin/python" - "$folder" <<'PY'
import hashlib, json, pathlib, subprocess, sys, urllib.request
from urllib.parse import urljoin

with urllib.request.urlopen("https://pypi.org/pypi/pip/json", timeout=60) as reply:
    base, files = reply.geturl(), json.load(reply)["urls"]
entry = next(file for file in files if file["packagetype"] == "bdist_wheel")
with urllib.request.urlopen(urljoin(base, entry["url"]), timeout=60) as reply:
    content = reply.read()
if hashlib.sha256(content).hexdigest() != entry["digests"]["sha256"]:
    sys.exit("the pip wheel from PyPI does not have the checksum PyPI names")
wheel = pathlib.Path(sys.argv[1], entry["filename"])
wheel.write_bytes(content)
install = [sys.executable, f"{wheel}/pip", "install", "--quiet", str(wheel)]
status = subprocess.call(install)
wheel.unlink()
sys.exit(status)
PY
then
    exit 0
fi
rm -rf "$folder"
echo "Cannot make a virtual environment: $python has no ensurepip, and pip could not be" >&2
echo "fetched from PyPI. On Debian and Ubuntu: apt-get install python3-venv" >&2
exit 1
