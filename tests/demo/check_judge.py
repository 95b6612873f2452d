#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Lies to the demo's judge: one in each witness in turn, planted in the recording of a real run, must be named.

The last line counts in the form that scripts/test reads. recorded/ is the recording of a run on a busy machine.
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
DEMO = HERE.parent.parent / "scripts/demo"
sys.path.insert(0, str(HERE))

import figures  # noqa: E402
import lies  # noqa: E402
from judge import judge  # noqa: E402
from witnesses import EVENTS, GUEST, HOST, LOG, MS, WITNESSES, Clock, Recording, load  # noqa: E402

RECORDED = HERE / "recorded"
CYCLES = (1, 2, 3)


def findings(files):
    return judge(Recording(files))


def named(files):
    return {(finding.who, finding.cycle) for finding in findings(files)}


class TheTruth(unittest.TestCase):
    def test_a_real_run_has_no_findings(self):
        self.assertEqual(findings(load(RECORDED)), [])

    def test_figures_are_those_of_the_witnesses(self):
        first = figures.document(Recording(load(RECORDED)))["cycles"][0]
        self.assertEqual((first["d3cold_ns"], first["wake_ns"], first["exit_ns"], first["difference_ns"]),
                         (27154666, 352666779, 187238128, 352666779 - 187238128))
        # The guest's clock is 23.3 s behind and known to 50 ms: the request lies between mark and event.
        self.assertTrue(0 < first["off_ns"] < 34994034113 - 33806149335)
        self.assertEqual(first["unbind_ns"], 11290295382 - 10498528116)
        self.assertIsNone(first["awake_ns"])

    def test_a_device_is_awake_from_its_wake_to_off(self):
        files = load(RECORDED)
        stamps = {}
        for event in Recording(files).events:
            stamps.setdefault(event.name, []).append(event.t_ns)
        second = figures.document(Recording(files))["cycles"][1]
        self.assertEqual(second["awake_ns"], stamps["power-off-asked"][1] - stamps["power-alive"][0])

    def test_the_back_end_is_named(self):
        files = load(RECORDED)
        self.assertEqual(figures.document(Recording(files))["backend"], "lowpower")
        files["events.json"] = [line.replace('"lowpower"', '"explicit"') for line in files["events.json"]]
        self.assertEqual(figures.document(Recording(files))["backend"], "explicit")
        self.assertEqual(figures.document(Recording({}))["backend"], "unknown")

    def entry_that_returns_with_d3cold(self, **changes):
        """Findings about a back end whose entry calls begin with _OFF and return when the power is off already."""
        files = load(RECORDED)
        events, asked = [json.loads(line) for line in files["events.json"]], 0
        for event, following in zip(events, events[1:]):
            properties = event["properties"]
            if event["event"] == "power-off-asked":
                asked = properties["t_ns"]
            elif event["event"] == "power-entry-issued":
                properties["t_ns"] = following["properties"]["t_ns"]
                properties["took_ns"] = properties["t_ns"] - asked
                properties.update(changes)
        files["events.json"] = [json.dumps(event) for event in events]
        # The log's record of it comes a little earlier than that of the busy machine.
        files["power.log"] = [f"{int(line.split()[0]) - 12 * MS} {' '.join(line.split()[1:])}"
                              if line.endswith("off") else line for line in files["power.log"]]
        return findings(files)

    def test_an_entry_may_cut_the_power_before_it_returns(self):
        self.assertEqual(self.entry_that_returns_with_d3cold(), [])
        self.assertTrue(self.entry_that_returns_with_d3cold(took_ns=0))


class ALie(unittest.TestCase):
    def check(self, witness, kind):
        for number in CYCLES:
            with self.subTest(witness=witness, kind=kind, cycle=number):
                found = findings(lies.plant(load(RECORDED), witness, kind, number))
                self.assertTrue(found, "the judge saw nothing")
                self.assertEqual((found[0].who, found[0].cycle), (witness, number), found[0].what)
                self.assertEqual({finding.who for finding in found}, {witness})


# One test a lie, so that each is counted.
for _witness in (*WITNESSES, "data"):
    for _kind in lies.kinds(_witness):
        setattr(ALie, f"test_{_witness.replace(' ', '_')}_{_kind}",
                lambda self, witness=_witness, kind=_kind: self.check(witness, kind))


