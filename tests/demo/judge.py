# SPDX-License-Identifier: BSD-3-Clause
"""The verdict over a recording: do four witnesses that know nothing of each other tell the same story?

Each must have seen the power go off once and come back once per cycle, between the requests that the job noted, in
the order in which the hardware and three kernels act, and all within a second. Nobody is believed more than the
others: where two disagree, the one that disagrees with most of them is named.
"""

import collections
import itertools

from witnesses import EVENTS, GUEST, HOST, LATE, LOG, MS

DATA = "data"
COLD, ON = "D3cold", "D0"
POWER = {"D3cold": COLD, "off": COLD, "D0": ON, "on": ON}
LANES = {GUEST: ("device", "port"), HOST: ("device", "port"), LOG: ("slot",)}

SEQUENCE = ("power-off-asked", "power-entry-issued", "power-d3cold",
            "power-on-asked", "power-exit-returned", "power-alive")

# What comes before what, by witness and lane or event; the limits of a moment's time make "before" a certain one.
BEFORE = {
    COLD: (((EVENTS, "power-off-asked"), (GUEST, "device")), ((EVENTS, "power-off-asked"), (GUEST, "port")),
           ((EVENTS, "power-entry-issued"), (LOG, "slot")), ((LOG, "slot"), (HOST, "device")),
           ((LOG, "slot"), (HOST, "port")), ((LOG, "slot"), (EVENTS, "power-d3cold"))),
    ON: (((EVENTS, "power-on-asked"), (LOG, "slot")), ((LOG, "slot"), (HOST, "port")),
         ((LOG, "slot"), (HOST, "device")), ((LOG, "slot"), (EVENTS, "power-exit-returned")),
         ((HOST, "device"), (EVENTS, "power-exit-returned")), ((EVENTS, "power-exit-returned"), (GUEST, "device")),
         ((LOG, "slot"), (GUEST, "device")), ((HOST, "port"), (GUEST, "device"))),
}
# All that belongs to one switch of the power happens within this.
TOGETHER_NS = 1000 * MS

Finding = collections.namedtuple("Finding", "cycle who what")
# When something happened at the earliest and at the latest, and which word the witness used.
Moment = collections.namedtuple("Moment", "low high")


def power_changes(changes, lane, start, end):
    """A lane's switches of power within a window: [(COLD or ON, change)]. States between the two are passed over."""
    last, found = ON, []
    for change in changes:
        state = POWER.get(change.state)
        if change.lane != lane or state is None:
            continue
        if start <= change.t_ns < end and state != last:
            found.append((state, change))
        last = state
    return found


def moment(witness, t_ns, error_ns=0):
    return Moment(t_ns - LATE[witness] - error_ns, t_ns + error_ns)


def event_moment(event):
    """An entry's calls may cut the power before they return."""
    took_ns = event.properties.get("took_ns", 0) if event.name == "power-entry-issued" else 0
    return Moment(event.t_ns - took_ns, event.t_ns)


def ms(value):
    return f"{value / MS:.0f} ms"


