#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""msmailgw as benchmarks run it: from a queue that is full, or from a mailbag that is."""
import json
import os
import resource
import shutil
import subprocess
import time

from benchpeers import LIMIT, PeerError, mkpostoffice, run, tool, write_file

SETTINGS = """spool = spool
hostname = gw.test
postmaster = postmaster@corp.example
map = {map}
log = relay.log
postoffice BENCH {{
    name = {name}
    path = po
    profile = {profile}
    queues = {{ "{queue}" }}
}}
relay {{
    hosts = {{ "127.0.0.1:{port}" }}
    {tls}
    {more}
}}
"""


class Gateway:
    """A postoffice with `count` messages that is made once, and copied for each run."""

    def __init__(self, base, count, size):
        self.program = os.path.abspath(os.environ.get("MSMAILGW", "msmailgw"))
        self.base, self.count, self.size = base, count, size
        self.model = os.path.join(base, "model")
        self.truth = mkpostoffice.make(mkpostoffice.arguments(
            [self.model, "--messages", str(count), "--bench", str(size)]))
        self._serial = 0

    def prepare(self, port, tls=None, connections=None, **more):
        """A directory with settings and a copy of the postoffice."""
        self._serial += 1
        directory = os.path.join(self.base, "run%d" % self._serial)
        shutil.copytree(self.model, os.path.join(directory, "po"))
        if connections:
            more["connections"] = connections
        lines = ['%s = "%s"' % (name.replace("_", "-"), value) for name, value in more.items()]
        write_file(os.path.join(directory, "msmailgw.conf"), SETTINGS.format(
            map=self.model + ".map.tsv", profile=self.model + ".profile", port=port,
            name="%s/%s" % (self.truth["network"], self.truth["postoffice"]),
            queue=self.truth["queues"][0]["name"],
            tls='ca-file = "%s"\n    server-name = mail.test' % tls if tls else "tls = none",
            more="\n    ".join(lines)))
        return directory

    def run(self, directory, *words):
        argv = [self.program, "-c", os.path.join(directory, "msmailgw.conf"), "--json", *words]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
                              check=False)
        if done.returncode != 0:
            raise PeerError("%s: status %d\n%s%s" % (words, done.returncode, done.stdout.decode(),
                                                     done.stderr.decode()))
        return done.stdout

    def drain(self, directory, sink, count):
        """(seconds from the start of the program to the end of the last message, seconds of CPU)."""
        os.sync()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        output = self.run(directory, "drain")
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = sink.wait(count) - began
        if json.loads(output)["relayed"] != count:
            raise PeerError("msmailgw relayed %s, not %d" % (output.decode().strip(), count))
        shutil.rmtree(directory)
        return took, (now.ru_utime + now.ru_stime) - (used.ru_utime + used.ru_stime)


class Queue(Gateway):
    """A queue with `count` messages of `size` octets beside a postoffice that is empty."""

    def __init__(self, base, count, size):
        super().__init__(base, 0, size)
        self.count = count
        self.full = os.path.join(base, "queue.db")
        run([tool("fill"), self.full, count, size])

    def prepare(self, port, tls=None, connections=None, **more):
        directory = super().prepare(port, tls, connections, **more)
        spool = os.path.join(directory, "spool")
        os.mkdir(spool, 0o700)
        shutil.copy(self.full, spool)
        os.chmod(os.path.join(spool, "queue.db"), 0o600)
        return directory
