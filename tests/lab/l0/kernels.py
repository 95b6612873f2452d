# SPDX-License-Identifier: BSD-3-Clause
"""Debian kernel packages: found by apt, unpacked into a cache outside the tree, never installed. And their drivers."""

import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

SERIES = ("6.12", "6.1")
FLAVOURS = ("cloud", "generic")
# iommufd: the kernel's own, built with what Debian leaves out.
DRIVERS = ("stock", "patched", "iommufd")
BUILD_ARGUMENTS = {"patched": (), "iommufd": ("--iommufd", "--patches", "0")}
BUILD_DRIVER = Path(__file__).resolve().parents[3] / "kernel/build"


class Missing(Exception):
    """Something that this machine lacks; the caller skips (77) and prints the text."""


def cache_dir():
    """The lab's cache: kernels, modules, helper binaries. It may be removed at any time."""
    base = os.environ.get("COLDVM_LAB_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "coldvm-lab")
    path = Path(base)
    path.mkdir(parents=True, exist_ok=True)
    return path


def package_pattern(series, flavour):
    infix = "cloud-" if flavour == "cloud" else ""
    # 6.1 is bookworm's own kernel and carries its ABI number; 6.12 comes by backports or security.
    version = r"6\.1\.0-\d+" if series == "6.1" else r"6\.12\.\d+\+[a-z0-9~]+"
    return re.compile(rf"^linux-image-{version}-{infix}amd64(-unsigned)?$")


def version_key(name):
    # A signed package before an unsigned one of the same version.
    return ([int(n) for n in re.findall(r"\d+", name)][:6], not name.endswith("-unsigned"))


def newest_package(series, flavour):
    """The newest package of that series and flavour that apt knows, or None."""
    try:
        out = subprocess.run(["apt-cache", "pkgnames", f"linux-image-{series}."], text=True,
                             capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    pattern = package_pattern(series, flavour)
    names = [n for n in out.split() if pattern.match(n)]
    return max(names, key=version_key) if names else None


def fetch(name, into):
    """Downloads and unpacks one package; into appears only when it is whole."""
    work = into.with_name(f".{into.name}.{os.getpid()}")
    work.mkdir()
    try:
        print(f"lab: fetching {name}", flush=True)
        proc = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name],
                              cwd=work, text=True, capture_output=True)
        debs = list(work.glob("*.deb"))
        if proc.returncode or not debs:
            raise Missing(f"apt-get download {name} failed: {(proc.stderr.strip().splitlines() or ['?'])[-1]}")
        subprocess.run(["dpkg-deb", "-x", debs[0], work / "tree"], check=True)
        debs[0].unlink()
        try:
            work.rename(into)
        except OSError:
            if not into.exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def module_name(path):
    return path.name.split(".ko")[0].replace("-", "_")


def module_field(data, key):
    """A field of a module's .modinfo, as text; empty if it has none."""
    found = re.search(rb"\0" + key.encode() + rb"=([^\0]*)\0", data)
    return found.group(1).decode() if found else ""


def build_driver(release, driver):
    """[(module name, bytes)] of a driver that is not the kernel's own, by kernel/build."""
    with tempfile.TemporaryDirectory(prefix="coldvm-driver.") as out:
        proc = subprocess.run([BUILD_DRIVER, "--kernel", release, "--out", out, *BUILD_ARGUMENTS[driver]], text=True, capture_output=True)
        if proc.returncode == 77:
            raise Missing(f"no {driver} driver: " + proc.stderr.strip().splitlines()[-1])
        if proc.returncode:
            raise RuntimeError(f"no {driver} driver for {release}:\n{proc.stderr.strip()}")
        return read_driver(out)


def read_driver(directory):
    """[(module name, bytes)] of the modules in a folder."""
    found = [(module_name(path), path.read_bytes()) for path in sorted(Path(directory).glob("*.ko"))]
    if not found:
        raise RuntimeError(f"there is no module in {directory}: kernel/build --out DIR puts them there")
    return found


