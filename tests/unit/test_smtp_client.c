/* SPDX-License-Identifier: BSD-2-Clause */
/* Transactions of the SMTP client. Each dialogue also runs with one octet of input at a time. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/smtpscript.h"

/* The macros below put tags and keywords into longer strings. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma) */
#define STEPS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

#define PIPE                                                                                       \
    "S:220 mx.test", "C:EHLO me.test", "S:250-mx.test", "S:250-PIPELINING", "S:250-SIZE 1000",     \
        "S:250-8BITMIME", "S:250 ENHANCEDSTATUSCODES", "E:ready"
#define BARE "S:220 mx.test", "C:EHLO me.test", "S:250 mx.test", "E:ready"
#define DOT_OK(tag) "E:recipient " tag " 0 delivered message end of data 250 2.6.0", "E:done " tag
#define SEND_ONE(tag)                                                                              \
    "M:" tag " 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA", "S:250 ok",    \
        "S:250 ok", "S:354 go", "E:want " tag, "D:hi", "X:", "C:hi", "C:."
#define BYE                                                                                        \
    "Q:", "C:QUIT", "W:QUIT 30", "S:221 2.0.0 bye", "E:closed defer connection QUIT 221 2.0.0",    \
        "W:closed 0"

static const struct smtp_script TRANSACTIONS[] = {
    {.name = "pipelined",
     .steps = STEPS(PIPE, "W:idle 0", "N:yes", "M:7 600/8 a@b c@d e@f",
                    "C:MAIL FROM:<a@b> SIZE=600 BODY=8BITMIME", "C:RCPT TO:<c@d>",
                    "C:RCPT TO:<e@f>", "C:DATA", "N:no", "W:MAIL 300", "S:250 2.1.0 ok",
                    "W:RCPT 300", "S:250 2.1.5 ok", "S:250 2.1.5 ok", "W:DATA 120", "S:354 go",
                    "E:want 7", "W:content 180", "D:Subject: x", "D:", "D:.dot",
                    "X:", "C:Subject: x", "C:", "C:..dot", "C:.", "W:end of data 600",
                    "S:250 2.6.0 queued", "E:recipient 7 0 delivered message end of data 250 2.6.0",
                    "E:recipient 7 1 delivered message end of data 250 2.6.0 ~ queued", "E:done 7",
                    "W:idle 0", "N:yes", BYE)},
    {.name = "reports of delivery",
     .steps = STEPS("S:220 mx.test", "C:EHLO me.test", "S:250-mx.test", "S:250-PIPELINING",
                    "S:250 dsn", "E:ready", "M:7 5/n a@b c+x@d",
                    "C:MAIL FROM:<a@b> RET=HDRS "
                    "ENVID=+3Ci+2Bd+3D+FC@me.test+3E",
                    "C:RCPT TO:<c+x@d> "
                    "NOTIFY=SUCCESS,DELAY,FAILURE ORCPT=rfc822;c+2Bx@d",
                    "C:DATA", "S:250 ok", "S:250 ok", "S:354 go", "E:want 7", "D:hi", "X:", "C:hi",
                    "C:.", "S:250 2.6.0 ok", DOT_OK("7"), BYE)},
    {.name = "no reports of delivery where the server has none",
     .steps =
         STEPS(PIPE, "M:7 5/n a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA")},
    {.name = "none for other mail",
     .steps =
         STEPS("S:220 mx.test", "C:EHLO me.test", "S:250-mx.test", "S:250-PIPELINING", "S:250 DSN",
               "E:ready", "M:7 5 a@b c@d", "C:MAIL FROM:<a@b>", "C:RCPT TO:<c@d>", "C:DATA")},
    {.name = "lock step",
     .steps = STEPS(BARE, "M:7 600 - c@d e@f", "C:MAIL FROM:<>", "S:250 ok", "C:RCPT TO:<c@d>",
                    "S:250 ok", "C:RCPT TO:<e@f>", "S:251 ok", "C:DATA", "S:354 go", "E:want 7",
                    "D:x", "X:", "C:x", "C:.", "S:250 ok",
                    "E:recipient 7 0 delivered message end of data 250 2.0.0",
                    "E:recipient 7 1 delivered message end of data 250 2.0.0", "E:done 7", BYE)},
    {.name = "two mails given ahead share a flight",
     .pipeline = 2,
     .steps = STEPS(PIPE, "M:1 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA",
                    "N:yes", "M:2 6 a@b g@h", "N:no", "S:250 ok", "S:250 ok", "S:354 go",
                    "E:want 1", "D:one", "X:", "C:one", "C:.", "C:MAIL FROM:<a@b> SIZE=6",
                    "C:RCPT TO:<g@h>", "C:DATA", "W:end of data 600", "S:250 2.6.0 ok", DOT_OK("1"),
                    "N:yes", "S:250 ok", "S:250 ok", "S:354 go", "E:want 2", "D:two", "X:", "C:two",
                    "C:.", "Q:", "S:250 2.6.0 ok", DOT_OK("2"), "C:QUIT", "L:connection gone",
                    "E:closed defer connection QUIT 0 4.4.2 ~ gone")},
    {.name = "refused recipients are told at once",
     .steps = STEPS(PIPE, "M:7 600 a@b c@d e@f g@h", "C:MAIL FROM:<a@b> SIZE=600",
                    "C:RCPT TO:<c@d>", "C:RCPT TO:<e@f>", "C:RCPT TO:<g@h>", "C:DATA",
                    "S:250 2.1.0 ok", "S:250 2.1.5 ok", "S:550-5.1.1 no", "S:550 5.1.1 such user",
                    "E:recipient 7 1 fail recipient RCPT 550 5.1.1 ~ no / such user",
                    "S:451 4.2.1 later", "E:recipient 7 2 defer recipient RCPT 451 4.2.1",
                    "S:354 go", "E:want 7", "D:x", "X:", "C:x", "C:.", "S:554 5.6.0 bad",
                    "E:recipient 7 0 fail message end of data 554 5.6.0 ~ bad", "E:done 7", BYE)},
    {.name = "no recipient left, DATA refused",
     .pipeline = 2,
     .steps = STEPS(
         PIPE, "M:7 600 a@b c@d", "C:MAIL FROM:<a@b> SIZE=600", "C:RCPT TO:<c@d>", "C:DATA",
         "S:250 ok", "S:550 no", "E:recipient 7 0 fail recipient RCPT 550 5.0.0", "E:done 7",
         "M:8 5 a@b c@d", "S:503 5.5.1 no recipients", "C:RSET", "C:MAIL FROM:<a@b> SIZE=5",
         "C:RCPT TO:<c@d>", "C:DATA", "W:RSET 300", "S:250 ok", "S:250 ok", "S:250 ok", "S:354 go",
         "E:want 8", "D:x", "X:", "C:x", "C:.", "S:250 2.6.0 ok", DOT_OK("8"), BYE)},
    {.name = "no recipient left, DATA accepted: only a dot",
     .steps =
         STEPS(PIPE, "M:7 600 a@b c@d", "C:MAIL FROM:<a@b> SIZE=600", "C:RCPT TO:<c@d>", "C:DATA",
               "S:250 ok", "S:550 no", "S:354 go", "E:recipient 7 0 fail recipient RCPT 550 5.0.0",
               "E:done 7", "C:.", "N:no", "S:250 2.0.0 queued all the same", "N:yes", SEND_ONE("8"),
               "S:250 2.6.0 ok", DOT_OK("8"), BYE)},
    {.name = "no recipient left, in lock step",
     .steps =
         STEPS(BARE, "M:7 600 a@b c@d e@f", "C:MAIL FROM:<a@b>", "S:250 ok", "C:RCPT TO:<c@d>",
               "S:550 5.1.1 no", "E:recipient 7 0 fail recipient RCPT 550 5.1.1", "C:RCPT TO:<e@f>",
               "S:452 4.2.2 full", "E:recipient 7 1 defer recipient RCPT 452 4.2.2", "E:done 7",
               "N:yes", "M:8 5 a@b c@d", "C:RSET", "S:250 ok", "C:MAIL FROM:<a@b>",
               "S:451 4.3.0 no", "E:recipient 8 0 defer sender MAIL 451 4.3.0", "E:done 8", BYE)},
    {.name = "MAIL refused, in a flight",
     .steps = STEPS(PIPE, "M:7 600 a@b c@d e@f", "C:MAIL FROM:<a@b> SIZE=600", "C:RCPT TO:<c@d>",
                    "C:RCPT TO:<e@f>", "C:DATA", "S:530 5.7.57 Client not authenticated",
                    "E:recipient 7 0 suspend credential MAIL 530 5.7.57",
                    "E:recipient 7 1 suspend credential MAIL 530 5.7.57", "E:done 7", "N:no",
                    "S:503 no MAIL", "S:503 no MAIL", "S:503 no MAIL", "N:yes", BYE)},
    {.name = "MAIL refused, and a server that goes on all the same",
     .steps = STEPS(PIPE, "M:7 600 a@b c@d", "C:MAIL FROM:<a@b> SIZE=600", "C:RCPT TO:<c@d>",
                    "C:DATA", "S:550 5.7.60 not as this sender", "S:250 ok", "S:354 go",
                    "E:recipient 7 0 fail sender MAIL 550 5.7.60", "E:done 7", "C:.",
                    "S:554 no recipients", "N:yes", BYE)},
    {.name = "DATA refused",
     .steps =
         STEPS(PIPE, "M:7 600 a@b c@d", "C:MAIL FROM:<a@b> SIZE=600", "C:RCPT TO:<c@d>", "C:DATA",
               "S:250 ok", "S:250 ok", "S:451 4.3.0 not now",
               "E:recipient 7 0 defer message DATA 451 4.3.0", "E:done 7", "M:8 6 a@b c@d",
               "C:RSET", "C:MAIL FROM:<a@b> SIZE=6", "C:RCPT TO:<c@d>", "C:DATA", "S:250 ok",
               "S:550 5.1.8 Sender address rejected", "E:recipient 8 0 fail sender MAIL 550 5.1.8",
               "E:done 8", "S:503 x", "S:503 x", BYE)},
    {.name = "too many recipients: the rest again at once",
     .steps = STEPS(PIPE, "M:7 600 a@b c@d e@f", "C:MAIL FROM:<a@b> SIZE=600", "C:RCPT TO:<c@d>",
                    "C:RCPT TO:<e@f>", "C:DATA", "S:250 ok", "S:250 ok",
                    "S:452 4.5.3 Too many recipients",
                    "E:recipient 7 1 again message RCPT 452 4.5.3", "S:354 go", "E:want 7", "D:x",
                    "X:", "C:x", "C:.", "S:250 2.6.0 ok", DOT_OK("7"), BYE)},
    {.name = "too many recipients although there is none: later",
     .steps = STEPS(BARE, "M:7 600 a@b c@d", "C:MAIL FROM:<a@b>", "S:250 ok", "C:RCPT TO:<c@d>",
                    "S:452 4.5.3 Too many recipients",
                    "E:recipient 7 0 defer message RCPT 452 4.5.3", "E:done 7", BYE)},
    {.name = "relay refused to all is about the host",
     .steps = STEPS(BARE, "M:7 600 a@b c@d e@f", "C:MAIL FROM:<a@b>", "S:250 ok", "C:RCPT TO:<c@d>",
                    "S:550 5.7.64 TenantAttribution; Relay Access Denied", "C:RCPT TO:<e@f>",
                    "S:554 5.7.1 <e@f>: Relay access denied",
                    "E:recipient 7 0 suspend host RCPT 550 5.7.64",
                    "E:recipient 7 1 suspend host RCPT 554 5.7.1 ~ <e@f>", "E:done 7", BYE)},
    {.name = "relay refused to one is about that one",
     .steps =
         STEPS(BARE, "M:7 600 a@b c@d e@f g@h", "C:MAIL FROM:<a@b>", "S:250 ok", "C:RCPT TO:<c@d>",
               "S:550 5.7.54 Unable to relay", "C:RCPT TO:<e@f>", "S:250 ok",
               "E:recipient 7 0 fail recipient RCPT 550 5.7.54", "C:RCPT TO:<g@h>",
               "S:550 5.7.54 Unable to relay", "E:recipient 7 2 fail recipient RCPT 550 5.7.54",
               "C:DATA", "S:354 go", "E:want 7", "D:x", "X:", "C:x", "C:.", "S:250 2.6.0 ok",
               "E:recipient 7 1 delivered message end of data 250 2.6.0", "E:done 7", BYE)},
};

