#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A private OpenSMTPD on loopback, one Maildir for all recipients. In clear text and without AUTH: the
one that Debian 12 has fails in each TLS handshake with OpenSSL 3 ("EVP lib").

Its places are fixed when it is built and its package excludes Postfix, so it is unpacked below a
cache directory and runs in a mount namespace of its own. Needs root."""
import os
import pwd
import re
import smtplib
import subprocess

from debian import ensure_binary
from peerbase import Peer, PeerError, make_dir, need_searchable, run, write_file
from peerpki import Pki

PACKAGE = "opensmtpd"
ACCOUNTS = ("opensmtpd", "opensmtpq")
OWNER = "nobody"
CONFIG = """smtp max-message-size 200M
table everybody {{ "@" = "{owner}" }}
listen on 127.0.0.1 port {starttls} hostname mail.test
action "all" maildir "{run}/mail/all" virtual <everybody>
match from any for domain {{ {domains} }} action "all"
"""
# its places, in a namespace that nobody else sees
LAUNCH = """set -e
for at in /usr/libexec /var/spool /var/lib /run; do mount -t tmpfs -o mode=755 private $at; done
mkdir -p /usr/libexec/opensmtpd /var/spool/smtpd /var/lib/opensmtpd/empty
mount --bind {root}/usr/libexec/opensmtpd /usr/libexec/opensmtpd
chmod 711 /var/spool/smtpd
exec {binary} -d -f {config}
"""


def ensure_opensmtpd(cache_dir):
    """Path of an OpenSMTPD that runs, unpacked below `cache_dir`."""
    make_dir(cache_dir)
    binary = ensure_binary(cache_dir, PACKAGE, "opensmtpd", "usr/sbin/smtpd")
    for account in ACCOUNTS:
        try:
            pwd.getpwnam(account)
        except KeyError:
            run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
                 "/var/lib/opensmtpd/empty", "--shell", "/usr/sbin/nologin", account])
    return binary


class OpenSmtpdPeer(Peer):
    """`cache_dir` is where it is unpacked. Its port is named "starttls" as that of the others."""

    name = "opensmtpd"
    recipient_headers = ("Delivered-To",)

    def __init__(self, workdir, domains=("mail.test",), cache_dir=None):
        workdir = os.path.abspath(workdir)
        super().__init__(workdir, domains, {}, Pki(os.path.join(workdir, "pki")))
        self.cache_dir = os.path.abspath(cache_dir or os.path.join(workdir, "cache"))
        self.config = os.path.join(workdir, "etc", "smtpd.conf")
        self.log_file = os.path.join(workdir, "console")
        self.binary = None
        self._daemon = None

    def queue_length(self):
        """Envelopes in its queue: files named by message and envelope, 16 digits."""
        count = 0
        for _, _, files in os.walk("/proc/%d/root/var/spool/smtpd/queue" % self.pid):
            count += sum(1 for name in files if re.fullmatch("[0-9a-f]{16}", name))
        return count

    def _configure(self):
        if re.search(r"[^A-Za-z0-9_./+-]", self.workdir):
            raise PeerError("%r: this path cannot be said in its settings" % self.workdir)
        self.binary = ensure_opensmtpd(self.cache_dir)
        account = pwd.getpwnam(OWNER)
        need_searchable(os.path.dirname(self.binary))
        make_dir(os.path.join(self.workdir, "mail"), 0o755, (account.pw_uid, account.pw_gid))
        make_dir(os.path.join(self.workdir, "etc"))
        write_file(self.config, CONFIG.format(
            run=self.workdir, owner=OWNER, domains=", ".join('"%s"' % d for d in self.domains),
            **self.ports), 0o600)

    def _launch(self):
        root = os.path.join(self.cache_dir, "opensmtpd", "root")
        script = LAUNCH.format(root=root, binary=self.binary, config=self.config)
        with open(self.log_file, "ab") as console:
            self._daemon = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script], stdin=subprocess.DEVNULL,
                stdout=console, stderr=console, start_new_session=True, cwd="/")
        return self._daemon.pid

    def _answers(self):
        if not self._alive(self.pid):
            raise PeerError("%s ended at once:\n%s" % (self.name, self.log_text()[-2000:]))
        try:
            with smtplib.SMTP("127.0.0.1", self.ports["starttls"], timeout=5) as client:
                return client.ehlo()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _alive(self, pid):
        self._daemon.poll()     # reaps it
        return super()._alive(pid)
