# SPDX-License-Identifier: BSD-3-Clause
"""One boot of the emulated host in which conform asks for every promise."""

import re
import subprocess
import tempfile
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent / "lab"
# The clock counts instructions, so an answer from outside may come too late for the monitor command: again then.
JOB = """
conform --power-log powerlog $LAB_DEVICES
[ $LAB_DRIVER = stock ] ||
    conform dead 0000:01:00.0 "until monitor 'o /4 0xcf8 0x8000086c' && monitor 'o /2 0xcfc 0x07c0'; do :; done"
exit 0
"""
TIMEOUT = 600
LINE = re.compile(r"([a-z0-9-]+) (pass|fail|not-offered): (.*)")


class Skipped(Exception):
    """Something that this machine lacks."""


class Unanswered(Exception):
    """The boot did not come to its end; the text is its output."""


def ask(kernel, driver, modules=None):
    """{row: (verdict, what was seen)}, in the program's order; modules is a folder of another patched driver."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as job:
        job.write(JOB)
        job.flush()
        command = [LAB / "run", "--kernel", kernel, "--driver", driver, "--icount", "--device", "nvme",
                   "--device", "pair", "--timeout", str(TIMEOUT), job.name]
        if modules:
            command[1:1] = ["--driver-modules", modules]
        proc = subprocess.run(command, text=True, capture_output=True)
    if proc.returncode == 77:
        raise Skipped((proc.stderr or proc.stdout).strip())
    rows = {}
    for line in proc.stdout.splitlines():
        found = LINE.fullmatch(line)
        if found:
            rows[found[1]] = (found[2], found[3])
    if proc.returncode or not rows:
        raise Unanswered(f"the run on {kernel} {driver} ended with {proc.returncode}:\n{proc.stdout}{proc.stderr}")
    return rows
