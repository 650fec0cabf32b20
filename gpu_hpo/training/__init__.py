# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train one model: the rows lent to it, copies made for it, its seeds and warnings."""
