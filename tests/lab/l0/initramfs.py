# SPDX-License-Identifier: BSD-3-Clause
"""Initial RAM file systems: a newc cpio archive written without root and without cpio(1)."""

import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from kernels import Missing, cache_dir

LAB = Path(__file__).resolve().parent.parent
BUSYBOX = "/bin/busybox"
D3COLD_UAPI = LAB.parent.parent / "kernel/uapi/linux/vfio_pci_d3cold.h"

# What the emulated host loads, by purpose. A name that is built in, or unknown to a kernel, is left out.
HOST_MODULES = ("vfio", "vfio_iommu_type1", "vfio_virqfd", "vfio_pci", "kvm_amd", "null_blk", "brd")
GUEST_MODULES = ("button", "evdev", "nvme", "e1000e", "virtio_pci", "virtio_gpu")

# What is carried in and costs no time at boot: the host's by module_load, the guest's by guest/init for devices that
# it finds. A name may bring others.
HOST_EXTRAS = {"tun": ("tun",), "vhost_net": ("tun", "vhost_net"), "virtio_blk": ("virtio_blk",)}
GUEST_EXTRAS = {
    "net": ("af_packet", "virtio_net"),
    "block": ("virtio_blk",),
    "console": ("virtio_console",),
    "rng": ("virtio_rng",),
    "balloon": ("virtio_balloon",),
    "vsock": ("vmw_vsock_virtio_transport",),
    "fs": ("virtiofs",),
    "watchdog": ("wdat_wdt",),
}


class Archive:
    """Files in memory; written as an uncompressed cpio, which costs least at boot under emulation."""

    def __init__(self):
        self.entries = {}

    def _parents(self, path):
        parts = path.strip("/").split("/")[:-1]
        for n in range(1, len(parts) + 1):
            self.entries.setdefault("/".join(parts[:n]), (stat.S_IFDIR | 0o755, b"", (0, 0)))

    def directory(self, path):
        path = path.strip("/")
        self._parents(path)
        self.entries.setdefault(path, (stat.S_IFDIR | 0o755, b"", (0, 0)))

    def data(self, path, data, mode=0o644):
        self._parents(path)
        self.entries[path.strip("/")] = (stat.S_IFREG | mode, data, (0, 0))

    def file(self, path, source, mode=None):
        source = Path(source)
        if mode is None:
            mode = 0o755 if os.access(source, os.X_OK) else 0o644
        self.data(path, source.read_bytes(), mode)

    def link(self, path, target):
        self._parents(path)
        self.entries[path.strip("/")] = (stat.S_IFLNK | 0o777, target.encode(), (0, 0))

    def node(self, path, major, minor):
        self._parents(path)
        self.entries[path.strip("/")] = (stat.S_IFCHR | 0o600, b"", (major, minor))

    def write(self, out):
        for ino, (name, (mode, data, dev)) in enumerate(sorted(self.entries.items()), 1):
            self._entry(out, ino, name, mode, data, dev)
        self._entry(out, 0, "TRAILER!!!", 0, b"", (0, 0))

    @staticmethod
    def _entry(out, ino, name, mode, data, dev):
        raw = name.encode() + b"\0"
        fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, dev[0], dev[1], len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        out.write(head + b"\0" * (-len(head) % 4))
        out.write(data)
        out.write(b"\0" * (-len(data) % 4))


def built(name, folder):
    """A static C program of the lab's, built once per state of its sources."""
    sources = sorted(folder.glob("*.[ch]"))
    digest = hashlib.sha256()
    for source in [*sources, D3COLD_UAPI]:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    binary = cache_dir() / f"{name}-{digest.hexdigest()[:16]}"
    if not binary.exists():
        compiler = shutil.which("gcc") or shutil.which("cc")
        if not compiler:
            raise Missing("no C compiler (run scripts/setup)")
        part = binary.with_name(f".{binary.name}.{os.getpid()}")
        subprocess.run([compiler, "-std=gnu11", "-O2", "-static", "-pthread", "-Wall", "-Wextra",
                        "-Werror", "-I", LAB.parent.parent, "-o", part,
                        *[s for s in sources if s.suffix == ".c"]], check=True)
        for old in cache_dir().glob(f"{name}-*"):
            old.unlink(missing_ok=True)
        part.rename(binary)
    return binary


def probe_binary():
    """The lab's C helper."""
    return built("probe", LAB / "probe")


def conform_binary():
    """What holds the host's vfio-pci to its promises."""
    return built("conform", LAB.parent / "conformance")


def base(kernel, wanted, extras):
    """An archive with busybox, the helper, and a kernel's modules with the order to load them: those that are wanted
    at boot, and for each of the extras a list of its own."""
    if not os.path.exists(BUSYBOX):
        raise Missing("no busybox-static (run scripts/setup)")
    archive = Archive()
    for path in ("bin", "dev", "etc", "proc", "sys", "run", "tmp", "root", "lab/modules"):
        archive.directory(path)
    archive.node("dev/console", 5, 1)
    archive.file("bin/busybox", BUSYBOX, 0o755)
    for path in ("bin/sh", "sbin/init"):
        archive.link(path, "/bin/busybox")
    archive.file("lab/probe", probe_binary(), 0o755)
    for target, names in {"order": wanted, **{f"order.{extra}": names for extra, names in extras.items()}}.items():
        order = []
        for name, data in kernel.modules.modules(names):
            archive.data(f"lab/modules/{name}", data)
            order.append(name)
        archive.data(f"lab/modules/{target}", "".join(f"{n}\n" for n in order).encode())
    return archive


def add_program(archive, path, source):
    """A dynamically linked program with its libraries and its loader at the paths that it names."""
    archive.file(path, source, 0o755)
    proc = subprocess.run(["ldd", source], text=True, capture_output=True)
    for line in proc.stdout.splitlines():
        fields = line.split()
        if "not found" in line:
            raise Missing(f"{source} needs {fields[0]}, which this machine lacks")
        # "libx.so => /path/libx.so (0x..)" or "/lib64/ld-linux.so (0x..)"
        found = fields[2] if len(fields) > 2 and fields[1] == "=>" else fields[0]
        if found.startswith("/"):
            archive.file(found, found, 0o755)


def guest_archive(kernel):
    archive = base(kernel, GUEST_MODULES, GUEST_EXTRAS)
    archive.file("init", LAB / "guest/init", 0o755)
    archive.file("lab/verbs", LAB / "guest/verbs", 0o644)
    return archive
