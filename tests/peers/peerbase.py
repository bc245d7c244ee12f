#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the real servers started by the tests have in common: free ports, waiting with a deadline,
a Maildir to look into, and the certainty that nothing stays behind.

Run as a program (`peerbase.py --guard PID`) it is the guard of one daemon: it ends that daemon when
its standard input closes, which happens also when the test was killed."""
import atexit
import email
import email.policy
import os
import select
import signal
import smtplib
import socket
import subprocess
import sys
import time


class PeerError(Exception):
    """A peer cannot be started or did not do what was waited for; the text says why."""


def free_ports(count):
    """`count` different TCP ports of 127.0.0.1 that nobody listens on at this moment."""
    socks = []
    try:
        for _ in range(count):
            sock = socket.socket()
            sock.bind(("127.0.0.1", 0))
            socks.append(sock)
        return [sock.getsockname()[1] for sock in socks]
    finally:
        for sock in socks:
            sock.close()


def wait_until(condition, timeout, what, interval=0.05):
    """Ask `condition` until it is true; PeerError when `timeout` seconds have gone."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise PeerError("%s: not within %g s" % (what, timeout))
        time.sleep(interval)


def run(argv, **kwargs):
    """Run a command to its end; PeerError with its output when it fails. Returns its output."""
    done = subprocess.run([str(arg) for arg in argv], stdin=kwargs.pop("stdin", subprocess.DEVNULL),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, **kwargs)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise PeerError("%s: status %d\n%s" % (argv[0], done.returncode, text))
    return text


def write_file(path, text, mode=0o644, owner=None):
    """Write a file with exactly this mode; `owner` is (uid, gid)."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as out:
        if owner is not None:
            os.fchown(fd, *owner)
        os.fchmod(fd, mode)
        out.write(text)


def make_dir(path, mode=0o755, owner=None):
    os.makedirs(path, exist_ok=True)
    if owner is not None:
        os.chown(path, *owner)
    os.chmod(path, mode)
    return path


def need_searchable(path):
    """Daemons drop to an account of their own: each directory above must let it pass."""
    path = os.path.abspath(path)
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            raise PeerError("%s: other accounts cannot pass this directory (chmod o+x, or choose "
                            "another working directory)" % path)
        path = os.path.dirname(path)


def session_members(pid):
    """Processes whose session or process group is `pid`, zombies not counted."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, encoding="latin-1") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and pid in (int(fields[2]), int(fields[3])):
            found.append(int(name))
    return found


def guard_main(pid):
    """End process `pid` when our standard input ends without the word that it is gone."""
    os.setsid()
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return 0
    print("ready", flush=True)
    if sys.stdin.read().strip() == "gone":
        return 0
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if not select.select([pidfd], [], [], 10)[0]:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return 0


class Guard:
    """Watches over one daemon on behalf of this process."""

    def __init__(self, pid):
        self._proc = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--guard",
                                       str(pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)
        if self._proc.stdout.readline().strip() != "ready":
            raise PeerError("process %d ended before it could be watched" % pid)

    def release(self):
        """The daemon is gone."""
        self._proc.communicate("gone", timeout=15)


class Maildir:
    """Reads a Maildir that somebody else fills. `headers` name the recipient, first found wins."""

    def __init__(self, path, headers):
        self.path = path
        self._headers = headers

    def files(self):
        found = []
        for part in ("new", "cur"):
            folder = os.path.join(self.path, part)
            if os.path.isdir(folder):
                found += [os.path.join(folder, name) for name in os.listdir(folder)]
        return sorted(found)

    def messages(self):
        for path in self.files():
            with open(path, "rb") as source:
                content = source.read()
            parsed = email.message_from_bytes(content, policy=email.policy.compat32)
            names = [parsed[name] for name in self._headers if parsed[name]]
            if not names:
                raise PeerError("%s: no header names the recipient" % path)
            yield names[0].strip().strip("<>"), content


class Peer:
    """A real mail server on loopback. Subclasses fill _configure, _launch and queue_length."""

    name = "peer"
    recipient_headers = ()

    def __init__(self, workdir, domains, users, pki):
        self.workdir = os.path.abspath(workdir)
        self.domains = list(domains)
        self.users = dict(users)
        self.ports = {}
        self.pki = pki
        self.ca_file = None
        self.pid = None
        self._guard = None
        self.maildir = os.path.join(self.workdir, "mail", "all")

    def start(self):
        """Start, and return when both ports answer. A port somebody else took is tried anew."""
        if os.geteuid() != 0:
            raise PeerError("%s: must be started as root" % self.name)
        make_dir(self.workdir)
        need_searchable(self.workdir)
        self.ca_file = self.pki.ca_file
        atexit.register(self.stop)
        for attempt in range(5):
            self.ports = dict(zip(("starttls", "implicit"), free_ports(2)))
            try:
                self._configure()
                self.pid = self._launch()
                self._guard = Guard(self.pid)
                self._wait_ready()
                return self
            except BaseException as error:
                self.stop()
                if attempt == 4 or not isinstance(error, PeerError) or not self._port_taken():
                    raise
        raise AssertionError("not reached")

    def stop(self):
        """End everything that start() started. May be called at any time and more than once."""
        atexit.unregister(self.stop)
        if self.pid is not None:
            pid, self.pid = self.pid, None
            self._end(pid)
        if self._guard is not None:
            guard, self._guard = self._guard, None
            guard.release()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def messages(self):
        """(recipient, content as bytes) of all that was delivered."""
        return Maildir(self.maildir, self.recipient_headers).messages()

    def count(self):
        """Number of delivered copies: one for each message and recipient."""
        return len(Maildir(self.maildir, self.recipient_headers).files())

    def wait_delivered(self, count, timeout=30):
        """Until `count` copies are delivered and the queue is empty; returns the count then."""
        def finished():
            return self.count() >= count and self.queue_length() == 0
        try:
            wait_until(finished, timeout, "%s: delivery of %d" % (self.name, count), 0.1)
        except PeerError as error:
            raise PeerError("%s: %d delivered, %d in the queue; log: %s" % (
                error, self.count(), self.queue_length(), self.log_file)) from None
        return self.count()

    def log_text(self):
        """The server's own log so far."""
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def _wait_ready(self):
        wait_until(self._answers, 20, "%s: greeting (log: %s)" % (self.name, self.log_file))

    def _answers(self):
        """True when the port is served by this very server. False while nobody listens."""
        if not self._alive(self.pid):
            raise PeerError("%s ended at once:\n%s" % (self.name, self.log_text()[-2000:]))
        try:
            with smtplib.SMTP("127.0.0.1", self.ports["starttls"], timeout=5) as client:
                client.ehlo()
                return client.has_extn("starttls")
        except (OSError, smtplib.SMTPException):
            return False

    def _port_taken(self):
        return "in use" in self.log_text()

    def _end(self, pid):
        """SIGTERM, then SIGKILL, to the daemon; then whatever is left of its session."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(pid, number)
            try:
                wait_until(lambda: not self._alive(pid), 8, "end of process %d" % pid)
                return
            except PeerError:
                continue
        raise PeerError("%s: process %d does not end" % (self.name, pid))

    def _signal(self, pid, number):
        for member in [pid] + session_members(pid):
            try:
                os.kill(member, number)
            except ProcessLookupError:
                pass

    def _alive(self, pid):
        """True while anything of the daemon's session lives."""
        return bool(session_members(pid))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--guard":
        sys.exit("usage: peerbase.py --guard PID")
    sys.exit(guard_main(int(sys.argv[2])))
