# SPDX-License-Identifier: BSD-3-Clause
"""From options to a boot: options shared by run and case, the disk image, the host's initramfs."""

import argparse
import hashlib
import os
from pathlib import Path

import initramfs
from debian import Debian
from kernels import DRIVERS, FLAVOURS, SERIES, BuiltKernel, Kernel, build_driver, cache_dir, read_driver
from machine import DEVICES, Machine, has_disk, host_addresses

DISK_MIB = 32
HOST_FILES = ("init", "verbs", "case", "exits", "warnings.awk")


def add_kernel_options(parser):
    """The options of run and case alike."""
    parser.add_argument("--driver-modules", metavar="DIR",
                        help="the patched driver: modules that kernel/build made, e.g. of a changed series")
    parser.add_argument("--kernel-image", metavar="FILE", help="a host kernel built by hand, of the series --kernel")
    parser.add_argument("--modules", metavar="DIR", help="its modules, as make modules leaves them")
    parser.add_argument("--cpu", default="max", metavar="MODEL", help="QEMU's word for the host's processor (max)")


def check_kernel_options(parser, options):
    if bool(options.kernel_image) != bool(options.modules):
        parser.error("--kernel-image and --modules go together: a kernel and its own modules")


def add_options(parser):
    parser.add_argument("--kernel", choices=SERIES, default="6.12", help="host kernel series (6.12)")
    parser.add_argument("--flavour", choices=FLAVOURS, default="cloud", help="host kernel flavour (cloud)")
    parser.add_argument("--driver", choices=DRIVERS, default="stock",
                        help="the host's vfio-pci: the kernel's own (stock), with the patches of kernel/, or with iommufd")
    add_kernel_options(parser)
    parser.add_argument("--guest-kernel", choices=SERIES, default="6.12", help="guest kernel series (6.12)")
    parser.add_argument("--guest-flavour", choices=FLAVOURS, default="cloud",
                        help="guest kernel flavour (cloud)")
    parser.add_argument("--device", action="append", choices=sorted(DEVICES), default=None,
                        help="a slot of the host (repeatable; nvme)")
    parser.add_argument("--debian", action="store_true",
                        help="a Debian for guests: /guest/debian/vmlinuz and initrd, and a disk of the host with its root")
    parser.add_argument("--icount", action="store_true",
                        help="the host's clock counts instructions: timing without this machine's noise")
    parser.add_argument("--memory", default="1536M", help="the host's memory (1536M)")
    parser.add_argument("--numa", type=int, default=1, metavar="NODES",
                        help="nodes that the host's memory is divided into; its CPU is node 0's (1)")
    parser.add_argument("--append", default="", help="more for the host's kernel command line")
    parser.add_argument("--module-args", action="append", default=[], metavar="MODULE=ARGS",
                        help="parameters for a module of the host, e.g. vfio_pci='disable_idle_d3=1'")
    parser.add_argument("--no-bind", action="store_true", help="leave the devices to their own drivers")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for the whole run (300)")
    parser.add_argument("--out", metavar="DIR", help="keep logs, disk images and saved files here")
    parser.add_argument("--disk", metavar="FILE", help="raw image for the first NVMe, kept")
    parser.add_argument("--coldvm", metavar="FILE", help="coldvm's binary, put into the host with its libraries")
    parser.add_argument("--bench", action="store_true", help="coldvm-bench and its guest, too, which lie beside coldvm")
    parser.add_argument("--program", action="append", default=[], metavar="SRC[:DEST]",
                        help="another program for the host, with its libraries (repeatable)")
    parser.add_argument("--file", action="append", default=[], metavar="SRC[:DEST]",
                        help="another file for the host (repeatable)")
    parser.add_argument("-v", "--verbose", action="store_true", help="the host's console on standard error")


def disk_block(number):
    """1 MiB of the fixed pattern. Its checksums are the same on every machine and in every run."""
    seed = hashlib.sha256(b"coldvm lab disk %d" % number).digest()
    return hashlib.shake_256(seed).digest(1 << 20)


def make_disk(path):
    """A disk of DISK_MIB different pseudo-random MiB."""
    master = cache_dir() / f"disk-{DISK_MIB}.img"
    if not master.exists():
        part = master.with_name(f".{master.name}.{os.getpid()}")
        with open(part, "wb") as out:
            for number in range(DISK_MIB):
                out.write(disk_block(number))
        part.rename(master)
    path.write_bytes(master.read_bytes())


def host_kernel(options):
    return BuiltKernel(options.kernel, options.kernel_image, options.modules) if options.kernel_image else \
        Kernel(options.kernel, options.flavour)


def host_driver(options, kernel):
    """[(file name, bytes)] of the modules that take the place of the kernel's own, and the order to load the host's
    modules, None if that stays as it is."""
    if options.driver == "stock":
        return [], None
    if options.driver_modules:
        modules = read_driver(options.driver_modules)
    elif options.kernel_image:
        return [], None  # a kernel built by hand brings its own driver
    else:
        modules = build_driver(kernel.release, options.driver)
    if options.driver == "iommufd":
        return kernel.modules.extend(modules, initramfs.HOST_MODULES)
    return kernel.modules.replace(modules), None


