"""Runs a process to its end, and counts what it took."""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import List

# Linux counts peak memory in KiB, macOS in bytes.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass
class Run:
    """One run of one process."""

    cpu: float  # seconds, user and system, of the process and its children
    wall: float  # seconds
    peak: float  # MiB
    output: str
    problem: str  # empty if it ended well


def run(command: List[str], timeout: float) -> Run:
    """Runs a command; a problem is a value here, not an exception."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            return Run(0, 0, 0, "", str(error))
        late = threading.Event()

        def stop() -> None:
            late.set()
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

        timer = threading.Timer(timeout, stop)
        timer.start()
        # Not Popen.wait: only wait4 tells what this one process took.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        timer.cancel()
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        process.returncode = code
        output.seek(0)
        text = output.read().decode(errors="replace")
        errors.seek(0)
        complaint = errors.read(4000).decode(errors="replace").strip().split("\n")
        return Run(
            cpu=usage.ru_utime + usage.ru_stime,
            wall=wall,
            peak=usage.ru_maxrss * PEAK_UNIT / 2**20,
            output=text,
            problem=_problem(code, late.is_set(), timeout, complaint),
        )


def _problem(code: int, late: bool, timeout: float, complaint: List[str]) -> str:
    if late:
        return f"stopped after {timeout:g} s"
    if code == 0:
        return ""
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ended}: {complaint[0][:160]}" if complaint[0] else ended


def least_peak() -> float:
    """Peak memory, MiB, of a process that does nothing: no run shows less.

    A process starts as a copy of the one that starts it, and its peak counts that.
    """
    return run(["true"], 60).peak


def geometric_mean(values: List[float]) -> float:
    """0 of none."""
    positive = [value for value in values if value > 0]
    return statistics.geometric_mean(positive) if positive else 0.0
