/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/mime.h"
#include "tests/unit/mimefixture.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *address, *expected;
    } cases[] = {
        {"NORTH/HQ/ANNA", "Anna Ahlberg <anna@corp.example>"},
        {"NORTH/HQ/CLARA", "=?UTF-8?B?Q2xhcmEgTcO8bGxlciwgRHIu?= <clara@corp.example>"},
        {"NORTH/HQ/ELENA", "=?UTF-8?B?PT91dGYtOD9RP3g/PQ==?= <elena@corp.example>"},
        {"SMTP:FRANK@old.example", "frank@corp.example"},
        {"smtp:user@Host.Example", "user@Host.Example"},
        {"SMTP:\"a b\"@host.example", "\"a b\"@host.example"},
        /* not moved yet, or not known: encapsulated */
        {"NORTH/HQ/DAVID", "NORTH/HQ/DAVID <IMCEAMS-NORTH_HQ_DAVID@gw.example>"},
        {"WEST/BRANCH/LI", "WEST/BRANCH/LI <IMCEAMS-WEST_BRANCH_LI@gw.example>"},
        /* T74: no address at all is told as the name of an empty group */
        {"SMTP:not valid", "\"SMTP:not valid\": ;"},
        {"SMTP:<<user>@dom (friendly)>", "\"SMTP:<<user>@dom (friendly)>\": ;"},
        {"SMTP:", "\"SMTP:\": ;"},
        /* T80: letters that are not ASCII */
        {"NORTH/HQ/J\x99RG",
         "=?UTF-8?B?Tk9SVEgvSFEvSsOWUkc=?= <IMCEAMS-NORTH_HQ_J+99RG@gw.example>"},
        {"A/B/x,y <z", "\"A/B/x,y <z\" <IMCEAMS-A_B_x+2Cy+20+3Cz@gw.example>"},
        {"FAX:+49", "\"FAX:+49\" <IMCEAFAX-+2B49@gw.example>"},
    };
    struct mimefixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[300];

        mimefixture_begin(f);
        mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
        mimefixture_add(f, ADDRESS_TO, cases[i].address);
        mimefixture_write(f);
        snprintf(line, sizeof line, "\r\nTo: %s\r\n", cases[i].expected);
        if (strstr(buf_text(&f->out), line) == NULL) {
            /* perhaps folded before the address */
            char *angle = strrchr(line, ' ');
            char *folded;
            *angle = '\0';
            folded = g_strdup_printf("%s\r\n\t%s", line, angle + 1);
            mimefixture_has(f, folded);
            g_free(folded);
        }
    }
}

/* An address that fits no line is shown as the name of an empty group; the rest goes on. */
static void test_address_too_long(void **state)
{
    struct mimefixture *f = *state;
    char address[1001] = "X400:";

    memset(address + 5, '.', 995);
    address[1000] = '\0';
    mimefixture_add(f, ADDRESS_TO, address);
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/BERT");
    mimefixture_write(f);
    mimefixture_has(f, "To: \"X400:.....");
    mimefixture_has(f, "...\": ;");
    mimefixture_has(f, "<bert@corp.example>");
}

/* T74, T87: From is an address that a server takes, whatever the sender's is: a reply reaches
 * somebody, and the name tells who it was. */
static void test_sender_without_address(void **state)
{
    static const char *const senders[] = {"SMTP:<<user>@dom (friendly)>", "SMTP:", "SMTP:a b@c"};
    struct mimefixture *f = *state;
    char long_one[1001] = "X400:";

    memset(long_one + 5, '.', 995);
    for (size_t i = 0; i <= sizeof senders / sizeof senders[0]; i++) {
        const char *from = i < sizeof senders / sizeof senders[0] ? senders[i] : long_one;
        InternetAddress *address;
        GMimeMessage *parsed;

        f->options.postmaster = i % 2 == 0 ? "postmaster@corp.example" : NULL;
        mimefixture_begin(f);
        mimefixture_add(f, ADDRESS_FROM, from);
        mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/BERT");
        mimefixture_write(f);
        parsed = mimefixture_parse(f);
        address = internet_address_list_get_address(g_mime_message_get_from(parsed), 0);
        assert_string_equal(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)),
                            i % 2 == 0 ? "postmaster@corp.example" : "unknown@gw.example");
        assert_memory_equal(internet_address_get_name(address), from,
                            strlen(from) < 255 ? strlen(from) : 255);
        assert_string_equal(f->facts.sender,
                            i % 2 == 0 ? "postmaster@corp.example" : "unknown@gw.example");
        g_object_unref(parsed);
    }
}

