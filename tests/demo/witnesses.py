# SPDX-License-Identifier: BSD-3-Clause
"""What a run has recorded, read back and put on one axis: the emulated host's CLOCK_MONOTONIC, in nanoseconds.

Files of a recording: record (the job's own lines), guest.states and host.states (sampled sysfs power_state),
events.json (coldvm's event monitor), power.log (the emulated hardware's), image.sums (the disk image, read outside).
"""

import collections
import json
import re

FILES = ("record", "guest.states", "host.states", "events.json", "power.log", "image.sums")

GUEST, EVENTS, HOST, LOG = "guest sysfs", "coldvm events", "host sysfs", "power log"
WITNESSES = (GUEST, EVENTS, HOST, LOG)

MS = 1_000_000
# How late a witness may note what has happened: the interval of its samples, and what else a busy machine has to do
# than to emulate them (50 ms were seen). coldvm stamps its events itself.
LATE = {GUEST: 260 * MS, EVENTS: 0, HOST: 255 * MS, LOG: 200 * MS}
# Clocks drift: only readings this near say something about a moment.
CLOCK_WINDOW = 30_000 * MS

# One line of a witness: when it was noted, the clock's error, which lane, what was seen.
Change = collections.namedtuple("Change", "t_ns error_ns lane state")
Event = collections.namedtuple("Event", "t_ns name properties")


class Clock:
    """Another clock's offset to the axis, from readings that give a lower and an upper limit each."""

    def __init__(self):
        self._readings = []

    def add(self, there, low, high):
        self._readings.append((there, low, high))

    def convert(self, there):
        """(time on the axis, error), or None without any reading."""
        if not self._readings:
            return None
        near = [r for r in self._readings if abs(r[0] - there) <= CLOCK_WINDOW]
        nearest = min(self._readings, key=lambda r: abs(r[0] - there))
        low, high = max((r[1] for r in near), default=1), min((r[2] for r in near), default=0)
        if low > high:
            low, high = nearest[1:]
        return there + (low + high) // 2, (high - low) // 2


class Cycle:
    """Marks and measurements of one cycle, as the job noted them."""

    def __init__(self, number):
        self.number = number
        self.idle = self.touch = self.end = None
        self.stamps = None  # guest's clock: before unbind, after it, after power/control
        self.wake = {}
        self.data = {}  # "before", "after", "write": (MiB, checksum)

    def complete(self):
        return None not in (self.idle, self.touch, self.end)


class Recording:
    """A run, from the lines of its files."""

    def __init__(self, files):
        self.guest_clock, self.outside_clock = Clock(), Clock()
        self.cycles, self.functions, self.asked = [], [], 0
        self.header = {}
        self._read_record(files.get("record", []))
        # A cycle lasts until the next one, so that no switch of power falls between two.
        for cycle, following in zip(self.cycles, self.cycles[1:]):
            cycle.end = following.idle or cycle.end
        self.changes = {
            GUEST: self._states(files.get("guest.states", []), self.functions[2:4], self.guest_clock),
            HOST: self._states(files.get("host.states", []), self.functions[0:2], None),
            LOG: self._power_log(files.get("power.log", [])),
        }
        self.events = sorted(read_events(files.get("events.json", [])), key=lambda event: event.t_ns)
        # image.sums: "before MIB SUM", "after MIB SUM", "text MIB SUM" (what should have been written)
        self.image = {}
        for line in files.get("image.sums", []):
            when, block, digest = line.split()
            self.image[when, int(block)] = digest

    def _cycle(self, number):
        while len(self.cycles) < number:
            self.cycles.append(Cycle(len(self.cycles) + 1))
        return self.cycles[number - 1]

    def _read_record(self, lines):
        for line in lines:
            word, *rest = line.lstrip("@").split()
            if word == "run":
                self.header = dict(item.split("=", 1) for item in rest)
                self.asked = int(self.header.get("cycles", 0))
            elif word == "functions":
                self.functions = rest
            elif word == "clock" and rest[0] == "guest":
                before, there, after = (int(n) for n in rest[1:])
                self.guest_clock.add(there, before - there, after - there)
            elif word == "clock":
                here, there, error = (int(n) for n in rest[1:])
                self.outside_clock.add(there, here - there - error, here - there + error)
            elif word in ("idle", "touch", "end"):
                setattr(self._cycle(int(rest[0])), word, int(rest[1]))
            elif word == "idled":
                self._cycle(int(rest[0])).stamps = [int(n) for n in rest[1:]]
            elif word == "wake":
                self._cycle(int(rest[0])).wake = dict(zip(rest[1::2], rest[2::2]))
            elif word == "data":
                self._cycle(int(rest[0])).data[rest[1]] = (int(rest[2]), rest[3])

    def _states(self, lines, functions, clock):
        """Changes of a sampled power_state; lanes are called device and port."""
        lanes = dict(zip(functions, ("device", "port")))
        changes = []
        for line in lines:
            match = re.match(r"(\d+) \S*/([0-9a-f:.]+)/power_state \S+ (\S+)$", line)
            if not match or match[2] not in lanes:
                continue
            at = clock.convert(int(match[1])) if clock else (int(match[1]), 0)
            if at:
                changes.append(Change(*at, lanes[match[2]], match[3]))
        return sorted(changes)

    def _power_log(self, lines):
        changes = []
        for line in lines:
            match = re.match(r"(\d+) 1 (on|off)$", line)
            at = match and self.outside_clock.convert(int(match[1]))
            if at:
                changes.append(Change(*at, "slot", match[2]))
        return sorted(changes)


def read_events(lines):
    for line in lines:
        try:
            event = json.loads(line)
            if event["source"] == "device":
                properties = event["properties"]
                yield Event(properties.pop("t_ns"), event["event"], properties)
        except (ValueError, KeyError, TypeError):
            continue


def load(folder):
    """The lines of a recording's files by name; a file that is missing is an empty one."""
    files = {}
    for name in FILES:
        try:
            files[name] = (folder / name).read_text(errors="replace").splitlines()
        except OSError:
            files[name] = []
    return files
