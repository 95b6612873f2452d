# SPDX-License-Identifier: BSD-3-Clause
"""The disk image of a run: made with fresh random data, and read again outside of the emulation."""

import hashlib
import os

MIB = 1 << 20
# Blocks of one MiB that the guest reads, a different one each cycle; behind them one per cycle that it writes.
BLOCKS = 16


def digest(data):
    return hashlib.sha256(data).hexdigest()


def written(text):
    """What the guest should write: one line over and over, as yes(1) prints it."""
    line = text.encode() + b"\n"
    return (line * (MIB // len(line) + 1))[:MIB]


class Image:
    def __init__(self, path, cycles, text):
        self.path = path
        self.text = text
        self.cycles = cycles
        with open(path, "wb") as out:
            for _ in range(BLOCKS):
                out.write(os.urandom(MIB))
            out.truncate((BLOCKS + max(cycles, BLOCKS)) * MIB)

    def _block(self, number):
        with open(self.path, "rb") as image:
            image.seek(number * MIB)
            return digest(image.read(MIB))

    def sums(self, when):
        """Lines for image.sums: each block as it is now."""
        return [f"{when} {number} {self._block(number)}" for number in range(BLOCKS + self.cycles)]

    def texts(self):
        """Lines for image.sums: what each cycle should write."""
        return [f"text {BLOCKS + n - 1} {digest(written(f'{self.text}, cycle {n}'))}"
                for n in range(1, self.cycles + 1)]
