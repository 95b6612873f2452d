# SPDX-License-Identifier: BSD-3-Clause
"""demo.svg: what the four witnesses saw, as four lanes of steps over one time axis."""

import os
import tempfile

from judge import POWER
from witnesses import EVENTS, GUEST, HOST, LOG, WITNESSES

HEIGHT = {"D0": 1.0, "on": 1.0, "D3hot": 0.5, "D3cold": 0.0, "off": 0.0}
# coldvm's story as a height: on, on the way, off.
EVENT_HEIGHT = {"power-off-asked": 0.5, "power-d3cold": 0.0, "power-on-asked": 0.5, "power-alive": 1.0}
COLOURS = {GUEST: "#2e7d32", EVENTS: "#1565c0", HOST: "#c62828", LOG: "#6a1b9a"}
LANE = 1.6
GREY = "#555555"
# Inches; with more cycles than have room for words, they have their numbers only.
MAX_WIDTH = 60.0
WORDY = 18


def steps(recording, witness, lane, start, end):
    """(times, heights) of a lane, from start to end."""
    if witness == EVENTS:
        points = [(event.t_ns, EVENT_HEIGHT[event.name]) for event in recording.events
                  if event.name in EVENT_HEIGHT]
    else:
        points = [(change.t_ns, HEIGHT.get(change.state, 0.5)) for change in recording.changes[witness]
                  if change.lane == lane]
    before = [height for t_ns, height in points if t_ns < start]
    times, heights = [start], [before[-1] if before else 1.0]
    for t_ns, height in points:
        if start <= t_ns <= end:
            times.append(t_ns)
            heights.append(height)
    return times + [end], heights + [heights[-1]]


def draw_lanes(axes, recording, start, end, seconds):
    for row, witness in enumerate(reversed(WITNESSES)):
        base = row * LANE
        colour = COLOURS[witness]
        axes.axhline(base, color="#dddddd", linewidth=0.6, zorder=1)
        lanes = ("device", "port") if witness in (GUEST, HOST) else ("slot",)
        for lane in lanes:
            times, heights = steps(recording, witness, lane, start, end)
            axes.step([seconds(t) for t in times], [base + height for height in heights], where="post",
                      color=colour, linewidth=1.8 if lane != "port" else 1.0,
                      linestyle="-" if lane != "port" else (0, (4, 2)), zorder=3)
    ticks, labels = [], []
    for row, witness in enumerate(reversed(WITNESSES)):
        off, on = ("off", "on") if witness == LOG else ("D3cold", "D0")
        if witness == EVENTS:
            off, on = "D3cold", "alive"
        ticks += [row * LANE, row * LANE + 1]
        labels += [off, on]
        axes.text(-0.085, (row * LANE + 0.5 + 0.3) / (len(WITNESSES) * LANE), witness, rotation=90, weight="bold",
                  transform=axes.transAxes, ha="center", va="center", color=COLOURS[witness], fontsize=8.5)
    axes.set_yticks(ticks, labels, fontsize=8)
    axes.set_ylim(-0.3, len(WITNESSES) * LANE - 0.3)


def draw_cycles(axes, cycles, seconds):
    top = len(WITNESSES) * LANE - 0.3
    for cycle, figures in cycles:
        axes.axvspan(seconds(cycle.idle), seconds(cycle.end), color="#f3f3f3" if cycle.number % 2 else "#e4e9f0",
                     zorder=0, linewidth=0)
        for t_ns, word in ((cycle.idle, "idle"), (cycle.touch, "touch")):
            axes.axvline(seconds(t_ns), color=GREY, linewidth=0.8, linestyle=":", zorder=2)
            axes.text(seconds(t_ns), top - 0.06, f" {word}" if len(cycles) <= WORDY else "", fontsize=7.5,
                      color=GREY, va="top")
        words = [f"cycle {cycle.number}" if len(cycles) <= WORDY else f"{cycle.number}"]
        for title, name in (("D3cold after", "d3cold_ns"), ("wake", "wake_ns"), ("host's exit", "exit_ns")):
            if figures[name] is not None and len(cycles) <= WORDY:
                words.append(f"{title} {figures[name] / 1e6:.0f} ms")
        axes.text((seconds(cycle.idle) + seconds(cycle.end)) / 2, top + 0.08, "\n".join(words), fontsize=8,
                  ha="center", va="bottom")


def draw(recording, cycles, verdict, paths):
    """Writes the picture to each path; cycles are (Cycle, figures). False without matplotlib."""
    if not os.access(os.path.expanduser("~"), os.W_OK):
        os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("agg")
    matplotlib.rcParams.update({"svg.hashsalt": "coldvm", "font.family": "DejaVu Sans"})
    import matplotlib.pyplot as pyplot

    start = cycles[0][0].idle if cycles else 0
    end = cycles[-1][0].end if cycles else 1
    margin = (end - start) // 60

    def seconds(t_ns):
        return (t_ns - start) / 1e9

    figure, axes = pyplot.subplots(figsize=(min(max(10.0, 3.4 * len(cycles)), MAX_WIDTH), 5.6))
    if cycles:
        draw_lanes(axes, recording, start - margin, end + margin, seconds)
        draw_cycles(axes, cycles, seconds)
    axes.set_xlim(seconds(start - margin), seconds(end + margin))
    axes.set_xlabel("seconds since the first idle request, by the emulated host's clock"
                    "  (solid: device, dashed: port; half height: on the way)", fontsize=8.5)
    axes.tick_params(axis="x", labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.suptitle(f"A guest's device in D3cold and back: four witnesses ({verdict})", fontsize=11, y=0.985)
    figure.subplots_adjust(left=max(0.05, 1.0 / figure.get_figwidth()), right=0.985, bottom=0.1, top=0.8)
    for path in paths:
        figure.savefig(path, dpi=110, metadata={"Date": None} if str(path).endswith(".svg") else None)
    pyplot.close(figure)
    return True
