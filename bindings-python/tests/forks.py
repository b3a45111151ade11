"""Children of a fork, and threads that keep their parent busy."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator

CHILDREN = int(os.environ.get("SCOPEGATE_FORKS", "100"))
"""How many children a test forks while its threads are busy."""

DEADLINE = 20.0


def exit_status_of_child(work: Callable[[], None]) -> int:
    """Runs ``work`` in a child; a child that hangs is killed."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


@contextlib.contextmanager
def busy(*works: Callable[[], object]) -> Iterator[None]:
    """Does each of these over and over on a thread of its own. An error in one is raised at the end."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def repeat(work: Callable[[], object]) -> None:
        try:
            while not stop.is_set():
                work()
                time.sleep(0.001)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