static void test_many_recipients(void **state)
{
    struct mimefixture *f = *state;
    GMimeMessage *parsed;
    char address[40];
    int i;

    for (i = 0; i < 5000; i++) {
        snprintf(address, sizeof address, "SMTP:user%d@host.example", i);
        mimefixture_add(f, i < 3000 ? ADDRESS_TO : ADDRESS_CC, address);
    }
    mimefixture_write(f);
    parsed = mimefixture_parse(f);
    assert_int_equal(internet_address_list_length(g_mime_message_get_to(parsed)), 3000);
    assert_int_equal(internet_address_list_length(g_mime_message_get_cc(parsed)), 2000);
    g_object_unref(parsed);
}

static void test_sender(void **state)
{
    static const struct {
        const char *from;
        char priority;
        const char *sender, *header;
    } cases[] = {
        {"NORTH/HQ/ANNA", '3', "anna@corp.example", "From: Anna Ahlberg <anna@corp.example>"},
        {"SMTP:x@y.example", '3', "x@y.example", "From: x@y.example"},
        {"WEST/PO/LI", '3', "IMCEAMS-WEST_PO_LI@gw.example",
         "From: WEST/PO/LI <IMCEAMS-WEST_PO_LI@"},
        {"WEST/PO/Postmaster", '3', "", "From: WEST/PO/Postmaster"},
        {"NORTH/HQ/POSTMASTER", '3', "", "From: pm@corp.example"},
        {"NORTH/HQ/ANNA", 'C', "", "From: Anna Ahlberg <anna@corp.example>"},
    };
    struct mimefixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mimefixture_begin(f);
        mimefixture_add(f, ADDRESS_FROM, cases[i].from);
        f->message->priority = cases[i].priority;
        mimefixture_write(f);
        assert_string_equal(f->facts.sender, cases[i].sender);
        mimefixture_has(f, cases[i].header);
    }
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/ANNA");
    assert_int_equal(mimefixture_try(f), -1);
    assert_int_equal(f->err.class, ERROR_DATA);
    assert_null(f->facts.message_id);
}

static void test_subjects(void **state)
{
    static const struct {
        const char *subject, *utf8;
    } cases[] = {
        {"two  spaces", "two  spaces"},
        {" at both ends ", " at both ends "},
        {"=?iso-8859-1?Q?not_encoded?= 5", "=?iso-8859-1?Q?not_encoded?= 5"},
        {"\"quoted\", <a@b> \\", "\"quoted\", <a@b> \\"},
        {"Gr\x81\xE1"
         "e aus K\x94ln",
         "Gr\xC3\xBC\xC3\x9F"
         "e aus K\xC3\xB6ln"},
        {"a\r\nBcc: x@y\tz", "a  Bcc: x@y z"},
        {"Re: Re: AW: (1)", "Re: Re: AW: (1)"},
    };
    struct mimefixture *f = *state;
    char long_one[400], expected[600] = "";
    GMimeMessage *parsed;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mimefixture_set_subject(f, cases[i].subject);
        mimefixture_write(f);
        assert_string_equal(f->facts.subject, cases[i].utf8);
        mimefixture_lacks(f, "\r\nBcc:");
        parsed = mimefixture_parse(f);
        assert_string_equal(g_mime_message_get_subject(parsed), cases[i].utf8);
        g_object_unref(parsed);
    }
    memset(long_one, (char)0x81, sizeof long_one);
    long_one[sizeof long_one - 1] = '\0';
    for (i = 0; i < 255; i++)
        strcat(expected, "\xC3\xBC");
    mimefixture_set_subject(f, long_one);
    mimefixture_write(f);
    assert_string_equal(f->facts.subject, expected);
    parsed = mimefixture_parse(f);
    assert_string_equal(g_mime_message_get_subject(parsed), expected);
    g_object_unref(parsed);
}

