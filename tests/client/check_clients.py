#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""coldvm ctl and coldvm top against a VM that is played by this script: check_clients.py COLDVM.

The server here shares nothing with vmm/api.c, and sends its responses in unkind pieces. The screen of top is read
through a pseudo terminal of a fixed size.
"""

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

COLDVM = os.path.abspath(sys.argv[1])
LIMIT = 20  # seconds that anything may take


def slot(number, name, asked="off", host="D3cold", state="d3cold", since=12_300_000_000):
    return {"slot": number, "id": name, "guest_state": asked, "host_state": host, "state": state, "busy": False,
            "since_ns": since, "total_ns": 1000, "time_ns": {"on": 29, "d3cold": 971},
            "counts": {"on_asked": 2, "host_wakes": 1}, "policy": "d3cold", "backend": "lowpower",
            "devices": [{"id": name, "bdf": f"0000:0{number + 1}:00.0", "host_state": host}]}


class FakeVM:
    """A Unix socket that speaks enough HTTP."""

    def __init__(self, path, piece=7):
        self.path, self.piece = path, piece
        self.slots = [slot(0, "gpu")]
        self.requests, self.body, self.listeners, self.garbage = [], "", [], None
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(16)
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def send(self, connection, data):
        for at in range(0, len(data), self.piece):
            connection.sendall(data[at:at + self.piece])

    def reply(self, connection, status, body, kind="application/json"):
        data = body.encode()
        self.send(connection, f"HTTP/1.1 {status}\r\nServer: coldvm\r\nContent-Type: {kind}\r\n"
                  f"Content-Length: {len(data)}\r\n\r\n".encode() + data)

    def serve(self, connection):
        stream = connection.makefile("rb")
        try:
            while True:
                line = stream.readline().decode()
                if not line:
                    return
                length = 0
                while header := stream.readline().decode().strip():
                    if header.startswith("Content-Length: "):
                        length = int(header.split()[1])
                self.body = stream.read(length).decode()
                method, target, _ = line.split()
                self.requests.append((method, target))
                self.answer(connection, method, target)
        except OSError:
            pass

    def answer(self, connection, method, target):
        if self.garbage is not None:
            self.send(connection, self.garbage)
            connection.shutdown(socket.SHUT_RDWR)
        elif target == "/api/v1/vm.device-power":
            self.reply(connection, "200 OK", json.dumps({"slots": self.slots}))
        elif target == "/api/v1/events":
            self.send(connection, b"HTTP/1.1 200 OK\r\nServer: coldvm\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.listeners.append(connection)
        elif target == "/metrics":
            self.reply(connection, "200 OK", "a 1\nb 2\n", "text/plain")
        elif method == "PUT":
            self.send(connection, b"HTTP/1.1 204 No Content\r\nServer: coldvm\r\n\r\n")
        else:
            self.reply(connection, "404 Not Found", json.dumps({"error": f"there is no {target}"}))

    def event(self, line):
        data = line.encode() + b"\n"
        for listener in list(self.listeners):
            try:
                self.send(listener, b"%x\r\n%s\r\n" % (len(data), data))
            except OSError:
                self.listeners.remove(listener)

    def end(self, politely=True):
        for listener in self.listeners:
            if politely:
                self.send(listener, b"0\r\n\r\n")
        self.socket.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        os.unlink(self.path)


class Screen:
    """coldvm top in a pseudo terminal, and what it shows: the few sequences that top uses, no more."""

    def __init__(self, *args, columns=80, lines=24):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(COLDVM, [COLDVM, "top", *args])
        self.raw = b""
        self.columns, self.rows = columns, lines
        self.cells = [""] * lines
        self.row = 0
        self.resize(columns, lines)

    def resize(self, columns, lines):
        self.columns, self.rows = columns, lines
        self.cells = (self.cells + [""] * lines)[:lines]
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def feed(self, data):
        self.raw += data
        for token in re.findall(rb"\x1b\[\??\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+|\x1b", data):
            if token == b"\x1b[H":
                self.row, self.column = 0, 0
            elif token == b"\x1b[K":
                self.cells[self.row] = self.cells[self.row][:self.column]
            elif token == b"\x1b[J":
                for row in range(self.row, self.rows):
                    self.cells[row] = self.cells[row][:self.column if row == self.row else 0]
            elif token == b"\n":
                self.row += 1
                assert self.row < self.rows, "the screen scrolls"
            elif token == b"\r":
                self.column = 0
            elif token.startswith(b"\x1b"):
                assert re.fullmatch(rb"\x1b\[\?(1049|25)[hl]", token), token
            else:
                text = token.decode()
                line = self.cells[self.row].ljust(self.column)
                self.cells[self.row] = line[:self.column] + text + line[self.column + len(text):]
                self.column += len(text)
                assert self.column <= self.columns, f"{self.column} columns: {text}"

    def read(self, seconds):
        """Takes what comes; False when the program has ended."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        # A sequence may be cut: wait for its rest.
        while re.search(rb"\x1b(\[\??\d*)?$", data):
            data += os.read(self.fd, 1)
        self.feed(data)
        return bool(data)

    def text(self):
        return "\n".join(line.rstrip() for line in self.cells).rstrip() + "\n"

    def wait(self, wanted, what):
        end = time.monotonic() + LIMIT
        while not wanted(self.text()):
            assert time.monotonic() < end, f"{what} does not come:\n{self.text()}"
            assert self.read(0.2), f"top has ended:\n{self.text()}"

    def end(self, key=b"q"):
        if key:
            os.write(self.fd, key)
        end = time.monotonic() + LIMIT
        while self.read(0.2):
            assert time.monotonic() < end, "top does not end"
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def run(*args, **more):
    return subprocess.run([COLDVM, *args], capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL,
                          **more)


