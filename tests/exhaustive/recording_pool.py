# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A pool that runs one task after the other, and loses what it is told to lose.

What is not done when it is asked for is carried out then, so that a test decides by the
order of its questions what has happened before what.
"""

from collections import Counter

from gpu_hpo.compute._pool import Pool, ResultsLost, TaskKilled


class Handle:
    """A task, and what came of it."""

    def __init__(self, function=None, args=()):
        self.function = function
        self.args = args
        self.done = False
        self.void = False
        self.value = self.error = None


class RecordingPool(Pool):
    """Runs tasks in this thread, each when something waits for it.

    Parameters
    ----------
    n_slots : int
    loses : collection of int
        At which waits, counted from 1, all results are lost.
    deadly : callable, optional
        Whether a task ends the workers that run it, told its function and arguments.
    deaths : int
        How many workers it has ended when it fails.
    loses_all : bool
        Whether such a task takes all results along, rather than to fail by itself after
        a few attempts.
    beside : bool
        Whether those that are waited for with it fail, too, with what they need.

    Attributes
    ----------
    began : Counter
        Tasks by name of their function.
    live, most : set of Handle, int
        Those that nobody has released, and how many there were at most since the pool
        began, or recovered.
    waited : list of int
        For how many tasks at each wait.
    recovered : int
        How often the pool was asked to recover.
    """

    def __init__(
        self,
        n_slots=2,
        *,
        loses=(),
        deadly=None,
        deaths=4,
        loses_all=False,
        beside=False,
    ):
        self.n_slots = n_slots
        self._loses = loses
        self._deadly = deadly or (lambda function, args: False)
        self._deaths = deaths
        self._loses_all = loses_all
        self._beside = beside
        self.began = Counter()
        self.live = set()
        self.most = 0
        self.waited = []
        self.recovered = 0

    def put(self, value):
        handle = self._new(Handle())
        handle.value, handle.done = value, True
        return handle

    def compute(self, collection):
        return self.put(collection.compute(scheduler="synchronous"))

    def submit(self, function, *args):
        assert not [a for a in args if isinstance(a, Handle) and a.void]
        return self._new(Handle(function, args))

    def wait(self, handles):
        handles = list(handles)
        assert handles
        assert not [handle for handle in handles if handle.void]
        self.waited.append(len(handles))
        if len(self.waited) in self._loses:
            self._lose("told to")
        first = next(handle for handle in handles if not handle.done)
        self._carry_out(first)
        if self._beside and isinstance(first.error, TaskKilled):
            for handle in handles:
                self._fail(handle, first.error)
        return [handle for handle in handles if handle.done]

    def result(self, handle):
        assert handle.done
        assert not handle.void
        if handle.error is not None:
            raise handle.error
        return handle.value

    def recover(self):
        self.recovered += 1
        self.live = {handle for handle in self.live if not handle.void}
        self.most = len(self.live)

    def release(self, handle):
        self.live.remove(handle)

    @property
    def held(self):
        """Handles of results that are there still."""
        return [h for h in self.live if not h.void and h.done and h.error is None]

    def _new(self, handle):
        self.live.add(handle)
        self.most = max(self.most, len(self.live))
        return handle

    def _fail(self, handle, error):
        """Fail a task, with all that it waits for."""
        if not handle.done:
            for arg in handle.args:
                if isinstance(arg, Handle):
                    self._fail(arg, error)
            handle.done, handle.error = True, error

    def _lose(self, why):
        for handle in self.live:
            handle.void = True
        raise ResultsLost(why)

    def _carry_out(self, handle):
        args = []
        for arg in handle.args:
            if isinstance(arg, Handle):
                if not arg.done:
                    self._carry_out(arg)
                if arg.error is not None:
                    handle.done, handle.error = True, arg.error
                    return
                arg = arg.value
            args.append(arg)
        self.began[handle.function.__name__.strip("_")] += 1
        handle.done = True
        if self._deadly(handle.function, args):
            if self._loses_all:
                self._lose("a task has ended all workers")
            handle.error = TaskKilled("a task has ended several workers", self._deaths)
            return
        try:
            handle.value = handle.function(*args)
        except Exception as error:
            handle.error = error
        handle.args = ()