static const struct smtp_script REFUSED_HERE[] = {
    {.name = "larger than SIZE",
     .steps =
         STEPS(PIPE, "M:7 1001 a@b c@d e@f", "E:recipient 7 0 fail message MAIL 0 5.3.4",
               "E:recipient 7 1 fail message MAIL 0 5.3.4", "E:done 7", "N:yes", "M:8 1000 a@b c@d",
               "C:MAIL FROM:<a@b> SIZE=1000", "C:RCPT TO:<c@d>", "C:DATA")},
    {.name = "8-bit content that the server does not take",
     .steps = STEPS(BARE, "M:7 10/8 a@b c@d", "E:recipient 7 0 fail message MAIL 0 5.6.3",
                    "E:done 7", BYE)},
    {.name = "addresses that would break a command",
     .steps = STEPS(BARE, "M:7 10 a@b c@d\r\nDATA x\x01y@z x>y@z \xc3\xa4@b e@f",
                    "E:recipient 7 0 fail recipient RCPT 0 5.1.3",
                    "E:recipient 7 1 fail recipient RCPT 0 5.1.3",
                    "E:recipient 7 2 fail recipient RCPT 0 5.1.3",
                    "E:recipient 7 3 fail recipient RCPT 0 5.1.3", "C:MAIL FROM:<a@b>", "S:250 ok",
                    "C:RCPT TO:<e@f>")},
    {.name = "a sender that would break a command",
     .steps = STEPS(BARE, "M:7 10 <a@b> c@d", "E:recipient 7 0 fail sender MAIL 0 5.1.7",
                    "E:done 7", BYE)},
    {.name = "no address is left",
     .steps = STEPS(BARE, "M:7 10 a@b <c@d>", "E:recipient 7 0 fail recipient RCPT 0 5.1.3",
                    "E:done 7", BYE)},
};

