#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Exim and OpenSMTPD as senders of a full queue. Their packages exclude that of Postfix: they are
unpacked below a cache directory (tests/peers/exim.py does it for Exim)."""
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time

from benchpeers import FILL_CONNECTIONS, RECIPIENT, SENDER
from exim import EximPeer
from peerbase import Guard, PeerError, free_ports, make_dir, run, wait_until, write_file

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


SMTPD_PACKAGE = "opensmtpd"
SMTPD_ACCOUNTS = ("opensmtpd", "opensmtpq")
SMTPD_CONF = """smtp limit max-mails 100000
queue ttl 1h
listen on 127.0.0.1 port {port} hostname mail.test
action "out" relay host {scheme}://127.0.0.1:{to_port} {verify}
match from any for any action "out"
"""


def ensure_smtpd(cache_dir):
    """The root of an unpacked OpenSMTPD."""
    root = os.path.join(make_dir(cache_dir), "opensmtpd")
    if not os.path.exists(root):
        work = tempfile.mkdtemp(prefix="smtpd-", dir=cache_dir)
        run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", SMTPD_PACKAGE],
            cwd=work)
        run(["dpkg-deb", "-x", glob.glob(os.path.join(work, "*.deb"))[0],
             os.path.join(work, "root")])
        os.chmod(os.path.join(work, "root"), 0o755)
        os.rename(os.path.join(work, "root"), root)
        shutil.rmtree(work)
    for account in SMTPD_ACCOUNTS:
        try:
            pwd.getpwnam(account)
        except KeyError:
            run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
                 "/run/opensmtpd", "--shell", "/usr/sbin/nologin", account])
    control = os.path.join(root, "usr/sbin/smtpctl")
    os.chown(control, 0, pwd.getpwnam(SMTPD_ACCOUNTS[1]).pw_gid)
    os.chmod(control, 0o2755)  # it refuses to run otherwise
    return root


class SmtpdRelay:
    """An OpenSMTPD that queues what it gets and relays it to `to_port`. Its paths are built in, so it
    runs in a mount namespace of its own, in which they lead below `workdir`."""

    name = "OpenSMTPD"

    def __init__(self, workdir, to_port, tls, cache_dir):
        self.root = ensure_smtpd(cache_dir)
        self.workdir, self.port = workdir, free_ports(1)[0]
        self.config = os.path.join(workdir, "etc", "smtpd.conf")
        self.to_port, self.tls = to_port, tls
        self._process = self._guard = None

    def __enter__(self):
        for name in ("etc", "spool", "run", "lib/opensmtpd/empty"):
            make_dir(os.path.join(self.workdir, name), 0o711)
        write_file(self.config, SMTPD_CONF.format(
            port=self.port, to_port=self.to_port, scheme="smtp+tls" if self.tls else "smtp+notls",
            verify="tls no-verify" if self.tls else ""))
        script = "".join("mount --bind %s/%s %s && " % (self.workdir, name, path) for name, path in (
            ("spool", "/var/spool"), ("run", "/run"), ("lib", "/var/lib")))
        script += "exec %s/usr/sbin/smtpd -d -f %s" % (self.root, self.config)
        with open(os.path.join(self.workdir, "console"), "ab") as console:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        self._guard = Guard(self._process.pid)
        wait_until(self._answers, 20, "OpenSMTPD answers")
        self._control("pause", "mta")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(20)
        self._guard.release()

    def _answers(self):
        if self._process.poll() is not None:
            with open(os.path.join(self.workdir, "console"), encoding="utf-8") as console:
                raise PeerError("OpenSMTPD ended: " + console.read())
        return subprocess.run(self._argv("show", "stats"), capture_output=True,
                              check=False).returncode == 0

    def _argv(self, *words):
        return ["nsenter", "-t", str(self._process.pid), "-m",
                self.root + "/usr/sbin/smtpctl", *words]

    def _control(self, *words):
        return run(self._argv(*words))

    def queue_length(self):
        return len(self._control("show", "queue").splitlines())

    def fill(self, count, size):
        send(self.port, count, size)
        wait_until(lambda: self.queue_length() == count, 60, "filling the queue of OpenSMTPD")

    def drain(self, sink, count):
        began = time.monotonic()
        self._control("resume", "mta")
        took = sink.wait(count) - began
        wait_until(lambda: self.queue_length() == 0, 60, "the queue of OpenSMTPD is empty")
        self._control("pause", "mta")
        return took

    def version(self):
        return "OpenSMTPD " + subprocess.run([self.root + "/usr/sbin/smtpd", "-h"], check=False,
                                             capture_output=True).stderr.split()[2].decode()
