#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A private certification authority and the certificates, good and bad, that the peers show.

All is made with the openssl command, once for a directory:

  good        localhost, mail.test, 127.0.0.1; signed by the CA
  wrongname   signed by the CA, for other.invalid only
  expired     signed by the CA for the right names, ended in 2020
  selfsigned  the right names, signed by nobody else
"""
import os
import shutil
import tempfile

from peerbase import run, write_file

NAMES = "subjectAltName=DNS:localhost,DNS:mail.test,IP:127.0.0.1"
KINDS = ("good", "wrongname", "expired", "selfsigned")

CA_CONFIG = """[ca]
default_ca = own
[own]
dir = .
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
"""


class Pki:
    """Certificates below `directory`, made if they are not there yet."""

    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        self.ca_file = os.path.join(self.directory, "ca.pem")
        if not os.path.exists(self.ca_file):
            self._make()

    def cert(self, kind="good"):
        """(certificate file, key file) of one of KINDS."""
        if kind not in KINDS:
            raise ValueError("unknown certificate %r" % kind)
        return tuple(os.path.join(self.directory, kind + end) for end in (".pem", ".key"))

    def _make(self):
        parent = os.path.dirname(self.directory)
        os.makedirs(parent, exist_ok=True)
        work = tempfile.mkdtemp(prefix="pki-", dir=parent)
        try:
            self._fill(work)
            os.chmod(work, 0o755)
            os.rename(work, self.directory)
        except BaseException:
            shutil.rmtree(work)
            raise

    def _fill(self, work):
        write_file(os.path.join(work, "ca.cnf"), CA_CONFIG)
        write_file(os.path.join(work, "index.txt"), "")
        new_key = ["openssl", "req", "-config", "ca.cnf", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes"]
        run(new_key + ["-x509", "-days", "3650", "-subj", "/CN=Test authority", "-addext",
                       "basicConstraints=critical,CA:TRUE", "-addext",
                       "keyUsage=critical,keyCertSign,cRLSign", "-keyout", "ca.key", "-out",
                       "ca.pem"], cwd=work)
        run(new_key + ["-x509", "-days", "3650", "-subj", "/CN=localhost", "-addext", NAMES,
                       "-keyout", "selfsigned.key", "-out", "selfsigned.pem"], cwd=work)
        self._sign(work, new_key, "good", NAMES, "20240101000000Z", "20491231000000Z")
        self._sign(work, new_key, "wrongname", "subjectAltName=DNS:other.invalid",
                   "20240101000000Z", "20491231000000Z")
        self._sign(work, new_key, "expired", NAMES, "20190101000000Z", "20200101000000Z")

    @staticmethod
    def _sign(work, new_key, kind, names, start, end):
        run(new_key + ["-subj", "/CN=%s" % kind, "-addext", names, "-keyout", kind + ".key",
                       "-out", kind + ".csr"], cwd=work)
        run(["openssl", "ca", "-batch", "-config", "ca.cnf", "-notext", "-cert", "ca.pem",
             "-keyfile", "ca.key", "-startdate", start, "-enddate", end, "-in", kind + ".csr",
             "-out", kind + ".pem"], cwd=work)
