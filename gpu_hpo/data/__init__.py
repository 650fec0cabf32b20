# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Represent rows: blocks of any kind, chunks, their way to a worker, random splits."""
