# SPDX-License-Identifier: BSD-3-Clause
"""The emulated host: QEMU's command line, its channels, and one run of a job in it.

Channels, all Unix sockets on which QEMU calls us: console (first UART), control (second UART), qmp, and three
debug consoles, which are I/O ports that take a byte at a time: 0x403 the power log written by ACPI methods (0x402
is the firmware's own), 0x404 the job's output, 0x405 a tar of the files that the job saved.
"""

import hashlib
import json
import os
import re
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from emulator import emulator
from initramfs import LAB
from kernels import Missing, cache_dir

CHANNELS = ("power", "control", "console", "out", "files", "qmp")
DIED = 125
TIMED_OUT = 124
FROZEN = 123

# How often a boot under icount is looked at, in seconds; so many of so many looks at one place: it spins there.
LOOK_EVERY = 7
FROZEN_LOOKS = 10
FROZEN_SAME = 5
RFLAGS_IF = 0x200

# One slot each, the functions of its device; {bus} is the port above them, {n} its root port's number. Without
# iommu_platform a virtio device takes a guest's addresses for the host's.
NVME = ["nvme,bus={bus},addr=0.0,serial=lab{n},drive=disk{n}"]
DEVICES = {
    "nvme": NVME,
    "pair": ["virtio-gpu-pci,bus={bus},addr=0.0,multifunction=on,iommu_platform=on",
             "e1000e,bus={bus},addr=0.1,netdev=net{n}"],
    "nic": ["e1000e,bus={bus},addr=0.0,netdev=net{n}"],
    "switch": NVME,
    "switch-down": NVME,
}

# Ports between a root port and its device, from above: id and QEMU device. The power resource is the root port's, but
# for SWITCH_DOWN, where it is that of the port next to the device.
SWITCH = [("up{n}", "x3130-upstream,id=up{n},bus=rp{n}"),
          ("down{n}", "xio3130-downstream,id=down{n},bus=up{n},chassis={low},slot={low}")]
PORTS = {"switch": SWITCH, "switch-down": SWITCH}
SWITCH_DOWN = "switch-down"
LOW = 100  # chassis and slot numbers of ports below another, past those of root ports


def numa_arguments(nodes, memory):
    """NODES equal parts of the memory, each a node; the CPU is node 0's."""
    if nodes < 2:
        return []
    found = re.fullmatch(r"(\d+)([MG])", memory)
    mib = int(found[1]) * (1024 if found[2] == "G" else 1)
    args = []
    for node in range(nodes):
        args += ["-object", f"memory-backend-ram,id=node{node},size={mib // nodes}M",
                 "-numa", f"node,nodeid={node},memdev=node{node}" + (",cpus=0" if node == 0 else "")]
    return args


def has_disk(device):
    return any("drive=" in function for function in DEVICES[device])


def host_addresses(devices):
    """Addresses of the functions: the firmware numbers buses from above, one root port after the other."""
    addresses, bus = [], 0
    for device in devices:
        bus += 1 + len(PORTS.get(device, ()))
        addresses += [f"0000:{bus:02x}:00.{function}" for function in range(len(DEVICES[device]))]
    return addresses


def port_table(number, directory, device):
    """Compiles the power resource of root port NUMBER, or of a port below it; the path of the table."""
    source = (LAB / "host.asl").read_text()
    source = source.replace("S08", f"S{number * 8:02X}")
    source = source.replace("Name (PNUM, 0x31)", f"Name (PNUM, 0x{0x30 + number:02X})")
    source = source.replace('"LABPWR"', f'"LABPWR{number}"')
    asl = directory / f"port{number}.asl"
    asl.write_text(source)
    if not shutil.which("iasl"):
        raise Missing("no iasl (run scripts/setup)")
    place = ["-D", "LAB_SWITCH_DOWN"] if device == SWITCH_DOWN else []
    proc = subprocess.run(["iasl", "-we", *place, "-p", asl.with_suffix(""), asl], text=True, capture_output=True)
    if proc.returncode:
        raise RuntimeError(f"iasl refuses {asl}:\n{proc.stdout}{proc.stderr}")
    return asl.with_suffix(".aml")


# A record of host.asl: the port, '+' or '-', the HPET's counter, a line feed.
POWER_RECORD = struct.Struct("<ccQc")
HPET_PERIOD_NS = 10  # QEMU's


