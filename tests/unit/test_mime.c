/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "message/mime.h"
#include "tests/unit/mimefixture.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void test_whole(void **state)
{
    static const char expected[] = "From: Anna Ahlberg <anna@corp.example>\r\n"
                                   "To: \"Brandt, Bert (Sales) \\\"B\\\"\" <bert@corp.example>\r\n"
                                   "Cc: user@host.example\r\n"
                                   "Subject: Price list\r\n"
                                   "Date: Mon, 07 Apr 1997 08:05:00 +0200\r\n"
                                   "Message-Id: %s\r\n"
                                   "X-MSMail-Source: NORTH/HQ\r\n"
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: 7bit\r\n"
                                   "\r\n"
                                   "Dear Bert,\r\n.\r\nit is ready.\r\n";
    struct mimefixture *f = *state;
    char *text, *first;

    mimefixture_add(f, ADDRESS_TO, "north/hq/bert");
    mimefixture_add(f, ADDRESS_CC, "SMTP:user@host.example");
    mimefixture_set_subject(f, "Price list");
    mimefixture_set_text(f, "Dear Bert,\r\n.\nit is ready.\r\n", 28);
    mimefixture_write(f);
    assert_int_equal(strlen(f->facts.message_id), 4 + 32 + 1 + 10 + 1);
    text = g_strdup_printf(expected, f->facts.message_id);
    assert_string_equal(buf_text(&f->out), text);
    assert_string_equal(f->facts.sender, "anna@corp.example");
    assert_string_equal(f->facts.subject, "Price list");
    assert_int_equal(f->facts.undecodable, 0);
    first = g_strdup(buf_text(&f->out));
    mimefixture_write(f);
    assert_string_equal(buf_text(&f->out), first);
    g_free(first);
    g_free(text);
}

static void test_message_id(void **state)
{
    uint8_t fingerprint[FINGERPRINT_SIZE];
    char *id;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof fingerprint; i++)
        fingerprint[i] = (uint8_t)(i * 17);
    id = letter_message_id(fingerprint, "gw.example");
    assert_string_equal(id, "<mm.00112233445566778899aabbccddeeff@gw.example>");
    free(id);
}

#define LITERAL(text) text, sizeof(text) - 1

static void test_text_exact(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *expected; /* UTF-8, LF */
    } cases[] = {
        {LITERAL(""), ""},
        {LITERAL("\r\n"), "\n"},
        {LITERAL("\r\n\r\n\r\n"), "\n\n\n"},
        {LITERAL("x"), "x"},
        {LITERAL("."), "."},
        {LITERAL(".\r\n"), ".\n"},
        {LITERAL(" "), " "},
        {LITERAL("a \r\nb\t\r\n \r\n"), "a \nb\t\n \n"},
        {LITERAL("no end"), "no end"},
        {LITERAL("no end "), "no end "},
        {LITERAL("\x81 no end"), "\xC3\xBC no end"},
        {LITERAL("\x81 \r\n\t\r\n=20=\r\nFrom x\r\n.\r\n\r\n"),
         "\xC3\xBC \n\t\n=20=\nFrom x\n.\n\n"},
        {LITERAL("--=_mm_\r\n--\r\nMIME-Version: 1.0\r\n"), "--=_mm_\n--\nMIME-Version: 1.0\n"},
        {LITERAL("a\rb\nc\r\n\x1A\x1A"), "a\nb\nc\n"},
        {LITERAL("\0a\0\r\n"), "a\n"},
        {LITERAL("begin 644 x.txt\r\nend\r\n"), "begin 644 x.txt\nend\n"},
    };
    struct mimefixture *f = *state;
    size_t i;
    int files;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (files = 0; files < 2; files++) {
            GMimeMessage *parsed;

            mimefixture_begin(f);
            mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
            mimefixture_set_text(f, cases[i].text, cases[i].size);
            if (files != 0)
                mimefixture_attach(f, "A", "", 0);
            mimefixture_write(f);
            parsed = mimefixture_parse(f);
            mimefixture_part(parsed, 0, cases[i].expected, strlen(cases[i].expected));
            g_object_unref(parsed);
        }
    }
}

/* Lines around every limit there is; none is wrapped, none loses a character (Q124745). */
static void test_long_lines(void **state)
{
    static const size_t sizes[] = {76, 77, 78, 79, 80, 997, 998, 999, 1000, 5000, 70000};
    struct mimefixture *f = *state;
    char *text = malloc(70010);
    size_t i;

    assert_non_null(text);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        GMimeMessage *parsed;

        memset(text, 'x', sizes[i]);
        memcpy(text + sizes[i] - 3, "END\n", 5);
        mimefixture_set_text(f, text, sizes[i] + 1);
        mimefixture_write(f);
        if (sizes[i] <= 998)
            mimefixture_has(f, "Content-Transfer-Encoding: 7bit\r\n");
        else
            mimefixture_has(f, "Content-Transfer-Encoding: quoted-printable\r\n");
        parsed = mimefixture_parse(f);
        mimefixture_part(parsed, 0, text, sizes[i] + 1);
        g_object_unref(parsed);
    }
    free(text);
}