class Judge:
    def __init__(self, recording):
        self.recording = recording
        self.findings = []
        # per cycle: {COLD or ON: {(witness, lane or event): Moment}}
        self.moments = []

    def _find(self, cycle, who, what):
        self.findings.append(Finding(cycle.number, who, what))

    def judge(self):
        """All findings, the first cycle's first. None: the witnesses agree, and the data is right."""
        done = [cycle for cycle in self.recording.cycles if cycle.complete()]
        for cycle in done:
            self.moments.append({COLD: {}, ON: {}})
            for witness, lanes in LANES.items():
                for lane in lanes:
                    self._lane(cycle, witness, lane)
            self._events(cycle)
            self._guest_wake(cycle)
            suspects = {f.who for f in self.findings if f.cycle == cycle.number}
            for switch in (COLD, ON):
                self._order(cycle, switch, suspects)
            self._data(cycle)
        if len(done) < max(self.recording.asked, 1):
            self.findings.append(Finding(len(done) + 1, "job", "the cycle did not end"))
        self.findings.sort(key=lambda finding: finding.cycle)
        return self.findings

    # -- each witness alone

    def _lane(self, cycle, witness, lane):
        seen = power_changes(self.recording.changes[witness], lane, cycle.idle, cycle.end)
        if [state for state, _ in seen] != [COLD, ON]:
            words = ", ".join(change.state for _, change in seen)
            self._find(cycle, witness, f"its {lane} went {words}, not once off and once on" if seen
                       else f"it saw no change of the {lane}")
            return
        for state, change in seen:
            self._place(cycle, witness, lane, state, moment(witness, change.t_ns, change.error_ns))

    def _place(self, cycle, witness, name, switch, when):
        """Takes a moment in, if it lies between the requests."""
        start, end = (cycle.idle, cycle.touch) if switch == COLD else (cycle.touch, cycle.end)
        if when.high < start:
            self._find(cycle, witness, f"{name} was {switch} {ms(start - when.high)} before that was asked for")
        elif when.low > end:
            self._find(cycle, witness, f"{name} was {switch} {ms(when.low - end)} after that was over")
        else:
            self.moments[-1][switch][witness, name] = when

    def _events(self, cycle):
        events = [event for event in self.recording.events if cycle.idle <= event.t_ns < cycle.end]
        names = tuple(event.name for event in events)
        if names != SEQUENCE:
            self._find(cycle, EVENTS, self._wrong_sequence(names))
            return
        for event in events:
            failed = [f"{f['id']}: {f['rc']}" for f in event.properties.get("functions", []) if f["rc"]]
            if failed:
                self._find(cycle, EVENTS, f"{event.name} failed for {', '.join(failed)}")
            if event.properties.get("device_state", COLD) != COLD:
                self._find(cycle, EVENTS, f"{event.name} in {event.properties['device_state']}")
            switch = COLD if SEQUENCE.index(event.name) < 3 else ON
            self._place(cycle, EVENTS, event.name, switch, event_moment(event))

    @staticmethod
    def _wrong_sequence(names):
        if not names:
            return "there are none"
        for name in SEQUENCE:
            if name not in names:
                return f"no {name}"
        for name, count in collections.Counter(names).items():
            if count > 1 or name not in SEQUENCE:
                return f"{name} is one too many"
        return "they come as " + ", ".join(names)

    def _guest_wake(self, cycle):
        wake = cycle.wake
        if wake.get("before") != COLD or wake.get("after") != ON:
            self._find(cycle, GUEST, f"the device went from {wake.get('before')} to {wake.get('after')} when touched")
        if wake.get("config", "0xffffffff") == "0xffffffff" or wake.get("bar", "0xffffffff") == "0xffffffff":
            self._find(cycle, GUEST, "config space or BAR did not answer after the wake")

    # -- witnesses against each other

    def _disputes(self, moments, switch):
        """[(one, other, what)] of moments that cannot both be right."""
        for (one, a), (other, b) in itertools.combinations(moments.items(), 2):
            apart = max(a.low - b.high, b.low - a.high)
            if one[0] != other[0] and apart > TOGETHER_NS:
                yield one, other, f"{ms(apart)} apart"
        for first, second in BEFORE[switch]:
            if first in moments and second in moments:
                early = moments[first].low - moments[second].high
                if early > 0:
                    yield first, second, f"{second[0]}' {second[1]} {ms(early)} before {first[0]}' {first[1]}"

    def _order(self, cycle, switch, suspects):
        moments = {key: when for key, when in self.moments[-1][switch].items() if key[0] not in suspects}
        while True:
            disputes = list(self._disputes(moments, switch))
            if not disputes:
                return
            against = collections.defaultdict(set)
            for one, other, _ in disputes:
                against[one[0]].add(other[0])
                against[other[0]].add(one[0])
            most = max(len(others) for others in against.values())
            named = [who for who in against if len(against[who]) == most]
            what = next(text for one, other, text in disputes if one[0] in named or other[0] in named)
            self._find(cycle, " or ".join(named), f"at {switch}: {what}")
            moments = {key: when for key, when in moments.items() if key[0] not in named}

    # -- data

    def _data(self, cycle):
        image = self.recording.image
        for when, words in (("before", "what the guest read before it idled"),
                            ("after", "what the guest read after the wake")):
            block, digest = cycle.data.get(when, (-1, None))
            if digest is None or digest != image.get(("before", block)):
                self._find(cycle, DATA, f"{words} is not what was in the image")
        block, digest = cycle.data.get("before", (-1, None))
        if digest != image.get(("after", block)):
            self._find(cycle, DATA, "a block that nobody wrote has changed in the image")
        block, digest = cycle.data.get("write", (-1, None))
        if digest is None or digest != image.get(("text", block)):
            self._find(cycle, DATA, "the guest wrote something else than it was told")
        if digest is None or digest != image.get(("after", block)):
            self._find(cycle, DATA, "what the guest wrote is not in the image")


def judge(recording):
    return Judge(recording).judge()
