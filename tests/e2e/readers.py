#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Other people's readers of mail, asked what they make of messages: Dovecot, notmuch, SpamAssassin.
Each takes a directory to work in and {name: octets of a message}. Found to be wrong: [text]."""
import glob
import json
import os
import re
import shutil
import subprocess

import gateway

NOBODY = 65534
DOVECOT = """base_dir = %(top)s/run
log_path = /dev/stderr
mail_location = maildir:%(top)s/Maildir
first_valid_uid = 1
mail_uid = %(user)d
mail_gid = %(user)d
ssl = no
"""
NOTMUCH = """[database]
path=%s
[new]
tags=
[user]
name=nobody
primary_email=nobody@mail.test
[search]
exclude_tags=
"""
# SpamAssassin's rules about form. Those about contents, about how old a message is (DATE_IN_*) and
# about which program wrote it (MISSING_MIMEOLE wants X-MimeOLE where X-MSMail-Priority is) are not
# among them.
FORM_RULES = (
    "BAD_ENC_HEADER BASE64_LENGTH_78_79 BASE64_LENGTH_79_INF BOGUS_MIME_VERSION DSN_NO_MIMEVERSION "
    "FROM_ILLEGAL_CHARS HEADER_COUNT_CTYPE HEADER_COUNT_SUBJECT HEAD_ILLEGAL_CHARS HEAD_LONG "
    "INVALID_DATE INVALID_DATE_TZ_ABSURD INVALID_MSGID MIMEPART_LIMIT_EXCEEDED MIME_BAD_ISO_CHARSET "
    "MIME_HEADER_CTYPE_ONLY MIME_QP_LONG_LINE MISSING_DATE MISSING_FROM MISSING_HB_SEP "
    "MISSING_MID MISSING_MIME_HB_SEP MISSING_SUBJECT MPART_ALT_DIFF MSGID_HDR_MALF "
    "MSGID_MULTIPLE_AT NONEXISTENT_CHARSET NO_HEADERS_MESSAGE NULL_IN_BODY SUBJECT_NEEDS_ENCODING SUBJ_ILLEGAL_CHARS "
    "TO_MALFORMED TT_MSGID_TRUNC T_CTYPE_NULL T_MIME_MALF T_TVD_MIME_EPI T_TVD_MIME_NO_HEADERS "
    "UNPARSEABLE_RELAY").split()
PLUGINS = "MIMEEval MIMEHeader HeaderEval BodyEval RelayEval Check"
SPAMASSASSIN = """
use strict; use warnings; use Mail::SpamAssassin;
my ($home, $rules) = splice @ARGV, 0, 2;
my $reader = Mail::SpamAssassin->new({ local_tests_only => 1, site_rules_filename => $rules,
    rules_filename => $rules, userprefs_filename => "/dev/null", userstate_dir => $home,
    home_dir_for_helpers => $home, dont_copy_prefs => 1 });
