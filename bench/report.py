"""Tables in Markdown and a chart in SVG from measured cases."""

import statistics
from dataclasses import dataclass, field
from html import escape
from typing import Dict, List, Optional

from measure import Run, geometric_mean
from peers import Engine


@dataclass
class Case:
    """One program at one size: a row of a table."""

    name: str
    group: str  # short, medium, long, or modules
    runs: Dict[str, List[Run]] = field(default_factory=dict)  # by engine; all of them ended well
    failures: Dict[str, str] = field(default_factory=dict)  # by engine
    wrong: Dict[str, str] = field(default_factory=dict)  # by engine: what it printed

    def median(self, engine: str, what: str) -> Optional[float]:
        """The middle of one figure of all runs; none if the engine failed."""
        if engine in self.failures or engine in self.wrong or not self.runs.get(engine):
            return None
        return statistics.median(getattr(run, what) for run in self.runs[engine])

    def spread(self, engine: str) -> Optional[float]:
        """How far the runs' processor time is apart, as a part of its median."""
        middle = self.median(engine, "cpu")
        if not middle:
            return None
        cpu = [run.cpu for run in self.runs[engine]]
        return (max(cpu) - min(cpu)) / middle


class Report:
    """All cases, seen relative to one engine."""

    def __init__(self, engines: List[Engine], cases: List[Case], reference: str):
        self.engines = engines
        self.names = [engine.name for engine in engines]
        self.reference = reference
        self.cases = cases
        self.groups = list(dict.fromkeys(case.group for case in cases))

    def markdown(self) -> str:
        """All tables."""
        parts = []
        for group in self.groups:
            parts.append(self._programs(group))
            parts.append(self._summary(group))
        parts.append(self._problems())
        return "\n".join(part for part in parts if part)

    def _programs(self, group: str) -> str:
        lines = [
            f"### {group}: CPU milliseconds (times {self.reference})\n",
            "| program | " + " | ".join(self.names) + " |",
            "|---|" + "---:|" * len(self.names),
        ]
        for case in self._of(group):
            cells = [self._cell(case, name) for name in self.names]
            lines.append(f"| {case.name} | " + " | ".join(cells) + " |")
        means = [self._mean_cell(group, name) for name in self.names]
        lines.append("| **geometric mean** | " + " | ".join(means) + " |")
        return "\n".join(lines) + "\n"

    def _cell(self, case: Case, name: str) -> str:
        if name in case.wrong:
            return "**WRONG**"
        if name in case.failures:
            return "timeout" if case.failures[name].startswith("stopped") else "failed"
        cpu, base = case.median(name, "cpu"), case.median(self.reference, "cpu")
        if cpu is None:
            return ""
        ratio = f" ({cpu / base:.2f})" if base and name != self.reference else ""
        return f"{cpu * 1000:.{1 if cpu < 0.1 else 0}f}{ratio}"

    def _mean_cell(self, group: str, name: str) -> str:
        ratios = self.ratios(group, name, "cpu")
        if not ratios:
            return ""
        missing = len(self._of(group)) - len(ratios)
        return f"**{geometric_mean(ratios):.2f}**" + (f" (without {missing})" if missing else "")

    def _summary(self, group: str) -> str:
        lines = [
            f"{group}, geometric means:\n",
            "| engine | CPU | wall | peak MiB | spread of CPU |",
            "|---|---:|---:|---:|---:|",
        ]
        for name in self.names:
            cpu, wall = (geometric_mean(self.ratios(group, name, what)) for what in ("cpu", "wall"))
            peaks = [case.median(name, "peak") for case in self._of(group)]
            peak = geometric_mean([value for value in peaks if value])
            spreads = [case.spread(name) for case in self._of(group)]
            spreads = [value for value in spreads if value is not None]
            spread = f"{statistics.median(spreads):.0%}" if spreads else ""
            figures = [f"{cpu:.2f}", f"{wall:.2f}", f"{peak:.1f}"] if cpu else ["", "", ""]
            lines.append(f"| {name} | {' | '.join(figures)} | {spread} |")
        return "\n".join(lines) + "\n" + self._best(group)

    def _best(self, group: str) -> str:
        """How our modes compare with the best peer: of all programs, and of each program."""
        ours = [engine.name for engine in self.engines if engine.peer == "tierup"]
        peers = [name for name in self.names if name not in ours]
        cases = self._of(group)
        whole = [name for name in peers if len(self.ratios(group, name, "cpu")) == len(cases)]
        if not ours or not whole:
            return ""
        best = min(whole, key=lambda name: geometric_mean(self.ratios(group, name, "cpu")))
        lines = []
        for name in ours:
            against, against_each = [], []
            for case in cases:
                cpu = case.median(name, "cpu")
                times = [case.median(peer, "cpu") for peer in peers]
                least = min((time for time in times if time), default=None)
                base = case.median(best, "cpu")
                if cpu and base and least:
                    against.append(cpu / base)
                    against_each.append(cpu / least)
            lines.append(
                f"{name}: {geometric_mean(against):.2f} times the CPU of the best peer ({best}), "
                f"{geometric_mean(against_each):.2f} times that of each program's best peer."
            )
        return "\n" + "\n".join(lines) + "\n"

    def _problems(self) -> str:
        lines = []
        for case in self.cases:
            for name, output in case.wrong.items():
                lines.append(f"* **WRONG RESULT** {case.name} {case.group} in {name}: {output}")
            for name, problem in case.failures.items():
                lines.append(f"* {case.name} {case.group} in {name}: {problem}")
        return "\n".join(["### Problems\n", *lines]) + "\n" if lines else ""

    def _of(self, group: str) -> List[Case]:
        return [case for case in self.cases if case.group == group]

    def ratios(self, group: str, name: str, what: str) -> List[float]:
        """Of all cases in which both engines have a figure."""
        found = []
        for case in self._of(group):
            value, base = case.median(name, what), case.median(self.reference, what)
            if value and base:
                found.append(value / base)
        return found

    def svg(self) -> str:
        """Bars of geometric means by group and engine, with a dot for each program."""
        return _Chart(self).draw()


