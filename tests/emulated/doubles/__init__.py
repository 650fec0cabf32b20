# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for cuML and cuDF where CUDA is emulated on the memory of the host."""