for my $file (@ARGV) {
    open(my $in, "<:raw", $file) or die "$file: $!";
    my $mail = $reader->parse($in, 1);
    my $status = $reader->check($mail);
    print "$file\\t", $status->get_names_of_tests_hit(), "\\n";
    $status->finish;
    $mail->finish;
}
"""
GOOD = (b"Received: from a.test (a.test [192.0.2.1]) by b.test (b) with ESMTP id 1;\r\n"
        b"\tMon, 7 Apr 1997 08:00:00 +0200\r\nFrom: <a@a.test>\r\nTo: <b@b.test>\r\nSubject: s\r\n"
        b"Date: Mon, 7 Apr 1997 08:00:00 +0200\r\nMessage-ID: <1.2@a.test>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\ntext\r\n")
MULTIPART = GOOD.replace(b"text/plain; charset=utf-8", b'multipart/mixed; boundary="=b"')
# what SpamAssassin must find: {rule: message}
BROKEN = {
    "NULL_IN_BODY": GOOD.replace(b"text\r\n", b"te\0xt\r\n"),
    "MISSING_DATE": GOOD.replace(b"Date: ", b"X-Date: "),
    "INVALID_DATE": GOOD.replace(b"Date: Mon, 7 Apr 1997", b"Date: 7.4.97"),
    "MISSING_MID": GOOD.replace(b"Message-ID: ", b"X-ID: "),
    "INVALID_MSGID": GOOD.replace(b"<1.2@a.test>", b"1 2"),
    "MISSING_FROM": GOOD.replace(b"From: ", b"X-From: "),
    "MISSING_SUBJECT": GOOD.replace(b"Subject: ", b"X-Subject: "),
    "HEADER_COUNT_CTYPE": GOOD.replace(b"Content-Type", b"Content-Type: text/html\r\nContent-Type"),
    "SUBJ_ILLEGAL_CHARS": GOOD.replace(b"Subject: s", b"Subject: " + b"\xe4\xf6" * 9),
    "BASE64_LENGTH_79_INF": GOOD.replace(
        b"\r\n\r\ntext", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * 40),
    "MIME_QP_LONG_LINE": GOOD.replace(
        b"\r\n\r\ntext", b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41" * 90),
    "MISSING_MIME_HB_SEP": MULTIPART.replace(
        b"text\r\n", b"--=b\r\nContent-Type: text/plain\r\nno header at all\r\n--=b--\r\n"),
    "MISSING_HB_SEP": GOOD.replace(b"\r\n\r\ntext", b"\r\ntext and no header"),
}


def written(top, messages, *parts):
    """Writes the messages below a new directory `top`; {file name: key}."""
    shutil.rmtree(top, ignore_errors=True)
    folder = os.path.join(top, *parts)
    os.makedirs(folder)
    names = {}
    for number, (key, octets) in enumerate(messages.items()):
        name = os.path.join(folder, "%d.c%d.test" % (number + 1, number))
        with open(name, "wb") as out:
            out.write(octets)
        names[name] = key
    return names


def run(argv, **more):
    """Standard output of a program that has to succeed without a word on standard error."""
    done = subprocess.run(argv, capture_output=True, timeout=300, **more)
    if done.returncode != 0 or done.stderr:
        raise gateway.GatewayError("%s: status %d: %s" % (
            argv[0], done.returncode, done.stderr.decode("utf-8", "replace")[-1000:]))
    return done.stdout.decode("utf-8", "surrogateescape")


def dovecot(base, messages):
    """What Dovecot reads: a dictionary of fields for each message."""
    top = os.path.join(base, "dovecot")
    written(top, messages, "Maildir", "new")
    for part in ("cur", "tmp"):
        os.mkdir(os.path.join(top, "Maildir", part))
    config = os.path.join(top, "dovecot.conf")
    gateway.write_file(config, DOVECOT % {"top": top, "user": NOBODY})
    for path, _, files in os.walk(top):
        for one in [path] + [os.path.join(path, name) for name in files]:
            os.chown(one, NOBODY, NOBODY)
    rows = run(["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups",
                "doveadm", "-c", config, "-f", "json", "fetch",
                "guid hdr.subject.utf8 hdr.message-id imap.envelope imap.bodystructure body.1",
                "ALL"], env=dict(os.environ, USER="nobody", HOME=top))
    return json.loads(rows, strict=False)


def notmuch_messages(threads):
    for message, replies in threads:
        if message:
            yield message
        yield from notmuch_messages(replies)


def leaves(parts):
    """The parts of a message that contain no others, with those of a message that a report returns;
    a message that is attached is one."""
    for part in parts:
        inside = part.get("content")
        if isinstance(inside, list) and part["content-type"].startswith("multipart/"):
            yield from leaves(inside)
        elif part["content-type"] == "message/rfc822" and "content-disposition" not in part:
            yield from leaves(inside[0]["body"])
        else:
            yield part


def notmuch(base, messages):
    """{Message-ID without brackets: (subject, number of attachments)} as notmuch has it in its
    index. GatewayError when it says anything about a message or leaves one out."""
    top = os.path.join(base, "notmuch")
    written(top, messages, "Maildir", "new")
    config = os.path.join(top, "config")
    gateway.write_file(config, NOTMUCH % os.path.join(top, "Maildir"))
    more = {"env": dict(os.environ, HOME=top, NOTMUCH_CONFIG=config)}
    run(["notmuch", "new", "--quiet"], **more)
    text = run(["notmuch", "show", "--format=json", "--entire-thread=false", "*"], **more)
    found = {}
    for thread in json.loads(text):
        for one in notmuch_messages(thread):
            files = [part for part in leaves(one["body"])
                     if part.get("content-disposition") == "attachment"]
            found[one["id"]] = one["headers"].get("Subject", ""), len(files)
    if len(found) != len(messages):
        raise gateway.GatewayError("notmuch has %d of %d messages" % (len(found), len(messages)))
    return found


def definitions():
    """{rule or part of one: its line} of SpamAssassin's own rules."""
    found = {}
    for name in sorted(glob.glob("/usr/share/spamassassin/[1-7]*.cf")):
        with open(name, encoding="latin-1") as source:
            for line in source:
                word = re.match(
                    r"\s*(?:header|body|rawbody|full|meta|mimeheader)\s+(\w+)\s+(.*)", line)
                if word and word[2] != "0":
                    found.setdefault(word[1], line.strip())
    return found


def form_rules():
    """A file of rules: FORM_RULES, and what they are made of."""
    known, wanted, lines = definitions(), list(FORM_RULES), []
    for name in wanted:
        if name not in known:
            raise gateway.GatewayError("SpamAssassin has no rule %s" % name)
        lines.append(known[name])
        if known[name].startswith("meta"):
            wanted += [part for part in re.findall(r"\b[A-Z_]\w+", known[name].split(None, 2)[2])
                       if part in known and part not in wanted]
    plugins = ["loadplugin Mail::SpamAssassin::Plugin::%s" % name for name in PLUGINS.split()]
    return "\n".join(plugins + ["util_rb_tld test example"] + lines) + "\n"


def broken_rules(base, messages):
    """{key: [rules about form that the message breaks]}, only those that break some."""
    top = os.path.join(base, "spamassassin")
    names = written(top, messages, "mail")
    rules = os.path.join(top, "rules.cf")
    gateway.write_file(rules, form_rules())
    text = run(["perl", "-e", SPAMASSASSIN, top, rules] + list(names))
    rows = dict(line.split("\t") for line in text.splitlines())
    if set(rows) != set(names):
        raise gateway.GatewayError("SpamAssassin read %d of %d messages" % (len(rows), len(names)))
    found = {}
    for name, key in names.items():
        hit = [rule for rule in rows[name].split(",") if rule in FORM_RULES]
        if hit:
            found[key] = hit
    return found


def spamassassin(base, messages):
    """Messages with a rule about form that is broken. The reader is shown broken messages, too, so
    that its silence means something."""
    every = {"broken " + rule: octets for rule, octets in BROKEN.items()}
    every["good"] = GOOD
    every.update(messages)
    found = broken_rules(base, every)
    blind = [rule for rule in BROKEN if rule not in found.pop("broken " + rule, [])]
    if blind:
        raise gateway.GatewayError("SpamAssassin does not find %s" % ", ".join(blind))
    return ["SpamAssassin: %s: %s" % (key, ", ".join(hit)) for key, hit in found.items()]
