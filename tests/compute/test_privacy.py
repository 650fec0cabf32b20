# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Other users of a machine have no access to clusters that are started on it."""

import asyncio
import os
import re
import socket
import ssl
import stat
import sys
import tempfile
import traceback
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client
from distributed.comm.addressing import get_address_host_port
from distributed.security import Security

from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.compute._privacy import default_security, scratch_folder

NOBODY = 65534


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(1, device="cpu") as cluster:
        yield cluster


@pytest.fixture(params=["embedded", "local"])
def client(request):
    """Client of each kind of cluster that is started for the user."""
    if request.param == "embedded":
        yield embedded_client()
    else:
        with Client(request.getfixturevalue("cluster"), set_as_default=False) as mine:
            yield mine


def doors(client):
    """Every port, of the scheduler, the nannies and the workers, that takes pickles."""
    workers = client.scheduler_info()["workers"]
    nannies = [worker["nanny"] for worker in workers.values()]
    return [client.scheduler.address, *workers, *nannies]


def knock(host, port, context=None):
    """What is answered to a stranger, who sends all that a handshake has."""
    with socket.create_connection((host, port), timeout=10) as stranger:
        if context is not None:
            try:
                stranger = context.wrap_socket(stranger)
            except (ssl.SSLError, OSError):
                return b""
        try:
            stranger.sendall(b"\0" * 64)
            return stranger.recv(1)
        except (ssl.SSLError, ConnectionError):
            return b""
        finally:
            stranger.close()


def plain_ssl():
    """A TLS client without certificates, that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_all_doors_are_shut(client):
    """No server of a cluster talks to who has no certificate of this cluster."""
    found = doors(client)
    assert len(found) >= 3
    for address in found:
        assert address.startswith("tls://")
        host, port = get_address_host_port(address)
        assert knock(host, port) in (b"", b"\x15")  # an alert of TLS, at most
        assert knock(host, port, plain_ssl()) == b""


@pytest.mark.parametrize("given", [None, "temporary"])
def test_strangers_are_refused(client, given):
    """Neither no certificates nor others than the cluster's make a client of Dask."""
    security = Security.temporary() if given else Security()

    async def call():
        stranger = Client(
            client.scheduler.address,
            security=security,
            timeout=1,
            asynchronous=True,
            set_as_default=False,
        )
        try:
            await stranger
        finally:
            await stranger.close()

    with pytest.raises((OSError, TypeError, RuntimeError)):
        asyncio.run(call())
    assert client.submit(sum, [1, 2]).result() == 3


def test_security_of_the_cluster_lets_in(cluster):
    """Who has the cluster's certificates may use its address."""
    address, security = cluster.scheduler_address, cluster.security
    with Client(address, security=security, set_as_default=False) as client:
        assert client.submit(sum, [1, 2]).result() == 3


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users as on Unix")
def test_another_user_is_refused(client):
    """Another user gets no key, no scratch file, and no answer from any port."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    pids = list(client.run(os.getpid).values())
    pids += [psutil.Process(pid).ppid() for pid in pids]
    places = [get_address_host_port(address) for address in doors(client)]
    folder, context = scratch_folder(), plain_ssl()

    def try_all():
        for host, port in places:
            assert knock(host, port, context) == b""
        with pytest.raises(PermissionError):
            os.listdir(folder)
        for pid in pids:
            with pytest.raises(PermissionError):
                Path(f"/proc/{pid}/environ").read_bytes()
            assert b"PRIVATE" not in Path(f"/proc/{pid}/cmdline").read_bytes()

    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try_all()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def own_paths():
    return [path for path in sys.path if "scratch" in path]


def test_workers_do_not_import_from_the_working_folder():
    """What lies where a search was started is imported only if the search would."""
    assert all(embedded_client().run(lambda: sys.flags.safe_path).values())


def test_nothing_is_imported_from_where_others_write(client):
    """Scratch folders on the search path are the user's own, and so is all above."""
    folder = scratch_folder()
    # Clusters of Dask's own, of other tests, have left theirs on the path here.
    others = {path for path in own_paths() if not path.startswith(folder)}
    found = client.run(own_paths).values()
    for path in {path for paths in found for path in paths} - others:
        assert path.startswith(folder)
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs users as on Unix")
@pytest.mark.parametrize("planted", ["open", "link", "file"])
def test_planted_scratch_folder_is_not_used(tmp_path, monkeypatch, planted):
    """A folder of the expected name that others may write in is left alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    there = tmp_path / f"gpu_hpo-{os.getuid()}"
    if planted == "file":
        there.touch(0o600)
    elif planted == "link":
        (tmp_path / "elsewhere").mkdir(0o700)
        there.symlink_to(tmp_path / "elsewhere")
    else:
        there.mkdir()
        there.chmod(0o777)
    folder = scratch_folder()
    assert os.path.dirname(folder) == str(tmp_path)
    assert folder != str(there)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


def test_scratch_folder_of_the_users_choice(tmp_path):
    """Dask's own setting says where scratch files are."""
    with dask.config.set({"temporary-directory": str(tmp_path)}):
        assert scratch_folder() == str(tmp_path)


@pytest.mark.parametrize(
    ("options", "private"),
    [
        ({}, True),
        ({"protocol": "tls"}, True),
        ({"protocol": "tls://", "processes": False}, True),
        ({"host": "0.0.0.0"}, True),
        ({"processes": False, "scheduler_port": 8786}, True),
        ({"processes": False}, False),
        ({"security": None}, False),
        ({"security": False}, False),
        ({"protocol": "tcp"}, False),
        ({"protocol": "inproc://", "processes": False}, False),
        ({"host": "tcp://127.0.0.1"}, False),
    ],
)
def test_when_certificates_are_made(options, private):
    """A cluster that listens has certificates, unless its options say otherwise."""
    assert (default_security(options) is not None) is private


def test_configured_certificates_are_used():
    """Who has configured whether Dask encrypts has decided."""
    with dask.config.set({"distributed.comm.require-encryption": False}):
        assert default_security({}) is None


def test_asynchronous_cluster_is_private():
    """A scheduler that starts later has its scratch files in the user's folder too."""

    async def look():
        async with local_cluster(1, device="cpu", asynchronous=True) as cluster:
            assert re.match("tls://", cluster.scheduler_address)
            return cluster.scheduler.local_directory

    assert asyncio.run(look()).startswith(scratch_folder())