/* With CHUNKING: what goes out for mail TAG of "hi", and the replies to it. */
#define CHUNK                                                                                      \
    "S:220 mx.test", "C:EHLO me.test", "S:250-mx.test", "S:250-PIPELINING", "S:250-CHUNKING",      \
        "S:250 SIZE 200000", "E:ready"
#define GIVE(tag) "M:" tag " 4 a@b c@d"
#define SAID "C:MAIL FROM:<a@b> SIZE=4", "C:RCPT TO:<c@d>"
#define BODY(tag) "E:want " tag, "D:hi", "X:", "C:BDAT 4 LAST", "C:hi"
#define MORE(tag) GIVE(tag), "C:RSET", SAID, BODY(tag)
#define THREE_OK "S:250 ok", "S:250 ok", "S:250 2.6.0 queued"
#define NOBODY(tag) "S:250 ok", "S:550 5.1.1 no " tag, "S:503 5.5.1 no recipients"
#define TOLD(tag) "E:recipient " tag " 0 fail recipient RCPT 550 5.1.1 ~ no " tag, "E:done " tag
#define DEEP .pipeline = 4, .chunking = SMTP_CHUNKING_WORKS

static const struct smtp_script CHUNKED[] = {
    {.name = "a mail is one flight",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), "W:MAIL 300", THREE_OK, DOT_OK("1"),
                    "W:idle 0", GIVE("2"), SAID, BODY("2"), THREE_OK, DOT_OK("2"), "B:works", BYE)},
    {.name = "the flight of several mails; RSET keeps them apart",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), "N:yes", MORE("3"), MORE("4"),
                    "N:no", THREE_OK, DOT_OK("1"), "N:yes", "S:250 reset", THREE_OK, "S:250 reset",
                    DOT_OK("2"), "W:MAIL 300", "S:250 ok", "S:250 ok", "W:end of data 600",
                    "S:250 2.6.0 queued", "S:250 reset", DOT_OK("3"), THREE_OK, DOT_OK("4"),
                    GIVE("5"), SAID, BODY("5"), THREE_OK, DOT_OK("5"), BYE)},
    {.name = "content is not stuffed",
     DEEP,
     .steps = STEPS(CHUNK, "M:1 10 a@b c@d", "C:MAIL FROM:<a@b> SIZE=10", "C:RCPT TO:<c@d>",
                    "E:want 1", "D:.", "D:..x", "D:", "X:", "C:BDAT 3", "C:.", "C:BDAT 5", "C:..x",
                    "C:BDAT 2 LAST", "C:")},
    {.name = "the first BDAT of a server goes alone",
     .pipeline = 4,
     .chunking = SMTP_CHUNKING_TRY,
     .steps =
         STEPS(CHUNK, GIVE("1"), SAID, GIVE("2"), "S:250 ok", "S:250 ok", BODY("1"), "B:try",
               "W:end of data 600", "S:250 2.6.0 queued", DOT_OK("1"), "B:works", SAID, BODY("2"),
               MORE("3"), THREE_OK, "S:250 reset", DOT_OK("2"), THREE_OK, DOT_OK("3"), BYE)},
    {.name = "a recipient is refused in the middle",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), "M:2 4 a@b c@d e@f", "C:RSET", SAID,
                    "C:RCPT TO:<e@f>", BODY("2"), MORE("3"), THREE_OK, DOT_OK("1"), "S:250 reset",
                    "S:250 ok", "S:250 ok", "S:550 5.1.1 no", "S:250 2.6.0 queued",
                    "E:recipient 2 1 fail recipient RCPT 550 5.1.1",
                    "E:recipient 2 0 delivered message end of data 250 2.6.0", "E:done 2",
                    "S:250 reset", THREE_OK, DOT_OK("3"), BYE)},
    {.name = "all recipients are refused in the middle: the 503 is nobody's",
     DEEP,
     .steps =
         STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), MORE("3"), THREE_OK, DOT_OK("1"),
               "S:250 reset", "S:250 ok", "S:550 5.1.1 no",
               "E:recipient 2 0 fail recipient RCPT 550 5.1.1", "E:done 2",
               "S:503 5.5.1 no recipients", "S:250 reset", THREE_OK, DOT_OK("3"), "B:works", BYE)},
    {.name = "MAIL is refused in the middle: the 503s are nobody's",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), MORE("3"), THREE_OK, DOT_OK("1"),
                    "S:250 reset", "S:451 4.3.0 not now",
                    "E:recipient 2 0 defer sender MAIL 451 4.3.0", "E:done 2", "S:503 5.5.1 no",
                    "S:503 5.5.1 no", "S:250 reset", THREE_OK, DOT_OK("3"), "B:works", BYE)},
    {.name = "three contents without a recipient: from then on content waits",
     DEEP,
     .steps =
         STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), MORE("3"), NOBODY("1"), "S:250 reset",
               NOBODY("2"), "S:250 reset", NOBODY("3"), TOLD("1"), TOLD("2"), TOLD("3"), GIVE("4"),
               "C:RSET", SAID, GIVE("5"), "S:250 reset", "S:250 ok", "S:250 ok", BODY("4"),
               "C:RSET", SAID, "S:250 2.6.0 queued", DOT_OK("4"), "S:250 reset", "S:250 ok",
               "S:250 ok", BODY("5"), "S:250 2.6.0 queued", DOT_OK("5"), BYE)},
    {.name = "the content is refused in the middle",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), MORE("3"), THREE_OK, DOT_OK("1"),
                    "S:250 reset", "S:250 ok", "S:250 ok", "S:554 5.6.0 bad",
                    "E:recipient 2 0 fail message end of data 554 5.6.0", "E:done 2", "S:250 reset",
                    THREE_OK, DOT_OK("3"), BYE)},
    {.name = "the last of a flight is refused: RSET before the next one",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), "S:250 ok", "S:550 5.1.1 no",
                    "E:recipient 1 0 fail recipient RCPT 550 5.1.1", "E:done 1", "S:503 no",
                    MORE("2"), "S:250 reset", THREE_OK, DOT_OK("2"), BYE)},
    {.name =
         "421 in the middle: who was taken stays taken, who was not sent to the end is no doubt",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), MORE("3"), "M:4 4 a@b c@d",
                    "C:RSET", SAID, "E:want 4", THREE_OK, DOT_OK("1"), "S:250 reset", "S:250 ok",
                    "S:421 4.3.2 not available", "E:failed defer host RCPT 421 4.3.2", "U:2 doubt",
                    "U:3 doubt", "U:4", "U:none", "B:works")},
    {.name = "lost in the middle: mail whose end has not left comes again at once",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), MORE("3"), THREE_OK, DOT_OK("1"),
                    "L:connection gone", "E:failed again connection RSET 0 4.4.2", "F:1",
                    "U:2 doubt", "U:3 again", "U:none")},
    {.name = "large content waits for a recipient",
     DEEP,
     .steps = STEPS(CHUNK, "M:1 65537 a@b c@d", "C:MAIL FROM:<a@b> SIZE=65537", "C:RCPT TO:<c@d>",
                    "M:2 65536 a@b c@d", "S:250 ok", "S:550 5.1.1 no",
                    "E:recipient 1 0 fail recipient RCPT 550 5.1.1", "E:done 1", "C:RSET",
                    "C:MAIL FROM:<a@b> SIZE=65536", "C:RCPT TO:<c@d>", "E:want 2")},
    {.name = "pieces: the last one says so",
     DEEP,
     .steps = STEPS(CHUNK, "M:1 8 a@b c@d", "C:MAIL FROM:<a@b> SIZE=8", "C:RCPT TO:<c@d>",
                    "E:want 1", "P:ab\r\n", "P:cd\r\n", "X:", "C:BDAT 4", "C:ab", "C:BDAT 4 LAST",
                    "C:cd", "S:250 ok", "S:250 ok", "W:BDAT 180", "S:250 piece",
                    "W:end of data 600", "S:250 2.6.0 queued", DOT_OK("1"), BYE)},
    {.name = "a piece is refused: no more of it",
     DEEP,
     .steps =
         STEPS(CHUNK, "M:1 8 a@b c@d", "C:MAIL FROM:<a@b> SIZE=8", "C:RCPT TO:<c@d>", "E:want 1",
               "P:ab\r\n", "C:BDAT 4", "C:ab", "S:250 ok", "S:250 ok", "S:552 5.3.4 too large",
               "E:recipient 1 0 fail message BDAT 552 5.3.4", "E:done 1", "W:idle 0", "N:yes",
               MORE("2"), "S:250 reset", THREE_OK, DOT_OK("2"), BYE)},
    {.name = "content that must not pass costs its mail only",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), "M:2 4 a@b c@d", "C:RSET", SAID, "E:want 2",
                    "d:x\n.\n", "A:a bare line feed",
                    "E:recipient 2 0 defer message content 0 4.3.0 ~ bare line feed", "E:done 2",
                    MORE("3"), THREE_OK, DOT_OK("1"), "S:250 reset", "S:250 ok", "S:250 ok",
                    "S:250 reset", THREE_OK, DOT_OK("3"), BYE)},
    {.name = "a CR at the end, more or less than was said",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, "E:want 1", "d:abc\r", "A:no",
                    "E:recipient 1 0 defer message content 0 4.3.0", "E:done 1", GIVE("2"),
                    "C:RSET", SAID, "E:want 2", "d:abc\r\n", "A:no",
                    "E:recipient 2 0 defer message content 0 4.3.0", "E:done 2", GIVE("3"),
                    "C:RSET", SAID, "E:want 3", "P:\r\n", "x:", "A:no", "C:BDAT 2",
                    "C:", "E:recipient 3 0 defer message content 0 4.3.0", "E:done 3")},
    {.name = "no content at all",
     DEEP,
     .steps = STEPS(CHUNK, "M:1 0 a@b c@d", "C:MAIL FROM:<a@b> SIZE=0", "C:RCPT TO:<c@d>",
                    "E:want 1", "X:", "C:BDAT 0 LAST", THREE_OK, DOT_OK("1"), BYE)},
    {.name = "without PIPELINING every command awaits its reply",
     DEEP,
     .steps = STEPS("S:220 mx.test", "C:EHLO me.test", "S:250-mx.test", "S:250 CHUNKING", "E:ready",
                    GIVE("1"), "N:no", "C:MAIL FROM:<a@b>", "S:250 ok", "C:RCPT TO:<c@d>",
                    "S:250 ok", BODY("1"), "S:250 2.6.0 queued", DOT_OK("1"), BYE)},
    {.name = "a quiet connection: content waits for a word",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), THREE_OK, DOT_OK("1"), "Y:", GIVE("2"), SAID,
                    GIVE("3"), "S:250 ok", BODY("2"), "C:RSET", SAID, BODY("3"), "S:250 ok",
                    "S:250 2.6.0 queued", DOT_OK("2"), "S:250 reset", THREE_OK, DOT_OK("3"), BYE)},
    {.name = "a quiet connection that is dead leaves no doubt",
     DEEP,
     .steps =
         STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), THREE_OK, DOT_OK("1"), "Y:", GIVE("2"), SAID,
               GIVE("3"), "L:connection reset by peer", "E:failed again connection MAIL 0 4.4.2",
               "U:2 again", "U:3 again", "U:none", "B:works")},
    {.name = "BDAT is not known: DATA from now on",
     .pipeline = 4,
     .chunking = SMTP_CHUNKING_TRY,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, GIVE("2"), "S:250 ok", "S:250 ok", BODY("1"),
                    "S:500 5.5.2 unrecognized command", "S:500 5.5.2 unrecognized command",
                    "E:failed again connection end of data 0 4.5.0 ~ refuses BDAT: 500",
                    "U:1 again", "U:2 again", "U:none", "B:off")},
    {.name = "BDAT is refused in a deep flight: those behind are in doubt",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), MORE("2"), "S:250 ok", "S:250 ok",
                    "S:503 5.5.1 bad sequence", "E:failed again connection end of data 0 4.5.0",
                    "U:1 again", "U:2 doubt", "U:none", "B:off")},
    {.name = "a message that is refused is no refusal of BDAT",
     .pipeline = 4,
     .chunking = SMTP_CHUNKING_TRY,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, "S:250 ok", "S:250 ok", BODY("1"), "S:554 5.6.0 bad",
                    "E:recipient 1 0 fail message end of data 554 5.6.0", "E:done 1", "B:try",
                    GIVE("2"), "C:RSET", SAID, "S:250 reset", "S:250 ok", "S:250 ok", BODY("2"),
                    "S:250 2.6.0 queued", DOT_OK("2"), "B:works")},
    {.name = "no reply to BDAT: DATA from now on, and doubt",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), "S:250 ok", "S:250 ok",
                    "O:", "E:failed defer connection end of data 0 4.4.2 ~ time limit", "U:1 doubt",
                    "U:none", "B:off")},
    {.name = "no reply to RCPT is no sign against BDAT",
     DEEP,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, BODY("1"), "S:250 ok", "O:",
                    "E:failed defer connection RCPT 0 4.4.2", "U:1 doubt", "U:none", "B:works")},
    {.name = "the first BDAT ends the connection: DATA from now on",
     .pipeline = 4,
     .chunking = SMTP_CHUNKING_TRY,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, "S:250 ok", "S:250 ok", BODY("1"),
                    "L:connection reset by peer", "E:failed defer connection end of data 0 4.4.2",
                    "U:1 doubt", "U:none", "B:off")},
    {.name = "the end of a connection before any BDAT is no sign against it",
     .pipeline = 4,
     .chunking = SMTP_CHUNKING_TRY,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, "S:250 ok", "L:connection reset by peer",
                    "E:failed defer connection RCPT 0 4.4.2", "U:1", "U:none", "B:try")},
    {.name = "too many recipients: the others are sent, the rest comes again",
     DEEP,
     .steps = STEPS(CHUNK, "M:1 4 a@b c@d e@f", SAID, "C:RCPT TO:<e@f>", BODY("1"), MORE("2"),
                    "S:250 ok", "S:250 ok", "S:452 4.5.3 Too many recipients", "S:250 2.6.0 queued",
                    "E:recipient 1 1 again message RCPT 452 4.5.3", DOT_OK("1"), "S:250 reset",
                    THREE_OK, DOT_OK("2"), BYE)},
    {.name = "switched off: DATA",
     .pipeline = 4,
     .steps = STEPS(CHUNK, GIVE("1"), SAID, "C:DATA", GIVE("2"), "S:250 ok", "S:250 ok", "S:354 go",
                    "E:want 1", "D:hi", "X:", "C:hi", "C:.", SAID, "C:DATA", "B:off")},
};