/* Characters of three octets behind beginnings of every size: a reader that stops at padding
 * between encoded words, as GMime does, reads all of them. */
static void test_words_without_padding(void **state)
{
    static const char *const begins[] = {"", "1", "12", "142 ", "1 \x81", "\x81", "\x81\x81"};
    static const char *const later[] = {"", " ", "1", "\x81", "\x81 "};
    struct mimefixture *f = *state;

    for (size_t i = 0; i < 7 * 5; i++) {
        char subject[160], body[41], *wanted;
        GMimeMessage *parsed;

        memset(body, 0xCD, sizeof body - 1); /* a double line of tables, U+2550 */
        body[sizeof body - 1] = '\0';
        snprintf(subject, sizeof subject, "%s%s%s%s\xCD", begins[i % 7], body, later[i / 7], body);
        mimefixture_set_subject(f, subject);
        mimefixture_write(f);
        wanted = g_convert(subject, -1, "UTF-8", "CP850", NULL, NULL, NULL);
        assert_string_equal(f->facts.subject, wanted);
        parsed = mimefixture_parse(f);
        assert_string_equal(g_mime_message_get_subject(parsed), wanted);
        g_object_unref(parsed);
        g_free(wanted);
    }
}

static void test_undecodable(void **state)
{
    struct mimefixture *f = *state;

    free(f->message->codepage);
    f->message->codepage = strdup("CP1252");
    mimefixture_set_subject(f, "a\x81");
    mimefixture_set_text(f, "b\x8D\x8D\r\n", 5);
    mimefixture_attach(f, "\x90.TXT", "\x81", 1);
    mimefixture_write(f);
    assert_int_equal(f->facts.undecodable, 4);
    assert_string_equal(f->facts.subject, "a\xEF\xBF\xBD");
    free(f->message->codepage);
    f->message->codepage = strdup("CP9");
    assert_int_equal(mimefixture_try(f), -1);
    assert_int_equal(f->err.class, ERROR_SETUP);
}

static void test_dates(void **state)
{
    static const struct {
        struct message_date date;
        const char *zone, *expected;
    } cases[] = {
        {{true, 1997, 1, 7, 8, 5}, "Europe/Berlin", "Tue, 07 Jan 1997 08:05:00 +0100"},
        {{true, 1997, 1, 7, 8, 5}, "America/St_Johns", "Tue, 07 Jan 1997 08:05:00 -0330"},
        /* a clock that was wrong: when it was received */
        {{true, 2079, 12, 31, 23, 59}, "UTC", "Thu, 01 Jan 1998 00:01:01 +0000"},
        {{true, 1996, 2, 29, 0, 0}, "", "Thu, 29 Feb 1996 00:00:00 +0000"},
        /* none, or an impossible one: when it was received */
        {{false, 0, 0, 0, 0, 0}, "Europe/Berlin", "Thu, 01 Jan 1998 00:01:01 +0000"},
        {{true, 1997, 2, 30, 8, 5}, "Europe/Berlin", "Thu, 01 Jan 1998 00:01:01 +0000"},
        {{true, 1900, 1, 1, 0, 0}, "Europe/Berlin", "Thu, 01 Jan 1998 00:01:01 +0000"},
    };
    struct mimefixture *f = *state;
    size_t i;

    f->options.received_ms = 883612861999;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[80];

        f->message->date = cases[i].date;
        f->options.timezone = cases[i].zone;
        mimefixture_write(f);
        snprintf(line, sizeof line, "\r\nDate: %s\r\n", cases[i].expected);
        mimefixture_has(f, line);
        if (cases[i].date.year == 2079)
            mimefixture_has(f, "\r\nX-MSMail-Date: 2079-12-31 23:59\r\n");
        else
            mimefixture_lacks(f, "X-MSMail-Date");
    }
    f->message->date = cases[0].date;
    f->options.timezone = "Europe/Nowhere";
    assert_int_equal(mimefixture_try(f), -1);
    assert_int_equal(f->err.class, ERROR_SETUP);
}

