# SPDX-License-Identifier: BSD-3-Clause
"""The printed timeline: four witnesses side by side, one row a moment; and the table of figures."""

from figures import backend
from witnesses import EVENTS, GUEST, HOST, LOG, MS, WITNESSES

WIDTHS = {GUEST: 16, EVENTS: 22, HOST: 16, LOG: 9}
# Rows of one witness within this are one row.
SAME_NS = 1 * MS


def cell(witness, change):
    return f"slot {change.state}" if witness == LOG else f"{change.lane} {change.state}"


def rows(recording, cycle):
    """[(time, {witness: text})] of a cycle, in order."""
    noted = [(event.t_ns, EVENTS, event.name) for event in recording.events]
    for witness, changes in recording.changes.items():
        noted += [(change.t_ns, witness, cell(witness, change)) for change in changes]
    # Events of one moment keep the order in which they were told.
    noted = sorted((entry for entry in noted if cycle.idle <= entry[0] < cycle.end), key=lambda entry: entry[0])
    merged = []
    for t_ns, witness, text in noted:
        if merged and t_ns - merged[-1][0] < SAME_NS and witness not in merged[-1][1]:
            merged[-1][1][witness] = text
        else:
            merged.append((t_ns, {witness: text}))
    return merged


def clock_errors(recording):
    """The largest clock error of the witnesses that have a clock of their own."""
    return {witness: max((change.error_ns for change in recording.changes[witness]), default=0)
            for witness in (GUEST, LOG)}


def print_timeline(recording):
    errors = clock_errors(recording)
    print(f"\nTimeline, back end {backend(recording)}: seconds since the cycle's idle request, by the emulated "
          f"host's clock (clock errors: guest {errors[GUEST] / MS:.0f} ms, power log {errors[LOG] / MS:.1f} ms)")
    print("           " + "  ".join(f"{name:{WIDTHS[name]}}" for name in WITNESSES).rstrip())
    for cycle in recording.cycles:
        if not cycle.complete():
            continue
        print(f"cycle {cycle.number:<3} " + "-" * (sum(WIDTHS.values()) + 6))
        touched = False
        for t_ns, texts in rows(recording, cycle):
            if t_ns > cycle.touch and not touched:
                print(f"  {(cycle.touch - cycle.idle) / 1e9:7.3f}  the guest touches the device")
                touched = True
            print(f"  {(t_ns - cycle.idle) / 1e9:7.3f}  "
                  + "  ".join(f"{texts.get(name, ''):{WIDTHS[name]}}" for name in WITNESSES).rstrip())


def print_figures(cycles):
    """One line a cycle: what the steps took."""
    columns = (("awake", "awake_ns"), ("to _OFF", "off_ns"), ("of it unbind", "unbind_ns"), ("to D3cold", "d3cold_ns"),
               ("guest's wake", "wake_ns"), ("host's exit", "exit_ns"), ("difference", "difference_ns"))
    print("\nFigures in ms: from the last wake to _OFF; idle request to _OFF; first entry call to D3cold; from the")
    print("guest's touch until config space and BAR answer; the host's exit from low power; the last two's difference")
    print("cycle  " + "  ".join(f"{title:>12}" for title, _ in columns))
    for figures in cycles:
        values = (figures[name] for _, name in columns)
        print(f"{figures['cycle']:>5}  "
              + "  ".join(f"{'?' if value is None else f'{value / MS:.1f}':>12}" for value in values))
