# SPDX-License-Identifier: BSD-3-Clause
"""Case files: the header of "# key: value" lines, and what it asks of the emulated host."""

import shlex
import shutil

from kernels import DRIVERS, SERIES

KEYS = {
    "rule": "one sentence: what the case holds",
    "kernels": "host kernel series (6.12 6.1)",
    "flavour": "host kernel flavour (cloud)",
    "driver": "the host's vfio-pci: stock, patched or iommufd (stock)",
    "guest-kernel": "guest kernel series (6.12)",
    "guest-flavour": "guest kernel flavour (cloud)",
    "debian": "yes: a Debian for guests, and a disk of the host with its root",
    "devices": "slots of the host (nvme)",
    "memory": "the host's memory (1536M)",
    "numa": "nodes that the host's memory is divided into (1)",
    "append": "more for the host's kernel command line",
    "module-args": "MODULE=ARGS ...",
    "icount": "yes: the host's clock counts instructions",
    "bind": "no: devices stay with their own drivers",
    "programs": "programs of this machine that the case runs in the host",
    "timeout": "seconds for the case (120)",
    "by-hand": "why it is run only when it is named: it takes too long, or is not steady yet",
    "alone": "yes: it leaves a host that others cannot use, so it gets a boot of its own",
    "needs": "coldvm; coldvm bench: the latter as well",
    "variant": "NAME KEY=VALUE ...: one more run of the case; lower-case keys as above, others are variables",
}

# A machine with more to do than the lab takes so much longer for the same case.
BUSY_FACTOR = 3


class BadCase(Exception):
    """A header that cannot be used; the text names file and line."""


def read_header(path):
    """The keys of a case file, and its variants as lists of words."""
    keys, variants = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.startswith("#"):
            break
        key, colon, value = line[1:].strip().partition(":")
        if not colon or " " in key or key.startswith("SPDX"):
            continue
        if key not in KEYS:
            raise BadCase(f"{path.name}:{number}: unknown key '{key}'")
        if key == "variant":
            variants.append(shlex.split(value))
        else:
            keys[key] = value.strip()
    if not keys.get("rule"):
        raise BadCase(f"{path.name}: no rule")
    return keys, variants


def load(path):
    """The cases of a file: one, or one per variant."""
    keys, variants = read_header(path)
    if not variants:
        return [Case(path, path.stem, keys, {})]
    cases = []
    for name, *words in variants:
        own, variables = dict(keys), {}
        for word in words:
            key, equals, value = word.partition("=")
            if not equals:
                raise BadCase(f"{path.name}: variant {name}: '{word}' is no KEY=VALUE")
            if key in KEYS:
                own[key] = value
            elif key.isupper():
                variables[key] = value
            else:
                raise BadCase(f"{path.name}: variant {name}: unknown key '{key}'")
        cases.append(Case(path, f"{path.stem}.{name}", own, variables))
    return cases


class Case:
    """One run of a case file, on each of its host kernels."""

    def __init__(self, path, name, keys, variables):
        self.path = path
        self.name = name
        self.keys = keys
        self.variables = variables
        self.kernels = keys.get("kernels", " ".join(SERIES)).split()
        self.needs = keys.get("needs", "").split()
        self.driver = keys.get("driver", "stock")
        if self.driver not in DRIVERS:
            raise BadCase(f"{path.name}: driver '{self.driver}' is none of: {' '.join(DRIVERS)}")
        self.timeout = BUSY_FACTOR * int(keys.get("timeout", "120"))
        self.alone = keys.get("alone") == "yes"
        self.by_hand = "by-hand" in keys
        self.frozen = 0  # hosts that froze under it

    def label(self, kernel):
        """What the verdicts call one run of it."""
        return f"{self.name} {kernel}{'' if self.driver == 'stock' else f' {self.driver}'}"

    def requirements(self):
        """What must agree for two cases to share a boot; hashable."""
        get = self.keys.get
        return (get("flavour", "cloud"), self.driver, get("guest-kernel", "6.12"), get("guest-flavour", "cloud"),
                tuple(get("devices", "nvme").split()), get("memory", "1536M"), int(get("numa", "1")), get("append", ""),
                tuple(shlex.split(get("module-args", ""))), get("icount") == "yes", get("bind") == "no",
                tuple(get("programs", "").split()), get("debian") == "yes", "bench" in self.needs)

    def apply(self, options):
        """Fills the options of a boot."""
        (options.flavour, options.driver, options.guest_kernel, options.guest_flavour, devices, options.memory,
         options.numa, options.append, module_args, options.icount, options.no_bind, programs,
         options.debian, options.bench) = self.requirements()
        options.program = [shutil.which(name) or name for name in programs]
        options.device = list(devices)
        options.module_args = list(module_args)
