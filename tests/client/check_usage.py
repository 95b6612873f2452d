#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the program says of a wrong command line: one line on standard error, nothing on standard output, status 2;
and of a host that lacks something: one line, status 1. Needs no KVM. What is said of each key is held by the unit tests.

usage: check_usage.py COLDVM
"""

import os
import subprocess
import sys
import tempfile

COLDVM = os.path.abspath(sys.argv[1])
USAGE, HOST = 2, 1
failed = passed = 0


def check(status, words, *args):
    """coldvm with @args ends with @status, and one line that has @words."""
    global failed, passed
    done = subprocess.run([COLDVM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    lines = done.stderr.splitlines()
    good = done.returncode == status and len(lines) == 1 and done.stderr.endswith("\n") and not done.stdout
    if good and lines[0].startswith("coldvm: ") and words in lines[0]:
        passed += 1
        return
    failed += 1
    print(f"not ok: coldvm {' '.join(args)!r}: status {done.returncode} (not {status}), wanted {words!r}:")
    print(done.stderr + done.stdout)


def run(status, words, *args):
    check(status, words, "run", "--kernel", "/nowhere/kernel", *args)


directory = tempfile.TemporaryDirectory()
os.chdir(directory.name)
check(USAGE, "say what to do")
check(USAGE, "unknown command 'rum'", "rum")
check(USAGE, "--kernel is missing", "run")
check(USAGE, "--kernel wants a value", "run", "--kernel")
run(USAGE, "unknown option --memori: did you mean --memory?", "--memori", "size=1G")
run(USAGE, "'x' is not an option", "x")
run(USAGE, "--cpus: boot=0: want a number from 1 to 64", "--cpus", "boot=0")
run(USAGE, "--memory is given twice", "--memory", "size=128M", "--memory", "size=256M")
run(USAGE, "--disk: unknown key 'x\x20y'", "--disk", "path=a,x\ny=1")
run(USAGE, "--disk: path=", "--disk", "path=" + 5000 * "p")
run(USAGE, "--config: put it before", "--config", "x")
check(USAGE, "missing.json: cannot be read: No such file", "run", "--config", "missing.json")
run(USAGE, "--console: tty: the serial port has the terminal", "--console", "tty")

# By what the host's sysfs says of devices: still before anything is opened.
run(USAGE, "--device: '/dev/null' is no PCI address", "--device", "path=/dev/null")
run(HOST, "--device: 0000:ff:1f.7: no such PCI device", "--device", "path=ff:1f.7")
run(HOST, "--event-monitor: cannot open /nowhere/events: No such file", "--event-monitor", "path=/nowhere/events")
run(HOST, "--event-monitor: descriptor 977", "--event-monitor", "fd=977")
run(HOST, "--api-socket: ", "--api-socket", "path=/nowhere/api")
run(HOST, "--api-socket: descriptor 977", "--api-socket", "fd=977")

check(USAGE, "say in which directory", "tables")
check(HOST, "/nowhere/tables", "tables", "/nowhere/tables")
check(HOST, "--device: 0000:ff:1f.7: no such PCI device", "tables", ".", "--device", "path=ff:1f.7")
for tool in "doctor", "park":
    check(USAGE, "--nothing", tool, "--nothing")
check(USAGE, "'/dev/null' is no PCI device", "doctor", "/dev/null")
check(USAGE, "say which devices", "park")
check(USAGE, "--device: '/dev/null' is no PCI address", "park", "/dev/null")
check(HOST, "--device: 0000:ff:1f.7: no such PCI device", "park", "ff:1f.7")
for key in "pr3=port", "pme=on", "rom=device", "x_nv_gpudirect_clique=1", "min-off-ms=5", "on-failure=stop":
    check(USAGE, f"{key.split('=')[0]}= is for a guest", "park", "--device", f"path=01:00.0,{key}")
check(USAGE, "say which VM", "ctl")
check(USAGE, "say what to ask", "ctl", "x")
check(USAGE, "unknown verb 'x'", "ctl", "socket", "x")
check(USAGE, "'--nothing' is not expected", "ctl", "socket", "ping", "--nothing")
check(HOST, "/nowhere/api", "ctl", "/nowhere/api", "ping")
check(USAGE, "", "top")
check(USAGE, "say what to do: power, compare or report", "bench")
check(USAGE, "unknown 'x': known are power, compare and report", "bench", "x")
check(USAGE, "say which device", "bench", "power")
check(USAGE, "--cycles 'x': want a number from 0 to 100000", "bench", "power", "--cycles", "x", "01:00.0")
check(USAGE, "'x' is no PCI address: want 01:00.0", "bench", "power", "x")
check(HOST, "0000:ff:1f.7: no such PCI device", "bench", "power", "ff:1f.7")
check(USAGE, "want two runs", "bench", "compare", "x")
check(HOST, "/nowhere/result.json: No such file", "bench", "compare", "/nowhere", "/nowhere")
check(HOST, "/nowhere/result.json: No such file", "bench", "report", "/nowhere")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(1 if failed else 0)
