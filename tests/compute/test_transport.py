# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What travels between processes arrives aligned, once, and as it was."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from dask.sizeof import sizeof
from distributed.protocol import deserialize_bytes, dumps, loads, serialize_bytes
from distributed.protocol.serialize import to_serialize
from numpy.testing import assert_array_equal
from sklearn.linear_model import SGDClassifier

from gpu_hpo.adaptive.training._members import Cohort, FoldModel
from gpu_hpo.compute._transport import Pack, Parcel, aligned, pack, unwrap, wrap
from gpu_hpo.testing import NoHostCopyArray

RNG = np.random.default_rng(0)
DENSE = RNG.standard_normal((61, 7))
FRAME = pd.DataFrame(
    {"a": DENSE[:, 0], "b": DENSE[:, 1].astype("f4"), "c": pd.Categorical(["x"] * 61)}
)
ROWS = {
    "C f8": DENSE,
    "F f8": np.asfortranarray(DENSE),
    "C f4": DENSE.astype("f4"),
    "F f4": np.asfortranarray(DENSE, dtype="f4"),
    "labels": RNG.integers(0, 3, 61),
    "rows of C": DENSE[::2],
    "columns of C": DENSE[:, 1:4],
    "rows of F": np.asfortranarray(DENSE)[5:20],
    "read-only": np.broadcast_to(DENSE[:, :1], (61, 7)),
    "none": DENSE[:0],
    "words": np.array(["one", "two"]),
    "objects": np.array(["one", None], dtype=object),
    "dates": np.arange(400).astype("M8[s]"),
    "csr": scipy.sparse.csr_matrix(np.where(DENSE > 0, DENSE, 0)),
    "csr array f4": scipy.sparse.csr_array(np.where(DENSE > 0, DENSE, 0).astype("f4")),
    "frame": FRAME,
    "series": FRAME["b"],
}


def message(value, offset):
    """A message in one piece of memory, as Distributed reads it, and its frames."""
    frames = [bytes(frame) for frame in dumps({"value": to_serialize(value)})]
    memory = np.empty(sum(map(len, frames)) + offset, np.uint8)
    views, start = [], offset
    for frame in frames:
        view = memory[start : start + len(frame)]
        view[:] = np.frombuffer(frame, np.uint8)
        views.append(memoryview(view))
        start += len(frame)
    return memory, views


def travel(value, offset=3):
    """The value on another worker."""
    return loads(message(value, offset)[1])["value"]


def arrays(value):
    """The arrays in rows, or in a model."""
    if isinstance(value, pd.DataFrame):
        return [value[name].to_numpy() for name in value if name != "c"]
    if isinstance(value, pd.Series):
        return [value.to_numpy()]
    if scipy.sparse.issparse(value):
        return [value.data, value.indices, value.indptr]
    if isinstance(value, np.ndarray):
        return [value]
    return [held for held in vars(value).values() if isinstance(held, np.ndarray)]


def at(array):
    return array.__array_interface__["data"][0]


def assert_arrived(there, here):
    """It is aligned, and otherwise what was sent."""
    assert type(there) is type(here)
    for new, old in zip(arrays(there), arrays(here), strict=True):
        assert new.flags.aligned
        assert at(new) % 16 == 0
        assert new.dtype == old.dtype
        assert_array_equal(new, old)


@pytest.mark.parametrize("offset", range(16))
@pytest.mark.parametrize("kind", ROWS)
def test_rows_arrive_aligned(kind, offset):
    """Rows of each kind arrive aligned and equal, wherever in a message they were."""
    here = {"X": ROWS[kind], "weights": np.ones(61, "f4")}
    found = travel(Pack([here]), offset)
    assert type(found) is Pack
    (there,) = found
    for name, value in here.items():
        assert_arrived(there[name], value)
    assert_arrived(unwrap(travel(Parcel(here["X"]), offset)), here["X"])


def test_arrays_are_views_of_messages_without():
    """What is tested here does not come by itself: a list of chunks is not aligned."""
    found = [travel([{"X": DENSE}], offset)[0]["X"] for offset in range(16)]
    assert sum(at(array) % 16 == 0 for array in found) == 1


@pytest.mark.parametrize("kind", ["C f8", "C f4", "labels"])
def test_writeable_where_it_was(kind):
    """What could be written can be written there, and what could not still cannot."""
    here = ROWS[kind].copy()
    for writeable in (True, False):
        here.flags.writeable = writeable
        for offset in range(16):
            (there,) = travel(Pack([{"X": here}]), offset)
            assert there["X"].flags.writeable is writeable


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("C f8", "C"),
        ("F f8", "F"),
        ("rows of C", "C"),
        ("columns of C", "C"),
        ("rows of F", "F"),
    ],
)
def test_order_is_kept(kind, order):
    """Columns that follow one another still do, also where there was more between."""
    (there,) = travel(Pack([{"X": ROWS[kind]}]))
    assert there["X"].flags[f"{order}_CONTIGUOUS"]


def test_file_in_memory(tmp_path):
    """Rows in a file, mapped into memory, travel as they are, and not in a pickle."""
    here = np.memmap(tmp_path / "rows", "f8", "w+", shape=(100, 5))
    here[:] = 7
    streams = []
    there = pickle.loads(
        pickle.dumps(Pack([{"X": here}]), 5, buffer_callback=streams.append),
        buffers=streams,
    )
    assert max(len(stream.raw()) for stream in streams) == here.nbytes
    assert type(there[0]["X"]) is np.ndarray
    assert np.shares_memory(there[0]["X"], here)


