#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Samba server of our own, a mount of its share, and DOS-like clients.

The client library that smbnetfs mounts with goes to port 445 only, so everything runs in a network
namespace of its own, whose 127.0.0.1 nobody else sees. Files, settings, accounts and sockets of the
server are in the work directory. Needs root, /dev/fuse, and the packages samba, smbnetfs and
python3-samba. Every process ends with the test, even when it is killed.

  with Namespace() as space, SambaServer(base, root, space) as server:
      with SmbMount(server) as mount: mount.path         # the share as a file system
      client = SmbClient(server)                         # opens with share modes, as DOS does
      client.open("P1\\\\0000002E.0LK", share=0)            # deny-all
"""
import json
import os
import signal
import subprocess
import sys

from peerbase import Guard, PeerError, run, session_members, wait_until, write_file

SHARE, USER, PASSWORD = "PO", "root", "canary-9Sm-share"
HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PYTHON = "/usr/bin/python3"  # that of Debian, which sees python3-samba

# Brings the loopback interface up, says so, and lives as long as its standard input.
HOLDER = """
import fcntl, socket, struct, sys
probe = socket.socket()
request = struct.pack("16sh14x", b"lo", 0)
flags = struct.unpack("16sh14x", fcntl.ioctl(probe, 0x8913, request))[1]
fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))
print("up", flush=True)
sys.stdin.read()
"""

SERVER = """[global]
    workgroup = TEST
    server role = standalone server
    interfaces = lo
    bind interfaces only = yes
    smb ports = 445
    private dir = {base}/private
    lock directory = {base}/lock
    state directory = {base}/state
    cache directory = {base}/cache
    pid directory = {base}/pid
    ncalrpc dir = {base}/ncalrpc
    passdb backend = tdbsam:{base}/private/passdb.tdb
    log file = {base}/log
    max log size = 0
    load printers = no
    disable spoolss = yes
    unix password sync = no
    map to guest = never
[{share}]
    path = {root}
    read only = no
    force user = root
"""

CLIENT = """[global]
    workgroup = TEST
    private dir = {base}/private
    lock directory = {base}/client
    state directory = {base}/client
    cache directory = {base}/client
