#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A private OpenLDAP server on loopback with the attribute names of an Active Directory: simple bind,
STARTTLS and ldaps, no more than 1,000 answers without pages. Everything is below one directory; it is
stopped by its process id."""
import base64
import os
import socket
import subprocess

from peerbase import Guard, PeerError, free_ports, make_dir, run, wait_until, write_file

BINARY = "/usr/sbin/slapd"
BASE = "dc=corp,dc=example"
READER = "cn=reader," + BASE

CONFIG = """include /etc/ldap/schema/core.schema
include {here}/activedirectory.schema
pidfile {run}/slapd.pid
argsfile {run}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
sockbuf_max_incoming_auth 67108864
TLSCACertificateFile {ca}
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
access to attrs=userPassword by anonymous auth
access to * by users read by anonymous none
database mdb
suffix "{base}"
directory {run}/data
limits * size.soft=1000 size.hard=1000 size.pr=1000 size.prtotal=unlimited
maxsize 1073741824
index objectClass eq
index proxyAddresses sub
"""


def ldif_value(name, value):
    octets = value.encode("utf-8") if isinstance(value, str) else value
    return "%s:: %s\n" % (name, base64.b64encode(octets).decode("ascii"))


def ldif_entry(dn, classes, **attributes):
    """One entry; a value is text, octets or a list of them."""
    lines = [ldif_value("dn", dn)] + ["objectClass: %s\n" % name for name in classes]
    for name, values in attributes.items():
        for value in values if isinstance(values, list) else [values]:
            lines.append(ldif_value(name, value))
    return "".join(lines) + "\n"


def person(number_or_name, **attributes):
    name = str(number_or_name)
    return ldif_entry("cn=%s,%s" % (name, BASE), ["mailRecipient"], cn=name, **attributes)


class Slapd:
    """A server with `people` (texts of person()) and the reader, whose password is `password`."""

    def __init__(self, directory, pki, people, password):
        self.run = make_dir(os.path.abspath(directory), 0o755)
        make_dir(os.path.join(self.run, "data"), 0o700)
        self.config = os.path.join(self.run, "slapd.conf")
        self.log = os.path.join(self.run, "slapd.log")
        self.process = self.guard = None
        cert, key = pki.cert("good")
        write_file(self.config, CONFIG.format(
            here=os.path.dirname(os.path.abspath(__file__)), run=self.run, base=BASE,
            ca=pki.ca_file, cert=cert, key=key))
        ldif = os.path.join(self.run, "people.ldif")
        with open(ldif, "w", encoding="ascii") as out:
            out.write(ldif_entry(BASE, ["dcObject", "organization"], dc="corp", o="Corp"))
            out.write(ldif_entry(READER, ["mailRecipient"], cn="reader", userPassword=password))
            for entry in people:
                out.write(entry)
        run(["/usr/sbin/slapadd", "-q", "-f", self.config, "-l", ldif])
        self.port, self.tls_port = free_ports(2)

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "-f", self.config, "-d", "0", "-h",
                 "ldap://127.0.0.1:%d/ ldaps://127.0.0.1:%d/" % (self.port, self.tls_port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.guard = Guard(self.process.pid)
        wait_until(self._answers, 30, "slapd listens")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise PeerError("slapd ended: %s" % log.read())
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.guard.release()

    def url(self, tls=False):
        return "%s://127.0.0.1:%d" % (("ldaps", self.tls_port) if tls else ("ldap", self.port))
