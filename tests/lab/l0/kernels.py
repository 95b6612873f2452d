# SPDX-License-Identifier: BSD-3-Clause
"""Debian kernel packages: found by apt, unpacked into a cache outside the tree, never installed."""

import lzma
import os
import re
import shutil
import subprocess
from pathlib import Path

SERIES = ("6.12", "6.1")
FLAVOURS = ("cloud", "generic")


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


class Kernel:
    """An unpacked kernel package: its image and its modules in the order of their dependencies."""

    def __init__(self, series, flavour):
        self.series = series
        self.flavour = flavour
        self.root = self._unpacked()
        images = list((self.root / "tree/boot").glob("vmlinuz-*"))
        if not images:
            raise Missing(f"no kernel image in {self.root}")
        self.image = images[0]
        self.release = images[0].name.removeprefix("vmlinuz-")
        self._paths = None

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

    def _module_paths(self):
        if self._paths is None:
            self._paths = {}
            for path in (self.root / "tree/lib/modules").rglob("*.ko*"):
                name = path.name.split(".ko")[0].replace("-", "_")
                self._paths[name] = path
        return self._paths

    def _load(self, name):
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
            if name in seen or name not in self._module_paths():
                return
            seen.add(name)
            data = self._load(name)
            found = re.search(rb"\0depends=([^\0]*)\0", data)
            for dep in (found.group(1).decode().split(",") if found else []):
                if dep:
                    visit(dep)
            # Soft dependencies are left out: none of the lab's modules needs one.
            ordered.append((f"{name}.ko", data))

        for name in wanted:
            visit(name)
        return ordered
