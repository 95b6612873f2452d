# SPDX-License-Identifier: BSD-3-Clause
"""The tables of tests/bench/power: of what each row's runs have left in DIRECTORY/ROW/files.

usage: power_table.py DIRECTORY ROW...
"""

import json
import statistics
import sys
from pathlib import Path

MS = 1e6
FIGURES = (
    ("off_to_entry_issued", "_OFF to entry issued"),
    ("entry_issued_to_returned", "entry issued to returned"),
    ("entry_issued_to_d3cold", "entry issued to D3cold"),
    ("off_to_d3cold", "_OFF to D3cold"),
    ("on_to_exit_issued", "_ON to exit issued"),
    ("exit", "exit"),
    ("on_to_alive", "_ON to alive"),
    ("on_to_ready", "_ON to ready"),
    ("guest_wake", "wake, by the guest's clock"),
)


def load(folder, name):
    return json.loads((folder / name / "result.json").read_text())


def read_log(path):
    """Pairs of nanoseconds and whether the slot has power from then on."""
    return [(int(line.split()[0]), line.split()[2] == "on") for line in path.read_text().splitlines()]


def offset(log, result):
    """From the host's clock to the hardware's: an _ON of the guest is followed by the slot's, some ms later."""
    ons = [t for t, on in log if on]
    wakes = [cycle["on"] for cycle in result["transitions"]["cycles_ns"] if cycle["on"]]
    # The warm-up has the first.
    return statistics.median(min((on - wake for on in ons), key=abs) for wake in wakes)


def cold_share(log, begin, end):
    """The share of the time between two moments, by the hardware's clock, in which the slot had no power."""
    cold, since = 0, None
    for t, on in log + [(end, True)]:
        if on and since is not None:
            cold += max(0, min(t, end) - max(since, begin))
        since = None if on else t
    return cold / (end - begin)


def shares(log, shift, runs):
    return [cold_share(log, run["begin_ns"] + shift, run["end_ns"] + shift) for run in runs]


def main():
    directory, rows = Path(sys.argv[1]), sys.argv[2:]
    print("milliseconds: p50 p95 p99 max")
    for row in rows:
        folder = directory / row / "files"
        vm, raw = load(folder, "vm"), load(folder, "raw")
        transitions = vm["transitions"]
        print(f"{row}: {transitions['cycles']} cycles of {transitions['asked']}, back end {vm['backend']}")
        for key, words in FIGURES:
            figure = transitions["figures"].get(key)
            if figure:
                print(f"  {words:28}", *(f"{figure[p] / MS:8.2f}" for p in ("p50", "p95", "p99", "max")))
        for key, words in (("entry_issued_to_d3cold", "raw entry to D3cold"), ("exit", "raw exit")):
            figure = raw["transitions"]["figures"][key]
            print(f"  {words:28}", *(f"{figure[p] / MS:8.2f}" for p in ("p50", "p95", "p99", "max")))
        wake = transitions["figures"]["guest_wake"]["p50"]
        print(f"  the guest's wake over the raw exit, medians: {wake / raw['transitions']['figures']['exit']['p50']:.3f}")
    print("share of the workload in D3cold: period, in the guest, on the host, their ratio; by the bench and by the hardware")
    for row in rows:
        folder = directory / row / "files"
        log, shift = read_log(folder / "power.hardware"), None
        for name in ("vm", "short"):
            result = load(folder, name)
            shift = offset(log, result) if shift is None else shift
            residency = result["residency"]
            guest = statistics.median(shares(log, shift, residency["runs"]))
            host = statistics.median(shares(log, shift, residency["host"]["runs"]))
            print(f"  {row:14} {residency['workload']['period_ns'] / MS:6.0f} ms",
                  f"{residency['share']['d3cold']['median']:7.4f} {residency['host']['share']['d3cold']['median']:7.4f}",
                  f"{residency['score']['median'] if residency['score'] else 0:7.4f}",
                  f"  {guest:7.4f} {host:7.4f} {guest / host if host else 0:7.4f}")


if __name__ == "__main__":
    main()