static void test_priorities(void **state)
{
    static const struct {
        char priority;
        const char *importance, *x_priority, *extra;
    } cases[] = {
        {'1', "\r\nImportance: low\r\n", "\r\nX-Priority: 5\r\n", "\r\nX-MSMail-Priority: Low\r\n"},
        {'2', NULL, NULL, NULL},
        {'3', NULL, NULL, NULL},
        {0, NULL, NULL, NULL},
        {'4', "\r\nImportance: high\r\n", "\r\nX-Priority: 1\r\n",
         "\r\nX-MSMail-Priority: High\r\n"},
        {'5', "\r\nImportance: high\r\n", "\r\nX-Priority: 1\r\n", "\r\nPriority: urgent\r\n"},
        {'R', "\r\nImportance: high\r\n", "\r\nX-Priority: 1\r\n",
         "\r\nDisposition-Notification-To: anna@corp.example\r\n"},
        {'C', NULL, NULL, "\r\nAuto-Submitted: auto-replied\r\n"},
        {'F', NULL, NULL, "\r\nX-MSMail-Priority-Raw: F\r\n"},
        {'T', NULL, NULL, "\r\nX-MSMail-Priority-Raw: T\r\n"},
        {'\n', NULL, NULL, NULL},
        {(char)0x81, NULL, NULL, NULL},
    };
    struct mimefixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->message->priority = cases[i].priority;
        mimefixture_write(f);
        if (cases[i].importance != NULL)
            mimefixture_has(f, cases[i].importance);
        else
            mimefixture_lacks(f, "Importance:");
        if (cases[i].x_priority != NULL)
            mimefixture_has(f, cases[i].x_priority);
        else
            mimefixture_lacks(f, "X-Priority:");
        if (cases[i].extra != NULL)
            mimefixture_has(f, cases[i].extra);
        else
            mimefixture_lacks(f, "X-MSMail-Priority");
    }
}

static void test_extras(void **state)
{
    struct mimefixture *f = *state;
    char *large = malloc(4001);

    assert_non_null(large);
    memset(large, 'v', 4000);
    large[4000] = '\0';
    assert_int_equal(message_add_extra(f->message, "HEADLEN", "340", &f->err), 0);
    assert_int_equal(message_add_extra(f->message, "X", "a\r\nBcc: y", &f->err), 0);
    assert_int_equal(message_add_extra(f->message, "U", "\x81", &f->err), 0);
    assert_int_equal(message_add_extra(f->message, "LONG", large, &f->err), 0);
    mimefixture_write(f);
    mimefixture_has(f, "\r\nX-MSMail-Ext: HEADLEN=340\r\n");
    mimefixture_has(f, "\r\nX-MSMail-Ext: =?UTF-8?B?WD1hICBCY2M6IHk=?=\r\n"); /* two blanks */
    mimefixture_has(f, "\r\nX-MSMail-Ext: =?UTF-8?B?VT3DvA==?=\r\n");
    free(large);
}

/* What must never begin a line of a header, wherever it came from; and only known fields do. */
static void assert_fields(const char *text, bool whole)
{
    static const char *const known[] = {"From:",
                                        "To:",
                                        "Cc:",
                                        "Subject:",
                                        "Date:",
                                        "Message-Id:",
                                        "X-MSMail-Date:",
                                        "X-MSMail-Source:",
                                        "X-MSMail-Ext:",
                                        "MIME-Version:",
                                        "Content-Type:",
                                        "Content-Transfer-Encoding:",
                                        "Content-Disposition:"};
    unsigned from = 0;

    while (strncmp(text, "\r\n", 2) != 0) {
        const char *end = strstr(text, "\r\n");
        bool good = text[0] == ' ' || text[0] == '\t';
        size_t i;

        assert_non_null(end);
        for (i = 0; i < sizeof known / sizeof known[0]; i++)
            good = good || strncmp(text, known[i], strlen(known[i])) == 0;
        if (!good)
            fail_msg("a header line: %.60s", text);
        from += strncmp(text, "From:", 5) == 0;
        /* a line of blanks would end the header for some readers */
        assert_true(strspn(text, " \t") < (size_t)(end - text));
        text = end + 2;
    }
    assert_int_equal(from, whole ? 1 : 0);
}

