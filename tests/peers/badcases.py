#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of the scripted SMTP server: what it does, and what a right client makes of it.

CASES = {name: case}. A case is plain data (it survives JSON):

  about       what happens, in a few words
  send        what the client is given: messages, recipients of each (local parts at mail.test),
              bytes; with spread the first message is for the first recipient only, and so on
  client      how it is set up: tls "starttls" | "implicit" | "none" (both required, if not none),
              auth true | false, mechanisms (allowed ones, or null for all), chunking "auto" | "off",
              connections (null: as the client likes)
  server      changes to the good server, see SERVER below
  rules       what the good server does not do; the first rule that applies is taken
  expect      "delivered"   each message arrived and its rows are final
              "deferred"    kept; tried again by the schedule
              "suspended"   kept; the route stands still until the operator or a probe resumes it
              "failed"      every recipient failed for good, and a report is due
              "mixed"       see recipients
  or          a second outcome that is right too, where the standards leave the choice; else null
  recipients  for "mixed": {local part: outcome}
  limit       the client's time limit that ends the case, or null: greeting ehlo tls auth mail
              rcpt data content dot
  copies      how many stored copies of one message are excusable, also after the recovery
  checks      what must hold in the server's log, beside what holds always (see smtplog.py)

After recover() the server is good: what was "deferred" must then arrive by the schedule, what was
"suspended" when the operator resumes the route.

A rule is {"at": stage, "do": [action, ...]} and conditions. Stages: greeting, command (any, before
its own stage), ehlo helo starttls auth mail rcpt data bdat rset noop quit, chunk (the octets of a
BDAT are here), content (354 is sent), dot (all content is here). Conditions, all of which must hold:
  arg        the argument contains this text; for "dot" the argument is the recipients
  after      so many went before: of the same stage in the connection, or with "count": "message"
             (messages whose content came in this connection) or "rcpt" (in this transaction)
  tls        true or false: whether TLS is on
  times      fires so often at most, in all connections together
  last_conn  only in connections up to this number