class _Chart:
    """Bars from left to right, one line an engine; 1.0 is the reference."""

    LABEL, BARS, VALUE, LINE, HEAD = 150, 520, 60, 18, 34
    PALETTE = ["#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb"]

    def __init__(self, report: Report):
        self.report = report
        means = [
            geometric_mean(report.ratios(group, name, "cpu"))
            for group in report.groups
            for name in report.names
        ]
        # One very slow engine shall not make all others' bars short.
        self.most = min(max([1.2, *means]) * 1.1, 4.0)

    def draw(self) -> str:
        report = self.report
        height = 30 + len(report.groups) * (self.HEAD + self.LINE * len(report.names))
        width = self.LABEL + self.BARS + self.VALUE
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            f'<text x="8" y="18" font-size="14">CPU time of the whole process, times '
            f"{escape(report.reference)} (shorter is better)</text>",
        ]
        top = 30
        for group in report.groups:
            parts += self._group(group, top)
            top += self.HEAD + self.LINE * len(report.names)
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _group(self, group: str, top: int) -> List[str]:
        parts = [f'<text x="8" y="{top + 22}" font-weight="bold">{escape(group)}</text>']
        top += self.HEAD - 4
        for place, name in enumerate(self.report.names):
            ratios = self.report.ratios(group, name, "cpu")
            parts += self._bar(name, ratios, top + place * self.LINE, self.PALETTE[place % 7])
        bottom = top + len(self.report.names) * self.LINE
        x = self._x(1.0)
        parts.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="#333"/>')
        return parts

    def _bar(self, name: str, ratios: List[float], top: int, colour: str) -> List[str]:
        middle = top + self.LINE // 2
        parts = [f'<text x="{self.LABEL - 6}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>']
        if not ratios:
            return [*parts, f'<text x="{self.LABEL + 4}" y="{middle + 4}">no figure</text>']
        mean = geometric_mean(ratios)
        width = self._x(mean) - self.LABEL
        parts.append(
            f'<rect x="{self.LABEL}" y="{top + 2}" width="{width:.1f}" height="{self.LINE - 4}" '
            f'fill="{colour}"/>'
        )
        for ratio in ratios:
            parts.append(
                f'<circle cx="{self._x(ratio):.1f}" cy="{middle}" r="2" fill="black" opacity="0.35"/>'
            )
        place = self.LABEL + self.BARS + 6
        parts.append(f'<text x="{place}" y="{middle + 4}">{mean:.2f}</text>')
        return parts

    def _x(self, ratio: float) -> float:
        return self.LABEL + min(ratio / self.most, 1.0) * self.BARS
