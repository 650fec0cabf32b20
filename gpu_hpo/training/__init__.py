# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train one model: what it is lent, what is copied for it, its seeds and warnings."""
