# SPDX-License-Identifier: BSD-3-Clause
"""report.html in a browser: its numbers are those of result.json, and it fits a phone.

usage: check_page.py COLDVM-BENCH

A run is made up, the same every time; `coldvm-bench report` writes its page, and headless Chromium opens it at the widths
of a phone and of a desk. Prints what does not hold, and "N passed, N failed, N skipped" at the end. Exits with 77 where
there is no Chromium or no gnuplot.
"""

import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from html.parser import HTMLParser
from pathlib import Path

PHONE, DESK = 360, 1200
SKIPPED = 77
MS, S = 1_000_000, 1_000_000_000
HOSTILE = "rail <b>\"1\"</b> & `x` " + "long" * 20
STATES = ("d0", "d3cold")


def spread(unit, *values):
    values = sorted(values)
    return {"unit": unit, "n": len(values), "median": values[len(values) // 2], "min": values[0], "max": values[-1]}


def figure(values):
    values = sorted(values)
    return {"unit": "ns", "n": len(values), "min": values[0], "p50": values[len(values) // 2],
            "p95": values[len(values) * 95 // 100], "p99": values[len(values) * 99 // 100], "max": values[-1]}


def make_cycles(dice):
    cycles, t = [], S
    for _ in range(200):
        cycle = {"off": t, "entry_issued": t + dice.randint(200_000, 300_000)}
        cycle["entry_returned"] = cycle["entry_issued"] + dice.randint(30_000, 60_000)
        cycle["d3cold"] = cycle["entry_issued"] + dice.randint(11 * MS, 14 * MS)
        cycle["on"] = t + 300 * MS
        cycle["exit_issued"] = cycle["on"] + 290_000
        cycle["exit_returned"] = cycle["exit_issued"] + dice.randint(160 * MS, 175 * MS)
        cycle["alive"] = cycle["exit_returned"] + MS
        cycle["ready"] = cycle["alive"] + 2 * MS
        cycles.append(cycle)
        t += S
    return cycles


def make_meter(name, kind, idle_w, cold_w):
    joules, seconds = 4.8, 0.18
    pays = (joules - cold_w * seconds) / (idle_w - cold_w) if idle_w > cold_w else None
    hours = []
    for step in range(21):
        busy, idle = step * 0.1, 2 - step * 0.1
        without = (busy * 20 + idle * idle_w) * 1800
        hours.append({"duty": step / 20, "without_j": without,
                      "with_j": (busy * 20 + (idle - seconds) * cold_w + joules) * 1800 if idle >= seconds else without})
    return {"name": name, "kind": kind, "on_w": spread("W", 19.9, 20, 20.2),
            "forbidden_w": spread("W", idle_w - 0.1, idle_w, idle_w + 0.1),
            "d3cold_w": spread("W", cold_w - 0.01, cold_w, cold_w + 0.01), "workload_w": spread("W", 6.3, 6.4, 6.5),
            "saving_w": spread("W", idle_w - cold_w - 0.1, idle_w - cold_w, idle_w - cold_w + 0.1),
            "transition_j": spread("J", 4.7, joules, 4.9), "transition_ns": 180 * MS,
            "break_even": {"verdict": "pays" if pays else "never",
                           "seconds": spread("s", pays * 0.99, pays, pays * 1.01) if pays else None},
            "per_hour": hours}


def make_run(folder):
    """result.json and samples.csv: with two meters, of which one is made up and one says "never"."""
    dice = random.Random(1)
    cycles = make_cycles(dice)
    ways = {"off_to_entry_issued": ("off", "entry_issued"), "off_to_d3cold": ("off", "d3cold"),
            "exit": ("exit_issued", "exit_returned"), "on_to_alive": ("on", "alive"), "on_to_ready": ("on", "ready")}
    share = {"d0": spread("1", 0.25, 0.258, 0.26), "d3hot": spread("1", 0, 0, 0), "d3cold": spread("1", 0.74, 0.742, 0.75),
             "unknown": spread("1", 0, 0, 0)}
    changes = [[i * S // 2 * 3, STATES[i % 2]] for i in range(14)]
    result = {
        "format": "coldvm-bench-power", "format_version": 1, "method_version": 1, "coldvm": "0.1.0",
        "started": "2026-01-01T00:00:00Z", "complete": False, "stopped_by": "SIGINT", "simulated": True,
        "command": ["coldvm", "bench", "power", "01:00.0", "--meter", HOSTILE],
        "host": {"kernel": "6.12.0", "cpu": "A Processor", "dmi": "A Vendor A Product"},
        "device": {"bdf": "0000:01:00.0", "vendor": "0x10de", "device": "0x2684", "class": "0x030000",
                   "driver": "vfio-pci", "functions": ["0000:01:00.0"], "ports": ["0000:00:01.0"]},
        "target": "vm", "backend": "lowpower", "guest": None,
        "meters": [{"name": HOSTILE, "kind": "external meter", "quantity": "power", "interval_ns": S, "samples": 20,
                    "failure": "the command ended with status 3"},
                   {"name": "simulated:20/8/1W", "kind": "simulated", "quantity": "energy", "interval_ns": 10 * MS,
                    "samples": 2000, "failure": None}],
        "transitions": {"asked": 500, "cycles": 200, "failed": 1, "warmup": 1, "cycles_ns": cycles,
                        "figures": {name: figure([c[b] - c[a] for c in cycles]) for name, (a, b) in ways.items()}},
        "residency": {"workload": {"name": "periodic", "duration_ns": 20 * S, "seed": 1, "period_ns": 2 * S, "duty": 0.25},
                      "runs": [], "share": share, "host": {"share": share, "runs": []},
                      "score": spread("1", 0.99, 0.998, 1.001)},
        "energy": {"known": True, "why": "", "control": "d3hot", "per_hour_period_ns": 2 * S,
                   "meters": [make_meter(HOSTILE, "external meter", 8, 1),
                              make_meter("simulated:20/8/1W", "simulated", 8, 45)]},
        "timeline": {"begin_ns": 0, "end_ns": 20 * S, "changes": changes},
    }
    (folder / "result.json").write_text(json.dumps(result))
    rows = ["t_ns,source,unit,value,state"]
    name = '"' + HOSTILE.replace('"', '""') + '"'
    rows += [f"{i * S},{name},W,{20 if i % 3 else 1},d0" for i in range(1, 20)]
    rows += [f"{i * 10 * MS},simulated:20/8/1W,J,{i * 0.08:.2f},d0" for i in range(1, 2000)]
    (folder / "samples.csv").write_text("\n".join(rows) + "\n")
    return result


class Page(HTMLParser):
    """What the checks need of a page: values by their path, plots, and addresses of other things."""

    def __init__(self, text):
        super().__init__()
        self.values, self.plots, self.addresses, self.tags = [], 0, [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.add(tag)
        self.plots += tag == "svg"
        if "data-path" in named:
            self.values.append((named["data-path"], named["data-value"]))
        for key in ("src", "href", "action", "data"):
            if key in named and not named[key].startswith("#"):
                self.addresses.append(named[key])


def at(result, path):
    for key in path.split("."):
        result = result[int(key)] if isinstance(result, list) else result[key]
    return result


def paths_expected(result):
    """What the page has to show, whatever else it shows."""
    for name, values in result["transitions"]["figures"].items():
        yield from (f"transitions.figures.{name}.{point}" for point in ("p50", "p95", "p99", "max") if values)
    for state in ("d0", "d3hot", "d3cold"):
        yield f"residency.share.{state}.median"
        yield f"residency.host.share.{state}.median"
    yield "residency.score.median"
    for number, meter in enumerate(result["energy"]["meters"]):
        for key in ("on_w", "forbidden_w", "d3cold_w", "saving_w", "transition_j"):
            yield from (f"energy.meters.{number}.{key}.{point}" for point in ("median", "min", "max"))
        if meter["break_even"]["seconds"]:
            yield f"energy.meters.{number}.break_even.seconds.median"


def chromium(binary, width, *arguments):
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run([binary, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                               f"--user-data-dir={profile}", f"--window-size={width},2400", *arguments],
                              capture_output=True, text=True, timeout=120).stdout


# Chromium has no window narrower than some 500 pixels, so the page is looked at in a frame of the width.
MEASURE = """<!DOCTYPE html><body style="margin:0"><iframe id="f" src="report.html"
style="border:0;width:%dpx;height:2400px"></iframe><pre id="out"></pre><script>
document.getElementById("f").onload = function () {
	var page = this.contentDocument, root = page.documentElement;
	var plots = Array.prototype.map.call(page.querySelectorAll("svg"), function (plot) {
		var box = plot.getBoundingClientRect(); return [box.width, box.height]; });
	var broken = [], walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT), node;
	while ((node = walker.nextNode())) {
		if (!node.parentElement.closest("td, th, p, h1, h2, h3")) continue;
		for (var match, words = /(?<![a-z])[a-z]{2,15}(?![a-z])/gi; (match = words.exec(node.data));) {
			var range = page.createRange();
			range.setStart(node, match.index); range.setEnd(node, match.index + match[0].length);
			if (range.getClientRects().length > 1) broken.push(match[0]);
		}
	}
	document.getElementById("out").textContent = JSON.stringify(
		{ width: root.clientWidth, scroll: root.scrollWidth, plots: plots, broken: broken,
		  font: parseFloat(page.defaultView.getComputedStyle(page.body).fontSize) });
};
</script></body>"""


def measure(binary, folder, width):
    (folder / "measure.html").write_text(MEASURE % width)
    text = chromium(binary, max(width, 600), "--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom",
                    f"file://{folder}/measure.html")
    found = re.search(r'<pre id="out">(.*?)</pre>', text, re.DOTALL)
    return json.loads(found.group(1)) if found and found.group(1) else {}


def colours(path):
    """How many colours a PNG's rows have, filters left in: a blank page has a handful."""
    data, at_byte, packed = path.read_bytes(), 8, b""
    while at_byte < len(data):
        length, kind = struct.unpack_from(">I4s", data, at_byte)
        if kind == b"IDAT":
            packed += data[at_byte + 8:at_byte + 8 + length]
        at_byte += 12 + length
    raw = zlib.decompress(packed)
    return len({raw[i:i + 3] for i in range(1, len(raw) - 3, 3)})


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def hold(self, held, words):
        self.passed += bool(held)
        self.failed += not held
        print(f"{'ok' if held else 'not ok'} - {words}")


def main():
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    missing = [name for name, there in (("Chromium", binary), ("gnuplot", shutil.which("gnuplot"))) if not there]
    if missing:
        print(f"there is no {' and no '.join(missing)}")
        return SKIPPED
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="coldvm-page.") as scratch:
        folder = Path(scratch)
        result = make_run(folder)
        done = subprocess.run([sys.argv[1], "report", scratch], capture_output=True, text=True)
        checks.hold(done.returncode == 0, f"the page is written {done.stderr.strip()}")
        text = (folder / "report.html").read_text()
        page = Page(text)
        shown = dict(page.values)
        wrong = [path for path, value in page.values if float(value) != float(at(result, path))]
        checks.hold(page.values and not wrong, f"its {len(page.values)} numbers are those of result.json {wrong}")
        absent = [path for path in paths_expected(result) if path not in shown]
        checks.hold(not absent, f"none is left out {absent}")
        checks.hold(page.plots == 3, f"it has its 3 plots ({page.plots})")
        checks.hold(not page.addresses and "script" not in page.tags and "url(" not in re.sub(r"url\('?#", "", text),
                    f"it needs nothing else {page.addresses}")
        checks.hold("<b>" not in text, "text of the run is text")
        checks.hold("Stopped early" in text and "200 of 500" in text, "it says that it was stopped early")
        captions = re.findall(r"<figcaption>([^<]*)</figcaption>", text)
        unmarked = [c for c in captions if re.search("power|Energy", c) and "(simulated)" not in c]
        checks.hold(captions and not unmarked, f"plots of power say what is made up {unmarked}")
        checks.hold(text.count("imulated") >= 4, "it says what is made up")
        for width in (PHONE, DESK):
            seen = measure(binary, folder, width)
            checks.hold(seen.get("scroll", 9999) <= width, f"{width} wide, nothing sticks out ({seen.get('scroll')})")
            checks.hold(seen.get("font", 0) >= 14, f"{width} wide, its text can be read ({seen.get('font')} px)")
            checks.hold(seen.get("broken") == [], f"{width} wide, no word is broken {seen.get('broken')}")
            checks.hold(seen.get("plots") and all(w >= 300 and h >= 120 for w, h in seen["plots"]),
                        f"{width} wide, its plots can be seen {seen.get('plots')}")
        shot = folder / "page.png"
        chromium(binary, DESK, f"--screenshot={shot}", f"file://{folder}/report.html")
        checks.hold(shot.exists() and colours(shot) > 100, "a picture of it is not blank")
        if os.environ.get("COLDVM_PAGE_OUT"):
            shutil.copytree(folder, os.environ["COLDVM_PAGE_OUT"], dirs_exist_ok=True)
    print(f"{checks.passed} passed, {checks.failed} failed, 0 skipped")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