def expect(got, wanted):
    assert got == wanted, f"\n{got}is not\n{wanted}"


# --- ctl


def ctl_prints_answers(vm):
    done = run("ctl", vm.path, "status")
    expect(done.stdout, "SLOT DEVICE           ADDRESS      ASKED HOST    STATE    FOR\n"
           "0    gpu              0000:01:00.0 off   D3cold  d3cold   12.3 s\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "slot 0: gpu\n" in run("ctl", vm.path, "power").stdout
    assert json.loads(run("ctl", vm.path, "power", "--json").stdout) == {"slots": vm.slots}
    expect(run("ctl", vm.path, "metrics").stdout, "a 1\nb 2\n")
    order = '{"id":"gpu","power":"d3hot"}'
    assert run("ctl", vm.path, "policy", order).returncode == 0
    assert (vm.requests[-1], vm.body) == (("PUT", "/api/v1/vm.device-power-policy"), order)
    assert run("ctl", vm.path, "policy").returncode == 2
    assert run("ctl", vm.path, "resize", "--balloon", "64M").returncode == 0
    assert (vm.requests[-1], vm.body) == (("PUT", "/api/v1/vm.resize"), '{"desired_balloon":67108864}')
    for words, wrong in ((["resize"], "say how much: coldvm ctl SOCKET resize --balloon 64M"),
                         (["resize", "--balloon", "1"], "--balloon 1: want a multiple of 4K"),
                         (["ping", "--balloon", "4K"],
                          "'--balloon' is not expected: coldvm ctl SOCKET VERB [--json]")):
        done = run("ctl", vm.path, *words)
        assert (done.returncode, done.stderr) == (2, f"coldvm: ctl: {wrong}\n"), done.stderr
    done = run("ctl", vm.path, "shutdown")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert vm.requests[-1] == ("PUT", "/api/v1/vm.shutdown")


def ctl_says_what_the_vm_refuses(vm):
    done = run("ctl", vm.path, "counters")
    expect(done.stderr, f"coldvm: ctl: {vm.path}: there is no /api/v1/vm.counters\n")
    assert (done.returncode, done.stdout) == (1, "")


def ctl_knows_who_is_no_coldvm(vm):
    for garbage in (b"hello\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"",
                    b"HTTP/1.1 200 OK\r\nServer: coldvm\r\nContent-Length: 20\r\n\r\n{}",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        vm.garbage = garbage
        for verb in ("ping", "metrics", "shutdown"):
            done = run("ctl", vm.path, verb)
            expect(done.stderr, f"coldvm: ctl: {vm.path}: whoever listens there is no coldvm, or has just ended\n")
            assert done.returncode == 1
        assert run("ctl", vm.path, "events").returncode == 1
    vm.garbage = b"HTTP/1.1 200 OK\r\nServer: coldvm\r\nContent-Length: 2\r\n\r\nno"
    expect(run("ctl", vm.path, "ping").stderr, f"coldvm: ctl: {vm.path}: the answer is not JSON\n")


def ctl_names_what_is_wrong_with_a_path(vm):
    gone = vm.path + ".gone"
    stale = vm.path + ".stale"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(stale)
    for path, why in ((gone, "there is no such socket: give the path of --api-socket of a running VM"),
                      (stale, "nobody listens there: its VM has ended, or this is no socket"),
                      ("/dev/null", "nobody listens there: its VM has ended, or this is no socket")):
        done = run("ctl", path, "ping")
        expect(done.stderr, f"coldvm: ctl: {path}: {why}\n")
        assert done.returncode == 1
    assert "has at most 107 bytes" in run("ctl", "x" * 200, "ping").stderr
    for words in ([], ["a"], ["a", "b"], ["a", "ping", "c"], ["--x", "a", "ping"]):
        assert run("ctl", *words).returncode == 2, words
    if os.geteuid() == 0:
        os.chmod(os.path.dirname(vm.path), 0o755)
        done = run("ctl", vm.path, "ping", user=65534)
        expect(done.stderr, f"coldvm: ctl: {vm.path}: no permission: it belongs to the user who started the VM\n")


def ctl_follows_events(vm):
    lines = [json.dumps({"event": f"power-{n}", "padding": "x" * (n * 37 % 300)}) for n in range(50)]
    process = subprocess.Popen([COLDVM, "ctl", vm.path, "events"], stdout=subprocess.PIPE, text=True)
    while not vm.listeners:
        time.sleep(0.01)
    for line in lines:
        vm.event(line)
    for line in lines:
        expect(process.stdout.readline(), line + "\n")
    vm.end()
    assert process.stdout.read() == ""
    assert process.wait(LIMIT) == 0


def ctl_says_that_events_broke_off(vm):
    process = subprocess.Popen([COLDVM, "ctl", vm.path, "events"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    while not vm.listeners:
        time.sleep(0.01)
    vm.end(politely=False)
    assert "the events broke off" in process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 1


# --- top

HEAD = ("bar, 10 s a sign:  # on  + changing  ~ off and not D3cold  . D3cold  ! failed\n"
        "DEVICE        ADDRESS      ASKED HOST    FOR        WAKES COLD% LAST 160 s\n")
GPU = "gpu           0000:01:00.0 off   D3cold  12.3 s         3  97.1"


def without_bars(text):
    """The bar grows with time: its signs are checked by the unit suite."""
    return "".join(line[:63].rstrip() + "\n" if re.search(r" \d+\.\d [ .~+#!]*$", line) else line + "\n"
                   for line in text.splitlines())


def top_shows_a_line_a_device(vm):
    vm.slots = [slot(0, "gpu"), slot(1, "nic", "on", "D0", "on", 1_500_000_000)]
    screen = Screen(vm.path)
    screen.wait(lambda text: "nic" in text, "the second device")
    expect(without_bars(screen.text()), "coldvm top: 1 VM, 2 devices, 1 in D3cold\n" + HEAD + GPU + "\n"
           "nic           0000:02:00.0 on    D0      1.50 s         3  97.1\n")
    assert re.search(r"97\.1 +\.+\n", screen.text()) and re.search(r"97\.1 +#+\n", screen.text())
    assert screen.end() == 0
    assert screen.raw.startswith(b"\x1b[?1049h\x1b[?25l") and screen.raw.endswith(b"\x1b[?25h\x1b[?1049l")


def top_follows_events(vm):
    screen = Screen(vm.path)
    screen.wait(lambda text: GPU in text, "the device")
    vm.slots = [slot(0, "gpu", "on", "D0", "on")]
    before, started = len(vm.requests), time.monotonic()
    for _ in range(10):
        vm.event('{"event":"power-alive"}')
        screen.read(0.1)
        time.sleep(0.1)
    asked = len(vm.requests) - before
    assert asked > (time.monotonic() - started) + 3, f"{asked} questions for 10 events"
    screen.wait(lambda text: "on    D0" in text, "the new state")
    assert screen.end() == 0


def top_follows_the_size_of_its_window(vm):
    vm.slots = [slot(n, f"dev{n}") for n in range(9)]
    screen = Screen(vm.path)
    screen.wait(lambda text: "dev8" in text, "the last device")
    screen.resize(100, 9)
    screen.wait(lambda text: "LAST 360 s" in text and text.endswith("and 5 more\n"), "the wider bar")
    screen.resize(60, 30)
    screen.wait(lambda text: "dev8" in text and "LAST" not in text, "the narrow screen")
    assert screen.end() == 0


def top_shows_vms_that_come_and_go(vm):
    other = vm.path + ".other"
    screen = Screen(vm.path, other)
    screen.wait(lambda text: f"{other}: there is no such socket" in text, "the note")
    second = FakeVM(other)
    second.slots = [slot(0, "late")]
    screen.wait(lambda text: "late" in text and "no such socket" not in text, "the second VM")
    second.end()
    screen.wait(lambda text: "late" not in text and other in text, "its end")
    assert GPU in screen.text()
    assert screen.end() == 0


def top_survives_one_that_hangs_and_one_that_lies(vm):
    hangs, lies = vm.path + ".hangs", vm.path + ".lies"
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(hangs)
    silent.listen(8)
    liar = FakeVM(lies)
    liar.garbage = b"HTTP/1.1 200 OK\r\nServer: coldvm\r\nContent-Length: 9\r\n\r\n[1,\"\\u0000"
    screen = Screen(hangs, lies, vm.path)
    screen.wait(lambda text: f"{hangs}: no answer" in text, "that it does not answer")
    assert GPU in screen.text()
    assert screen.end() == 0
    silent.close()
    liar.end()


def top_gives_the_terminal_back(vm):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    for end in ("q", "SIGTERM"):
        before = termios.tcgetattr(slave)
        process = subprocess.Popen([COLDVM, "top", vm.path], stdin=slave, stdout=slave,
                                   env={**os.environ, "TERM": "xterm"})
        shown = b""
        while b"gpu" not in shown:
            shown += os.read(master, 4096)
        assert termios.tcgetattr(slave)[3] & termios.ICANON == 0
        if end == "q":
            os.write(master, b"q")
        else:
            process.terminate()
        assert process.wait(LIMIT) == 0
        assert termios.tcgetattr(slave) == before


def top_prints_once_without_a_terminal(vm):
    wanted = "coldvm top: 1 VM, 1 device, 1 in D3cold\n" + HEAD + GPU + "                .\n"
    for args, env in ((["--once"], "xterm"), ([], "xterm"), ([], "dumb")):
        done = run("top", vm.path, *args, env={**os.environ, "TERM": env})
        expect(done.stdout, wanted)
        assert (done.returncode, done.stderr) == (0, "")
    master, slave = pty.openpty()
    done = subprocess.run([COLDVM, "top", vm.path], stdin=slave, stdout=slave, timeout=LIMIT,
                          env={**os.environ, "TERM": "dumb"})
    assert done.returncode == 0
    expect(os.read(master, 4096).decode().replace("\r", ""), wanted)
    assert run("top", vm.path + ".gone").returncode == 1
    assert run("top").returncode == 2
    assert run("top", "--all", vm.path).returncode == 2


def main():
    tests = [value for name, value in globals().items() if name.startswith(("ctl_", "top_"))]
    failed = 0
    for test in tests:
        with tempfile.TemporaryDirectory(prefix="coldvm-client.") as scratch:
            vm = FakeVM(os.path.join(scratch, "api"))
            try:
                test(vm)
                print(f"ok {test.__name__}", flush=True)
            except Exception as error:  # whatever a test meets is its failure
                failed += 1
                print(f"not ok {test.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
