#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Exim and OpenSMTPD as senders of a full queue."""
import os
import pwd
import subprocess
import time

from benchpeers import FILL_CONNECTIONS, RECIPIENT, SENDER
from exim import EximPeer
from opensmtpd import ACCOUNTS, OpenSmtpdPeer
from peerbase import make_dir, run, wait_until, write_file

EXIM_RELAY = """begin acl
check_rcpt:
  accept

begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  self = send
  transport = out

begin transports
out:
  driver = smtp
  port = {port}
  hosts_override = true
  {tls}

begin retry
* * F,1h,10s
"""


def send(port, count, size):
    run(["smtp-source", "-d", "-s", FILL_CONNECTIONS, "-l", size, "-m", count, "-f", SENDER, "-t",
         RECIPIENT, "127.0.0.1:%d" % port])


class EximRelay(EximPeer):
    """An Exim that queues what it gets, and relays it to `to_port` when a runner is started."""

    name = "Exim"

    def __init__(self, workdir, to_port, tls, cache_dir):
        super().__init__(workdir, cache_dir=cache_dir)
        self.to_port, self.tls = to_port, tls

    def _settings(self):
        head = super()._settings().split("begin acl")[0]
        return head + "queue_only = true\n" + EXIM_RELAY.format(
            port=self.to_port, tls="hosts_require_tls = *" if self.tls else "hosts_avoid_tls = *")

    def _launch(self):
        """No runner but those that are asked for."""
        with open(os.path.join(self.workdir, "log", "console"), "ab") as console:
            self._daemon = subprocess.Popen([self.binary, "-C", self.config, "-bdf"],
                                            stdin=subprocess.DEVNULL, stdout=console,
                                            stderr=console, start_new_session=True, cwd="/")
        return self._daemon.pid

    def fill(self, count, size):
        send(self.ports["starttls"], count, size)
        wait_until(lambda: self.queue_length() == count, 60, "filling the queue of Exim")

    def drain(self, sink, count):
        """By one runner that sorts by host first (-qq): that keeps connections."""
        began = time.monotonic()
        run([self.binary, "-C", self.config, "-qqf"])
        took = sink.wait(count) - began
        wait_until(lambda: self.queue_length() == 0, 60, "the queue of Exim is empty")
        return took

    def version(self):
        return "Exim " + run([self.binary, "-C", self.config, "-bV"]).split()[2]


SMTPD_CONF = """smtp limit max-mails 100000
queue ttl 1h
listen on 127.0.0.1 port {starttls} hostname mail.test
action "out" relay host {scheme}://127.0.0.1:{to_port} {verify}
match from any for any action "out"
"""
# Its queue lies on the disk, as that of the others.
SMTPD_LAUNCH = """set -e
for at in /usr/libexec /var/lib /run; do mount -t tmpfs -o mode=755 private $at; done
mkdir -p /usr/libexec/opensmtpd /var/lib/opensmtpd/empty
mount --bind {run}/spool /var/spool
exec {binary} -d -f {config}
"""


class SmtpdRelay(OpenSmtpdPeer):
    """An OpenSMTPD that queues what it gets, and relays it to `to_port` when it is told."""

    name = "OpenSMTPD"

    def __init__(self, workdir, to_port, tls, cache_dir):
        super().__init__(workdir, cache_dir=cache_dir)
        self.to_port, self.tls = to_port, tls

    def _configure(self):
        super()._configure()
        self.control = os.path.join(os.path.dirname(self.binary), "smtpctl")
        os.chown(self.control, 0, pwd.getpwnam(ACCOUNTS[1]).pw_gid)
        os.chmod(self.control, 0o2755)  # it refuses to run otherwise
        make_dir(os.path.join(self.workdir, "spool", "smtpd"), 0o711)
        write_file(self.config, SMTPD_CONF.format(
            to_port=self.to_port, scheme="smtp+tls" if self.tls else "smtp+notls",
            verify="tls no-verify" if self.tls else "", **self.ports), 0o600)

    def _launch(self):
        script = SMTPD_LAUNCH.format(run=self.workdir, binary=self.binary, config=self.config)
        with open(self.log_file, "ab") as console:
            self._daemon = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script], stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, start_new_session=True, cwd="/")
        return self._daemon.pid

    def _control(self, *words):
        return run(["nsenter", "-t", self.pid, "-m", self.control, *words])

    def fill(self, count, size):
        self._control("pause", "mta")
        send(self.ports["starttls"], count, size)
        wait_until(lambda: self.queue_length() == count, 60, "filling the queue of OpenSMTPD")

    def drain(self, sink, count):
        began = time.monotonic()
        self._control("resume", "mta")
        took = sink.wait(count) - began
        wait_until(lambda: self.queue_length() == 0, 60, "the queue of OpenSMTPD is empty")
        return took

    def version(self):
        return "OpenSMTPD " + subprocess.run([self.binary, "-h"], check=False,
                                             capture_output=True).stderr.split()[2].decode()
