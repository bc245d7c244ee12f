#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The server's end of one connection: lines in, replies out, all of it logged, nothing for ever.

Every wait ends at the deadline given; then Deadline is raised. PeerGone means that the client went
away. Both end the connection and neither is an error of the test."""
import json
import os
import select
import socket
import ssl
import threading
import time
import warnings

MAX_LINE = 65536
SHOWN = 300
LINGER = 1.0


class PeerGone(Exception):
    """The client closed or reset the connection."""


class Deadline(Exception):
    """The time of this connection or of the whole server is over."""


class Log:
    """JSON lines, one an event, in the order they happened; also kept in memory.

    Each has `t` (seconds since the log was opened), `conn` (number of the connection, from 1) and
    `ev`. The file holds what the client sent, passwords too, so it is for the owner only."""

    def __init__(self, path=None):
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._fd = None
        self.events = []
        if path is not None:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def add(self, conn, event, **words):
        with self._lock:
            row = dict({"t": round(time.monotonic() - self._start, 4), "conn": conn,
                        "ev": event}, **words)
            self.events.append(row)
            if self._fd is not None:
                os.write(self._fd, (json.dumps(row) + "\n").encode())

    def close(self):
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None


def _text(octets):
    """For the log: readable, and not longer than SHOWN."""
    shown = octets[:SHOWN].decode("utf-8", "backslashreplace")
    return shown if len(octets) <= SHOWN else shown + "... (%d octets)" % len(octets)


class Wire:
    """Buffered reading and writing of one accepted socket."""

    def __init__(self, sock, number, log, deadline):
        self.sock = sock
        self.number = number
        self.tls = False
        self.deadline = deadline
        self.drip = 0.0
        self._log = log
        self._in = bytearray()
        self._out = bytearray()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def note(self, event, **words):
        self._log.add(self.number, event, **words)

    def pending(self):
        """Octets that the client sent and nobody read yet, as far as they are here."""
        return len(self._in)

    def _left(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Deadline("time is over")
        return left

    def _receive(self):
        """Append what is there to the buffer; waits for at least one octet."""
        self.sock.settimeout(self._left())
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            raise Deadline("nothing from the client") from None
        except OSError as error:
            raise PeerGone(str(error)) from None
        if not data:
            raise PeerGone("closed by the client")
        self._in += data

    def _take(self, count):
        data = bytes(self._in[:count])
        del self._in[:count]
        return data

    def line(self):
        """The next line, without its end. Replies that wait are sent before we wait."""
        while b"\n" not in self._in:
            if len(self._in) > MAX_LINE:
                raise PeerGone("line of more than %d octets" % MAX_LINE)
            self.flush()
            self._receive()
        raw = self._take(self._in.index(b"\n") + 1)
        body = raw[:-2] if raw.endswith(b"\r\n") else raw[:-1]
        words = {"line": _text(body), "tls": self.tls}
        if not raw.endswith(b"\r\n"):
            words["bare_lf"] = True
        if self._in:
            words["more"] = len(self._in)
        self.note("in", **words)
        return body

    def octets(self, count):
        """Exactly `count` octets."""
        self.flush()
        while len(self._in) < count:
            self._receive()
        return self._take(count)

    def some(self):
        """At least one octet; whatever is there."""
        if not self._in:
            self.flush()
            self._receive()
        return self._take(len(self._in))

    def until_dot(self):
        """Content of DATA up to CRLF.CRLF, which is taken away; still dot-stuffed."""
        self.flush()
        if self._in.startswith(b".\r\n") or self._starts_with_dot():
            self._take(3)
            return b""
        seen = 0
        while True:
            end = self._in.find(b"\r\n.\r\n", seen)
            if end >= 0:
                content = self._take(end + 2)
                self._take(3)
                return content
            seen = max(0, len(self._in) - 4)
            self._receive()

    def _starts_with_dot(self):
        while len(self._in) < 3:
            self._receive()
        return self._in.startswith(b".\r\n")

    def queue(self, octets):
        """Send with the next flush: the replies of one flight go out in one segment."""
        self._out += octets
        self.note("out", text=_text(octets.rstrip(b"\r\n")))

    def flush(self):
        data, self._out = bytes(self._out), bytearray()
        if self.drip:
            for octet in data:
                self._send(bytes((octet,)))
                self.pause(self.drip)
        elif data:
            self._send(data)

    def _send(self, data):
        self.sock.settimeout(self._left())
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise Deadline("the client does not read") from None
        except OSError as error:
            raise PeerGone(str(error)) from None

    def flood(self, octets, pause=0.005):
        """Send the same for ever: until the client goes or the deadline."""
        self.note("flood", text=_text(octets))
        block = octets * max(1, 16384 // len(octets))
        while True:
            self._send(block)
            self.pause(pause)

    def trickle(self, octets, pause):
        """Send octet by octet with a pause before each."""
        self.flush()
        self.note("out", text=_text(octets.rstrip(b"\r\n")), pause=pause)
        for octet in octets:
            self.pause(pause)
            self._send(bytes((octet,)))

    def pause(self, seconds):
        """Wait, but notice when the client closes in the meantime."""
        self._poll_gone(time.monotonic() + seconds)

    def hang(self):
        """Answer nothing and log what comes, until the client goes or the deadline."""
        self.flush()
        self.note("hang")
        while True:
            data = self.some()
            self.note("ignored", bytes=len(data), text=_text(data.rstrip(b"\r\n")))

    def deaf(self):
        """Read nothing, so that the client's window fills up."""
        self.flush()
        self.note("deaf")
        self._poll_gone(self.deadline)
        raise Deadline("not reading")

    def _poll_gone(self, until):
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        wait = min(until, self.deadline) - time.monotonic()
        if wait > 0 and poll.poll(wait * 1000):
            raise PeerGone("closed by the client")
        self._left()

    def start_tls(self, context):
        """Handshake. False when it failed, which is logged with the reason."""
        self.flush()
        if self._in:
            self.note("early", bytes=len(self._in))
            self._in.clear()
        self.sock.settimeout(self._left())
        try:
            self.sock = context.wrap_socket(self.sock, server_side=True)
        except (OSError, ValueError) as error:
            self.note("tls-failed", reason=str(error)[:SHOWN])
            return False
        self.tls = True
        self.note("tls", version=self.sock.version(), cipher=self.sock.cipher()[0])
        return True

    def reset(self):
        """Close so that the client sees a connection reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def close(self, polite=False):
        """Close; with `polite` TLS is ended first, as a right server does after QUIT.

        What the client still sends is read for a moment: a socket closed with unread input resets
        the connection, and then our last reply might never be seen."""
        if self.sock.fileno() < 0:
            return
        try:
            if polite and self.tls:
                self.sock.settimeout(LINGER)
                self.sock = self.sock.unwrap()
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
            self._discard()
        except OSError as error:
            self.note("close-late", reason=str(error)[:SHOWN])
        self.sock.close()

    def _discard(self):
        until = time.monotonic() + LINGER
        count = 0
        while (left := until - time.monotonic()) > 0:
            readable = select.select([self.sock.fileno()], [], [], left)[0]
            octets = os.read(self.sock.fileno(), 65536) if readable else b""
            if not octets:
                break
            count += len(octets)
        if count:
            self.note("discarded", bytes=count)


def tls_context(cert, key, newest=None):
    """Server context; `newest` = "1.0" or "1.1" offers nothing newer than that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if newest is not None:
        limit_tls(context, "1.0", newest)
    return context


def limit_tls(context, oldest, newest):
    """Allow only these versions, "1.0" or "1.1", though they are out of use."""
    versions = {"1.0": "TLSv1", "1.1": "TLSv1_1"}
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion[versions[oldest]]
        context.maximum_version = ssl.TLSVersion[versions[newest]]
