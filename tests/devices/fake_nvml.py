# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for pynvml, on a machine of which tests say what it has."""

import types

GIGABYTE = 10**9
UUIDS = [f"GPU-{digit * 4}{i}caf" for i, digit in enumerate("9012")]


def card(index=0, free=79, total=80, mig=None, lost=False, name=b"a card"):
    """A GPU with memory in gigabytes, or None; in MIG mode: memory of its instances."""
    slots = None
    if mig is not None:
        slots = [
            None if memory is None else instance(f"MIG-{index}{i}ffff", *memory)
            for i, memory in enumerate(mig)
        ]
    return instance(UUIDS[index], free, total, slots, lost, name)


def instance(uuid, free, total, slots=None, lost=False, name=b"a card"):
    return types.SimpleNamespace(
        uuid=uuid, free=free, total=total, slots=slots, lost=lost, name=name
    )


class Nvml(types.ModuleType):
    """Machine with these GPUs, as `card` makes them; `calls` notes init and shutdown.

    An instance that is None is an empty slot.
    """

    class NVMLError(Exception):
        pass

    class NVMLError_NotSupported(NVMLError):
        pass

    class NVMLError_NotFound(NVMLError):
        pass

    class NVMLError_GpuIsLost(NVMLError):
        pass

    def __init__(self, cards, error=None):
        super().__init__("pynvml")
        self.cards, self.error, self.calls = cards, error, []

    def nvmlInit(self):
        self.calls.append("init")
        if self.error:
            raise self.error

    def nvmlShutdown(self):
        self.calls.append("shutdown")

    def nvmlDeviceGetCount(self):
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index):
        if self.cards[index].lost:
            raise self.NVMLError_GpuIsLost
        return self.cards[index]

    def nvmlDeviceGetUUID(self, gpu):
        return gpu.uuid

    def nvmlDeviceGetName(self, gpu):
        return gpu.name  # bytes, as old versions of pynvml give it

    def nvmlSystemGetDriverVersion(self):
        return "580.1"

    def nvmlDeviceGetMemoryInfo(self, gpu):
        if gpu.total is None:
            raise self.NVMLError_NotSupported
        free, total = gpu.free * GIGABYTE, gpu.total * GIGABYTE
        return types.SimpleNamespace(free=free, total=total)

    def nvmlDeviceGetMigMode(self, gpu):
        if gpu.uuid.startswith("MIG-"):
            raise self.NVMLError_NotSupported
        return [gpu.slots is not None, 0]

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu):
        return len(gpu.slots)

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu, index):
        if gpu.slots[index] is None:
            raise self.NVMLError_NotFound
        return gpu.slots[index]