def test_models_arrive_aligned():
    """Models that move between workers, and the best one, have aligned arrays."""
    model = SGDClassifier().fit(DENSE, ROWS["labels"])
    for offset in range(16):
        cohort = travel(Cohort({4: [FoldModel(model, 2)]}), offset)
        assert type(cohort) is Cohort
        assert cohort[4][0].calls == 2
        assert_arrived(cohort[4][0].model, model)
        assert_arrived(unwrap(travel(Parcel(model), offset)), model)


class Mine(SGDClassifier):
    """Of a module that others cannot import."""


def test_models_of_a_script_arrive_aligned(monkeypatch):
    """A model of a class of the user's script arrives, and arrives aligned."""
    monkeypatch.setattr(Mine, "__module__", "__main__")
    here = Mine().fit(DENSE, ROWS["labels"])
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(here)
    there = unwrap(travel(Parcel(here)))
    assert_array_equal(there.coef_, here.coef_)
    assert all(at(array) % 16 == 0 for array in arrays(there))


def test_message_is_let_go():
    """Once what was in it is aligned, nothing holds the memory of a message."""
    memory, frames = message(Pack([{"X": DENSE, "y": ROWS["labels"]}]), 3)
    held = weakref.ref(memory)
    found = loads(frames)["value"]
    del memory, frames
    gc.collect()
    assert held() is None
    assert_array_equal(found[0]["X"], DENSE)


def test_one_array_in_a_state_stays_one():
    """What is one array under two names is so when it arrives."""
    state = unwrap(travel(wrap({"train": DENSE, "again": DENSE, "times": {}})))
    assert state["train"] is state["again"]


def test_what_is_aligned_is_not_copied():
    """Arrays that a message brings aligned are used as they are."""
    buffers = []
    stream = pickle.dumps(Pack([{"X": DENSE}]), 5, buffer_callback=buffers.append)
    (there,) = pickle.loads(stream, buffers=buffers)
    assert np.shares_memory(there["X"], DENSE)


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("kind", ROWS)
def test_plain_pickle(kind, protocol):
    """A pickle in one piece, of any protocol, is unpickled aligned."""
    for value in (Pack([{"X": ROWS[kind]}]), Parcel([{"X": ROWS[kind]}])):
        there = unwrap(pickle.loads(pickle.dumps(value, protocol)))
        assert_arrived(there[0]["X"], ROWS[kind])


def test_copies():
    """Copies are of the same class."""
    for make in (copy.copy, copy.deepcopy):
        found = make(Pack([{"X": DENSE}]))
        assert type(found) is Pack
        assert_array_equal(found[0]["X"], DENSE)
        assert_array_equal(make(Parcel(DENSE)).value, DENSE)


def test_spilled_to_disk():
    """What was spilled to disk comes back aligned."""
    for kind in ("C f8", "csr", "frame"):
        stored = serialize_bytes(Pack([{"X": ROWS[kind]}]))
        space = np.empty(len(stored) + 1, np.uint8)
        space[1:] = np.frombuffer(stored, np.uint8)
        (there,) = deserialize_bytes(memoryview(space[1:]))
        assert_arrived(there["X"], ROWS[kind])


def test_sizes():
    """Dask counts as many bytes as in plain containers."""
    state = {"train": DENSE, "test": DENSE[:9], "times": {}}
    plain = sizeof([state])
    assert plain > DENSE.nbytes
    assert sizeof(Pack([state])) == pytest.approx(plain, abs=100)
    assert sizeof(Parcel(state)) == pytest.approx(sizeof(state), abs=100)


def test_rows_on_a_device_stay_as_they_are():
    """What is on a device, and looked for in plain containers, is left in these."""
    there = NoHostCopyArray(DENSE)
    for value in ({"X": there}, {"y": DENSE, "fit": {"w": there}}, ({"X": there}, 1)):
        assert wrap(value) is value
        assert type(wrap([value])) is list
    chunks = [{"X": there, "roles": ROWS["labels"]}]
    assert pack(chunks) is chunks
    assert type(pack([{"X": DENSE}])) is Pack
    assert aligned(chunks[0]) is chunks[0]


def as_dask_brings(value):
    """The rows, not aligned."""
    found = (travel([value], offset)[0] for offset in range(16))
    return next(x for x in found if not all(a.flags.aligned for a in arrays(x)))


@pytest.mark.parametrize("kind", ["C f8", "F f8", "C f4", "csr", "frame", "series"])
def test_aligned(kind):
    """What Dask has brought is copied where it is not aligned, and nowhere else."""
    here = ROWS[kind]
    assert aligned(here) is here
    there = as_dask_brings(here)
    assert_arrived(aligned(there), here)
    chunk = {"X": there, "y": ROWS["labels"]}
    found = aligned(chunk)
    assert_arrived(found["X"], here)
    assert found["y"] is chunk["y"]
    assert aligned(found) is found


def test_aligned_keeps_order():
    """An array in columns is one afterwards."""
    assert aligned(as_dask_brings(ROWS["F f8"])).flags.f_contiguous
