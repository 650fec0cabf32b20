# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER as CUDA does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpu_hpo.devices._nvml import Gpu


def parse_visible(value: str) -> list[str]:
    """Return the entries of CUDA_VISIBLE_DEVICES that CUDA would look up.

    CUDA ignores all entries from the first invalid one on, and shows no device at all
    if one is named twice. The first entry decides whether indices or identifiers are
    meant. (CUDA C++ programming guide, "CUDA environment variables"; PyTorch's
    `torch.cuda` counts in the same way.)
    """
    entries: list[str] = []
    kind = ""
    for raw in value.split(","):
        entry = raw.strip()
        if entry.isdecimal():
            entry, found = str(int(entry)), "index"
        elif entry.startswith(("GPU-", "MIG-")):
            found = entry[:4]
        else:
            break
        kind = kind or found
        if found != kind:
            break
        if entry in entries:
            return []
        entries.append(entry)
    return entries


def first_ignored(visible: str, gpus: Sequence[Gpu]) -> str | None:
    """Return the first entry of CUDA_VISIBLE_DEVICES that CUDA would ignore, if any."""
    entries = [entry.strip() for entry in visible.split(",")]
    n_found = len(_look_up(parse_visible(visible), gpus))
    return entries[n_found] if n_found < len(entries) else None


def counted_alike(order: str | None, gpus: Sequence[Gpu]) -> bool:
    """Return whether CUDA and NVML surely mean the same GPU by an index.

    NVML counts in the order of the PCI bus, CUDA only if CUDA_DEVICE_ORDER is
    PCI_BUS_ID. By default a GPU that CUDA guesses to be the fastest comes first, and
    the order of the others is not promised (CUDA C++ programming guide, "CUDA
    environment variables"). Where all GPUs are of one kind, they are taken to be in
    the order of the bus, as they have been so far.
    """
    kinds = {(gpu.name, gpu.total) for gpu in gpus}
    return (order or "").strip() == "PCI_BUS_ID" or len(kinds) < 2


def devices_for_workers(
    visible: str | None, gpus: Sequence[Gpu], order: str | None = None
) -> dict[str, Gpu]:
    """Return the devices of which worker processes can be given one each.

    Parameters
    ----------
    visible : str or None
        The value of CUDA_VISIBLE_DEVICES; None shows all.
    gpus : sequence of Gpu
        As NVML counts them.
    order : str or None
        The value of CUDA_DEVICE_ORDER.

    Returns
    -------
    dict of str to Gpu
        By the name under which CUDA_VISIBLE_DEVICES shows a device to its worker: an
        index, or a UUID. If an index may mean another GPU for CUDA than for NVML, all
        are named by UUIDs; one that `visible` names by its index is taken to have no
        more memory than any other.

    Notes
    -----
    A process sees one MIG instance at most, and if it sees one, no whole GPU (NVIDIA's
    MIG user guide, "CUDA device enumeration"). So a GPU in MIG mode stands for all its
    instances, which are named by their UUIDs; among whole GPUs, it is left out.
    """
    alike = counted_alike(order, gpus)
    if visible is None:
        chosen = {str(index): gpu for index, gpu in enumerate(gpus)}
    else:
        chosen = _look_up(parse_visible(visible), gpus)
    whole = {name: gpu for name, gpu in chosen.items() if gpu.instances is None}
    if not whole:
        instances = (i for gpu in chosen.values() for i in gpu.instances or ())
        return {instance.uuid: instance for instance in instances if instance.uuid}
    if len(whole) < len(chosen) or (visible is None and not alike):
        # Not by index, which CUDA may count otherwise; also if some GPUs are split.
        return {gpu.uuid or name: gpu for name, gpu in whole.items()}
    if alike:
        return whole
    least = Gpu(free=_least(g.free for g in gpus), total=_least(g.total for g in gpus))
    return {n: least if n.isdecimal() else gpu for n, gpu in whole.items()}


def _least(sizes: Iterable[int | None]) -> int | None:
    """Return the least number of bytes; None if one is not known."""
    found = list(sizes)
    return None if None in found else min(size for size in found if size is not None)


def _look_up(entries: Sequence[str], gpus: Sequence[Gpu]) -> dict[str, Gpu]:
    found: dict[str, Gpu] = {}
    for entry in entries:
        gpu = _find(entry, gpus)
        if gpu is None:
            break
        name = entry if entry.isdecimal() else gpu.uuid
        if name in found:
            return {}
        found[name] = gpu
    return found


def _find(entry: str, gpus: Sequence[Gpu]) -> Gpu | None:
    """Return what an entry names; None if there is no such device."""
    if entry.isdecimal():
        return gpus[int(entry)] if int(entry) < len(gpus) else None
    instances = [instance for gpu in gpus for instance in gpu.instances or ()]
    among = instances if entry.startswith("MIG-") else gpus
    # CUDA takes the first digits for the whole, if they stand for one device only.
    matching = [device for device in among if device.uuid.startswith(entry)]
    if len(matching) == 1:
        return matching[0]
    # Drivers before R470 name instances by their GPU, and some list none to users.
    unknown = entry.startswith("MIG-") or not all(gpu.uuid for gpu in gpus)
    return Gpu(entry) if unknown and not matching else None