def build_initrd(options, job, kernel, debian, path):
    """The host's initramfs: a cached part per kernel and guest, and this run's files behind it."""
    driver, order = host_driver(options, kernel)
    guest = Kernel(options.guest_kernel, options.guest_flavour)
    key = hashlib.sha256()
    for part in (kernel.identity, guest.identity, initramfs.probe_binary(), initramfs.HOST_MODULES,
                 initramfs.GUEST_MODULES, initramfs.HOST_EXTRAS, initramfs.GUEST_EXTRAS):
        key.update(str(part).encode() + b"\0")
    for name in ("guest/init", "guest/verbs", *(f"host/{name}" for name in HOST_FILES)):
        key.update((initramfs.LAB / name).read_bytes())
    store = cache_dir() / "initrd"
    store.mkdir(exist_ok=True)
    fixed = store / f"{kernel.series}-{kernel.flavour}-{guest.series}-{guest.flavour}-{key.hexdigest()[:12]}"
    if not fixed.exists():
        for old in store.glob(fixed.name.rsplit("-", 1)[0] + "-*"):
            old.unlink(missing_ok=True)
        part = fixed.with_name(f".{fixed.name}.{os.getpid()}")
        with open(part, "wb") as out:
            archive = initramfs.base(kernel, initramfs.HOST_MODULES, initramfs.HOST_EXTRAS)
            for name in HOST_FILES:
                target = name if name == "init" else f"lab/{name}"
                archive.file(target, initramfs.LAB / "host" / name, 0o755)
            sums = "".join(f"{hashlib.sha256(disk_block(n)).hexdigest()}\n" for n in range(DISK_MIB))
            archive.data("lab/disk.sums", sums.encode())
            archive.file("guest/bzImage", guest.image)
            guest_part = store / f".guest.{os.getpid()}"
            with open(guest_part, "wb") as guest_out:
                initramfs.guest_archive(guest).write(guest_out)
            archive.file("guest/initrd", guest_part, 0o644)
            guest_part.unlink()
            archive.write(out)
        part.rename(fixed)

    archive = initramfs.Archive()
    if debian:
        archive.file("guest/debian/vmlinuz", debian.kernel, 0o644)
        archive.file("guest/debian/initrd", debian.initrd, 0o644)
    archive.file("bin/conform", initramfs.conform_binary(), 0o755)
    archive.data("lab/job", job.encode(), 0o755)
    environment = {"LAB_DEVICES": " ".join(host_addresses(options.device)),
                   "LAB_BIND": "0" if options.no_bind else "1",
                   "LAB_ICOUNT": "1" if options.icount else "0",
                   "LAB_KERNEL": options.kernel, "LAB_DRIVER": options.driver, "LAB_GUEST_KERNEL": options.guest_kernel}
    for name, data in driver:
        archive.data(f"lab/modules/{name}", data)
    if order:
        archive.data("lab/modules/order", "".join(f"{name}\n" for name in order).encode())
    archive.data("lab/env", "".join(f"export {k}='{v}'\n" for k, v in environment.items()).encode())
    for item in options.module_args:
        module, _, arguments = item.partition("=")
        archive.data(f"lab/modules/{module.replace('-', '_')}.ko.args", arguments.encode())
    if options.coldvm:
        initramfs.add_program(archive, "bin/coldvm", options.coldvm)
    if options.coldvm and options.bench:
        beside = Path(options.coldvm).parent
        initramfs.add_program(archive, "bin/coldvm-bench", str(beside / "coldvm-bench"))
        archive.file("share/coldvm/coldvm-bench-guest.cpio", beside / "coldvm-bench-guest.cpio")
    for item in options.program:
        source, _, target = item.partition(":")
        initramfs.add_program(archive, target or f"bin/{Path(source).name}", source)
    for item in options.file:
        source, _, target = item.partition(":")
        archive.file(target or f"root/{Path(source).name}", source)
    with open(path, "wb") as out:
        out.write(fixed.read_bytes())
        archive.write(out)


def boot(options, job, job_out=None):
    """Boots the emulated host with a job; (status, why)."""
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    options.device = options.device or ["nvme"]
    kernel = host_kernel(options)
    for number, device in enumerate(options.device, 1):
        if has_disk(device) and not (number == 1 and options.disk and os.path.exists(options.disk)):
            make_disk(Path(options.disk) if number == 1 and options.disk else out / f"disk{number}.img")
    initrd = out / "initrd"
    debian = Debian() if options.debian else None
    build_initrd(options, job, kernel, debian, initrd)
    machine = Machine(options, initrd, kernel, debian, job_out)
    try:
        status = machine.run()
    finally:
        initrd.unlink(missing_ok=True)
    return status, machine.why


def parser(description):
    return argparse.ArgumentParser(description=description)