class AWitness(unittest.TestCase):
    def test_without_any_word_is_named_in_each_cycle(self):
        for witness, name in lies.FILES.items():
            with self.subTest(witness=witness):
                files = {**load(RECORDED), name: []}
                self.assertEqual(named(files), {(witness, number) for number in CYCLES})

    def test_with_garbage_is_named(self):
        for witness, name in lies.FILES.items():
            with self.subTest(witness=witness):
                files = {**load(RECORDED), name: ["", "{}", "[1]", "no words of a witness", '{"source": 1}',
                                                "40000000000 /sys/bus/pci/devices/0000:02:00.0/power_state D0 D3cold"]}
                self.assertEqual(named(files), {(witness, number) for number in CYCLES})

    def test_that_speaks_of_another_slot_is_named(self):
        files = load(RECORDED)
        files["power.log"] = [line.replace(" 1 ", " 2 ") for line in files["power.log"]]
        self.assertEqual(named(files), {(LOG, number) for number in CYCLES})

    def test_whose_one_lane_is_missing_is_named(self):
        for witness, lane in ((GUEST, "0000:00:01.0"), (HOST, "0000:01:00.0"), (HOST, "0000:00:01.0")):
            with self.subTest(witness=witness, lane=lane):
                files = load(RECORDED)
                name = lies.FILES[witness]
                files[name] = [line for line in files[name] if f"{lane}/power_state" not in line]
                self.assertEqual(named(files), {(witness, number) for number in CYCLES})

    def test_that_contradicts_one_other_only_is_named_with_it(self):
        # The power is on 300 ms after the host's devices already were in D0: one of the two must be wrong.
        files = load(RECORDED)
        cycle = Recording(files).cycles[1]
        files = lies.Liar(files, LOG, 2).shift(300 * MS, start=cycle.touch)
        who = {finding.who for finding in findings(files)}
        self.assertEqual(len(who), 1)
        self.assertIn(LOG, who.pop())

    def test_that_is_named_already_does_not_draw_others_in(self):
        # The host's device says nothing, and its port is on before the slot is.
        files = load(RECORDED)
        files["host.states"] = [line for line in files["host.states"] if "0000:01:00.0/power_state" not in line]
        cycle = Recording(files).cycles[1]
        files = lies.Liar(files, HOST, 2).shift(-300 * MS, start=cycle.touch)
        self.assertEqual({finding.who for finding in findings(files)}, {HOST})

    def test_whose_call_failed_is_named(self):
        for event in ("power-entry-issued", "power-exit-returned"):
            with self.subTest(event=event):
                files = load(RECORDED)
                files["events.json"] = [line.replace('"rc":0', '"rc":-16') if event in line else line
                                        for line in files["events.json"]]
                self.assertEqual(named(files), {(EVENTS, number) for number in CYCLES})

    def test_that_observed_a_shallower_state_is_named(self):
        files = load(RECORDED)
        files["events.json"] = [line.replace('"device_state":"D3cold"', '"device_state":"D3hot"')
                                for line in files["events.json"]]
        self.assertEqual(named(files), {(EVENTS, number) for number in CYCLES})


class AllFour(unittest.TestCase):
    """They agree with each other, and not with what was asked for."""

    def shifted(self, by_ns, start=None):
        files = load(RECORDED)
        start = start and Recording(files).cycles[0].touch
        for witness in WITNESSES:
            files = lies.Liar(files, witness, 1).shift(by_ns, start=start)
        return findings(files)

    def test_switched_on_before_that_was_asked_for(self):
        found = self.shifted(-1200 * MS, start="touch")
        self.assertEqual({finding.who for finding in found}, set(WITNESSES))
        self.assertTrue(all("before that was asked for" in finding.what for finding in found))

    def test_switched_off_after_the_device_was_touched(self):
        found = self.shifted(1500 * MS)
        self.assertEqual({finding.who for finding in found}, set(WITNESSES))
        self.assertTrue(all("after that was over" in finding.what for finding in found))


class Between(unittest.TestCase):
    def test_the_end_of_a_cycle_and_the_next_nothing_goes_unseen(self):
        files = load(RECORDED)
        end = next(int(line.split()[2]) for line in files["record"] if line.startswith("@end 1 "))
        clock = Recording(files).outside_clock
        # The outside's clock in that gap, by the one reading nearest to it.
        stamp = int(files["power.log"][3].split()[0])
        while clock.convert(stamp)[0] < end + 300 * MS:
            stamp += 50 * MS
        files["power.log"][4:4] = [f"{stamp} 1 off", f"{stamp + 50 * MS} 1 on"]
        self.assertEqual(named(files), {(LOG, 1)})


