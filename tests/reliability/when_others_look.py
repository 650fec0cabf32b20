# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Other users of the machine, and workers on which something is missing."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import tempfile
import time
import traceback
from pathlib import Path

import psutil
from distributed import Client
from distributed.comm.addressing import get_address_host_port
from distributed.security import Security

from gpu_hpo.compute import local_cluster
from gpu_hpo.compute._privacy import scratch_folder
from gpu_hpo.exceptions import MissingPackagesError
from tests.compute.helpers import listening
from tests.compute.test_worker_packages import OTHER
from tests.reliability._scenario import Scenario
from tests.reliability._searches import ALL, Meanwhile, Model, fit, make, on

NOBODY = 65534
SCRATCH = scratch_folder()


def loopback(number: int) -> str:
    """All sockets that processes of a search listen on are loopback ones."""
    kind = list(ALL)[number % len(ALL)]
    cluster = ["embedded", "ours", "threads"][number % 3]
    seen: set[str] = set()

    def look():
        here = psutil.Process()
        all_pids = [here.pid, *(p.pid for p in here.children(recursive=True))]
        seen.update(listening(*all_pids))

    with (
        tempfile.TemporaryDirectory() as folder,
        on(cluster),
        Meanwhile(folder, 10, look) as then,
    ):
        fit(make(kind, Model(calls=then.file, seconds=0.1)))
    assert seen and seen <= {"127.0.0.1", "::1"}, seen
    return "only " + ", ".join(sorted(seen))


def _attack(address: str, certificates: bool) -> bool:
    """Try to run a function as the one who searches; say whether that was let in."""

    async def call():
        security = Security.temporary() if certificates else Security()
        client = Client(
            address,
            security=security,
            timeout=2,
            asynchronous=True,
            set_as_default=False,
        )
        try:
            await client
            await client.submit(os.getuid, pure=False)
        finally:
            await client.close()

    try:
        asyncio.run(call())
    except (OSError, TypeError, RuntimeError, ValueError):
        return False
    return True


def _talk(address: str) -> bool:
    """Knock with TLS but without a certificate; say whether anything is answered."""
    host, port = get_address_host_port(address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        plain = socket.create_connection((host, port), timeout=5)
        with plain, context.wrap_socket(plain) as stranger:
            stranger.sendall(b"\0" * 64)
            return bool(stranger.recv(1))
    except OSError:
        return False


def other_user(number: int) -> str:
    """Another user of the machine runs nothing, and reads nothing that is ours.

    The same attack on a cluster without certificates is let in: it is a real one.
    """
    if os.geteuid() != 0:
        raise RuntimeError("only root can become another user")
    kind = ["embedded", "ours"][number % 2]
    asks, answers = os.pipe(), os.pipe()
    pid = os.fork()  # before there is any thread of Dask's
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            _be_nobody(asks[0], answers[1])
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(answers[1])
    heard = os.fdopen(answers[0])

    def attack(*addresses: str) -> str:
        os.write(asks[1], (" ".join(addresses) + "\n").encode())
        return heard.readline().strip()

    with on(kind) as client:
        fit(make("Hyperband", Model(seconds=0)))
        workers = client.scheduler_info()["workers"]
        nannies = [worker["nanny"] for worker in workers.values()]
        said = attack(client.scheduler.address, *workers, *nannies)
        assert said == "nothing", said
    with local_cluster(1, device="cpu", security=None) as open_cluster:
        said = attack(open_cluster.scheduler_address)
        assert said == "plain TCP", said
    os.write(asks[1], b"\n")
    os.waitpid(pid, 0)
    return "refused at all ports; let in where there is no TLS"


def _be_nobody(asked: int, answers: int) -> None:
    """Attack what is asked for, until nothing is."""
    assert os.getuid() == NOBODY
    with os.fdopen(asked) as lines:
        while addresses := lines.readline().split():
            scheduler = addresses[0]
            host, port = get_address_host_port(scheduler)
            ways = {
                "plain TCP": (f"tcp://{host}:{port}", False),
                "TLS without certificates": (f"tls://{host}:{port}", False),
                "TLS with others": (f"tls://{host}:{port}", True),
            }
            if scheduler.startswith("tcp"):
                # To a server without TLS its greeting is a message of 64 petabytes.
                ways = {"plain TCP": ways["plain TCP"]}
            found = [name for name, way in ways.items() if _attack(*way)]
            safe = [address for address in addresses if address.startswith("tls")]
            found += [f"TLS at {address}" for address in safe if _talk(address)]
            if os.access(SCRATCH, os.R_OK | os.X_OK):
                found.append("scratch files")
            os.write(answers, f"{', '.join(found) or 'nothing'}\n".encode())


KINDS_OF_WORKERS = {
    "lacks gpu_hpo": {"versions": {"gpu_hpo": None}},
    "lacks scikit-learn": {"versions": {"scikit-learn": None}},
    "lacks gpu_hpo and scikit-learn": {
        "versions": {"gpu_hpo": None, "scikit-learn": None}
    },
    "has Python 3.1": {"versions": {}, "python": "3.1.4.final.0"},
}


def lacking_package(number: int) -> str:
    """One error names the worker and what it lacks, before any work; nobody dies."""
    kind = list(ALL)[number % len(ALL)]
    says = list(KINDS_OF_WORKERS)[number % len(KINDS_OF_WORKERS)]
    given = {"python": None} | KINDS_OF_WORKERS[says]
    with tempfile.TemporaryDirectory() as folder, on("ours") as client:
        file = Path(folder) / "other_packages.py"
        file.write_text(OTHER.format(**given))
        before = set(client.nthreads())
        client.cluster.new_spec["options"]["preload"] = [str(file)]
        client.cluster.scale(3)
        client.wait_for_workers(3, timeout=60)
        there = sorted(client.nthreads())
        (other,) = set(there) - before
        calls = Path(folder) / "calls"
        try:
            fit(make(kind, Model(calls=str(calls), seconds=0)))
        except MissingPackagesError as error:
            text = str(error)
        else:
            raise AssertionError("the search ended as if nothing were missing")
        assert other in text and says in text, text
        assert not any(address in text for address in before), text
        assert not calls.exists()
        time.sleep(1)
        assert sorted(client.nthreads()) == there
    return "one error, before any work; no worker dies"


SCENARIOS = [
    Scenario(
        "loopback",
        "On which addresses processes listen during a search (our kinds of cluster)",
        loopback,
    ),
    Scenario(
        "other-user",
        "Another user attacks scheduler, workers, nannies and files (needs root)",
        other_user,
    ),
    Scenario(
        "lacking-package",
        "A worker lacks gpu_hpo or scikit-learn, or has another Python",
        lacking_package,
    ),
]
