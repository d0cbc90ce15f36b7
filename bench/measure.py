"""Runs a process to its end, and counts what it took."""

import ctypes
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List

PR_SET_CHILD_SUBREAPER = 36

# The shell tells the number of the process that it starts, and ends. The process, a copy of the
# shell, becomes the command when it is told to: by a line on the pipe that is its standard error.
LAUNCH = 'out=$1 err=$2; shift 2; { read -r _ <&2; exec "$@" >"$out" 2>"$err"; } & echo "$!"'


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
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "out"), Path(folder, "err")
        try:
            process = _Process(command, output, errors)
        except OSError as error:
            return Run(0, 0, 0, "", str(error))
        late = threading.Event()
        timer = threading.Timer(timeout, lambda: (late.set(), process.kill()))
        timer.start()
        try:
            # Look first, and collect afterwards: until then its group is surely ours to kill.
            os.waitid(os.P_PID, process.number, os.WEXITED | os.WNOWAIT)
            wall = time.monotonic() - process.start
        finally:
            timer.cancel()
            timer.join()
            process.kill()
        # Only wait4 tells what this one process took.
        _, status, usage = os.wait4(process.number, 0)
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        complaint = errors.read_text(errors="replace")[:4000].strip() if errors.exists() else ""
        return Run(
            cpu=usage.ru_utime + usage.ru_stime,
            wall=wall,
            peak=usage.ru_maxrss / 1024,
            output=output.read_text(errors="replace") if output.exists() else "",
            problem=_problem(code, late.is_set(), timeout, complaint),
        )


def _problem(code: int, late: bool, timeout: float, complaint: str) -> str:
    if late:
        return f"stopped after {timeout:g} s"
    if code == 0:
        return ""
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ended}: {complaint.splitlines()[0][:160]}" if complaint else ended


def _adopt_orphans() -> bool:
    """Makes this process the parent of those whose own parent ended."""
    try:
        return ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (OSError, AttributeError):
        return False


ADOPTS = _adopt_orphans()


class _Process:
    """A process that runs a command.

    The peak memory of a process counts what it was before it became the command: a copy of its
    parent. Therefore its parent is a small shell where that is possible, and not this program.
    """

    def __init__(self, command: List[str], output: Path, errors: Path):
        if ADOPTS:
            self._by_shell(command, output, errors)
            return
        with output.open("wb") as out, errors.open("wb") as err:
            self.start = time.monotonic()
            direct = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        direct.returncode = 0  # It is waited for by number.
        self.number = self.group = direct.pid

    def _by_shell(self, command: List[str], output: Path, errors: Path) -> None:
        listen, tell = os.pipe()
        try:
            with subprocess.Popen(
                ["/bin/sh", "-c", LAUNCH, "sh", str(output), str(errors), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=listen,
                start_new_session=True,
            ) as shell:
                self.group = shell.pid
                self.number = int(shell.stdout.readline())
            # The shell has ended, and the process is ours.
            self.start = time.monotonic()
            os.write(tell, b"\n")
        finally:
            os.close(listen)
            os.close(tell)

    def kill(self) -> None:
        """Kills the process and what it started, if they still run."""
        try:
            os.killpg(self.group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def nothing(repetitions: int = 9) -> Run:
    """The middle of what a process takes that does nothing: no run shows less."""
    runs = [run(["/bin/sh", "-c", ":"], 60) for _ in range(repetitions)]
    figures = {
        what: statistics.median(getattr(one, what) for one in runs) for what in ("cpu", "wall", "peak")
    }
    return Run(**figures, output="", problem=runs[0].problem)


def geometric_mean(values: List[float]) -> float:
    """0 of none."""
    positive = [value for value in values if value > 0]
    return statistics.geometric_mean(positive) if positive else 0.0