static void test_no_text(void **state)
{
    struct mimefixture *f = *state;

    mimefixture_write(f);
    assert_true(g_str_has_suffix(buf_text(&f->out), "7bit\r\n\r\n"));
    mimefixture_has(f, "\r\nSubject: \r\n");
    mimefixture_has(f, "\r\nTo: undisclosed-recipients: ;\r\n");
}

static void test_attachments(void **state)
{
    static const uint8_t ends[] = "\r\n\n\r.\r\n..\r\rFrom x\n\x1A";
    struct mimefixture *f = *state;
    uint8_t all[512], *large = malloc(100000);
    GMimeMessage *parsed;
    size_t i;

    assert_non_null(large);
    for (i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    for (i = 0; i < 100000; i++)
        large[i] = (uint8_t)((i * i) >> 7);
    mimefixture_set_text(f, "see files\r\n", 11);
    mimefixture_attach(f, "ALL.BIN", all, sizeof all);
    mimefixture_attach(f, "ENDS.TXT", ends, sizeof ends - 1);
    mimefixture_attach(f, "EMPTY", "", 0);
    mimefixture_attach(f, "LARGE.ZIP", large, 100000);
    mimefixture_attach(f, "SAME.BIN", "1", 1);
    mimefixture_attach(f, "SAME.BIN", "2", 1);
    mimefixture_write(f);
    parsed = mimefixture_parse(f);
    mimefixture_part(parsed, 0, "see files\n", 10);
    mimefixture_part(parsed, 1, all, sizeof all);
    mimefixture_part(parsed, 2, ends, sizeof ends - 1);
    mimefixture_part(parsed, 3, "", 0);
    mimefixture_part(parsed, 4, large, 100000);
    mimefixture_part(parsed, 5, "1", 1);
    mimefixture_part(parsed, 6, "2", 1);
    mimefixture_has(f, "filename=SAME-2.BIN");
    g_object_unref(parsed);
    free(large);
}

static void test_names(void **state)
{
    /* The content "x" is none of what the extensions say. */
    static const struct {
        const char *raw, *name, *type;
    } cases[] = {
        {"PRICES.TXT", "PRICES.TXT", "application/octet-stream"},
        {"letter.doc", "letter.doc", "application/octet-stream"},
        {"A.B.GIF", "A.B.GIF", "application/octet-stream"},
        {"M\x9ALLER.XLS", "M\xC3\x9CLLER.XLS", "application/octet-stream"},
        {"two words; \"x\" 100%'.dat", "two words; _x_ 100%'.dat", "application/octet-stream"},
        {"", "attachment", "application/octet-stream"},
        {"..", "attachment", "application/octet-stream"},
        {"   ", "attachment", "application/octet-stream"},
        {"../../etc/passwd", "passwd", "application/octet-stream"},
        {"C:\\DOS\\X.ZIP", "X.ZIP", "application/octet-stream"},
        {"C:X.PDF", "X.PDF", "application/octet-stream"},
        {"dir/", "attachment", "application/octet-stream"},
        {"a\r\nb\x7F.bmp", "ab.bmp", "application/octet-stream"},
        {"=?utf-8?Q?x?=", "=_utf-8_Q_x_=", "application/octet-stream"},
    };
    struct mimefixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        GMimeMessage *parsed;
        GMimeObject *part;
        char *type;

        mimefixture_begin(f);
        mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
        mimefixture_attach(f, cases[i].raw,
                           strcmp(cases[i].type, "image/gif") == 0 ? "GIF89a" : "??????", 6);
        mimefixture_write(f);
        parsed = mimefixture_parse(f);
        part = g_mime_multipart_get_part(GMIME_MULTIPART(g_mime_message_get_mime_part(parsed)), 1);
        assert_string_equal(g_mime_object_get_content_disposition_parameter(part, "filename"),
                            cases[i].name);
        assert_string_equal(g_mime_object_get_disposition(part), "attachment");
        type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(part));
        assert_string_equal(type, cases[i].type);
        g_free(type);
        g_object_unref(parsed);
    }
    /* RFC 2231 for those who know it, ASCII for those who do not (Q175958). */
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
    mimefixture_attach(f, "M\x9ALLER.XLS", "x", 1);
    mimefixture_write(f);
    mimefixture_has(f, "filename*=UTF-8''M%C3%9CLLER.XLS");
    mimefixture_has(f, "name=M_LLER.XLS");
}

