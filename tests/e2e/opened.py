# SPDX-License-Identifier: BSD-2-Clause
"""Which files of a postoffice are opened, and which directories are listed, by whomever."""
import collections
import ctypes
import os
import struct


class Opened:
    """Which files of some directories are opened (inotify; a look at a file's attributes is none)."""

    ACCESS, OPEN, ISDIR = 0x1, 0x20, 0x40000000

    def __init__(self, root, names):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.names = {}
        for name in names:
            path = os.path.join(root, name).encode()
            self.names[self.libc.inotify_add_watch(self.fd, path, self.OPEN | self.ACCESS)] = name

    def taken(self):
        """Counter of "DIRECTORY/FILE" opened since the last call; "DIRECTORY/": it was listed."""
        found = collections.Counter()
        while True:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                return found
            at = 0
            while at < len(data):
                watch, mask, _, size = struct.unpack_from("iIII", data, at)
                if watch < 0:
                    raise OverflowError("too many events between two calls")
                name = data[at + 16 : at + 16 + size].rstrip(b"\0").decode()
                if bool(mask & self.ISDIR) == bool(mask & self.ACCESS):
                    found[self.names[watch] + "/" + ("" if mask & self.ISDIR else name)] += 1
                at += 16 + size

    def close(self):
        os.close(self.fd)
