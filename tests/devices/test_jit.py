# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Code compiled for the CPU."""

import json
import os
import subprocess
import sys

import numpy as np

from gpu_hpo.devices._jit import plain
from gpu_hpo.devices._vector_exp import exp

LOOP = """
from gpu_hpo.devices._jit import jit
from part import part

@jit
def loop(x):
    return part(x)
"""
PART = """
from gpu_hpo.devices._jit import inlined

@inlined
def part(x):
    return x + {}
"""
RUN = """
import json, logging
logging.basicConfig()
from loop import loop
value = loop(1.0)
print(json.dumps([value, sum(loop.stats.cache_hits.values())]))
"""
# Trains models of both kinds alone and in a stack of 20, and prints what they became.
TRAIN = """
import hashlib, json
import numpy as np
from gpu_hpo.linear_model import SGDRegressor
from gpu_hpo.neural_network import MLPClassifier
from gpu_hpo.linear_model._compiled_dense import train_dense

rng = np.random.default_rng(0)
X, weight = rng.standard_normal((300, 7)), rng.random(300)
y = rng.integers(0, 3, 300)

def digest(weights):
    return hashlib.sha256(np.ascontiguousarray(weights).tobytes()).hexdigest()

def train(models, weights, **params):
    alone = [model.__class__(**model.get_params()) for model in models]
    for model in alone:
        model.partial_fit(X, y, sample_weight=weight, **params)
    stack = type(models[0]).stack(models)
    stack.partial_fit(X, y, sample_weight=weight, **params)
    one, many = ([weights(m) for m in each] for each in (alone, stack.unstack()))
    assert [digest(w) for w in one] == [digest(w) for w in many]
    return digest(np.stack(many))

found = [
    train(
        [SGDRegressor(alpha=10.0**-i, learning_rate="constant", random_state=i % 2,
                      penalty="elasticnet", average=True) for i in range(20)],
        lambda model: model.coef_,
    ),
    train(
        [MLPClassifier((5, 4), activation="tanh", solver="sgd", batch_size=30,
                       alpha=10.0**-i, random_state=i % 2) for i in range(20)],
        lambda model: model.coefs_[0],
        classes=[0, 1, 2],
    ),
]
print(json.dumps([found, sum(train_dense.stats.cache_hits.values())]))
"""


def run(code, cache, folder=None):
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_compiled_and_kept_code_give_the_same_bits(tmp_path):
    """Whether a process compiles or reads from the disk, and whoever shares a stack."""
    (compiled, hits), _ = run(TRAIN, tmp_path)
    assert hits == 0
    (read, hits), _ = run(TRAIN, tmp_path)
    assert hits > 0
    assert compiled == read


def test_kept_code_is_that_of_the_sources(tmp_path):
    """Code on disk is made anew when any source that it comes from changes."""
    (tmp_path / "loop.py").write_text(LOOP)
    (tmp_path / "part.py").write_text(PART.format(1))
    assert run(RUN, tmp_path / "cache", tmp_path)[0] == [2.0, 0]
    assert run(RUN, tmp_path / "cache", tmp_path)[0] == [2.0, 1]
    (tmp_path / "part.py").write_text(PART.format(5))
    assert run(RUN, tmp_path / "cache", tmp_path)[0] == [6.0, 0]


def test_a_cache_that_cannot_be_written_to_stops_nobody(tmp_path):
    """Where code cannot be kept, it is compiled, and a warning says why it is lost."""
    (tmp_path / "loop.py").write_text(LOOP)
    (tmp_path / "part.py").write_text(PART.format(1))
    gone = """
import shutil, os
from loop import loop
cache = os.environ["NUMBA_CACHE_DIR"]
shutil.rmtree(cache)
open(cache, "w").close()
"""
    found, said = run(gone + RUN, tmp_path / "cache", tmp_path)
    assert found == [2.0, 0]
    assert "compiled code is not kept" in said


def test_plain_arrays_are_no_copies():
    """Loops read arrays of the right kind as they are, writable or not."""
    array = np.arange(6.0).reshape(2, 3)
    for given in (array, plain(array, float)):
        out = plain(given, float)
        assert np.shares_memory(out, array)
        assert not out.flags.writeable
    assert array.flags.writeable
    assert plain(array.T, np.float32).flags.c_contiguous
    odd = np.frombuffer(b" " + array.tobytes(), float, 6, offset=1)
    assert plain(odd, float).flags.aligned


def test_exp():
    """The exponential function is exact but for rounding, and NaN stays NaN."""
    import numba

    values = np.concatenate([np.linspace(-700, 700, 9999), [0.0, -0.0]])
    found = numba.vectorize(lambda x: exp(x))(values)
    np.testing.assert_allclose(found, np.exp(values), rtol=2e-13)
    near = np.abs(values) < 20
    np.testing.assert_allclose(found[near], np.exp(values[near]), rtol=4e-15)
    assert np.isnan(exp(np.nan))
    assert exp(-np.inf) < 1e-300
    assert exp(np.inf) > 1e300