class PowerLog:
    """Power switches as the emulated hardware reports them, stamped with this machine's monotonic clock; and with the
    emulated machine's own."""

    def __init__(self, path):
        self.lines = []
        self.hardware_lines = []
        self._file = open(path, "w", buffering=1)
        self._part = b""

    def feed(self, data):
        now = time.monotonic_ns()
        self._part += data
        while len(self._part) >= POWER_RECORD.size:
            port, sign, counter, end = POWER_RECORD.unpack_from(self._part)
            self._part = self._part[POWER_RECORD.size:]
            state = {b"+": "on", b"-": "off"}.get(sign if end == b"\n" else b"", "?")
            port = port.decode("ascii", "replace")
            line = f"{now} {port} {state}"
            self.lines.append(line)
            self.hardware_lines.append(f"{counter * HPET_PERIOD_NS} {port} {state}")
            self._file.write(line + "\n")


class Machine:
    """One boot. run() returns the job's status, or DIED, TIMED_OUT or FROZEN."""

    def __init__(self, options, initrd, kernel, debian=None, job_out=None):
        self.options = options
        self.initrd = initrd
        self.kernel = kernel
        self.debian = debian
        self.out = Path(options.out)
        self.job_out = job_out or (lambda text: (sys.stdout.write(text), sys.stdout.flush()))
        self.power = PowerLog(self.out / "power.log")
        self.status = None
        self.why = ""
        self.disks = {}
        self._sockets = {}
        self._request = b""
        self._qmp_text = b""
        self._tail = b""
        self._handlers = {"power": self._on_power, "control": self._on_control, "console": self._on_console,
                          "out": self._on_out, "files": self._on_files, "qmp": lambda data: None}
        self._later = []  # (when, command): the monitor's, for a host that sleeps then
        self._spins = set()  # where the CPU was seen to spin at the last turn
        self._verbs = {"monitor": self._verb_monitor, "later": self._verb_later, "powerlog": self._verb_powerlog,
                       "time": self._verb_time, "imagesum": self._verb_imagesum, "exit": self._verb_exit}

    # -- command line

    def _arguments(self, work):
        opt = self.options
        args = [emulator(), "-accel", "tcg,thread=single", "-machine", "q35", "-cpu", opt.cpu, "-smp", "1",
                "-m", opt.memory, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-device", "intel-iommu,intremap=on",
                "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
                "-kernel", str(self.kernel.image), "-initrd", str(self.initrd),
                "-append", "console=ttyS0 quiet loglevel=4 panic=-1 rdinit=/init no_timer_check intel_iommu=on "
                           # A stall of this machine would make the kernel distrust a TSC that is right.
                           "pcie_port_pm=force tsc=nowatchdog " + opt.append]
        args += numa_arguments(opt.numa, opt.memory)
        if opt.icount:
            args += ["-icount", "shift=1,sleep=off"]
        for name in CHANNELS:
            args += ["-chardev", f"socket,id={name},path={work}/{name}"]
        args += ["-serial", "chardev:console", "-serial", "chardev:control", "-mon", "chardev=qmp,mode=control"]
        for name, port in (("power", 0x403), ("out", 0x404), ("files", 0x405)):
            args += ["-device", f"isa-debugcon,iobase={port:#x},chardev={name}"]
        for number, device in enumerate(opt.device, 1):
            args += ["-acpitable", f"file={port_table(number, work, device)}",
                     "-device", f"pcie-root-port,id=rp{number},bus=pcie.0,addr={number}.0,"
                                f"slot={number},chassis={number}"]
            bus = f"rp{number}"
            for name, port in PORTS.get(device, ()):
                bus = name.format(n=number)
                args += ["-device", port.format(n=number, low=LOW + number)]
            if has_disk(device):
                disk = opt.disk if number == 1 and opt.disk else self.out / f"disk{number}.img"
                self.disks[number] = disk
                args += ["-drive", f"if=none,id=disk{number},format=raw,file={disk}"]
            else:
                args += ["-netdev", f"user,id=net{number},restrict=on"]
            for function in DEVICES[device]:
                args += ["-device", function.format(bus=bus, n=number)]
        if self.debian:
            # What this run writes goes with it.
            args += ["-drive", f"if=none,id=debian,format=raw,snapshot=on,file={self.debian.disk}",
                     "-device", "virtio-blk-pci,bus=pcie.0,addr=1e.0,serial=debian,drive=debian"]
        return args

    # -- the run

    def run(self):
        # Socket paths are limited to 107 bytes: a short directory of their own.
        work = cache_dir() / f"run{os.getpid()}"
        if len(str(work)) > 90:
            work = Path(f"/tmp/coldvm-lab{os.getpid()}")
        work.mkdir(parents=True)
        qemu = None
        try:
            listeners = {}
            for name in CHANNELS:
                listeners[name] = socket.socket(socket.AF_UNIX)
                listeners[name].bind(str(work / name))
                listeners[name].listen(1)
            arguments = self._arguments(work)
            (self.out / "qemu.cmd").write_text("\n".join(arguments) + "\n")
            with open(self.out / "qemu.err", "w") as errors:
                qemu = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
            self._files = open(self.out / "files.tar", "wb")
            self._console = open(self.out / "console.log", "wb", buffering=0)
            self._job = open(self.out / "job.log", "w", buffering=1)
            self._accept(listeners, qemu)
            return self._loop(qemu)
        finally:
            if qemu and qemu.poll() is None:
                qemu.kill()
            if qemu:
                qemu.wait()
            for sock in self._sockets.values():
                sock.close()
            shutil.rmtree(work, ignore_errors=True)
            self._unpack()

    def _accept(self, listeners, qemu):
        for name, listener in listeners.items():
            listener.settimeout(0.2)
            while name not in self._sockets:
                try:
                    self._sockets[name] = listener.accept()[0]
                except socket.timeout:
                    if qemu.poll() is not None:
                        raise RuntimeError("qemu: " + (self.out / "qemu.err").read_text().strip()) from None
            listener.close()
        self._qmp_reply("QMP")
        self._qmp({"execute": "qmp_capabilities"})
        for sock in self._sockets.values():
            sock.setblocking(False)
        self._sockets["qmp"].setblocking(True)

    def _loop(self, qemu):
        deadline = time.monotonic() + self.options.timeout
        selector = selectors.DefaultSelector()
        for name, sock in self._sockets.items():
            if name != "qmp":
                selector.register(sock, selectors.EVENT_READ, name)
        look = time.monotonic() + LOOK_EVERY
        while self.status is None:
            left = deadline - time.monotonic()
            if self.options.icount and time.monotonic() >= look:
                look = time.monotonic() + LOOK_EVERY
                if self._frozen():
                    self.why = "the emulated CPU spins in one place with its interrupts off"
                    return FROZEN
            if left <= 0:
                self.why = f"no end within {self.options.timeout:g} s"
                self._state_of_stuck()
                return TIMED_OUT
            ready = {key.data for key, _ in selector.select(min(left, 0.5))}
            self._run_later()
            # The power log first: a record was written before whatever the job says after it.
            for name in CHANNELS:
                if name in ready or name in ("power", "out"):
                    if not self._drain(name) and name in ready:
                        selector.unregister(self._sockets[name])
            if qemu.poll() is not None and self.status is None:
                self._drain_all()
                if self.status is None:
                    self.why = "the emulated host died"
                    return DIED
        self._drain_all()
        return self.status

    def _frozen(self):
        """
        QEMU 7.2 under icount delivers an injected interrupt twice when the instruction budget ends right after
        VMRUN: exception_index still holds the vector. The second one comes with interrupts off, and what held a
        lock just then, in the nested guest or in the host, spins for ever on the only CPU. Nothing in the host can
        cause that or get out of it. The proof: half of the looks at one place with interrupts off, and the same
        place again at the next turn.
        """
        self._sockets["qmp"].settimeout(5)
        places = Counter()
        for _ in range(FROZEN_LOOKS):
            try:
                text = "\n".join(self._verb_monitor("info registers")[0])
            except OSError:
                return False
            found = re.search(r"RIP=(\S+) RFL=(\S+) .* HLT=(\d)", text)
            if found and found[3] == "0" and not int(found[2], 16) & RFLAGS_IF:
                places[found[1]] += 1
            time.sleep(0.1)
        before = self._spins
        self._spins = {place for place, looks in places.items() if looks >= FROZEN_SAME}
        if not before & self._spins:
            return False
        self._state_of_stuck()
        return True

    def _state_of_stuck(self):
        """Where the emulated CPU is, for whoever wonders why nothing came."""
        self._sockets["qmp"].settimeout(5)
        with open(self.out / "stuck.log", "w") as log:
            for command in ("info status", *["info registers"] * 4, "info pic", "info lapic"):
                try:
                    text, _ = self._verb_monitor(command)
                except OSError as error:
                    text = [f"no answer: {error}"]
                log.write(f"-- {command}\n" + "\n".join(text) + "\n")

    def _drain_all(self):
        for name in ("power", "out", "files", "console", "control"):
            self._drain(name)

    def _drain(self, name):
        """Reads what is there; False at the end of the stream."""
        while True:
            try:
                data = self._sockets[name].recv(65536)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            self._handlers[name](data)

    # -- channels

    def _on_power(self, data):
        self.power.feed(data)

    def _on_console(self, data):
        self._console.write(data)
        if self.options.verbose:
            sys.stderr.write(data.decode("utf-8", "replace"))

    def _on_out(self, data):
        text = data.decode("utf-8", "replace")
        self._job.write(text)
        self.job_out(text)

    def _on_files(self, data):
        self._files.write(data)

    def _on_control(self, data):
        self._request += data
        while b"\n" in self._request:
            line, self._request = self._request.split(b"\n", 1)
            fields = line.decode("utf-8", "replace").strip().split(" ", 2)
            if len(fields) < 2 or not fields[0].isdigit():
                continue
            self._drain("power")
            verb = self._verbs.get(fields[1])
            if not verb:
                self._answer(fields[0], [f"unknown verb {fields[1]}"], 1)
                continue
            text, status = verb(fields[2] if len(fields) > 2 else "")
            self._answer(fields[0], text, status)

    def _answer(self, ident, lines, status):
        reply = "".join(f"{ident}|{line}\n" for line in lines) + f"{ident}.{status}\n"
        sock = self._sockets["control"]
        sock.setblocking(True)
        try:
            sock.sendall(reply.encode())
        except OSError:
            pass
        sock.setblocking(False)

    # -- verbs

    def _verb_monitor(self, command):
        reply = self._qmp({"execute": "human-monitor-command", "arguments": {"command-line": command}})
        if "error" in reply:
            return [reply["error"]["desc"]], 1
        return reply["return"].replace("\r", "").splitlines(), 0

    def _verb_later(self, arguments):
        """later SECONDS COMMAND: a command of the monitor, when the host itself can send none."""
        seconds, _, command = arguments.partition(" ")
        try:
            self._later.append((time.monotonic() + float(seconds), command))
        except ValueError:
            return [f"later: '{seconds}' is no number of seconds"], 1
        return [], 0

    def _run_later(self):
        now = time.monotonic()
        due = [command for when, command in self._later if when <= now]
        self._later = [(when, command) for when, command in self._later if when > now]
        for command in due:
            self._verb_monitor(command)

    def _verb_powerlog(self, clock):
        if clock not in ("", "hardware"):
            return [f"powerlog: '{clock}': want nothing or 'hardware'"], 1
        return self.power.hardware_lines if clock else self.power.lines, 0

    def _verb_time(self, _):
        return [str(time.monotonic_ns())], 0

    def _verb_imagesum(self, arguments):
        """imagesum DISK MIB: checksum of one MiB of a disk's image as it is now, outside of the emulation."""
        try:
            number, block = (int(n) for n in arguments.split())
            with open(self.disks[number], "rb") as image:
                image.seek(block << 20)
                return [hashlib.sha256(image.read(1 << 20)).hexdigest()], 0
        except (ValueError, KeyError, OSError) as error:
            return [f"imagesum: {error}"], 1

    def _verb_exit(self, status):
        self.status = int(status) & 0xff if status.strip().isdigit() else 1
        return [], 0

    # -- QMP

    def _qmp(self, command):
        self._sockets["qmp"].sendall(json.dumps(command).encode() + b"\n")
        return self._qmp_reply("return", "error")

    def _qmp_reply(self, *keys):
        """The next message that has one of these keys; events in between are dropped."""
        while True:
            while b"\n" not in self._qmp_text:
                data = self._sockets["qmp"].recv(65536)
                if not data:
                    return {"error": {"desc": "the emulated host is gone"}}
                self._qmp_text += data
            line, self._qmp_text = self._qmp_text.split(b"\n", 1)
            message = json.loads(line)
            if any(key in message for key in keys):
                return message

    def _unpack(self):
        """Files that the job saved, from the tar into out/files."""
        path = self.out / "files.tar"
        if not path.exists():
            return
        self._files.close()
        if path.stat().st_size:
            target = self.out / "files"
            target.mkdir(exist_ok=True)
            subprocess.run(["tar", "-C", target, "--warning=no-timestamp", "-xf", path], check=False)
        path.unlink()
