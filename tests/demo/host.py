# SPDX-License-Identifier: BSD-3-Clause
"""Children of the demo: the build and the emulated host, of which nothing may be left when the demo ends."""

import os
import signal
import subprocess

GRACE_S = 15


def end(process):
    """Ends a child and its process group: in order first, by force after a while."""
    # From here on the demo is not to be interrupted: it is ending already.
    before = {number: signal.signal(number, signal.SIG_IGN)
              for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(arguments, on_line, cwd=None):
    """Runs a command, hands each line of its output to on_line, returns its status.

    The command gets a session of its own: Ctrl-C reaches the demo alone, which then ends the command in order.
    """
    process = subprocess.Popen(arguments, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        for line in process.stdout:
            on_line(line.rstrip("\n"))
        return process.wait()
    finally:
        end(process)
        process.stdout.close()