class TheData(unittest.TestCase):
    def test_that_guest_and_image_share_must_be_what_was_asked_for(self):
        files = load(RECORDED)
        files["image.sums"] = [line[:-4] + "0000" if line.startswith("text 17 ") else line
                               for line in files["image.sums"]]
        self.assertEqual(named(files), {("data", 2)})


class TheGuest(unittest.TestCase):
    def altered(self, old, new):
        files = load(RECORDED)
        files["record"] = [line.replace(old, new) if line.startswith("@wake 2 ") else line
                           for line in files["record"]]
        return named(files)

    def test_that_touched_a_device_in_d0_is_named(self):
        self.assertEqual(self.altered("before D3cold", "before D0"), {(GUEST, 2)})

    def test_whose_device_does_not_answer_is_named(self):
        self.assertEqual(self.altered("config 0x00101b36", "config 0xffffffff"), {(GUEST, 2)})
        self.assertEqual(self.altered("bar 0x0f0107ff", "bar 0xffffffff"), {(GUEST, 2)})


class ARun(unittest.TestCase):
    def test_that_stops_short_is_named_with_the_cycle(self):
        files = load(RECORDED)
        files["record"] = [line for line in files["record"] if not line.startswith("@end 3")]
        self.assertEqual(named(files), {("job", 3)})

    def test_without_a_record_fails(self):
        self.assertEqual(named({}), {("job", 1)})


class AClock(unittest.TestCase):
    def test_is_as_exact_as_all_readings_together(self):
        clock = Clock()
        clock.add(1000, 90, 130)
        clock.add(2000, 100, 150)
        self.assertEqual(clock.convert(1500), (1500 + 115, 15))

    def test_that_drifts_is_read_from_the_nearest(self):
        clock = Clock()
        clock.add(1000, 90, 100)
        clock.add(2000, 200, 220)
        self.assertEqual(clock.convert(1100), (1100 + 95, 5))
        self.assertEqual(clock.convert(1900), (1900 + 210, 10))

    def test_without_readings_says_so(self):
        self.assertIsNone(Clock().convert(1))


class TheCommand(unittest.TestCase):
    def demo(self, *arguments):
        with tempfile.TemporaryDirectory() as out:
            done = subprocess.run([DEMO, "--out", out, *arguments], text=True, capture_output=True, timeout=60)
            files = {path.name: path.read_text() for path in Path(out).iterdir()}
        return done, files

    def test_passes_on_the_truth_and_writes_json_and_picture(self):
        done, files = self.demo("--replay", RECORDED)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1], r"^demo: PASS 3 cycles, _OFF after .* difference ")
        self.assertEqual(json.loads(files["demo.json"])["verdict"], "PASS")
        for witness in WITNESSES:
            self.assertIn(witness, done.stdout)
        self.assertTrue("demo.svg" not in files or "</svg>" in files["demo.svg"])

    def test_names_witness_and_cycle_in_its_last_line(self):
        done, files = self.demo("--replay", RECORDED, "--lie", "log:extra:2")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1], r"^demo: FAIL: power log, cycle 2: ")
        self.assertEqual(json.loads(files["demo.json"])["findings"][0]["who"], LOG)

    def test_refuses_bad_arguments_in_one_line(self):
        for arguments in (["--cycles", "0"], ["--cycles", "x"], ["--kernel", "5.10"], ["--driver", "old"],
                          ["--awake-ms", "-1"], ["--awake-ms", "60001"], ["--nonsense"], ["word"],
                          ["--lie", "nobody"], ["--lie", "log:loud"], ["--lie", "log:late:x"],
                          ["--replay", "/nonexistent"]):
            with self.subTest(arguments=arguments):
                done, files = self.demo(*arguments)
                self.assertEqual((done.returncode, done.stdout, files), (2, "", {}))
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_leaves_a_folder_alone_that_is_not_its_own(self):
        with tempfile.TemporaryDirectory() as out:
            kept = Path(out, "lab")
            kept.mkdir()
            done = subprocess.run([DEMO, "--out", out], text=True, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout.splitlines()[-1], "^demo: FAIL: .* is neither empty nor")
            self.assertEqual(list(Path(out).iterdir()), [kept])


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=1)
    bad = len({getattr(test, "test_case", test) for test, _ in program.result.failures + program.result.errors})
    print(f"{program.result.testsRun - bad - len(program.result.skipped)} passed, {bad} failed, "
          f"{len(program.result.skipped)} skipped")
    sys.exit(bad != 0)
