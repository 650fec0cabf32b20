# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Who is given up because workers die."""

from gpu_hpo.compute._loss_policy import LossPolicy


def test_what_others_may_have_done_does_not_count():
    """A task that was never alone is suspect, however often it is lost, not guilty."""
    blame = LossPolicy()
    assert not blame.suspects("a")
    for _ in range(100):
        assert not blame.lost("a", alone=False, deaths=4)
        assert blame.suspects("a")
    assert not blame.suspects("b")


def test_one_death_may_be_chance():
    """A task is guilty from the second death on that came while it was alone."""
    blame = LossPolicy()
    blame.lost("a", alone=False)
    blame.lost("b", alone=False)
    assert not blame.lost("a", alone=True)
    assert not blame.lost("a", alone=False)
    assert not blame.lost("b", alone=True)
    assert blame.lost("a", alone=True)
    assert blame.lost("b", alone=True)


def test_several_deaths_at_once():
    """A task that several workers died of, one after the other, is guilty at once."""
    blame = LossPolicy()
    blame.lost("a", alone=False, deaths=4)
    assert blame.lost("a", alone=True, deaths=2)


def test_getting_further():
    """A task that got further is as if it had never been lost."""
    blame = LossPolicy()
    blame.lost("a", alone=False)
    blame.lost("a", alone=True)
    blame.clear("a")
    assert not blame.suspects("a")
    assert not blame.lost("a", alone=True)
    blame.clear("never lost")


def test_how_many_deaths():
    """The number of deaths may be another one."""
    blame = LossPolicy(most=3)
    verdicts = [blame.lost("a", alone=alone) for alone in (False, True, True, True)]
    assert verdicts == [False, False, False, True]