/* Ends of lines, of the header, of a message in SMTP's eyes, and of quoted and encoded words. */
static const char *const hostile[] = {
    "x\r\nBcc: evil@evil.example",
    "x\nBcc: evil@evil.example",
    "x\rBcc: evil@evil.example",
    "x\r\n\r\nbody",
    "x\n.\n",
    "x\n.\r\n",
    "x\r.\r",
    "x\r\n.\r",
    "x\r.\r\n",
    "x\r\n.\r\nQUIT\r\n",
    "\r\n.\r\nMAIL FROM:<a@b>\r\n",
    ("x\x85"
     "Bcc: evil@evil.example"),
    "\x0B\x0C\x1C\x1E\x7F",
    "=?utf-8?Q?=0D=0ABcc:_evil?=",
    "=?utf-8?B?DQpCY2M6IGV2aWw=?=",
    "\"\r\n\t\"@(<>;:,[]\\",
    "\xFF\xFE\x80\x81",
    "    ",
    "\t",
    "--=_mm_",
    "\r\n\r\n--=_mm_\r\nContent-Type: text/html\r\n",
    "x; filename=\"y.exe\"",
    "../../x\r\nContent-Type: text/html",
    "From: x",
    "From x",
};

static void use_codepage(struct mimefixture *f, const char *codepage)
{
    free(f->message->codepage);
    f->message->codepage = strdup(codepage);
}

/* No field (Q141970) of a message brings a line of its own into a header. */
static void test_injection(void **state)
{
    struct mimefixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const char *text = hostile[i], *part;
        GMimeMessage *parsed;

        mimefixture_begin(f);
        mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
        mimefixture_set_subject(f, text);
        mimefixture_set_text(f, text, strlen(text));
        mimefixture_attach(f, text, text, strlen(text));
        mimefixture_attach(f, text, NULL, 0);
        assert_int_equal(message_add_extra(f->message, "X", text, &f->err), 0);
        /* controls in an address are refused on entry */
        if (message_add_address(f->message, ADDRESS_TO, text, strlen(text), &f->err) != 0)
            assert_int_equal(f->err.class, ERROR_DATA);
        if (i % 2 != 0)
            use_codepage(f, "CP932");
        mimefixture_write(f);
        assert_fields(buf_text(&f->out), true);
        for (part = buf_text(&f->out); (part = strstr(part, "\r\n--=_mm_")) != NULL;) {
            bool ours = g_ascii_isxdigit(part[strlen("\r\n--=_mm_")]);

            part = strstr(part + 2, "\r\n");
            if (ours && part[-1] != '-')
                assert_fields(part + 2, false);
        }
        parsed = mimefixture_parse(f);
        assert_int_equal(
            g_mime_multipart_get_count(GMIME_MULTIPART(g_mime_message_get_mime_part(parsed))), 3);
        assert_null(g_mime_object_get_header(GMIME_OBJECT(parsed), "Bcc"));
        g_object_unref(parsed);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, mimefixture_setup, mimefixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_addresses),
        TEST(test_address_too_long),
        TEST(test_sender_without_address),
        TEST(test_many_recipients),
        TEST(test_sender),
        TEST(test_subjects),
        TEST(test_words_without_padding),
        TEST(test_undecodable),
        TEST(test_dates),
        TEST(test_priorities),
        TEST(test_extras),
        TEST(test_injection),
    };

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
