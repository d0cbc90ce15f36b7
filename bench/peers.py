"""The engines: where they are, which ones are missing, and how each one runs a WASI program."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

HERE = Path(__file__).resolve().parent
NODE_SCRIPT = HERE / "wasi_node.mjs"

NPM_PACKAGES = {"node": "node@26.10.0", "bun": "bun@1.4.5"}
CARGO_PACKAGES = {"wasmtime": ("wasmtime-cli", "48.0.8"), "wasmi": ("wasmi_cli", "2.0.0")}


@dataclass
class Program:
    """What an engine is asked to run."""

    file: Path
    arguments: List[str]
    name: Optional[str] = None
    directories: List[Tuple[Path, str]] = field(default_factory=list)


@dataclass
class Engine:
    """One engine in one mode: a column of the tables."""

    name: str
    peer: str
    command: Callable[[Program], List[str]]
    version: str


def _mapped(program: Program, argv0: str = "--argv0") -> List[str]:
    """The options that most engines share: directories, and the program's own name."""
    words = []
    for host, guest in program.directories:
        words += ["--dir", f"{host}::{guest}"]
    if program.name:
        words += [argv0, program.name]
    return words


def _tail(program: Program) -> List[str]:
    return [str(program.file), *program.arguments]


def _tierup(path: str, flags: List[str]) -> Callable[[Program], List[str]]:
    return lambda program: [path, "run", *flags, *_mapped(program), *_tail(program)]


def _wasmtime(path: str, flags: List[str]) -> Callable[[Program], List[str]]:
    # Without its cache: the second run would otherwise map the first run's code.
    fixed = [path, "run", "-C", "cache=n", *flags]
    return lambda program: [*fixed, *_mapped(program), *_tail(program)]


def _node(path: str, flags: List[str]) -> Callable[[Program], List[str]]:
    fixed = [path, "--no-warnings", *flags, str(NODE_SCRIPT)]
    return lambda program: [*fixed, *_mapped(program), *_tail(program)]


def _bun(path: str, flags: List[str]) -> Callable[[Program], List[str]]:
    # JavaScriptCore's switches are variables of the environment.
    fixed = (["env", *flags] if flags else []) + [path, str(NODE_SCRIPT)]
    return lambda program: [*fixed, *_mapped(program), *_tail(program)]


def _wasmi(path: str, flags: List[str]) -> Callable[[Program], List[str]]:
    # It has no option for another name of the program or of a directory.
    def command(program: Program) -> List[str]:
        words = [path, "run", *flags]
        for host, _ in program.directories:
            words += ["--dir", str(host)]
        return [*words, *_tail(program)]

    return command


def _wasmer(path: str, flags: List[str]) -> Callable[[Program], List[str]]:
    def command(program: Program) -> List[str]:
        words = [path, "run", "--disable-cache", *flags]
        for host, guest in program.directories:
            words += ["--volume", f"{host}:{guest}"]
        return [*words, str(program.file), "--", *program.arguments]

    return command


# peer -> (names of its executable, how it runs a program, its modes)
PEERS: Dict[str, Tuple[List[str], Callable, Dict[str, List[str]]]] = {
    "node": (
        ["node"],
        _node,
        {
            "node": [],
            "node-liftoff": ["--liftoff-only"],
            "node-turbofan": ["--no-liftoff", "--no-wasm-tier-up"],
        },
    ),
    "bun": (["bun"], _bun, {"bun": [], "bun-bbq": ["BUN_JSC_useOMGJIT=0"]}),
    "wasmtime": (
        ["wasmtime"],
        _wasmtime,
        {"wasmtime": [], "wasmtime-winch": ["-C", "compiler=winch"]},
    ),
    "wasmi": (["wasmi", "wasmi_cli"], _wasmi, {"wasmi": []}),
    "wasmer": (
        ["wasmer"],
        _wasmer,
        {"wasmer": ["--cranelift"], "wasmer-singlepass": ["--singlepass"]},
    ),
}

# What is compared unless --engines says otherwise.
USUAL = ["node", "node-liftoff", "bun", "wasmtime", "wasmtime-winch", "wasmi", "wasmer"]


def all_modes() -> List[str]:
    """Names of all modes of all peers."""
    return [mode for _, _, modes in PEERS.values() for mode in modes]


def version_of(path: str) -> Optional[str]:
    """The first line of what `--version` prints; none if it does not run."""
    try:
        done = subprocess.run(
            [path, "--version"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.decode(errors="replace").split("\n")
    return lines[0].strip() if done.returncode == 0 and lines[0].strip() else None


def tierup_modes(path: str, modes: List[str]) -> List[Engine]:
    """Engines for `NAME=FLAGS` words; the flags are separated by spaces."""
    version = version_of(path)
    if version is None:
        raise SystemExit(f"{path} does not run: build it (cargo build --release), or use --tierup")
    engines = []
    for mode in modes or ["tierup="]:
        name, _, flags = mode.partition("=")
        words = []
        for flag in flags.split():
            # `compiler=baseline` is short for `-C compiler=baseline`.
            words += [flag] if flag.startswith("-") or words[-1:] in (["-C"], ["-W"]) else ["-C", flag]
        engines.append(Engine(name, "tierup", _tierup(path, words), version))
    return engines


def find(wanted: List[str], given: Dict[str, str], folder: Optional[Path]):
    """The engines of the wanted modes that are there, and why the others are not."""
    engines, skipped = [], []
    for peer, (names, build, modes) in PEERS.items():
        modes = {mode: flags for mode, flags in modes.items() if mode in wanted}
        if not modes:
            continue
        path = given.get(peer) or _look_up(names, folder)
        if path is None:
            skipped.append((peer, "not found"))
            continue
        version = version_of(path)
        if version is None:
            skipped.append((peer, f"{path} --version fails"))
            continue
        for mode, flags in modes.items():
            engines.append(Engine(mode, peer, build(path, flags), version))
    return engines, skipped


def _look_up(names: List[str], folder: Optional[Path]) -> Optional[str]:
    """An installed one comes before one on the PATH."""
    for name in names:
        if folder:
            for place in (folder / "node_modules" / ".bin" / name, folder / "bin" / name):
                if os.access(place, os.X_OK):
                    return str(place)
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    return None


def install(folder: Path) -> None:
    """Installs what npm and cargo offer and is not there yet; says what fails, and goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [
        package
        for name, package in NPM_PACKAGES.items()
        if not os.access(folder / "node_modules" / ".bin" / name, os.X_OK)
    ]
    if missing:
        _install(["npm", "install", "--prefix", str(folder), *missing])
    for name, (package, version) in CARGO_PACKAGES.items():
        if _look_up_installed(name, folder) is None:
            _install(["cargo", "install", "--locked", "--root", str(folder), f"{package}@{version}"])


def _look_up_installed(peer: str, folder: Path) -> Optional[str]:
    for name in PEERS[peer][0]:
        if os.access(folder / "bin" / name, os.X_OK):
            return name
    return None


def _install(command: List[str]) -> None:
    print("$", " ".join(command), flush=True)
    try:
        status = subprocess.run(command).returncode
    except OSError as error:
        status = error
    if status != 0:
        print(f"not installed: {command[0]} ended with {status}", flush=True)
