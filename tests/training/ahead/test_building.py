"""One thread builds at a time, and whoever works ahead comes last."""

from __future__ import annotations

import threading

import pytest

from justright.training.ahead.building import BuildingLock


def test_whoever_trains_goes_before_whoever_works_ahead():
    """However long the other has waited."""
    lock, order = BuildingLock(), []

    def build(name, *, ahead):
        with lock.held(ahead=ahead):
            order.append(name)

    threads = [
        threading.Thread(target=build, args=("ahead",), kwargs={"ahead": True}),
        threading.Thread(target=build, args=("trains",), kwargs={"ahead": False}),
    ]
    with lock.held():
        for thread in threads:
            thread.start()
        while not lock._waiting:
            pass
        assert order == []
    for thread in threads:
        thread.join()
    assert order == ["trains", "ahead"]


def test_a_thread_may_take_it_again_and_gives_it_back_after_an_error():
    """A program is traced while a stack is built."""
    lock = BuildingLock()
    with pytest.raises(KeyError), lock.held(ahead=True), lock.held(), lock.held(ahead=True):
        raise KeyError
    other = threading.Thread(target=lambda: lock.held().__enter__())
    other.start()
    other.join(10.0)
    assert not other.is_alive()
