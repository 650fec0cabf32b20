# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The device path without a device: `make test-emulated`.

CuPy's own compiled modules run on memory of the host. Only what they call is exchanged:
the CUDA runtime, the driver, the compiler of kernels, cuBLAS and cuSPARSE. So every
type rule, cast, signature and refusal is that of the real CuPy, and every launch, wait
and copy is counted with the line of ours that caused it. Numba's kernels run on the
same memory, compiled for the CPU, and `doubles` stand for cuML and cuDF.

This shows what CuPy refuses, what is copied, what a thread of a kernel computes and how
often the host waits. It does not show time, what happens if kernels of several streams
overlap, how cuBLAS or cuSPARSE round, or limits of memory.

A run begins with ``PYTHONPATH=tests/emulated/startup``, which every process that it
starts inherits; see `_hooks`.
"""
