# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for NVML and CUDA's libraries, which processes find by PYTHONPATH.

Together they are a machine with two GPUs on which everything works; a test exchanges
some of them for those that fail, with the errors that the libraries themselves raise
where there is no GPU.
"""

import os
import pathlib
import textwrap

ROOT = pathlib.Path(__file__).parents[2]

NVML = """
import sys
sys.path.append({root!r})
from tests.devices.fake_nvml import Nvml, card

class Pynvml(Nvml):
    class NVMLError_LibraryNotFound(Nvml.NVMLError): pass
    class NVMLError_DriverNotLoaded(Nvml.NVMLError): pass
    class NVMLError_LibRmVersionMismatch(Nvml.NVMLError): pass
    class NVMLError_Unknown(Nvml.NVMLError): pass

    def nvmlSystemGetCudaDriverVersion_v2(self):
        return {cuda}

nvml = Pynvml({cards})
nvml.error = {error}
nvml.__spec__ = __spec__
sys.modules[__name__] = nvml
"""

CUPY = """
from cupy import cuda, random
def is_available(): return True
class Sum(list):
    def sum(self): return sum(list(self))
def arange(n): return Sum(range(n))
"""
CUPY_CUDA = """
from cupy.cuda import runtime
class Device:
    def __init__(self, number): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
"""
CUDA_ERROR = "class CUDARuntimeError(RuntimeError): pass\n"
NOT_FOUND = """
class DynamicLibNotFoundError(RuntimeError): pass
TEXT = (
    '"cuda" is an NVIDIA driver library and can only be found via system search. '
    "Ensure the NVIDIA display driver is installed."
)
"""
INSUFFICIENT = (
    "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA "
    "runtime version"
)

WORKING = {
    "cupy/__init__": CUPY,
    "cupy/cuda/__init__": CUPY_CUDA,
    "cupy/cuda/runtime": "def getDeviceCount(): return 2",
    "cupy/random": """
        class RandomState:
            def __init__(self, seed): pass
            def random_sample(self, n): return [0.5] * n
        """,
    "cuda/bindings/__init__": "",
    "cuda/bindings/runtime": """
        import enum
        class cudaError_t(enum.IntEnum):
            cudaSuccess = 0
            cudaErrorInsufficientDriver = 35
        def cudaGetDeviceCount(): return cudaError_t.cudaSuccess, 2
        """,
    "cuda/core": "class Device: name = 'a card'",
    "rmm/__init__": """
        from rmm import mr
        class DeviceBuffer:
            def __init__(self, size): pass
        """,
    "rmm/mr": """
        class CudaMemoryResource: pass
        class PoolMemoryResource:
            def __init__(self, upstream, initial_pool_size): pass
            def allocate(self, n): return 0
            def deallocate(self, pointer, n): pass
        """,
    "cudf/__init__": "DataFrame = lambda data: data['a']",
    "cuml/__init__": "",
    "cuml/linear_model": """
        class LinearRegression:
            def fit(self, X, y): return self
        """,
    "dask_cuda/__init__": "",
}


def nvml(cards="[card(0), card(1)]", cuda=13000, error=None):
    """The source of a pynvml of a machine with these GPUs."""
    return NVML.format(root=str(ROOT), cards=cards, cuda=cuda, error=error)


def raising(kind, text, *, place="", define=True):
    """The source of a module in which `place` cannot be called, or of one import."""
    error = f"class {kind}(Exception): pass\n" if define else ""
    raised = f"raise {kind}({text!r})"
    if not place:
        return error + raised
    return f"{error}def {place}(*args, **kwargs): {raised}"


def write(folder, modules):
    """Write modules by their paths without suffix; return what PYTHONPATH must be."""
    for name, source in modules.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    rest = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(folder), *([rest] if rest else [])])


def machine(folder, **changed):
    """Write a machine of doubles; a changed module is named with `__` for a slash."""
    modules = {**WORKING, "pynvml": nvml()}
    for name, source in changed.items():
        name = name.replace("__", "/")
        modules[f"{name}/__init__" if f"{name}/__init__" in modules else name] = source
    return write(folder, {n: s for n, s in modules.items() if s is not None})


def package(folder, name, version, requires=(), python=""):
    """Write the metadata of an installed package."""
    home = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    home.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {text}" for text in requires]
    lines += [f"Requires-Python: {python}"] * bool(python)
    (home / "METADATA").write_text("\n".join(lines) + "\n")
    (home / "INSTALLER").write_text("pip\n")