Actions: ["reply", text] (\\n between lines), ["send", octets as they are], ["instead", octets] (act
on the command as the good server, but answer this), ["trickle", octets, seconds before each],
["big", head, octets], ["flood", octets], ["answers", text] (to every line, for ever),
["delay", seconds], ["read", octets of content], ["store"] (without a reply), ["accept"] (store and
250), ["tls"] (handshake), ["hang"], ["deaf"] (do not read), ["close"], ["reset"], and last ["good"]
(go on as the good server).
"""

USER = "relay"
PASSWORD = "canary-7Qz-password"
DOMAIN = "mail.test"
SIZE = 37748736

SERVER = {
    "listen": True,             # False: the port is taken but nobody listens
    "tls": "starttls",          # "implicit": handshake before the greeting
    "cert": "good",             # see peerpki.KINDS
    "newest": None,             # newest TLS version, "1.0" or "1.1"
    "caps": ["PIPELINING", "SIZE %d" % SIZE, "8BITMIME", "ENHANCEDSTATUSCODES", "STARTTLS",
             "CHUNKING"],
    "caps_tls": ["PIPELINING", "SIZE %d" % SIZE, "8BITMIME", "ENHANCEDSTATUSCODES",
                 "AUTH PLAIN LOGIN CRAM-MD5", "CHUNKING"],
    "size": SIZE,
    "require_auth": True,
    "users": {USER: PASSWORD},
    "login_prompts": ["Username:", "Password:"],
    "session_seconds": None,    # 421 and close after this time
    "max_conn": None,           # more connections at once get 421 4.3.2
    "rcvbuf": None,             # receive buffer of the socket
    "drip": 0.0,                # seconds after each octet of each reply
}
CLIENT = {"tls": "starttls", "auth": True, "mechanisms": None, "chunking": "auto",
          "connections": None}
SEND = {"messages": 1, "recipients": ["alice"], "bytes": 2000, "spread": False}
CLEAR = {"tls": "none", "auth": False}
CLEAR_SERVER = {"caps": ["PIPELINING", "SIZE %d" % SIZE, "8BITMIME", "ENHANCEDSTATUSCODES"],
                "require_auth": False}
NO_SERVICE_YET = ["no-auth", "no-mail"]
DATA = {"chunking": "off"}      # content by DATA although CHUNKING is offered
ALONE = {"connections": 1}      # all messages in one flight

CASES = {}


def at(stage, *actions, **conditions):
    """A rule; an action given as text is a reply."""
    return dict(conditions, at=stage, do=[["reply", action] if isinstance(action, str)
                                          else list(action) for action in actions])


def case(name, expect, about, *rules, **words):
    """Enter a case into the table; what is not said is as in the good server."""
    entry = {"name": name, "about": about, "expect": expect, "rules": list(rules),
             "or": words.pop("other", None), "recipients": words.pop("recipients", {}),
             "limit": words.pop("limit", None), "copies": words.pop("copies", 1),
             "checks": words.pop("checks", []),
             "send": dict(SEND, **words.pop("send", {})),
             "client": dict(CLIENT, **words.pop("client", {})),
             "server": dict(SERVER, **words.pop("server", {}))}
    if words or name in CASES:
        raise ValueError("case %s: %s" % (name, ", ".join(words) or "given twice"))
    CASES[name] = entry


def _good():
    three = {"messages": 3, "recipients": ["alice", "bob"]}
    case("good", "delivered", "a right server with STARTTLS and AUTH", checks=["quit"], send=three)
    case("good-implicit", "delivered", "TLS from the first octet", send=three,
         client={"tls": "implicit"}, server={"tls": "implicit"}, checks=["quit"])
    case("good-plain", "delivered", "neither TLS nor AUTH", send=three, client=CLEAR,
         server=CLEAR_SERVER, checks=["quit"])
    case("good-bare", "delivered", "EHLO offers nothing but AUTH: no pipelining, no SIZE",
         send=three, server={"caps": ["STARTTLS"], "caps_tls": ["AUTH PLAIN"]},
         checks=["quit", "no-params"])


def _greeting():
    none = NO_SERVICE_YET
    case("refused", "deferred", "connection refused", server={"listen": False})
    case("close-at-once", "deferred", "closes before the greeting", at("greeting", ["close"]),
         checks=none)
    case("reset-at-once", "deferred", "resets before the greeting", at("greeting", ["reset"]),
         checks=none)
    case("greeting-none", "deferred", "no greeting", at("greeting", ["hang"]), limit="greeting",
         checks=none)
    case("greeting-421", "deferred", "greeting 421 and close",
         at("greeting", "421 4.3.2 Service not available", ["close"]), checks=none)
    case("greeting-421-open", "deferred", "greeting 421, connection stays open",
         at("greeting", "421 4.3.2 Service not available"), checks=none)
    case("greeting-554", "suspended", "greeting 554: the host takes no mail, the mail is kept",
         at("greeting", "554 5.7.1 No SMTP service here"), other="deferred",
         checks=none + ["quit"])
    case("greeting-garbage", "deferred", "greeting of binary garbage",
         at("greeting", ["send", "\x00\xff\x16\x03\x01\x80\r\n\xfe\xfe\r\n"]), limit="greeting",
         checks=none)
    case("greeting-http", "deferred", "greeting of another protocol",
         at("greeting", ["send", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
            ["close"]), checks=none)
    case("greeting-slow", "delivered", "greeting one octet at a time, in good time",
         at("greeting", ["trickle", "220 mail.test ESMTP\r\n", 0.02]))
    case("greeting-partial", "deferred", "greeting that never ends its line",
         at("greeting", ["send", "220 mail.test ES"], ["hang"]), limit="greeting", checks=none)
    case("greeting-premature", "deferred", "the reply to EHLO comes together with the greeting",
         at("greeting", ["send", "220 mail.test ESMTP\r\n250-mail.test\r\n250 AUTH PLAIN\r\n"]),
         checks=["no-auth"])


def _replies():
    case("bare-lf", "delivered", "replies end in LF alone", at("greeting", ["send", "220 hi\n"]),
         at("mail", ["instead", "250 ok\n"]), client=CLEAR,
         server=dict(CLEAR_SERVER), other="deferred", limit="greeting")
    case("mixed-codes", "deferred", "lines of one reply have different codes",
         at("mail", ["instead", "250-2.1.0 sender\r\n550 5.1.0 OK\r\n"]), checks=["no-stored"])
    case("endless-lines", "deferred", "a reply with lines without end",
         at("ehlo", ["flood", "250-X-AGAIN\r\n"]), limit="ehlo", checks=NO_SERVICE_YET)
    case("endless-greeting", "deferred", "a greeting without end of line",
         at("greeting", ["flood", "220 "]), limit="greeting", checks=NO_SERVICE_YET)
    case("megabyte-line", "deferred", "reply line of 1 MB", at("mail", ["big", "250 ", 1048576]),
         checks=["no-stored"])
    case("nul", "deferred", "reply with a NUL", at("mail", ["instead", "250 2.1.0 o\x00k\r\n"]),
         other="delivered")
    case("control-text", "failed", "escape codes and 8-bit text in a reply: never raw in a log",
         at("rcpt", ["send", "550 5.1.1 \x1b[2J\x07 \xe9\xff unknown\r\n"]))
    case("many-lines", "delivered", "replies on several lines, with words of their own",
         at("mail", ["instead", "250-sender\r\n250-354 is\r\n250 welcome\r\n"]),
         at("rcpt", ["instead", "250-550 5.1.1 no\r\n250 but yes\r\n"]))
    case("no-text", "delivered", "replies without text", at("mail", ["instead", "250\r\n"]),
         at("rcpt", ["instead", "250\r\n"]))
    case("no-text-blank", "delivered", "replies with a blank and no text",
         at("mail", ["instead", "250 \r\n"]))
    case("lower-case", "delivered", "keywords of EHLO in lower case",
         server={"caps": ["pipelining", "size 1000000", "starttls"],
                 "caps_tls": ["pipelining", "size 1000000", "auth PLAIN LOGIN"]})
    case("slow-replies", "delivered", "each octet of each reply after 5 ms", server={"drip": 0.005})
    case("slow-loris", "deferred", "the reply to EHLO drips and never ends",
         at("ehlo", ["trickle", "250-" + "x" * 4000, 0.2]), limit="ehlo", checks=NO_SERVICE_YET)
    case("code-299", "delivered", "an unregistered code counts by its first digit",
         at("mail", ["instead", "299 2.1.0 odd but fine\r\n"]))
    case("code-459", "deferred", "an unregistered 4xx code counts by its first digit",
         at("mail", "459 4.9.9 odd"))
    case("code-666", "deferred", "666 is no reply code", at("mail", ["instead", "666 beast\r\n"]),
         checks=["no-stored"])
    case("code-short", "deferred", "a code of two digits", at("mail", ["instead", "25 ok\r\n"]),
         checks=["no-stored"])
    case("code-glued", "deferred", "no separator after the code",
         at("mail", ["instead", "250ok\r\n"]), checks=["no-stored"])
    case("swapped", "deferred", "354 to MAIL and 250 to DATA", at("mail", "354 go ahead"),
         at("data", "250 2.0.0 OK"), checks=["no-stored"])
    case("extra-reply", "deferred", "two replies to MAIL in one segment: one too many",
         at("mail", ["instead", "250 2.1.0 OK\r\n250 2.1.5 OK\r\n"]),
         at("rcpt", "550 5.1.1 unknown"), server={"caps_tls": ["AUTH PLAIN"]},
         checks=["no-stored"])
    case("missing-reply", "deferred", "one RCPT of a flight is never answered",
         at("rcpt", ["delay", 0], arg="bob@"), limit="rcpt",
         send={"recipients": ["alice", "bob", "carol"]}, checks=["no-stored"])
    case("421-session", "deferred", "421 in the middle of a session",
         at("rcpt", "421 4.3.0 going down", ["close"]), checks=["no-stored"])
    case("421-session-open", "deferred", "421 in the middle, connection stays open",
         at("rcpt", "421 4.3.0 going down", ["hang"]), limit="rcpt", checks=["no-stored"])


def _ehlo():
    case("ehlo-502", "delivered", "EHLO unknown, HELO good; the relay needs no TLS",
         at("ehlo", "502 5.5.1 not implemented"), checks=["no-params"], client=CLEAR,
         server=dict(CLEAR_SERVER, caps=[]))
    case("ehlo-502-tls", "suspended", "EHLO unknown although TLS is required",
         at("ehlo", "502 5.5.1 not implemented"), checks=NO_SERVICE_YET)
    case("helo-name", "delivered", "HELO is taken with the name of a host only",
         at("ehlo", "502 5.5.1 not implemented"), at("helo", ["good"], arg="."),
         at("helo", "501 5.5.4 HELO requires the name of a host"), checks=["no-params"],
         client=CLEAR, server=dict(CLEAR_SERVER, caps=[]))
    case("ehlo-name", "delivered", "EHLO is taken with the name of a host only",
         at("ehlo", ["good"], arg="."), at("ehlo", "501 5.5.4 EHLO requires the name of a host"))
    case("ehlo-550", "suspended", "our name is refused", at("ehlo", "550 5.7.506 Bad HELO"),
         at("helo", "550 5.7.506 Bad HELO"), checks=NO_SERVICE_YET)
    case("ehlo-421", "deferred", "421 to EHLO", at("ehlo", "421 4.3.2 not now", ["close"]),
         checks=NO_SERVICE_YET)
    case("ehlo-421-behind", "deferred", "a good reply to EHLO and 421 behind it, at once",
         at("ehlo", ["send", "250-mail.test\r\n250 PIPELINING\r\n421 4.4.2 too busy\r\n"],
            ["close"]), client=CLEAR, server=CLEAR_SERVER, checks=["no-mail"])
    case("ehlo-closes", "deferred", "closes at EHLO", at("ehlo", ["close"]), checks=NO_SERVICE_YET)
    case("ehlo-hangs", "deferred", "no reply to EHLO", at("ehlo", ["hang"]), limit="ehlo",
         checks=NO_SERVICE_YET)
    case("size-small", "failed", "SIZE is smaller than the message: refused before it is sent",
         server={"caps_tls": ["SIZE 1000", "AUTH PLAIN"], "size": 1000}, send={"bytes": 5000},
         checks=["no-content"])
    case("size-content", "failed", "no SIZE is offered and the content is refused for its size",
         server={"caps_tls": ["AUTH PLAIN"], "size": 1000}, send={"bytes": 5000})


def _tls():
    none = NO_SERVICE_YET
    case("starttls-absent", "suspended", "EHLO without STARTTLS although TLS is required",
         server={"caps": ["PIPELINING", "AUTH PLAIN LOGIN"]}, checks=none)
    case("starttls-454", "deferred", "454 to STARTTLS", at("starttls", "454 4.7.0 not available"),
         checks=none)
    case("starttls-502", "suspended", "502 to STARTTLS", at("starttls", "502 5.5.1 no"),
         other="deferred", checks=none)
    case("starttls-garbage", "deferred", "220, then no handshake but garbage",
         at("starttls", "220 2.0.0 ready", ["delay", 0.1], ["send", "\x00garbage\r\n" * 20],
            ["close"]), checks=none)
    case("starttls-closes", "deferred", "220, then closes",
         at("starttls", "220 2.0.0 ready", ["close"]), checks=none)
    case("starttls-hangs", "deferred", "220, then silence",
         at("starttls", "220 2.0.0 ready", ["hang"]), limit="tls", checks=none)
    case("starttls-injection", "suspended", "a reply in clear behind the 220, in one segment",
         at("starttls", ["send", "220 2.0.0 ready\r\n250-mail.test\r\n250 AUTH PLAIN\r\n"],
            ["tls"]), other="deferred", checks=none)
    case("caps-change", "delivered", "other capabilities after TLS: the second ones count",
         server={"caps": ["STARTTLS", "SIZE 1000", "AUTH CRAM-MD5"],
                 "caps_tls": ["SIZE 1000000", "AUTH LOGIN"]}, send={"bytes": 5000},
         checks=["second-ehlo"])
    case("cert-wrongname", "suspended", "certificate of another host",
         server={"cert": "wrongname"}, checks=none)
    case("cert-expired", "suspended", "certificate that has ended", server={"cert": "expired"},
         checks=none)
    case("cert-selfsigned", "suspended", "certificate signed by nobody we know",
         server={"cert": "selfsigned"}, checks=none)
    case("cert-wrongname-implicit", "suspended", "the same with implicit TLS",
         server={"cert": "wrongname", "tls": "implicit"}, client={"tls": "implicit"}, checks=none)
    case("tls-1.0", "suspended", "nothing newer than TLS 1.0", server={"newest": "1.0"},
         other="deferred", checks=none)
    case("tls-1.1", "suspended", "nothing newer than TLS 1.1", server={"newest": "1.1"},
         other="deferred", checks=none)
    case("tls-closes-after", "deferred", "closes after the handshake",
         at("ehlo", ["close"], tls=True), checks=none)
    case("implicit-silent", "deferred", "implicit TLS, and the server never answers the handshake",
         at("greeting", ["hang"]), client={"tls": "implicit"}, limit="tls", checks=none)


def _auth():
    login = {"caps_tls": ["AUTH LOGIN"]}
    cram = {"caps_tls": ["AUTH CRAM-MD5"]}

    def refused(name, expect, reply, **words):
        case("auth-" + name, expect, "AUTH is answered " + reply, at("auth", reply),
             checks=["no-mail"], **words)

    case("auth-absent", "suspended", "no AUTH after TLS",
         server={"caps_tls": ["PIPELINING"]}, checks=NO_SERVICE_YET)
    case("auth-unknown", "suspended", "no mechanism that both sides know",
         server={"caps_tls": ["AUTH X-SECRET"]}, checks=NO_SERVICE_YET)
    refused("5.7.3", "suspended", "535 5.7.3 Authentication unsuccessful")
    refused("5.7.139", "suspended", "535 5.7.139 Authentication unsuccessful, "
            "SmtpClientAuthentication is disabled for the Tenant")
    refused("5.7.30", "suspended", "550 5.7.30 Basic authentication is not supported for Client "
            "Submission.")
    refused("454", "deferred", "454 4.7.0 Temporary authentication failure")
    refused("prx", "deferred", "451 4.7.0 Temporary server error. Please try again later. PRX2")
    refused("430", "deferred", "430 4.2.0 STOREDRV; mailbox logon failure")
    refused("421", "deferred", "421 4.3.2 The maximum number of concurrent connections has "
            "exceeded a limit")
    case("auth-prompts", "delivered", "AUTH LOGIN with prompts of its own",
         server=dict(login, login_prompts=["User Name", ""]))
    case("auth-garbage", "suspended", "334 and no base64", at("auth", "334 %%%\x01%%% no base64"),
         server=cram, other="deferred", limit="auth", checks=["no-mail"])
    case("auth-endless", "suspended", "334 again and again",
         at("auth", ["answers", "334 VXNlcm5hbWU6"]), server=login, other="deferred",
         limit="auth", checks=["no-mail", "few-lines"])
    case("auth-hangs", "deferred", "no reply to AUTH", at("auth", ["hang"]), limit="auth",
         checks=["no-mail"])
    case("auth-closes", "deferred", "closes at AUTH", at("auth", ["close"]), checks=["no-mail"])


def _mail():
    def refused(name, expect, reply, **words):
        case("mail-" + name, expect, "MAIL is answered " + reply, at("mail", reply),
             checks=["no-stored"] + ([] if reply.startswith("421") else ["quit"]), **words)

    refused("530", "suspended", "530 5.7.57 Client not authenticated to send mail")
    refused("530-tls", "suspended", "530 5.7.0 Must issue a STARTTLS command first")
    refused("451", "deferred", "451 4.3.0 try again")
    refused("452", "deferred", "452 4.3.1 Insufficient system resources")
    refused("432", "deferred", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded")
    refused("rate", "deferred", "421 4.4.2 Message submission rate for this client has exceeded "
            "the configured limit")
    refused("quota", "suspended", "550 5.2.2 Submission quota exceeded")
    refused("sendas", "failed", "550 5.7.60 SMTP; Client does not have permissions to send as "
            "this sender")
    refused("552", "failed", "552 5.3.4 Message size exceeds fixed maximum message size")
    case("mail-503", "deferred", "MAIL is out of sequence",
         at("mail", "503 5.5.2 Polite people say hello first"), checks=["no-stored"])
    case("mail-500", "deferred", "MAIL is unknown", at("mail", "500 5.5.1 Command unrecognized"),
         checks=["no-stored"])
    case("mail-hangs", "deferred", "no reply to MAIL", at("mail", ["hang"]), limit="mail")
    case("mail-closes", "deferred", "closes at MAIL", at("mail", ["close"]))


def _rcpt():
    three = {"recipients": ["alice", "bob", "carol"]}

    def one(name, outcome, reply):
        case("rcpt-" + name, "mixed", "one of three recipients: " + reply,
             at("rcpt", reply, arg="bob@"), send=three, checks=["quit"],
             recipients={"alice": "delivered", "bob": outcome, "carol": "delivered"})

    one("550", "failed", "550 5.1.1 User unknown")
    one("dbeb", "failed", "550 5.4.1 Recipient address rejected: Access denied")
    one("451", "deferred", "451 4.2.1 try later")
    one("432", "deferred", "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded")
    one("5.2.121", "deferred", "550 5.2.121 Recipient's per hour message receive limit exceeded")
    case("rcpt-452", "delivered", "452 4.5.3 from the third recipient of a transaction on",
         at("rcpt", "452 4.5.3 Too many recipients", count="rcpt", after=2),
         send={"recipients": ["alice", "bob", "carol", "dave", "erin"]})
    case("rcpt-552", "delivered", "552 5.5.3 from the third recipient of a transaction on",
         at("rcpt", "552 5.5.3 Too many recipients", count="rcpt", after=2),
         send={"recipients": ["alice", "bob", "carol", "dave", "erin"]})
    case("rcpt-503", "deferred", "RCPT is out of sequence", at("rcpt", "503 5.5.2 Need mail command"),
         checks=["no-stored"])
    case("rcpt-all-550", "failed", "every recipient is unknown", at("rcpt", "550 5.1.1 unknown"),
         send=three, checks=["quit", "no-content"])
    case("rcpt-all-451", "deferred", "every recipient later", at("rcpt", "451 4.3.0 later"),
         send=three, checks=["quit", "no-content"])
    case("rcpt-relay", "suspended", "every recipient: 550 5.7.64 relay access denied",
         at("rcpt", "550 5.7.64 TenantAttribution; Relay Access Denied"), send=three,
         checks=["no-content"])
    case("rcpt-tarpit", "mixed", "a refusal that is held back for 6 seconds",
         at("rcpt", ["delay", 6], "550 5.1.1 User unknown", arg="bob@"), send=three,
         recipients={"alice": "delivered", "bob": "failed", "carol": "delivered"})
    case("rcpt-hangs", "deferred", "no reply to one RCPT", at("rcpt", ["hang"], arg="bob@"),
         send=three, limit="rcpt", checks=["no-stored"])
    case("rcpt-closes", "deferred", "closes at RCPT", at("rcpt", ["close"]))


def _data():
    big = {"bytes": 4000000}
    case("data-451", "deferred", "451 to DATA", at("data", "451 4.3.0 try again"), client=DATA)
    case("data-554", "failed", "554 to DATA", at("data", "554 5.6.0 Transaction failed"),
         client=DATA)
    case("data-503", "deferred", "DATA is out of sequence", at("data", "503 5.5.2 Need rcpt command"),
         client=DATA, checks=["no-stored"])
    case("data-250", "deferred", "250 instead of 354", at("data", "250 2.0.0 OK"), client=DATA,
         checks=["no-stored"])
    case("data-hangs", "deferred", "no reply to DATA", at("data", ["hang"]), client=DATA,
         limit="data")
    case("data-closes", "deferred", "closes instead of 354", at("data", ["close"]), client=DATA)
    case("data-early", "deferred", "354 and the final 250 in one segment, before any content",
         at("data", ["send", "354 go ahead\r\n250 2.6.0 queued\r\n"], ["hang"]),
         server={"caps_tls": ["PIPELINING", "AUTH PLAIN"]}, limit="dot", checks=["no-stored"])
    case("content-closes", "deferred", "closes in the middle of the content",
         at("content", ["read", 60000], ["close"]), send=big, client=DATA)
    case("content-resets", "deferred", "resets in the middle of the content",
         at("content", ["read", 60000], ["reset"]), send=big, client=DATA)
    case("content-421", "deferred", "421 in the middle of the content, then closes",
         at("content", ["read", 60000], "421 4.3.0 going down", ["close"]), send=big, client=DATA)
    case("content-deaf", "deferred", "never reads the content: the window fills up",
         at("content", ["deaf"]), send={"bytes": 20000000}, server={"rcvbuf": 4096},
         client=DATA, limit="content")


def _bdat():
    big = {"bytes": 300000}
    case("bdat-large", "delivered", "content in pieces", checks=["by-bdat", "quit"],
         send={"bytes": 4000000, "messages": 2})
    case("bdat-unknown", "delivered", "CHUNKING is offered and BDAT is not known: DATA",
         at("bdat", "500 5.5.2 command not recognized"), checks=["by-data"],
         send={"messages": 3})
    case("bdat-503", "delivered", "CHUNKING is offered and BDAT always is out of sequence: DATA",
         at("chunk", "503 5.5.1 bad sequence of commands"), checks=["by-data"],
         send={"messages": 3})
    case("bdat-stalls", "deferred", "no reply to BDAT, once: then DATA",
         at("chunk", ["hang"], times=1), limit="dot", other="delivered")
    case("bdat-closes", "deferred", "the first BDAT ends the connection: then DATA",
         at("bdat", ["close"], times=1), other="delivered")
    case("bdat-piece-552", "failed", "the second piece is refused",
         at("chunk", "552 5.3.4 message size exceeds fixed maximum message size", after=1),
         send=big, checks=["quit"])
    case("bdat-piece-451", "deferred", "the second piece is refused for now",
         at("chunk", "451 4.3.0 try again", after=1), send=big, checks=["quit", "no-stored"])
    case("bdat-deaf", "deferred", "reads no more after the first piece: the window fills up",
         at("chunk", ["deaf"]), send={"bytes": 20000000}, server={"rcvbuf": 4096},
         limit="content", checks=["no-stored"])
    case("bdat-piece-closes", "deferred", "closes in the middle of the content",
         at("chunk", ["close"], after=1), send=big, checks=["no-stored"])


def _dots(prefix, client):
    three = {"messages": 3}

    def one(name, expect, about, *rules, **words):
        case(prefix + name, expect, about, *rules, client=client, **words)

    one("closes", "deferred", "closes after the dot, nothing kept", at("dot", ["close"]))
    one("closes-kept", "delivered", "keeps the message and closes without a reply, once: the "
        "same message comes again", at("dot", ["store"], ["close"], times=1), copies=2)
    one("hangs", "deferred", "silence after the dot, nothing kept", at("dot", ["hang"]),
        limit="dot")
    one("hangs-kept", "deferred", "keeps the message, silence after the dot",
        at("dot", ["store"], ["hang"], times=1), limit="dot", copies=2, other="delivered")
    one("late", "delivered", "the final reply takes 3 seconds", at("dot", ["delay", 3], ["good"]))
    one("451", "deferred", "451 after the dot", at("dot", "451 4.3.0 try again"), checks=["quit"])
    one("554", "failed", "554 after the dot", at("dot", "554 5.6.0 content refused"),
        checks=["quit"])
    one("sendas", "failed", "550 5.7.60 after the dot",
        at("dot", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"))
    one("poison", "mixed", "one of three messages is refused, the next one goes on",
        at("dot", "554 5.6.0 content refused", arg="bob@"), checks=["quit"],
        send={"messages": 3, "recipients": ["alice", "bob", "carol"], "spread": True},
        recipients={"alice": "delivered", "bob": "failed", "carol": "delivered"})
    one("250-closes", "delivered", "250, then closes at once", at("dot", ["accept"], ["close"]),
        send=three)
    one("partial", "deferred", "half a reply after the dot",
        at("dot", ["send", "250 2.6.0 que"], ["close"]), checks=["no-stored"])


def _dot():
    _dots("dot-", DATA)
    _dots("last-", {})


def _flight():
    """One connection, all messages in its first deep flight, and a failure in the middle."""
    five = {"messages": 5, "recipients": ["alice", "bob", "carol", "dave", "erin"], "spread": True}
    pairs = {"messages": 6, "recipients": ["alice", "bob"]}
    rest = {"alice": "delivered", "bob": "delivered", "dave": "delivered", "erin": "delivered"}

    def one(name, about, *rules, **words):
        for way, client in (("", ALONE), ("-data", dict(ALONE, **DATA))):
            case("flight-" + name + way, words.get("expect", "delivered"), about, *rules,
                 client=client, send=words.get("send", five), copies=words.get("copies", 1),
                 recipients=words.get("recipients", {}),
                 checks=words.get("checks", []) + words.get("deep" + way, []))

    one("good", "nothing fails", send={"messages": 20, "recipients": ["alice", "bob"]},
        checks=["quit"], deep=["deep", "by-bdat"])
    one("rcpt", "the only recipient of the third message is unknown",
        at("rcpt", "550 5.1.1 User unknown", arg="carol@"), expect="mixed", checks=["quit"],
        recipients=dict(rest, carol="failed"))
    one("rcpt-one", "one recipient of each message is unknown",
        at("rcpt", "550 5.1.1 User unknown", arg="bob@"), expect="mixed", checks=["quit"],
        send=pairs, recipients={"alice": "delivered", "bob": "failed"})
    one("rcpt-452", "452 4.5.3 to the second recipient: it comes at once in the next transaction",
        at("rcpt", "452 4.5.3 Too many recipients", count="rcpt", after=1), send=pairs,
        checks=["quit"])
    one("mail", "MAIL of the third message is refused for now",
        at("mail", "451 4.3.0 try again", count="message", after=2, times=1), checks=["quit"])
    one("mail-552", "MAIL of the third message is refused for good",
        at("mail", "552 5.3.4 too large", after=2, times=1), expect="mixed", checks=["quit"],
        recipients=dict(rest, carol="failed"))
    one("dot", "the content of the third message is refused",
        at("dot", "554 5.6.0 content refused", arg="carol@"), expect="mixed", checks=["quit"],
        recipients=dict(rest, carol="failed"))
    one("421", "421 in the middle of the third message",
        at("rcpt", "421 4.4.2 going down", ["close"], arg="carol@", times=1))
    one("closes", "closes in the middle of the third message",
        at("rcpt", ["close"], arg="carol@", times=1))
    one("resets", "resets at the end of the third message, which was kept",
        at("dot", ["store"], ["reset"], arg="carol@", times=1), copies=2)
    one("5.7.57", "the account is refused in the middle: nobody fails",
        at("mail", "530 5.7.57 Client not authenticated to send mail", after=2), expect="mixed",
        recipients=dict(rest, carol="suspended", dave="suspended", erin="suspended"))


def _limits():
    many = {"messages": 10}
    case("session-messages", "delivered", "421 at MAIL after three messages",
         at("mail", "421 4.4.2 too many messages in this session", ["close"], count="message",
            after=3), send=many)
    case("session-closes", "delivered", "closes without a word after three messages",
         at("mail", ["close"], count="message", after=3), send=many)
    case("session-seconds", "delivered", "421 and close after 2 seconds, busy or not",
         at("dot", ["delay", 0.3], ["good"]), server={"session_seconds": 2.0}, send=many)
    case("concurrency", "delivered", "a second connection at once gets 421 4.3.2",
         server={"max_conn": 1}, send=many)
    case("quit-hangs", "delivered", "no reply to QUIT", at("quit", ["hang"]), checks=["quit"])
    case("quit-closes", "delivered", "closes at QUIT", at("quit", ["close"]), checks=["quit"])


for _part in (_good, _greeting, _replies, _ehlo, _tls, _auth, _mail, _rcpt, _data, _bdat, _dot, _flight,
              _limits):
    _part()
