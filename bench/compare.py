#!/usr/bin/env python3
"""Compares Tierup with other engines: whole processes, in turns. See README.md beside this file.

    bench/compare.py --sizes short,medium --repetitions 5 --svg chart.svg
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional

import measure
import peers
from peers import Engine, Program
from report import Case, Report

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
SIZES = PROGRAMS / "sizes.txt"
GROUPS = ["short", "medium", "long"]
SYNTHESIS = (
    "read_verilog /w/in.v; hierarchy -top top; proc; opt; memory; opt; techmap; opt -full; "
    "write_json /w/out.json"
)


@dataclass
class Task:
    """A case, what is run for it, and how its result is told."""

    case: Case
    program: Program
    # From the output to what is compared.
    result: Callable[[str], str]
    # None: the first engine's result counts.
    expected: Optional[str]


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parse()
    if options.bless:
        return bless(Path(options.bless))
    folder = Path(options.install or options.peers) if options.install or options.peers else None
    if options.install:
        peers.install(folder)
    wanted = options.engines.split(",") if options.engines else peers.USUAL
    given = {peer: getattr(options, peer) for peer in peers.PEERS if getattr(options, peer)}
    engines = [] if options.no_tierup else peers.tierup_modes(options.tierup, options.tierup_mode)
    found, skipped = peers.find(wanted, given, folder)
    engines += found
    names = [engine.name for engine in engines]
    if len(set(names)) != len(names):
        raise SystemExit(f"two engines have the same name: {', '.join(names)}")
    if not engines:
        raise SystemExit("no engine found")
    reference = options.reference or names[0]
    if reference not in names:
        raise SystemExit(f"no engine is named {reference}; there are {', '.join(names)}")
    with tempfile.TemporaryDirectory() as scratch:
        tasks = own_programs(options) + modules(options, Path(scratch))
        head = heading(engines, skipped, options)
        print(head, flush=True)
        done = []
        try:
            for task in tasks:
                perform(task, engines, options)
                done.append(task)
        except KeyboardInterrupt:
            # Some senders repeat themselves.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            say(f"interrupted: these are {len(done)} of {len(tasks)} cases")
    report = Report(engines, [task.case for task in done], reference)
    tables = report.markdown()
    print(tables)
    save(options, engines, skipped, head, tables, report)
    return 1 if any(task.case.wrong for task in done) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Compares Tierup with other WebAssembly engines.",
        epilog="Modes of peers: " + ", ".join(peers.all_modes()),
    )
    add = parser.add_argument
    add(
        "--tierup",
        default=str(HERE.parent / "target/release/tierup"),
        metavar="PATH",
        help="instead of target/release/tierup",
    )
    add(
        "--tierup-mode",
        action="append",
        default=[],
        metavar="NAME=FLAGS",
        help="a column with these flags, e.g. all=lazy=n (for -C lazy=n); repeatable",
    )
    add("--no-tierup", action="store_true", help="only the peers")
    for peer in peers.PEERS:
        add(f"--{peer}", metavar="PATH", help=f"{peer}, instead of the one found")
    add("--peers", metavar="DIR", help="look here before the PATH")
    add("--install", metavar="DIR", help="install what npm and cargo offer there, then as --peers")
    add("--engines", metavar="A,B", help=f"modes of peers (usually {','.join(peers.USUAL)})")
    add("--reference", metavar="NAME", help="ratios are relative to this one (the first one)")
    add("--sizes", default="short,medium", metavar="A,B", help="of short, medium, long (short,medium)")
    add("--programs", metavar="A,B", help="only these; an empty word for none")
    add("-n", "--repetitions", type=int, default=5, metavar="N")
    add("--timeout", type=float, default=120, metavar="SECONDS", help="for one run (120)")
    add("--markdown", metavar="FILE", help="write the tables there too")
    add("--svg", metavar="FILE", help="write a bar chart")
    add("--json", metavar="FILE", help="write all raw figures")
    environment = os.environ.get
    add("--yosys-wasm", default=environment("YOSYS_WASM"), metavar="FILE", help="adds `yosys -V`")
    add("--yosys-share", default=environment("YOSYS_SHARE"), metavar="DIR", help="its data files")
    add(
        "--yosys-verilog",
        default=environment("YOSYS_VERILOG"),
        metavar="FILE",
        help="adds a synthesis of its module `top`",
    )
    add("--bless", metavar="DIR", help="rewrite programs/sizes.txt with the results of native builds")
    return parser.parse_args()


def read_sizes() -> List[List[str]]:
    """Program, class, size and result."""
    lines = SIZES.read_text().split("\n")
    return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def own_programs(options: argparse.Namespace) -> List[Task]:
    sizes = options.sizes.split(",")
    unknown = set(sizes) - set(GROUPS)
    if unknown:
        raise SystemExit(f"no such size: {', '.join(sorted(unknown))}")
    rows = read_sizes()
    only = None if options.programs is None else options.programs.split(",")
    missing = set(only or []) - {row[0] for row in rows} - {""}
    if missing:
        raise SystemExit(f"no such program: {', '.join(sorted(missing))}")
    tasks = []
    for group in [group for group in GROUPS if group in sizes]:
        for name, row_group, size, expected in rows:
            if row_group == group and (only is None or name in only):
                program = Program(PROGRAMS / f"{name}.wasm", [size])
                tasks.append(Task(Case(name, group), program, str.strip, expected))
    return tasks


def modules(options: argparse.Namespace, scratch: Path) -> List[Task]:
    """Public modules, as far as their files are given."""
    if not options.yosys_wasm:
        return []
    file = Path(options.yosys_wasm).resolve()
    version = Program(file, ["-V"], "yosys")
    tasks = [Task(Case("yosys -V", "modules"), version, str.strip, None)]
    if options.yosys_share and options.yosys_verilog:
        work, temporary = scratch / "w", scratch / "tmp"
        work.mkdir()
        temporary.mkdir()
        shutil.copy(options.yosys_verilog, work / "in.v")
        written = work / "out.json"

        def digest(_: str) -> str:
            if not written.exists():
                return "nothing written"
            bytes_written = written.read_bytes()
            written.unlink()
            return f"{len(bytes_written)} bytes, {hashlib.sha256(bytes_written).hexdigest()[:16]}"

        share = Path(options.yosys_share).resolve()
        directories = [(work, "/w"), (share, "/share"), (temporary, "/tmp")]
        synthesis = Program(file, ["-q", "-p", SYNTHESIS], "yosys", directories)
        tasks.append(Task(Case("yosys synthesis", "modules"), synthesis, digest, None))
    return tasks


def perform(task: Task, engines: List[Engine], options: argparse.Namespace) -> None:
    """All repetitions of one case, the engines in turns, each round begun by another one."""
    case = task.case
    for repetition in range(options.repetitions):
        turn = repetition % len(engines)
        for engine in engines[turn:] + engines[:turn]:
            if engine.name in case.failures or engine.name in case.wrong:
                continue
            run = measure.run(engine.command(task.program), options.timeout)
            if run.problem:
                case.failures[engine.name] = run.problem
                say(f"{case.name} {case.group} in {engine.name}: {run.problem}")
                continue
            result = task.result(run.output)
            if task.expected is None:
                task.expected = result
            if result != task.expected:
                case.wrong[engine.name] = f"{result[:80]!r}, expected {task.expected[:80]!r}"
                say(f"WRONG RESULT: {case.name} {case.group} in {engine.name}: {case.wrong[engine.name]}")
                continue
            case.runs.setdefault(engine.name, []).append(run)
    times = [f"{name} {case.median(name, 'cpu') * 1000:.1f}" for name in case.runs if case.median(name, "cpu")]
    say(f"{case.group} {case.name}: " + ", ".join(times))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def heading(engines: List[Engine], skipped: list, options: argparse.Namespace) -> str:
    empty = measure.nothing()
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')} on {machine()}; medians of {options.repetitions} runs. "
        f"An empty process takes {empty.cpu * 1000:.1f} ms CPU, {empty.wall * 1000:.1f} ms wall, "
        f"{empty.peak:.1f} MiB.\n"
    ]
    versions: Dict[str, List[Engine]] = {}
    for engine in engines:
        versions.setdefault(engine.peer, []).append(engine)
    for peer, modes in versions.items():
        lines.append(f"* {peer} {modes[0].version}: {', '.join(mode.name for mode in modes)}")
    for peer, why in skipped:
        lines.append(f"* {peer} skipped: {why}")
    if not options.yosys_wasm:
        lines.append("* yosys skipped: no --yosys-wasm")
    elif not (options.yosys_share and options.yosys_verilog):
        lines.append("* yosys synthesis skipped: no --yosys-share or --yosys-verilog")
    return "\n".join(lines) + "\n"


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().split("\n"):
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{os.cpu_count()} CPUs ({model}), {platform.system()} {platform.release()}"


def save(options, engines, skipped, head: str, tables: str, report: Report) -> None:
    if options.markdown:
        Path(options.markdown).write_text(head + "\n" + tables)
    if options.svg:
        Path(options.svg).write_text(report.svg())
    if options.json:
        raw = {
            "machine": machine(),
            "date": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "load": os.getloadavg(),
            "reference": report.reference,
            "engines": {engine.name: engine.version for engine in engines},
            "skipped": dict(skipped),
            "cases": [asdict(case) for case in report.cases],
        }
        Path(options.json).write_text(json.dumps(raw, indent=1) + "\n")


def bless(folder: Path) -> int:
    """Runs the native builds at all sizes, and writes down what they print."""
    lines = []
    for line in SIZES.read_text().split("\n"):
        words = line.split()
        if len(words) == 4 and not line.startswith("#"):
            name, group, size, _ = words
            run = measure.run([str(folder / name), size], 600)
            if run.problem:
                raise SystemExit(f"{name} {size}: {run.problem}")
            say(f"{name} {group}: {run.cpu:.3f} s")
            line = f"{name:<11} {group:<6} {size:<9} {run.output.strip()}"
        lines.append(line)
    SIZES.write_text("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
