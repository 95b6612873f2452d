# SPDX-License-Identifier: BSD-3-Clause
"""Per cycle: how long each step took, and by whose clock; and the whole run as what goes into demo.json."""

from judge import judge
from witnesses import MS


def cycle_figures(recording, cycle):
    """Nanoseconds by name; None where a witness is silent."""
    events = {event.name: event for event in recording.events if cycle.idle <= event.t_ns < cycle.end}
    figures = dict.fromkeys(("awake_ns", "off_ns", "off_error_ns", "unbind_ns", "d3cold_ns", "wake_ns", "exit_ns",
                             "difference_ns"))
    woken = [event.t_ns for event in recording.events if event.name == "power-alive" and event.t_ns < cycle.idle]
    if woken and "power-off-asked" in events:
        figures["awake_ns"] = events["power-off-asked"].t_ns - woken[-1]
    asked = cycle.stamps and recording.guest_clock.convert(cycle.stamps[0])
    if asked and "power-off-asked" in events:
        figures["off_ns"] = events["power-off-asked"].t_ns - asked[0]
        figures["off_error_ns"] = asked[1]
        figures["unbind_ns"] = cycle.stamps[1] - cycle.stamps[0]
    if "power-d3cold" in events:
        figures["d3cold_ns"] = events["power-d3cold"].properties["since_ns"]
    if "answer_ns" in cycle.wake:
        figures["wake_ns"] = int(cycle.wake["answer_ns"])
    if "power-exit-returned" in events:
        figures["exit_ns"] = events["power-exit-returned"].properties["took_ns"]
    if None not in (figures["wake_ns"], figures["exit_ns"]):
        figures["difference_ns"] = figures["wake_ns"] - figures["exit_ns"]
    return figures


def span(cycles, name):
    """The range of a figure over the cycles, in words."""
    values = [figures[name] / MS for figures in cycles if figures[name] is not None]
    if not values:
        return "?"
    low, high = f"{min(values):.0f}", f"{max(values):.0f}"
    return f"{low} ms" if low == high else f"{low}-{high} ms"


def summary(cycles):
    return (f"_OFF after {span(cycles, 'off_ns')}, D3cold {span(cycles, 'd3cold_ns')} later, "
            f"wake {span(cycles, 'wake_ns')}, host's exit {span(cycles, 'exit_ns')}, "
            f"difference {span(cycles, 'difference_ns')}")


def backend(recording):
    """coldvm's power back end, as its events name it."""
    names = {event.properties["backend"] for event in recording.events if "backend" in event.properties}
    return "/".join(sorted(names)) or "unknown"


def document(recording):
    """What demo.json holds. Times are nanoseconds of the emulated host's CLOCK_MONOTONIC."""
    findings = judge(recording)
    cycles = []
    for cycle in recording.cycles:
        if cycle.complete():
            cycles.append({"cycle": cycle.number, "idle_ns": cycle.idle, "touch_ns": cycle.touch,
                           "end_ns": cycle.end, **cycle_figures(recording, cycle),
                           "data": {when: {"mib": block, "sha256": digest}
                                    for when, (block, digest) in cycle.data.items()}})
    return {
        "verdict": "FAIL" if findings else "PASS",
        "findings": [finding._asdict() for finding in findings],
        "run": recording.header,
        "backend": backend(recording),
        "cycles": cycles,
        "witnesses": {
            **{name: [change._asdict() for change in changes] for name, changes in recording.changes.items()},
            "coldvm events": [event._asdict() for event in recording.events],
        },
    }