/* A long name is cut between characters: each piece can be decoded by itself. */
static void test_long_name(void **state)
{
    struct mimefixture *f = *state;
    char name[301], expected[600] = "";
    GMimeMessage *parsed;
    GMimeObject *part;
    int i;

    for (i = 0; i < 300; i++)
        name[i] = i % 3 == 0 ? 'a' : (char)0x81;
    name[300] = '\0';
    for (i = 0; strlen(expected) + 2 <= ATTACHMENT_NAME_OCTETS; i++)
        strcat(expected, i % 3 == 0 ? "a" : "\xC3\xBC");
    mimefixture_attach(f, name, "x", 1);
    mimefixture_write(f);
    mimefixture_lacks(f, "%C3;");
    mimefixture_has(f, "filename*0*=UTF-8''a%C3%BC");
    parsed = mimefixture_parse(f);
    part = g_mime_multipart_get_part(GMIME_MULTIPART(g_mime_message_get_mime_part(parsed)), 1);
    assert_string_equal(g_mime_object_get_content_disposition_parameter(part, "filename"),
                        expected);
    g_object_unref(parsed);
}

static void test_lost(void **state)
{
    static const char note[] =
        "[The attachment \"BUDGET.XLS\" was lost on the postoffice NORTH/HQ before this message "
        "was relayed.]\n";
    struct mimefixture *f = *state;
    GMimeMessage *parsed;

    mimefixture_attach(f, "BUDGET.XLS", NULL, 0);
    mimefixture_attach(f, "NEXT.BIN", "y", 1);
    mimefixture_write(f);
    parsed = mimefixture_parse(f);
    mimefixture_part(parsed, 1, note, sizeof note - 1);
    mimefixture_part(parsed, 2, "y", 1);
    g_object_unref(parsed);
}

static void test_sink_fails(void **state)
{
    struct mimefixture *f = *state;
    uint8_t *large = calloc(1, 300000);

    assert_non_null(large);
    mimefixture_attach(f, "A.BIN", large, 300000);
    f->out.limit = 100000;
    assert_int_equal(mimefixture_try(f), -1);
    assert_int_equal(f->err.class, ERROR_SOFT);
    assert_string_equal(f->err.text, "sink full");
    assert_null(f->facts.subject);
    f->out.limit = 10000000;
    mimefixture_write(f);
    free(large);
}

/* The file of an attachment becomes shorter: the message fails, and is not sent cut. */
static void test_content_fails(void **state)
{
    struct mimefixture *f = *state;
    uint8_t fingerprint[FINGERPRINT_SIZE] = {0};
    struct letter *letter;
    struct content *content;
    int fd = file_temporary("/tmp", &f->err);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 200000), 0);
    assert_int_equal(content_from_file(&content, fd, 0, 200000, &f->err), 0);
    assert_int_equal(message_add_attachment(f->message, "A", 1, content, &f->err), 0);
    assert_int_equal(ftruncate(fd, 150000), 0);
    assert_int_equal(letter_make(&letter, f->message, fingerprint, &f->options, &f->err), 0);
    assert_int_equal(mime_write(letter, mimefixture_collect, f, &f->facts, &f->err), -1);
    letter_free(letter);
    assert_int_equal(f->err.class, ERROR_DATA);
    assert_non_null(strstr(f->err.text, "150000"));
    close(fd);
}

static int count(void *context, const void *data, size_t size, struct error *err)
{
    (void)data;
    (void)err;
    *(uint64_t *)context += size;
    return 0;
}

/* 48 MB of text and as much of attachment pass through; neither sits in memory. */
static void test_large(void **state)
{
    enum { SIZE = 48 * 1024 * 1024 };
    struct mimefixture *f = *state;
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct rusage before, after;
    struct content *content;
    struct letter *letter;
    uint64_t total = 0;
    int fd = file_temporary("/tmp", &f->err);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    assert_int_equal(pwrite(fd, "text\r\n", 6, 1000), 6);
    assert_int_equal(pwrite(fd, "end\r\n", 5, SIZE - 5), 5);
    assert_int_equal(content_from_file(&f->message->text, fd, 0, SIZE, &f->err), 0);
    assert_int_equal(content_from_file(&content, fd, 0, SIZE, &f->err), 0);
    assert_int_equal(message_add_attachment(f->message, "A.BIN", 5, content, &f->err), 0);
    close(fd);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    assert_int_equal(message_fingerprint(f->message, fingerprint, &f->err), 0);
    assert_int_equal(letter_make(&letter, f->message, fingerprint, &f->options, &f->err), 0);
    assert_int_equal(mime_write(letter, count, &total, &f->facts, &f->err), 0);
    letter_free(letter);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(total > SIZE / 3 * 4);
    assert_int_equal(total, f->facts.size);
    if (!SANITIZED)
        assert_true(after.ru_maxrss - before.ru_maxrss < 8 * 1024);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, mimefixture_setup, mimefixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole),   TEST(test_message_id),  TEST(test_text_exact),    TEST(test_long_lines),
        TEST(test_no_text), TEST(test_attachments), TEST(test_names),         TEST(test_long_name),
        TEST(test_lost),    TEST(test_sink_fails),  TEST(test_content_fails), TEST(test_large),
    };

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