class ModuleSet:
    """A kernel's modules, read in the order of their dependencies."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self._paths = None
        self._added = {}

    def _module_paths(self):
        if self._paths is None:
            self._paths = {module_name(path): path for path in self.directory.rglob("*.ko*")}
        return self._paths

    def load(self, name):
        """A module's bytes."""
        if name in self._added:
            return self._added[name]
        path = self._module_paths()[name]
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data

    def modules(self, wanted):
        """[(file name, bytes)] of the wanted modules and what they need, in the order to load them.

        A name that is no module of this kernel is taken as built in, and left out.
        """
        ordered, seen = [], set()

        def visit(name):
            name = name.replace("-", "_")
            if name in seen or name not in self._module_paths() and name not in self._added:
                return
            seen.add(name)
            data = self.load(name)
            for dependency in filter(None, module_field(data, "depends").split(",")):
                visit(dependency)
            # Soft dependencies are left out: none of the lab's modules needs one.
            ordered.append((f"{name}.ko", data))

        for name in wanted:
            visit(name)
        return ordered

    def extend(self, additions, wanted):
        """With other modules, [(name, bytes)], beside these or in their place, whatever they need: [(file name, bytes)]
        of them, and the order to load those wanted."""
        both = ModuleSet(self.directory)
        both._added = dict(additions)
        return [(f"{name}.ko", data) for name, data in additions], [name for name, _ in both.modules(wanted)]

    def replace(self, replacements):
        """Checks modules, [(name, bytes)], that go in the place of these; [(file name, bytes)] of them."""
        for name, data in replacements:
            if name not in self._module_paths():
                raise RuntimeError(f"{name}.ko takes no module's place in {self.directory}")
            old = self.load(name)
            for field in ("vermagic", "depends"):
                ours, theirs = sorted(module_field(data, field).split(",")), sorted(module_field(old, field).split(","))
                if ours != theirs:
                    raise RuntimeError(f"{name}.ko has {field} {ours}, the kernel's own {theirs}: "
                                       "is it built for this kernel?")
        return [(f"{name}.ko", data) for name, data in replacements]


class BuiltKernel:
    """A kernel built by hand: an image, and a folder with its modules."""

    flavour = "built"

    def __init__(self, series, image, modules):
        self.series = series
        self.image = Path(image)
        for path in (image, modules):
            if not os.path.exists(path):
                raise RuntimeError(f"there is no {path}")
        self.modules = ModuleSet(modules)
        self.identity = hashlib.sha256(b"".join(
            f"{path} {path.stat().st_mtime_ns}\n".encode()
            for path in (self.image, *sorted(Path(modules).rglob("*.ko*"))))).hexdigest()


class Kernel:
    """An unpacked kernel package: its image and its modules."""

    def __init__(self, series, flavour):
        self.series = series
        self.flavour = flavour
        self.root = self._unpacked()
        images = list((self.root / "tree/boot").glob("vmlinuz-*"))
        if not images:
            raise Missing(f"no kernel image in {self.root}")
        self.image = images[0]
        self.release = images[0].name.removeprefix("vmlinuz-")
        self.identity = str(self.root)
        self.modules = ModuleSet(self.root / "tree/lib/modules")

    def _unpacked(self):
        store = cache_dir() / "kernels"
        store.mkdir(exist_ok=True)
        name = newest_package(self.series, self.flavour)
        if name:
            path = store / name
            if not path.exists():
                fetch(name, path)
            return path
        # Offline, or without apt: what an earlier run left will do.
        pattern = package_pattern(self.series, self.flavour)
        names = [p.name for p in store.iterdir() if pattern.match(p.name)]
        if names:
            return store / max(names, key=version_key)
        raise Missing(f"no linux-image-{self.series}*-{self.flavour} package known to apt "
                      "(run scripts/setup; it says which archive is missing)")
