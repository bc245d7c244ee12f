#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix on loopback: submission with STARTTLS and with implicit TLS, SASL by Cyrus and
a sasldb of its own, one Maildir for all recipients. /etc/postfix is neither read for settings nor
written. Needs root and the Debian packages postfix, sasl2-bin, libsasl2-modules and openssl."""
import json
import os
import pwd
import re
import subprocess

from peerbase import Peer, PeerError, make_dir, run, write_file
from peerpki import Pki

MAIN_CF = """compatibility_level = 3.6
queue_directory = {run}/queue
data_directory = {run}/data
maillog_file = {run}/maillog
maillog_file_prefixes = {run}
myhostname = mail.test
mydestination =
myorigin = mail.test
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:this server has no local recipients
default_transport = error:this server relays nowhere
local_header_rewrite_clients =
biff = no
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = regexp:{run}/etc/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
message_size_limit = 209715200
smtpd_tls_cert_file = {run}/etc/server.pem
smtpd_tls_key_file = {run}/etc/server.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {run}/etc/sasl
smtpd_sasl_local_domain = mail.test
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
in_flow_delay = 0
default_process_limit = 30
"""

MASTER_CF = """# service type private unpriv chroot wakeup maxproc command
127.0.0.1:{starttls} inet n - n - - smtpd
127.0.0.1:{implicit} inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""

SASL_CONF = """pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {run}/etc/sasl/sasldb2
mech_list: {mechanisms}
"""


class PostfixPeer(Peer):
    """`users` is {name: password}; `settings` overrides lines of main.cf."""

    name = "postfix"
    recipient_headers = ("X-Original-To", "Delivered-To")

    def __init__(self, workdir, domains=("mail.test",), users=None, pki=None,
                 mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", settings=None):
        workdir = os.path.abspath(workdir)
        super().__init__(workdir, domains, users or {},
                         pki or Pki(os.path.join(workdir, "pki")))
        self.mechanisms = mechanisms
        self.settings = dict(settings or {})
        self.config = os.path.join(workdir, "etc")
        self.log_file = os.path.join(workdir, "maillog")

    def queue_length(self):
        """Messages in the queue: all that postqueue lists."""
        done = subprocess.run(["postqueue", "-c", self.config, "-j"], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=30, check=True)
        return len([json.loads(line) for line in done.stdout.splitlines()])

    def _configure(self):
        try:
            account = pwd.getpwnam("postfix")
        except KeyError:
            raise PeerError("no account postfix: install the package postfix") from None
        if re.search(r"[\s,$]", self.workdir):
            raise PeerError("%r: blanks and signs in the path cannot be said in main.cf"
                            % self.workdir)
        owner = (account.pw_uid, account.pw_gid)
        self._write_dirs(owner)
        self._write_postfix(account)
        self._write_sasl(owner)

    def _write_dirs(self, owner):
        base = self.workdir
        make_dir(self.config)
        make_dir(os.path.join(base, "queue"))
        make_dir(os.path.join(base, "data"), 0o700, owner)
        make_dir(os.path.join(base, "mail"), 0o755, owner)
        make_dir(os.path.join(self.config, "sasl"))

    def _write_postfix(self, account):
        words = dict(self.ports, run=self.workdir, mail=os.path.join(self.workdir, "mail"),
                     uid=account.pw_uid, gid=account.pw_gid, domains=", ".join(self.domains))
        main = MAIN_CF.format(**words)
        main += "".join("%s = %s\n" % item for item in self.settings.items())
        write_file(os.path.join(self.config, "main.cf"), main)
        write_file(os.path.join(self.config, "master.cf"), MASTER_CF.format(**words))
        write_file(os.path.join(self.config, "mailboxes"), "/./ all/\n")
        for source, name, mode in zip(self.pki.cert(), ("server.pem", "server.key"),
                                      (0o644, 0o600)):
            with open(source, encoding="ascii") as text:
                write_file(os.path.join(self.config, name), text.read(), mode)

    def _write_sasl(self, owner):
        folder = os.path.join(self.config, "sasl")
        write_file(os.path.join(folder, "smtpd.conf"),
                   SASL_CONF.format(run=self.workdir, mechanisms=self.mechanisms))
        database = os.path.join(folder, "sasldb2")
        for user, password in self.users.items():
            done = subprocess.run(["saslpasswd2", "-p", "-c", "-f", database, "-u", "mail.test",
                                   user], input=password.encode(), capture_output=True,
                                  timeout=30)
            if done.returncode != 0:
                raise PeerError("saslpasswd2: %s" % done.stderr.decode("utf-8", "replace"))
        if self.users:
            os.chown(database, *owner)
            os.chmod(database, 0o600)

    def _launch(self):
        run(["postfix", "-c", self.config, "start"])
        with open(os.path.join(self.workdir, "queue", "pid", "master.pid"),
                  encoding="ascii") as source:
            return int(source.read().split()[0])

    def _end(self, pid):
        """Ask Postfix to stop; then make sure that it did."""
        subprocess.run(["postfix", "-c", self.config, "stop"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        if self._alive(pid):
            super()._end(pid)
