#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A private Exim on loopback: submission with STARTTLS (GnuTLS) and with implicit TLS, AUTH PLAIN,
LOGIN and CRAM-MD5, CHUNKING and PIPELINING, one Maildir for all recipients.

The packages of Exim and Postfix exclude each other, so ensure_exim() unpacks Exim's package below a
cache directory when /usr/sbin/exim4 is not there. Needs root."""
import os
import pwd
import re
import subprocess

from debian import ensure_binary
from peerbase import Peer, PeerError, make_dir, need_searchable, run, write_file
from peerpki import Pki

ACCOUNT = "Debian-exim"
SYSTEM_BINARY = "/usr/sbin/exim4"
PACKAGE = "exim4-daemon-heavy"

CONFIG = """exim_path = {binary}
exim_user = {account}
exim_group = {account}
never_users =
deliver_drop_privilege = true
spool_directory = {run}/spool
log_file_path = {run}/log/%s.log
pid_file_path = {run}/exim.pid
primary_hostname = mail.test
local_interfaces = 127.0.0.1
disable_ipv6 = true
daemon_smtp_ports = {starttls} : {implicit}
tls_on_connect_ports = {implicit}
tls_advertise_hosts = *
tls_certificate = {run}/etc/server.pem
tls_privatekey = {run}/etc/server.key
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}{{}}}}
chunking_advertise_hosts = *
pipelining_advertise_hosts = *
message_size_limit = 200M
accept_8bitmime = true
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 60
smtp_accept_queue_per_connection = 0
recipients_max = 1000
check_spool_space = 0
check_log_space = 0
untrusted_set_sender = *
keep_environment =
acl_smtp_mail = accept
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
domainlist test_domains = {domains}

begin acl
check_rcpt:
  deny    !authenticated = *
          message = authentication required
  deny    !domains = +test_domains
          message = relay not permitted
  accept

begin routers
all:
  driver = accept
  domains = +test_domains
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {run}/mail/all
  maildir_format
  create_directory
  envelope_to_add
  return_path_add
  user = {account}
  group = {account}
  mode = 0644
  directory_mode = 0755

begin retry
* * F,1h,10s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{{lookup2}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if eq{{$auth2}}{{{lookup1}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = {lookup1}
  server_set_id = $auth1
"""

LOOKUP = "${lookup{$auth%d}lsearch{%s/etc/users}{$value}fail}"


def _ensure_account():
    """Exim ends at once when the account it was built for does not exist."""
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
             "/var/spool/exim4", "--shell", "/usr/sbin/nologin", ACCOUNT])
        return pwd.getpwnam(ACCOUNT)


def ensure_exim(cache_dir):
    """Path of an Exim that runs: the installed one, or one unpacked below `cache_dir`."""
    if os.path.exists(SYSTEM_BINARY):
        return SYSTEM_BINARY
    make_dir(cache_dir)
    binary = ensure_binary(cache_dir, PACKAGE, "exim", "usr/sbin/exim4")
    _ensure_account()
    version = run([binary, "-C", "/dev/null", "-bV"])
    if "GnuTLS" not in version or "CRAM" not in version.upper():
        raise PeerError("%s: built without TLS or CRAM-MD5:\n%s" % (binary, version))
    return binary


class EximPeer(Peer):
    """`users` is {name: password}; `cache_dir` is where an unpacked Exim is kept."""

    name = "exim"
    recipient_headers = ("Envelope-To",)

    def __init__(self, workdir, domains=("mail.test",), users=None, pki=None, cache_dir=None):
        workdir = os.path.abspath(workdir)
        super().__init__(workdir, domains, users or {},
                         pki or Pki(os.path.join(workdir, "pki")))
        self.cache_dir = os.path.abspath(cache_dir or os.path.join(workdir, "cache"))
        self.config = os.path.join(workdir, "etc", "exim.conf")
        self.log_file = os.path.join(workdir, "log", "main.log")
        self.binary = None
        self._daemon = None

    def queue_length(self):
        """Messages in the spool, as Exim itself counts them."""
        done = subprocess.run([self.binary, "-C", self.config, "-bpc"], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=30, check=True)
        return int(done.stdout)

    def _configure(self):
        if re.search(r"[^A-Za-z0-9_./+-]", self.workdir):
            raise PeerError("%r: this path cannot be said in Exim's settings" % self.workdir)
        for user, password in self.users.items():
            if re.search(r"[\s:\"#]", user) or re.search(r"[\r\n\"]|^\s|\s$", password):
                raise PeerError("user %r: name or password cannot be said in a lookup file" % user)
        self.binary = ensure_exim(self.cache_dir)
        need_searchable(os.path.dirname(self.binary))
        account = pwd.getpwnam(ACCOUNT)
        owner = (account.pw_uid, account.pw_gid)
        for name in ("spool", "log", "mail"):
            make_dir(os.path.join(self.workdir, name), 0o755, owner)
        folder = make_dir(os.path.join(self.workdir, "etc"))
        group = (0, owner[1])
        write_file(os.path.join(folder, "users"), "".join(
            "%s: %s\n" % item for item in self.users.items()), 0o640, group)
        for source, name in zip(self.pki.cert(), ("server.pem", "server.key")):
            with open(source, encoding="ascii") as text:
                write_file(os.path.join(folder, name), text.read(), 0o640, group)
        write_file(self.config, self._settings(), 0o640, group)

    def _settings(self):
        return CONFIG.format(run=self.workdir, binary=self.binary, account=ACCOUNT,
                             domains=" : ".join(self.domains), lookup1=LOOKUP % (1, self.workdir),
                             lookup2=LOOKUP % (2, self.workdir), **self.ports)

    def _launch(self):
        """In the foreground, in a session of its own, so that all of it can be found again."""
        with open(os.path.join(self.workdir, "log", "console"), "ab") as console:
            self._daemon = subprocess.Popen([self.binary, "-C", self.config, "-bdf", "-q1m"],
                                            stdin=subprocess.DEVNULL, stdout=console,
                                            stderr=console, start_new_session=True, cwd="/")
        return self._daemon.pid

    def _alive(self, pid):
        self._daemon.poll()     # reaps it
        return super()._alive(pid)

    def log_text(self):
        with open(os.path.join(self.workdir, "log", "console"), encoding="utf-8",
                  errors="replace") as console:
            return super().log_text() + console.read()
