# SPDX-License-Identifier: BSD-3-Clause
"""The end of the demo: a short `coldvm bench power` in an emulated host of its own."""

import shutil
import subprocess
import sys

import host

JOB = """set -- $LAB_DEVICES
coldvm bench power "$1" --kernel /guest/bzImage --no-meters --cycles 10 --workload periodic,duration_s=10 \\
	--out /run/bench >/run/summary || exit 1
mkdir -p /out/bench
cp /run/bench/* /out/bench/
"""
TIMEOUT_S = 300


def run(tree, out, kernel, driver):
    """Measures; the run's folder, or None with the last lines of what went wrong."""
    (out / "bench-job").write_text(JOB)
    lines = []
    # By counted instructions: figures that this machine's load does not change.
    status = host.run([sys.executable, str(tree / "tests/lab/run"), "--icount", "--bench", "--kernel", kernel,
                       "--driver", driver, "--memory", "2G", "--coldvm", str(tree / "build/coldvm"),
                       "--out", str(out / "bench-lab"), "--timeout", str(TIMEOUT_S), str(out / "bench-job")],
                      lines.append)
    if status:
        return None, lines[-10:]
    shutil.rmtree(out / "bench", ignore_errors=True)
    shutil.copytree(out / "bench-lab/files/bench", out / "bench")
    return out / "bench", []


def summary(tree, folder):
    """What `coldvm bench` says of it; draws report.html here, where gnuplot is."""
    done = subprocess.run([str(tree / "build/coldvm"), "bench", "report", str(folder)], text=True, capture_output=True)
    return done.stdout.rstrip("\n")