#define IN_CONTENT(tag)                                                                            \
    "M:" tag " 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA", "S:250 ok",    \
        "S:250 ok", "S:354 go", "E:want " tag, "D:hi", "C:hi"

static const struct smtp_script ENDS[] = {
    {.name = "lost before the dot: no doubt",
     .steps = STEPS(PIPE, IN_CONTENT("7"), "L:connection reset by peer",
                    "E:failed defer connection content 0 4.4.2 ~ reset by peer", "U:7", "U:none",
                    "W:closed 0", "N:no")},
    {.name = "lost after the dot: doubt",
     .pipeline = 3,
     .steps = STEPS(PIPE, IN_CONTENT("7"), "M:8 6 a@b c@d", "M:9 6 a@b c@d", "X:", "C:.",
                    "C:MAIL FROM:<a@b> SIZE=6", "C:RCPT TO:<c@d>", "C:DATA", "L:connection gone",
                    "E:failed defer connection end of data 0 4.4.2", "U:7 doubt", "U:8", "U:9",
                    "U:none")},
    {.name = "lost when the mail is done: no mail is unfinished",
     .steps = STEPS(PIPE, SEND_ONE("7"), "S:250 2.6.0 ok", DOT_OK("7"), "L:connection gone",
                    "E:closed again connection idle 0 4.4.2", "U:none")},
    {.name = "lost at MAIL of the first mail: later",
     .steps =
         STEPS(PIPE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA",
               "L:connection gone", "E:failed defer connection MAIL 0 4.4.2", "U:7", "U:none")},
    {.name = "lost at MAIL of the second mail: again",
     .steps = STEPS(PIPE, SEND_ONE("7"), "S:250 2.6.0 ok", DOT_OK("7"), "M:8 5 a@b c@d",
                    "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA", "L:connection gone",
                    "E:failed again connection MAIL 0 4.4.2", "U:8 again", "U:none")},
    {.name = "time limit",
     .steps = STEPS(PIPE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA",
                    "S:250 ok", "W:RCPT 300", "L:host time limit",
                    "E:failed defer host RCPT 0 4.4.2 ~ time limit", "U:7", "U:none")},
    {.name = "421 at MAIL",
     .steps = STEPS(PIPE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA",
                    "S:421 4.3.2 Service not available", "E:failed defer host MAIL 421 4.3.2",
                    "U:7", "U:none")},
    {.name = "421 at MAIL of the second mail",
     .steps = STEPS(PIPE, SEND_ONE("7"), "S:250 2.6.0 ok", DOT_OK("7"), "M:8 5 a@b c@d",
                    "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA",
                    "S:421 4.4.2 too many messages in this session",
                    "E:failed again connection MAIL 421 4.4.2", "U:8 again", "U:none")},
    {.name = "421 after a refused recipient",
     .steps = STEPS(PIPE, "M:7 5 a@b c@d e@f", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>",
                    "C:RCPT TO:<e@f>", "C:DATA", "S:250 ok", "S:550 5.1.1 no", "S:421 bye",
                    "S:250 not looked at any more", "E:recipient 7 0 fail recipient RCPT 550 5.1.1",
                    "E:failed defer connection RCPT 421 4.0.0", "U:7", "U:none")},
    {.name = "421 to the dot is the answer for this mail",
     .pipeline = 2,
     .steps = STEPS(PIPE, IN_CONTENT("7"), "M:8 6 a@b c@d", "X:", "C:.", "C:MAIL FROM:<a@b> SIZE=6",
                    "C:RCPT TO:<c@d>", "C:DATA", "S:421 4.3.0 sorry",
                    "E:recipient 7 0 defer host end of data 421 4.3.0", "E:done 7",
                    "E:failed defer host end of data 421 4.3.0", "U:8", "U:none")},
    {.name = "421 while content is sent",
     .steps = STEPS(PIPE, IN_CONTENT("7"), "S:421 4.3.0 going down",
                    "E:failed defer host content 421 4.3.0", "U:7", "U:none")},
    {.name = "421 in an idle session",
     .steps = STEPS(PIPE, "S:421 4.4.2 idle too long",
                    "E:closed defer connection idle 421 4.4.2 ~ idle too long", "N:no")},
    {.name = "451 4.4.2 asks for a new connection",
     .steps = STEPS(BARE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b>", "S:451 4.4.2 recycle",
                    "E:failed defer connection MAIL 451 4.4.2", "U:7", "U:none", "C:QUIT")},
    {.name = "503 says nothing about the mail",
     .steps = STEPS(BARE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b>", "S:503 5.5.1 out of sequence",
                    "E:failed defer connection MAIL 503 5.5.1", "U:7", "U:none", "C:QUIT")},
    {.name = "reply to nothing",
     .steps = STEPS(PIPE, "S:250 ok", "E:failed defer connection idle 0 4.4.2 ~ reply to nothing",
                    "U:none")},
    {.name = "final reply before any content",
     .steps =
         STEPS(PIPE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA",
               "S:250 ok", "S:250 ok", "S:354 go", "S:250 2.6.0 queued",
               "E:failed defer connection content 0 4.4.2 ~ reply to nothing", "U:7", "U:none")},
    {.name = "final reply before the dot was handed over",
     .steps = STEPS(PIPE, IN_CONTENT("7"), "X:", "Z:", "S:250 2.6.0 queued",
                    "E:failed defer connection end of data 0 4.4.2 ~ reply to nothing", "U:7",
                    "U:none")},
    {.name = "two replies to MAIL in one segment",
     .steps = STEPS(BARE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b>", "S:250 ok", "S:250 ok",
                    "E:failed defer connection RCPT 0 4.4.2", "U:7", "U:none")},
    {.name = "354 to MAIL",
     .steps = STEPS(BARE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b>", "S:354 go",
                    "E:failed defer connection MAIL 0 4.4.2 ~ wrong reply: 354 go", "U:7")},
    {.name = "250 to DATA",
     .steps = STEPS(PIPE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5", "C:RCPT TO:<c@d>", "C:DATA",
                    "S:250 ok", "S:250 ok", "S:250 ok",
                    "E:failed defer connection DATA 0 4.4.2 ~ wrong reply", "U:7", "U:none")},
    {.name = "no SMTP",
     .steps = STEPS(BARE, "M:7 5 a@b c@d", "C:MAIL FROM:<a@b>", "s:25 ok\r\n",
                    "E:failed defer connection MAIL 0 4.4.2 ~ without a reply code", "U:7")},
    {.name = "content aborted",
     .steps = STEPS(PIPE, IN_CONTENT("7"), "D:more", "A:the message cannot be read",
                    "E:failed defer message content 0 4.3.0 ~ cannot be read", "U:7", "U:none")},
    {.name = "content with a bare line feed",
     .steps = STEPS(PIPE, IN_CONTENT("7"), "d:x\n.\r\nMAIL FROM:<evil>\r\n", "d:more\r\n",
                    "A:bare line feed", "E:failed defer message content 0 4.3.0", "U:7")},
    {.name = "RSET refused",
     .steps = STEPS(BARE, "M:7 600 a@b c@d", "C:MAIL FROM:<a@b>", "S:250 ok", "C:RCPT TO:<c@d>",
                    "S:550 5.1.1 no", "E:recipient 7 0 fail recipient RCPT 550 5.1.1", "E:done 7",
                    "M:8 5 a@b c@d", "C:RSET", "S:502 what?",
                    "E:failed defer connection RSET 502 5.0.0", "C:QUIT", "U:8", "U:none")},
};

/* NOLINTEND(bugprone-suspicious-missing-comma) */

static void run_all(const struct smtp_script *scripts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        smtp_script_run(&scripts[i], false);
        smtp_script_run(&scripts[i], true);
    }
}

#define RUN_ALL(scripts) run_all(scripts, sizeof(scripts) / sizeof(scripts)[0])

static void test_transactions(void **state)
{
    (void)state;
    RUN_ALL(TRANSACTIONS);
}

static void test_refused_here(void **state)
{
    (void)state;
    RUN_ALL(REFUSED_HERE);
}

static void test_chunked(void **state)
{
    (void)state;
    RUN_ALL(CHUNKED);
}

static void test_ends(void **state)
{
    (void)state;
    RUN_ALL(ENDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_refused_here),
        cmocka_unit_test(test_chunked),
        cmocka_unit_test(test_ends),
    };

    return cmocka_run_group_tests_name("smtp_client", tests, NULL, NULL);
}
