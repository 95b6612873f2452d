# SPDX-License-Identifier: BSD-3-Clause
"""The emulator: this machine's QEMU, without the one store that freezes nested guests.

helper_vmrun of QEMU 7.2 leaves the vector of an injected interrupt (SVM_EVTINJ_TYPE_INTR) in exception_index, and delivers it
as well: whoever looks at that field before the next exit delivers it a second time (README.md, "What the emulator gets
wrong"). The lab runs a copy of the program in which that instruction does nothing. A program in which it is not found,
once, and between its neighbours, is run as it is.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

from kernels import Missing, cache_dir

QEMU = "qemu-system-x86_64"

# if (!type) { error_code = event_inj_err; exception_index = vector; exception_is_int = 0; exception_next_eip = -1; ...
# with the CPU in rbx, as gcc has made it of Debian's QEMU 7.2 ever since; offsets may move.
STORE = re.compile(rb"\x85\xd2\x0f\x85....\x41\x0f\xb6\xf4\x44\x89\xab....(\x89\xb3....)"
                   rb"\xc7\x83....\0\0\0\0\x48\xc7\x83....\xff\xff\xff\xff", re.DOTALL)
NOP = b"\x90"


def without_store(program):
    """The program's bytes without that store, or None."""
    found = list(STORE.finditer(program))
    if len(found) != 1:
        return None
    begin, end = found[0].span(1)
    return program[:begin] + NOP * (end - begin) + program[end:]


def emulator():
    """The path of the program to run."""
    original = shutil.which(QEMU)
    if not original:
        raise Missing(f"no {QEMU} (run scripts/setup)")
    # Made by whoever wants another one.
    if os.environ.get("COLDVM_LAB_QEMU"):
        return os.environ["COLDVM_LAB_QEMU"]
    program = Path(original).read_bytes()
    # It finds its firmware and its modules by its own place, so the copy gets a tree that looks like /usr.
    tree = cache_dir() / "emulator" / hashlib.sha256(program).hexdigest()[:12]
    copy = tree / "bin" / QEMU
    if copy.exists():
        return str(copy)
    changed = without_store(program)
    if changed is None or Path(original).resolve().parent != Path("/usr/bin"):
        return original
    copy.parent.mkdir(parents=True, exist_ok=True)
    for name in ("share", "lib", "libexec"):
        link = tree / name
        if not link.is_symlink():
            link.symlink_to(f"/usr/{name}")
    part = copy.with_name(f".{QEMU}.{os.getpid()}")
    part.write_bytes(changed)
    part.chmod(0o755)
    part.rename(copy)
    return str(copy)
