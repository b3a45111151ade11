"""A child process that ends with its parent, and whose output can be awaited line by line."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

STOP_SECONDS = 5
"""How long a child may take to end before it is killed."""


class ChildError(Exception):
    """A child ended, or did not say in time what was awaited."""


class Child:
    """A running program that ends when its standard input does. That is a pipe from here, so the program ends with this
    process, however this one ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Starts the program. ``pass_fds``: descriptors that it inherits beside the standard ones.

        Raises ``ChildError`` when it cannot be started.
        """
        self.name = name
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=pass_fds,
                text=True,
            )
        except OSError as error:
            raise ChildError(f"{name}: {error}") from error
        assert self._process.stdin is not None and self._process.stdout is not None, "both are pipes"
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._output: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def line(self, beginning: str, *, seconds: float = 20) -> str:
        """The next line of output that begins so; the lines before it are skipped.

        Raises ``ChildError`` when the output ends before, or when ``seconds`` have passed.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise self.error(f"did not write {beginning!r} within {seconds} seconds") from None
            if line is None:
                self._lines.put(None)
                raise self.error(f"ended without writing {beginning!r}")
            if line.startswith(beginning):
                return line

    def write(self, line: str) -> None:
        """Writes a line to the standard input of the program."""
        print(line, file=self._stdin, flush=True)

    def check(self) -> None:
        """Raises ``ChildError`` when the program has ended."""
        if (code := self._process.poll()) is not None:
            raise self.error(f"ended with code {code}")

    def error(self, what: str) -> ChildError:
        """An error about this child, with the end of its output."""
        return ChildError("\n    ".join([f"{self.name}: {what}; it wrote:", *self.output_end()]))

    def output_end(self) -> list[str]:
        """The last lines of its output."""
        return self._output[-20:]

    def stop(self) -> None:
        """Ends the program and waits for that. Stopping it twice does nothing."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._stdout.close()
        with contextlib.suppress(BrokenPipeError):  # a line that it did not live to read
            self._stdin.close()

    def _read(self) -> None:
        for line in self._stdout:
            self._output.append(line.rstrip("\n"))
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)
