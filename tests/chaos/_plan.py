# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What happens in a case: drawn from its seed, always the same."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass

ADAPTIVE = (
    "HyperbandSearchCV",
    "SuccessiveHalvingSearchCV",
    "IncrementalSearchCV",
    "InverseDecaySearchCV",
    "ScheduledSearchCV",
)
EXHAUSTIVE = ("GridSearchCV", "RandomizedSearchCV")
SEARCHES = ADAPTIVE + EXHAUSTIVE

# Worker processes are killed, or stopped for some seconds; one configuration stops its
# process for good, and `call_timeout=` ends it; a call ends its process, by itself or
# by Python's exit, or takes more memory than there may be; the scheduler ends; workers
# join; workers leave; several of these in one search.
MISCHIEFS = (
    "kill",
    "stop",
    "timeout",
    "exit",
    "sys.exit",
    "memory",
    "scheduler",
    "join",
    "leave",
    "several",
)
# "plain": Dask's LocalCluster, without TLS, or a scheduler in a process of its own if
# that is to be killed. "ours": `local_cluster`. "embedded": that of searches without a
# client.
CLUSTERS = ("plain", "ours", "embedded")

# Fits of a grid have no limit of time.
COMBINATIONS = [
    (mischief, search)
    for mischief in MISCHIEFS
    for search in SEARCHES
    if mischief != "timeout" or search in ADAPTIVE
]
random.Random(0).shuffle(COMBINATIONS)

# What one configuration does at each of its calls from some number on.
_DEADLY = {"timeout": "stop", "exit": "exit", "sys.exit": "sys.exit", "memory": "hoard"}
# What starts no new worker by itself, or needs one that can be limited.
_NOT_EMBEDDED = ("join", "memory", "several")


@dataclass(frozen=True)
class Event:
    """Something that happens once.

    Parameters
    ----------
    action : str
        What a call does ("exit", "hoard"), or is done meanwhile ("kill", "stop",
        "scheduler", "join", "leave").
    moment : float
        In which training call, as a share of the calls of a quiet search; or, if
        negative, how many seconds after the search has begun.
    where : {"here", "other", "all"}
        Done to the worker of the call, to another one, or to all.
    seconds : float
        How long a worker is stopped.
    """

    action: str
    moment: float
    where: str = "here"
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A search, a cluster, and what goes wrong.

    Parameters
    ----------
    seed : int
    mischief, search, cluster : str
        Of `MISCHIEFS`, `SEARCHES` and `CLUSTERS`.
    threads : int
        Of each of the two workers.
    events : tuple of Event
    deadly : str
        What one configuration does at each of its calls, or "".
    deadly_call : int
        From which of its calls on.
    folds : int
        Those of an adaptive search; 0 for rows that are held out.
    collection, pipeline, refit : bool
        Whether X and y are Dask arrays; whether a grid has a step before the model; and
        whether the best parameters train again on all rows.
    """

    seed: int
    mischief: str
    search: str
    cluster: str
    threads: int = 1
    events: tuple[Event, ...] = ()
    deadly: str = ""
    deadly_call: int = 1
    folds: int = 0
    collection: bool = False
    pipeline: bool = False
    refit: bool = False

    @property
    def adaptive(self) -> bool:
        """Whether the search stops early."""
        return self.search in ADAPTIVE

    def __str__(self) -> str:
        told = {name: value for name, value in asdict(self).items() if value}
        told["events"] = [
            " ".join(
                f"{value:.3g}" if isinstance(value, float) else value
                for value in asdict(event).values()
            )
            for event in self.events
        ]
        return ", ".join(f"{name}={value}" for name, value in told.items() if value)


def draw(seed: int) -> Plan:
    """Give the plan of a seed.

    So many seeds in a row as there are combinations have each of them once, and the
    next as many have them with another cluster.
    """
    turn, place = divmod(seed, len(COMBINATIONS))
    mischief, search = COMBINATIONS[place]
    rng = random.Random(f"chaos {seed}")
    cluster = ("plain", "ours")[(turn + place) % 2]
    if cluster == "ours" and mischief not in _NOT_EMBEDDED and rng.random() < 0.5:
        cluster = "embedded"
    deadly = _DEADLY.get(mischief, "")
    if mischief in ("exit", "memory") and rng.random() < 0.5:
        deadly = ""  # only once
    return Plan(
        seed=seed,
        mischief=mischief,
        search=search,
        cluster=cluster,
        threads=2 if cluster != "embedded" and not deadly and rng.random() < 0.3 else 1,
        events=() if deadly else tuple(_events(mischief, rng)),
        deadly=deadly,
        deadly_call=rng.choice((1, 2)) if search in ADAPTIVE else 1,
        folds=rng.choice((0, 0, 0, 2)),
        collection=rng.random() < 0.25,
        pipeline=rng.random() < 0.5,
        refit=rng.random() < 0.25,
    )


def _events(mischief: str, rng: random.Random) -> list[Event]:
    if mischief == "several":
        # Not more deaths than a task is allowed that may be there each time.
        deaths = rng.sample(["kill", "exit", "stop"], rng.choice((1, 2)))
        others = rng.sample(["join", "leave"], rng.choice((1, 2)))
        kinds = deaths + others
    else:
        n = (
            rng.choice((1, 1, 2))
            if mischief in ("kill", "stop", "join", "leave")
            else 1
        )
        kinds = [{"memory": "hoard"}.get(mischief, mischief)] * n
    rng.shuffle(kinds)
    return [_event(kind, rng) for kind in kinds]


def _event(kind: str, rng: random.Random) -> Event:
    in_call = kind in ("exit", "hoard")  # done by the call itself
    moment = rng.uniform(0.02, 0.8)
    if not in_call and rng.random() < 0.25:
        moment = -rng.uniform(0.0, 1.5)
    where = rng.choice(("here", "here", "other", "all")) if kind == "kill" else "here"
    if kind == "stop":
        where = rng.choice(("here", "other"))
    seconds = rng.uniform(0.5, 4.0) if kind == "stop" else 0.0
    return Event(kind, round(moment, 3), where, round(seconds, 1))
