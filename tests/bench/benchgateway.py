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


class Service:
    """msmailgwd for the length of a `with`: its processes, and the most memory that each had."""

    def __init__(self, gateway, directory):
        daemon = os.environ.get("MSMAILGWD", gateway.program + "d")
        self._argv = [daemon, "-c", os.path.join(directory, "msmailgw.conf")]
        self._spool = os.path.join(directory, "spool")
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(60)

    def memory(self):
        """{role: MB} of the parent and its children, shared libraries included."""
        found = {}
        for role, pid in self._pids().items():
            with open("/proc/%d/status" % pid, encoding="utf-8") as source:
                values = dict(line.split(":", 1) for line in source)
            found[role] = int(values["VmHWM"].split()[0]) / 1024
        return found

    def _pids(self):
        found = {"parent": self._process.pid}
        for role in ("intake", "relay"):
            with open(os.path.join(self._spool, role + ".lock"), encoding="ascii") as lock:
                found[role] = int(lock.read())
        return found


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
