# SPDX-License-Identifier: BSD-3-Clause
"""A Debian 12 for guests: kernel, initramfs and an ext4 root as a raw image, made by mmdebstrap once for each recipe.

The packages come from where this machine's apt gets its own. Nothing in it is made for a VMM: systemd, udev, dbus and
logind as Debian configures them, the initramfs that the kernel's package makes. The lab adds its helper and its verbs,
a root without a password, and nothing that starts by itself.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import initramfs
from kernels import Missing, cache_dir, newest_package

SUITE = "bookworm"
PACKAGES = ("systemd-sysv", "dbus", "udev", "iproute2", "busybox", "initramfs-tools", "zstd")
SIZE = "512M"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
# What an installer would have written.
FILES = {
    "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "debian\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 debian\n",
    # A machine without one is on its first boot, at which systemd does more.
    "etc/machine-id": hashlib.sha256(b"coldvm lab debian").hexdigest()[:32] + "\n",
}
LINKS = {"usr/local/bin/probe": "/lab/probe", "usr/local/bin/usleep": "/bin/busybox"}
REMOVED = ("etc/resolv.conf",)


def sources():
    """The lines of Debian's own archives that apt knows, and Debian 12's only."""
    form = "$(RELEASE) deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    try:
        out = subprocess.run(["apt-get", "indextargets", "--format", form, "Created-By: Packages", "Origin: Debian"],
                             text=True, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise Missing("no apt, so no Debian for the guest") from None
    lines = sorted({line.split(" ", 1)[1] for line in out.splitlines() if line.startswith(SUITE)})
    if not lines:
        raise Missing(f"apt knows no archive of {SUITE} (run scripts/setup; it reads apt's lists)")
    return "".join(f"{line}\n" for line in lines)


def call(why, arguments, **more):
    proc = subprocess.run(arguments, text=True, capture_output=True, **more)
    if proc.returncode:
        lines = (proc.stdout + proc.stderr).strip().splitlines()
        raise Missing(f"{why}: {arguments[0]}: " + " / ".join(lines[-3:]))
    return proc.stdout


def as_root():
    """What lets files have their owners for a user that is not root."""
    return [] if os.geteuid() == 0 else ["fakeroot"]


def edit(root):
    for path, text in FILES.items():
        (root / path).write_text(text)
    for path, target in LINKS.items():
        (root / path).symlink_to(target)
    for path in REMOVED:
        (root / path).unlink(missing_ok=True)
    shadow = root / "etc/shadow"
    shadow.write_text(shadow.read_text().replace("root:*:", "root::", 1))


def build(work, kernel):
    """Makes disk.raw, vmlinuz and initrd in a folder, of what mmdebstrap puts into a tar."""
    tar = work / "root.tar"
    call("no Debian for the guest", [
        "mmdebstrap", "--variant=minbase", "--include=" + ",".join((*PACKAGES, kernel)),
        *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT), SUITE, str(tar), "-"], input=sources())
    call("no image of it", [*as_root(), sys.executable, str(Path(__file__).resolve()), str(work)])
    tar.unlink()


def make_image(work):
    """The rest of build(): one process, since the owners that fakeroot remembers end with it."""
    root = work / "root"
    root.mkdir()
    call("no root", ["tar", "-C", str(root), "--exclude=./dev/*", "-xpf", str(work / "root.tar")])
    edit(root)
    for name, target in (("vmlinuz", "vmlinuz"), ("initrd.img", "initrd")):
        shutil.copyfile(root / name, work / target)
    call("no file system", ["mke2fs", "-q", "-t", "ext4", "-m", "0", "-L", "root", "-d", str(root),
                            str(work / "disk.raw"), SIZE])
    shutil.rmtree(root)


def with_lab(image, target):
    """A copy of the image with the lab's own files."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", image, target], check=True)
    with tempfile.NamedTemporaryFile("w", prefix="coldvm-lab.") as commands:
        commands.write(f"mkdir lab\ncd lab\nwrite {initramfs.probe_binary()} probe\n"
                       f"write {initramfs.LAB / 'guest/verbs'} verbs\nset_inode_field probe mode 0100755\n")
        for path in ("/lab", "probe", "verbs"):
            commands.write(f"set_inode_field {path} uid 0\nset_inode_field {path} gid 0\n")
        commands.flush()
        call("no lab in the image", ["debugfs", "-w", "-f", commands.name, str(target)])


class Debian:
    """The guest's kernel, initrd and disk, from the cache or made now. The disk must not be written."""

    def __init__(self):
        for program in ("mmdebstrap", "mke2fs", "debugfs", *as_root()):
            if not shutil.which(program):
                raise Missing(f"no {program} (run scripts/setup)")
        kernel = newest_package("6.12", "cloud")
        if not kernel:
            raise Missing("no 6.12 kernel for the guest (run scripts/setup)")
        key = hashlib.sha256("\0".join((kernel, Path(__file__).read_text())).encode()).hexdigest()[:12]
        self.folder = cache_dir() / f"debian-{key}"
        if not self.folder.exists():
            self._make(kernel)
        self.kernel, self.initrd = self.folder / "vmlinuz", self.folder / "initrd"
        self.disk = self._disk()

    def _make(self, kernel):
        for old in cache_dir().glob("debian-*"):
            shutil.rmtree(old, ignore_errors=True)
        print("lab: making a Debian root, once", file=sys.stderr, flush=True)
        work = cache_dir() / f".debian.{os.getpid()}"
        work.mkdir()
        try:
            build(work, kernel)
            try:
                work.rename(self.folder)
            except OSError:
                if not self.folder.exists():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _disk(self):
        """The image with the lab's files as they are now."""
        key = hashlib.sha256()
        for path in (initramfs.probe_binary(), initramfs.LAB / "guest/verbs"):
            key.update(path.read_bytes())
        disk = self.folder / f"disk-{key.hexdigest()[:12]}.raw"
        if not disk.exists():
            for old in self.folder.glob("disk-*.raw"):
                old.unlink(missing_ok=True)
            part = disk.with_name(f".disk.{os.getpid()}")
            with_lab(self.folder / "disk.raw", part)
            part.rename(disk)
        return disk


if __name__ == "__main__":
    make_image(Path(sys.argv[1]))
