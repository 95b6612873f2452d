# SPDX-License-Identifier: BSD-3-Clause
"""Lies for the judge to find: each alters one witness of a recording, and leaves the others as they were."""

import json

from witnesses import EVENTS, GUEST, HOST, LOG, MS, Recording

NAMES = {"guest": GUEST, "events": EVENTS, "host": HOST, "log": LOG, "data": "data"}
FILES = {GUEST: "guest.states", EVENTS: "events.json", HOST: "host.states", LOG: "power.log"}


class Liar:
    """One witness's lines of one cycle."""

    def __init__(self, files, witness, number):
        self.files = {name: list(lines) for name, lines in files.items()}
        self.witness = witness
        self.recording = Recording(files)
        self.cycle = self.recording.cycles[number - 1]

    def _stamp(self, line):
        try:
            return json.loads(line)["properties"]["t_ns"] if self.witness == EVENTS else int(line.split()[0])
        except (ValueError, KeyError, IndexError):
            return -1

    def _on_axis(self, stamp):
        clock = {GUEST: self.recording.guest_clock, LOG: self.recording.outside_clock}.get(self.witness)
        return clock.convert(stamp)[0] if clock else stamp

    def _with_stamp(self, line, stamp):
        if self.witness == EVENTS:
            event = json.loads(line)
            event["properties"]["t_ns"] = stamp
            return json.dumps(event)
        return " ".join([str(stamp), *line.split()[1:]])

    def alter(self, change, start=None, end=None):
        """Puts change(line, stamp), a list of lines, in place of each line between start and end."""
        start, end = start or self.cycle.idle, end or self.cycle.end
        lines = self.files[FILES[self.witness]]
        self.files[FILES[self.witness]] = [
            new for line in lines for new in
            (change(line, self._stamp(line)) if start <= self._on_axis(self._stamp(line)) < end else [line])]
        return self.files

    def shift(self, by_ns, start=None, end=None):
        return self.alter(lambda line, stamp: [self._with_stamp(line, stamp + by_ns)], start, end)

    def blip(self):
        """A short time with power in the middle of the cold one."""
        def change(line, stamp):
            words = line.split()
            if self.witness == EVENTS and json.loads(line)["event"] == "power-d3cold":
                event = json.loads(line)
                event["event"] = "power-wake"
                return [line, self._with_stamp(json.dumps(event), stamp + 200 * MS)]
            if self.witness == LOG:
                return [line, f"{stamp + 200 * MS} {words[1]} on", f"{stamp + 250 * MS} {words[1]} off"]
            if words[-1] == "D3cold":
                return [line, f"{stamp + 200 * MS} {words[1]} D3cold D0", f"{stamp + 250 * MS} {words[1]} D0 D3cold"]
            return [line]
        return self.alter(change, end=self.cycle.touch)

    # -- data

    def _replace(self, name, match, digest):
        self.files[name] = [" ".join([*line.split()[:-1], digest]) if match(line.split()) else line
                            for line in self.files[name]]
        return self.files

    def record_digest(self, when):
        return self._replace("record", lambda words: words[:3] == ["@data", str(self.cycle.number), when], "0" * 64)

    def image_digest(self, when):
        block = str(self.cycle.data[when][0])
        return self._replace("image.sums", lambda words: words[:2] == ["after", block], "0" * 64)


LIES = {
    "silent": lambda liar: liar.alter(lambda line, stamp: []),
    "half": lambda liar: liar.alter(lambda line, stamp: [], start=liar.cycle.touch),
    "extra": Liar.blip,
    "late": lambda liar: liar.shift(2000 * MS),
    "slow": lambda liar: liar.shift(2000 * MS, start=liar.cycle.touch),
    "early": lambda liar: liar.shift(-1200 * MS, start=liar.cycle.touch),
}
DATA_LIES = {
    "read": lambda liar: liar.record_digest("after"),
    "write": lambda liar: liar.record_digest("write"),
    "image": lambda liar: liar.image_digest("write"),
    "neighbour": lambda liar: liar.image_digest("before"),
}


def kinds(witness):
    return DATA_LIES if witness == "data" else LIES


def parse(text):
    """WITNESS[:KIND[:CYCLE]] as (witness, kind, cycle); ValueError says what is wrong."""
    name, kind, number = (text.split(":") + ["", ""])[:3]
    if name not in NAMES:
        raise ValueError(f"no witness '{name}', but there are {', '.join(NAMES)}")
    kind = kind or next(iter(kinds(NAMES[name])))
    if kind not in kinds(NAMES[name]):
        raise ValueError(f"no lie '{kind}' for {name}, but there are {', '.join(kinds(NAMES[name]))}")
    if number and not (number.isdigit() and int(number)):
        raise ValueError(f"'{number}' is no cycle")
    return NAMES[name], kind, int(number or 1)


def plant(files, witness, kind, number):
    """The recording with one lie in it."""
    return kinds(witness)[kind](Liar(files, witness, number))