"""

MOUNT = """auth "127.0.0.1" "{user}" "{password}"
host 127.0.0.1 visible=true
smb_query_browsers "false"
smb_timeout 3000
reply_timeout 10
max_retry_count 1
log_file "{base}/smbnetfs.log"
"""


class Namespace:
    """A network of its own: nothing but 127.0.0.1."""

    def __init__(self):
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["unshare", "-n", sys.executable, "-c", HOLDER], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"up\n":
            raise PeerError("no network namespace: root is needed")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def prefix(self):
        """What goes before a command that is to run in it."""
        return ["nsenter", "--net=/proc/%d/ns/net" % self.process.pid]

    def listens(self, port):
        """Somebody listens on this port of it."""
        with open("/proc/%d/net/tcp" % self.process.pid, encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        return any(row[1].endswith(":%04X" % port) and row[3] == "0A" for row in rows)


class Program:
    """A process with a session of its own that ends with us."""

    def __init__(self, argv, log, **more):
        with open(log, "ab") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True, **more)
        self.guard = Guard(self.process.pid)

    def end(self, number=signal.SIGTERM):
        """Ends all of its session; nothing when that is done."""
        if self.guard is None:
            return
        members = session_members(self.process.pid)
        for pid in members:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        self.process.wait(20)
        if number != signal.SIGKILL:
            for pid in session_members(self.process.pid):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not session_members(self.process.pid), 20, "end of %d" %
                   self.process.pid)
        self.guard.release()
        self.guard = None


class SambaServer:
    """smbd with one share, PO, of the directory `root`."""

    def __init__(self, base, root, space):
        self.base, self.root, self.space = os.path.join(base, "samba"), root, space
        self.program = None

    def path(self, name):
        return os.path.join(self.base, name)

    def configure(self):
        if os.path.isdir(self.base):
            return
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", "client"):
            os.makedirs(self.path(name), 0o755)
        names = {"base": self.base, "root": self.root, "share": SHARE}
        write_file(self.path("smb.conf"), SERVER.format(**names))
        write_file(self.path("client.conf"), CLIENT.format(**names))
        write_file(self.path("words"), "%s\n%s\n" % (PASSWORD, PASSWORD), 0o600)
        with open(self.path("words"), "rb") as words:
            run(["smbpasswd", "-c", self.path("smb.conf"), "-s", "-a", USER], stdin=words)

    def start(self):
        self.configure()
        self.program = Program(
            self.space.prefix() + ["/usr/sbin/smbd", "--foreground", "--no-process-group",
                                   "--configfile=" + self.path("smb.conf")],
            self.path("smbd.out"))
        wait_until(lambda: self.space.listens(445), 20, "smbd")
        return self

    def stop(self, number=signal.SIGTERM):
        if self.program is not None:
            self.program.end(number)
        self.program = None

    def kill(self):
        """As if the machine went down: no goodbye to anybody."""
        self.stop(signal.SIGKILL)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class SmbMount:
    """The share as a file system, by smbnetfs. `path` is the postoffice."""

    def __init__(self, server, name="mnt"):
        self.server, self.program = server, None
        self.point = server.path(name)
        self.path = os.path.join(self.point, "127.0.0.1", SHARE)

    def start(self):
        home = self.server.path("home")
        os.makedirs(os.path.join(home, ".smb"), 0o700, exist_ok=True)
        os.makedirs(self.point, exist_ok=True)
        with open(self.server.path("client.conf"), encoding="ascii") as source:
            write_file(os.path.join(home, ".smb", "smb.conf"), source.read(), 0o600)
        write_file(os.path.join(home, ".smb", "smbnetfs.conf"), MOUNT.format(
            base=self.server.base, user=USER, password=PASSWORD), 0o600)
        self.program = Program(
            self.server.space.prefix() + ["smbnetfs", self.point, "-f", "-o", "direct_io"],
            self.server.path("smbnetfs.out"), env=dict(os.environ, HOME=home))
        wait_until(lambda: os.path.ismount(self.point) and os.path.isdir(self.path), 20,
                   "the mount of " + self.path)
        return self

    def stop(self, number=signal.SIGTERM):
        """With SIGKILL the mount is cut: what is open gets ENOTCONN."""
        if self.program is not None:
            self.program.end(number)
            subprocess.run(["umount", "-l", self.point], stderr=subprocess.DEVNULL, check=False)
        self.program = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class SmbError(Exception):
    """The server refused: `name` is the symbol of its status."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class SmbClient:
    """One connection. Names are those of the share, with backslashes; share modes as DOS gives
    them: 0 denies all, 3 nothing."""

    READ, WRITE = 0x120089, 0x120116

    def __init__(self, server):
        argv = server.space.prefix() + [SYSTEM_PYTHON, os.path.abspath(__file__), "--client",
                                        server.path("client.conf")]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise PeerError("the SMB client ended")
        answer = json.loads(line)
        if "error" in answer:
            raise SmbError(answer["error"])
        return answer["value"]

    def _ask(self, *words):
        self.process.stdin.write(json.dumps(words).encode("ascii") + b"\n")
        self.process.stdin.flush()
        return self._answer()

    def open(self, name, access=READ | WRITE, share=3, make=False):
        """A handle. `make`: creates it when it is not there."""
        return self._ask("open", name, access, share, 3 if make else 1)

    def read(self, handle, size=4096, offset=0):
        return bytes.fromhex(self._ask("read", handle, offset, size))

    def write(self, handle, octets, offset=0):
        return self._ask("write", handle, offset, octets.hex())

    def close(self, handle):
        return self._ask("close", handle)

    def load(self, name):
        """The whole file."""
        handle = self.open(name, self.READ)
        try:
            out = self.read(handle, 32768)
            while out and len(out) % 32768 == 0:
                out += self.read(handle, 32768, len(out))
            return out
        finally:
            self.close(handle)

    def delete(self, name):
        return self._ask("delete", name)

    def list(self, name):
        return self._ask("list", name)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def _serve(connection, words):
    """One request of SmbClient."""
    kind, arguments = words[0], words[1:]
    if kind == "open":
        name, access, share, disposition = arguments
        return connection.create(name, DesiredAccess=access, ShareAccess=share,
                                 CreateDisposition=disposition)
    if kind == "read":
        return connection.read(*arguments).hex()
    if kind == "write":
        handle, offset, octets = arguments
        return connection.write(handle, buffer=bytes.fromhex(octets), offset=offset)
    if kind == "close":
        return connection.close(*arguments)
    if kind == "delete":
        return connection.unlink(*arguments)
    return [entry["name"] for entry in connection.list(*arguments)]


def client_main(settings):
    """The other end of SmbClient: a line of JSON for each request and each answer."""
    sys.path = [part for part in sys.path if part != HERE]  # this file has the package's name
    from samba import NTSTATUSError
    from samba.credentials import Credentials
    from samba.samba3 import libsmb_samba_internal as libsmb
    from samba.samba3 import param

    context = param.get_context()
    context.load(settings)
    credentials = Credentials()
    credentials.guess(context)
    credentials.set_username(USER)
    credentials.set_password(PASSWORD)
    connection = libsmb.Conn("127.0.0.1", SHARE, lp=context, creds=credentials)
    print(json.dumps({"value": None}), flush=True)
    for line in sys.stdin:
        try:
            answer = {"value": _serve(connection, json.loads(line))}
        except NTSTATUSError as error:
            answer = {"error": "%08X %s" % (error.args[0] & 0xFFFFFFFF, error.args[1])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__" and sys.argv[1:2] == ["--client"]:
    client_main(sys.argv[2])
