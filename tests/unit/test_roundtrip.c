/* SPDX-License-Identifier: BSD-2-Clause */
/* MMFF -> MIME -> MMFF: the same octets come back. And what MIME of other writers becomes. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "message/mime-read.h"
#include "message/mime.h"
#include "postoffice/mmff-write.h"
#include "postoffice/mmff.h"

#define MOST 4194304U

struct scene {
    struct letter_options out;
    struct mime_read_options in;
    struct mmff_write_options form;
    struct mime_read_facts facts;
    struct error err;
};

static void scene_init(struct scene *s, const char *codepage, const char *zone)
{
    memset(s, 0, sizeof *s);
    s->out = (struct letter_options){
        .domain = "gw.example", .timezone = zone, .directory = "/tmp", .received_ms = 951868800000};
    s->in = (struct mime_read_options){.postoffice = "NET/PO",
                                       .codepage = codepage,
                                       .domain = "gw.example",
                                       .timezone = zone,
                                       .directory = "/tmp",
                                       .max_size = MOST};
    s->form = (struct mmff_write_options){.line_end = "\r\n", .extended = true};
    mime_initialize();
}

static int collect(void *context, const void *data, size_t size, struct error *err)
{
    (void)err;
    assert_int_equal(buf_append(context, data, size), 0);
    return 0;
}

static void write_mmff(struct scene *s, const struct message *message, struct buf *out)
{
    if (mmff_write(message, &s->form, collect, out, &s->err) != 0)
        fail_msg("%s", s->err.text);
}

static struct message *from_mime(struct scene *s, const void *data, size_t size)
{
    struct message *message = NULL;
    struct content *content;

    assert_int_equal(content_from_bytes(&content, data, size, &s->err), 0);
    if (mime_read(&message, content, &s->in, &s->facts, &s->err) != 0)
        fail_msg("%s", s->err.text);
    content_free(content);
    return message;
}

static struct message *through_mime(struct scene *s, const struct message *message)
{
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct mime_facts facts;
    struct letter *letter = NULL;
    struct message *back;
    struct buf mime;

    buf_init(&mime, 2 * MOST);
    assert_int_equal(message_fingerprint(message, fingerprint, &s->err), 0);
    if (letter_make(&letter, message, fingerprint, &s->out, &s->err) != 0 ||
        mime_write(letter, collect, &mime, &facts, &s->err) != 0)
        fail_msg("%s", s->err.text);
    mime_facts_clear(&facts);
    letter_free(letter);
    back = from_mime(s, mime.data, mime.size);
    buf_clear(&mime);
    return back;
}

/* Reads all messages of the MMFF octets; each must come back through MIME. Returns their number. */
static unsigned run_octets(struct scene *s, const void *data, size_t size, struct buf *all)
{
    struct mmff_settings settings = {
        .name = "T.MMF", .postoffice = "NET/PO", .codepage = s->in.codepage, .max_size = MOST};
    int fd = memfd_create("mmff", MFD_CLOEXEC), status;
    struct mmff_place place;
    struct message *message, *back;
    struct mmff *mmff;
    unsigned count = 0;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    assert_int_equal(mmff_open(&mmff, fd, &settings, &s->err), 0);
    while ((status = mmff_next(mmff, &message, &place, &s->err)) == 1) {
        struct buf one, two;

        buf_init(&one, MOST);
        buf_init(&two, MOST);
        if (message->priority == 0 || message->priority == '2')
            message->priority = '3'; /* test_normal_priorities */
        write_mmff(s, message, &one);
        back = through_mime(s, message);
        write_mmff(s, back, &two);
        if (one.size != two.size || memcmp(one.data, two.data, one.size) != 0)
            fail_msg("came back otherwise:\n%s\n---- instead of\n%s", buf_text(&two),
                     buf_text(&one));
        assert_int_equal(buf_append(all, one.data, one.size), 0);
        buf_clear(&one);
        buf_clear(&two);
        message_free(back);
        message_free(message);
        count++;
    }
    if (status != 0)
        fail_msg("%s", s->err.text);
    mmff_free(mmff);
    close(fd);
    return count;
}

/* The octets are in the writer's own form, and come back as they are. */
static void same(struct scene *s, const void *data, size_t size)
{
    struct buf all;

    buf_init(&all, MOST);
    assert_true(run_octets(s, data, size, &all) > 0);
    if (all.size != size || memcmp(all.data, data, size) != 0)
        fail_msg("wrote\n%s\n---- instead of\n%.*s", buf_text(&all), (int)size, (const char *)data);
    buf_clear(&all);
}

static void test_samples(void **state)
{
    static const struct {
        const char *name, *line_end;
        unsigned count;
    } samples[] = {{"q103801.mmf", "\r\n", 1},
                   {"extended.mmf", "\r\n", 1},
                   {"three-crlf.mmf", "\r\n", 3},
                   {"three-lf.mmf", "\n", 3},
                   {"three-cr.mmf", "\r", 3}};
    const char *top = getenv("srcdir");

    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct scene s;
        struct buf all;
        uint8_t *data;
        size_t size;
        char path[512];
        int fd;

        scene_init(&s, "CP850", "Europe/Berlin");
        s.form.line_end = samples[i].line_end;
        snprintf(path, sizeof path, "%s/tests/data/mmff/%s", top != NULL ? top : ".",
                 samples[i].name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(file_read_all(fd, path, MOST, &data, &size, &s.err), 0);
        close(fd);
        buf_init(&all, MOST);
        assert_int_equal(run_octets(&s, data, size, &all), samples[i].count);
        if (i == 0) { /* the published one is in our writer's order, too */
            assert_int_equal(all.size, size);
            assert_memory_equal(all.data, data, size);
        }
        buf_clear(&all);
        free(data);
    }
}

#define HEAD "VERSION:3.00\r\nTO:CSI:NORTH/SALES/ALICE\r\nFROM:CSI:NORTH/HQ/ADMIN\r\n"
#define DAY "DATE:1997-04-07\r\nTIME:08:05\r\n"

static void test_lines(void **state)
{
    static const char *const lines[] = {
        HEAD DAY "PRIORITY:1\r\nTEXT:0\r\n",
        HEAD DAY "PRIORITY:3\r\nTEXT:0\r\n",
        HEAD DAY "PRIORITY:4\r\nTEXT:0\r\n",
        HEAD DAY "PRIORITY:5\r\nTEXT:0\r\n",
        HEAD DAY "PRIORITY:R\r\nTEXT:0\r\n",
        HEAD DAY "PRIORITY:F\r\nTEXT:0\r\n",
        HEAD DAY "PRIORITY:T\r\nTEXT:0\r\n",
        HEAD DAY "SUBJECT: two  blanks \r\nPRIORITY:3\r\nTEXT:0\r\n",
        HEAD DAY "SUBJECT:=?iso-8859-1?Q?not_encoded?=\r\nPRIORITY:3\r\nTEXT:0\r\n",
        HEAD DAY "SUBJECT:Gr\x81\xE1"
                 "e, \"quoted\" <a@b>; \x9B\r\nPRIORITY:3\r\nTEXT:0\r\n",
        HEAD "DATE:1985-01-01\r\nTIME:00:00\r\nPRIORITY:3\r\nTEXT:0\r\n",
        HEAD "DATE:1999-12-31\r\nTIME:23:59\r\nPRIORITY:3\r\nTEXT:0\r\n",
        HEAD "DATE:1996-02-29\r\nTIME:12:00\r\nPRIORITY:3\r\nTEXT:0\r\n",
        /* the hour that is not, and the hour that is twice */
        HEAD "DATE:1997-03-30\r\nTIME:02:30\r\nPRIORITY:3\r\nTEXT:0\r\n",
        HEAD "DATE:1997-10-26\r\nTIME:02:30\r\nPRIORITY:3\r\nTEXT:0\r\n",
        "VERSION:3.00\r\nTO:CSI:NORTH/SALES/ALICE\r\nTO:SMTP:bob@host.example\r\n"
        "TO:X400:/c=us/a=mci/p=corp/s=brown/g=bo b\r\nTO:FAX:Fred^0DHome^0D^0D+1 (5) 7^0D\r\n"
        "TO:CSI:NORTH/SALES/ALICE\r\nTO:*SPECIAL(PROFLIST)\r\nCC:CSI:my net/PO_1/J.S-M=I&TH\r\n"
        "CC:MHS:User@Host {net/po/user}\r\nCC:PROFS:gw/node/user\r\nCC:SMTP:not an address\r\n"
        "FROM:SMTP:w.a.mozart@tinpanalley.example\r\n" DAY "PRIORITY:3\r\nTEXT:0\r\n",
        HEAD DAY "PRIORITY:3\r\nEXT:I:3:HEADLEN\r\n9\r\nEXT:A:0:X\r\nsome = thing: else\r\n"
                 "TEXT:0\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct scene s;

        scene_init(&s, "CP850", "Europe/Berlin");
        same(&s, lines[i], strlen(lines[i]));
    }
}

/* LINES between the recipients and TEXT come back as they are. */
static void same_lines(const char *begin, const char *value, const char *rest)
{
    struct scene s;
    struct buf octets;

    buf_init(&octets, MOST);
    assert_int_equal(buf_printf(&octets, "%s%s%s", begin, value, rest), 0);
    scene_init(&s, "CP850", "Europe/Berlin");
    same(&s, octets.data, octets.size);
    buf_clear(&octets);
}

/* Also those that have no meaning (Q118787), and the receipt's without a receipt's text. */
static void test_priorities(void **state)
{
    (void)state;
    for (const char *c = "13456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"; *c != '\0'; c++) {
        char value[2] = {*c, '\0'};

        same_lines(HEAD DAY "PRIORITY:", value, "\r\nTEXT:3\r\nabc");
    }
}

/* Every type of address (Q94410, Q175978) as To, Cc and From, and the names that are lists. */
static void test_address_types(void **state)
{
    static const char *const types[] = {
        "X400", "MHS", "SNADS",      "PROFS",  "MSMAIL",  "FAX",      "MCI",   "EMS",    "*EMS",
        "OV",   "GTE", "COMPUSERVE", "DISOSS", "ATTMAIL", "EASYLINK", "ENVOY", "SOURCE", "VMGATE"};
    char lines[400];

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(lines, sizeof lines,
                 "TO:%s:/c=us/g=x y\r\nCC:%s:Gate_way/a.b {\"q\" <r>}; (s)\x84\r\nFROM:%s:a@b\r\n",
                 types[i], types[i], types[i]);
        same_lines("VERSION:3.00\r\n", lines, DAY "PRIORITY:3\r\nTEXT:0\r\n");
    }
    same_lines(
        "VERSION:3.00\r\n",
        "TO:*SPECIAL(PROFLIST)\r\nTO:$SPECIAL GATENET/PROFS30\r\nTO:CSI:NORTH/HQ/$SYSTEM\r\n"
        "CC:CSI:NORTH/HQ/POSTMASTER\r\nCC:CSI:N\x81/P/\x84\x94\r\nFROM:CSI:NORTH/HQ/ADMIN\r\n",
        DAY "PRIORITY:3\r\nTEXT:0\r\n");
    same_lines("VERSION:3.00\r\n", "CC:CSI:A/B/C\r\nFROM:CSI:A/B/C\r\n",
               DAY "PRIORITY:3\r\nTEXT:0\r\n");
    same_lines("VERSION:3.00\r\n",
               "TO:CSI:A/B/C\r\nCC:CSI:A/B/C\r\nFROM:CSI:NORTH/HQ/POSTMASTER\r\n",
               DAY "PRIORITY:3\r\nTEXT:0\r\n");
}

/* Up to the 255 characters that Exchange has for one, and beyond the 40, 63 and 74 that MS Mail's
 * own programs stop at (Q156844, Q117581, Q115446). */
static void test_subjects(void **state)
{
    static const size_t sizes[] = {1, 40, 41, 63, 64, 74, 75, 254, 255};
    char subject[256];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t at = 0; at < sizes[i]; at++)
            subject[at] = at % 7 == 6 ? ' ' : at % 3 == 0 ? '\x84' : 's';
        subject[sizes[i]] = '\0';
        same_lines(HEAD DAY "SUBJECT:", subject, "\r\nPRIORITY:3\r\nTEXT:0\r\n");
    }
    same_lines(HEAD DAY "SUBJECT:", "   ", "\r\nPRIORITY:3\r\nTEXT:0\r\n");
}

static void test_extras(void **state)
{
    static const char *const lines[] = {
        "EXT:I:3:HEADLEN\r\n9\r\n",
        "EXT:A:0:NAME\r\n\r\n",
        "EXT:A:0:NAME\r\n  1  \r\n",
        "EXT:A:0:NAME\r\n1\r\nEXT:A:0:NAME\r\n2\r\n",
        "EXT:S:12:N\x84ME x\r\n\x84\x94\x81 v\r\n",
    };
    char words[400] = "EXT:A:0:NAME\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        same_lines(HEAD DAY "PRIORITY:3\r\n", lines[i], "TEXT:0\r\n");
    for (size_t i = 0; i < 30; i++)
        strcat(words, "0123456789 ");
    same_lines(HEAD DAY "PRIORITY:3\r\n", strcat(words, "\r\n"), "TEXT:0\r\n");
}

static void test_file_names(void **state)
{
    static const char *const names[] = {"A.B.C",
                                        "NOEXT",
                                        "a&b's (1)!#$%{}~^.x-y",
                                        "\x84\x94.\x81\x9A",
                                        "a;b=c",
                                        "\xE1%41",
                                        "UPPER.lower",
                                        "very long name with more than eight and three.document"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        same_lines(HEAD DAY "PRIORITY:3\r\nATTACHMENT:", names[i], " 4\r\nTEXT:1\r\nxDATA");
}

/* Normal is normal: no header tells 2 from 3, or from none (behaviour of Q112915). */
static void test_normal_priorities(void **state)
{
    static const char *const lines[] = {HEAD DAY "PRIORITY:2\r\nTEXT:0\r\n", HEAD DAY "TEXT:0\r\n"};
    struct scene s;

    (void)state;
    scene_init(&s, "CP850", "UTC");
    for (size_t i = 0; i < 2; i++) {
        struct message *message, *back;

        assert_int_equal(message_new(&message, "NET/PO", "CP850", &s.err), 0);
        assert_int_equal(message_add_address(message, ADDRESS_FROM, "NORTH/HQ/ADMIN", 14, &s.err),
                         0);
        message->priority = i == 0 ? '2' : 0;
        assert_true(strlen(lines[i]) > 0);
        back = through_mime(&s, message);
        assert_int_equal(back->priority, '3');
        message_free(back);
        message_free(message);
    }
}

static void run_text(const char *codepage, const void *text, size_t size, const void *file,
                     size_t file_size)
{
    struct scene s;
    struct buf octets;

    buf_init(&octets, MOST);
    assert_int_equal(buf_append_text(&octets, HEAD DAY "SUBJECT:T\r\nPRIORITY:3\r\n"), 0);
    if (file != NULL)
        assert_int_equal(buf_printf(&octets, "ATTACHMENT:A FILE.BIN %zu\r\n", file_size), 0);
    assert_int_equal(buf_printf(&octets, "TEXT:%zu\r\n", size), 0);
    assert_int_equal(buf_append(&octets, text, size), 0);
    if (file != NULL)
        assert_int_equal(buf_append(&octets, file, file_size), 0);
    scene_init(&s, codepage, "America/St_Johns");
    same(&s, octets.data, octets.size);
    buf_clear(&octets);
}

static void test_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "no end",
        "\r\n",
        "\r\n\r\nblank lines first",
        "trailing blanks  \r\n\ttab\tin\t\r\n",
        ".\r\n..\r\n.dot\r\n\r\n.",
        "From here\r\n>From there\r\n-- \r\n--=_mm_0\r\n",
        "begin 644 x\r\nend\r\n=20=\r\n=",
        "VERSION:3.00\r\nTO:CSI:A/B/C\r\nFROM:CSI:A/B/C\r\nTEXT:3\r\nabc",
        "\x01\x02\x07\x08\x0B\x0C\x0E\x1A\x1B\x7F controls\r\n",
        "\x80\x81\x82\xB0\xC4\xFE\xFF box and accents\r\n",
    };
    static const uint8_t files[][4] = {{0, 0, 0, 0}, {13, 10, 13, 13}, {0x1A, 0, 255, 10}};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        run_text("CP850", texts[i], strlen(texts[i]), NULL, 0);
        run_text("CP850", texts[i], strlen(texts[i]), "", 0);
        run_text("CP437", texts[i], strlen(texts[i]), files[i % 3], 4);
    }
}

static void test_large_texts(void **state)
{
    static const size_t sizes[] = {76,    77,    78,    79,    80,    997,   998,
                                   999,   1000,  8191,  8192,  8193,  16383, 16384,
                                   16385, 65534, 65535, 65536, 65537, 200001};
    char *text = malloc(200002);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(text, 'x', sizes[i]);
        run_text("CP850", text, sizes[i], NULL, 0);
        for (size_t at = 0; at < sizes[i]; at++) /* every second octet is two in UTF-8 */
            text[at] = at % 2 == 0 ? 'y' : '\x84';
        run_text("CP850", text, sizes[i], text, sizes[i]);
    }
    free(text);
}

/* Each octet that the page has, in texts and subjects. */
static void test_code_pages(void **state)
{
    static const char *const pages[] = {"CP437", "CP850", "CP852",  "CP857",  "CP866",  "CP737",
                                        "CP862", "CP864", "CP1250", "CP1251", "CP1252", "CP1253"};

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct scene s;
        struct message *message, *back;
        char octets[160];
        size_t used = 0;

        scene_init(&s, pages[i], "UTC");
        for (unsigned c = 0x21; c < 0x100; c++) {
            char one[2] = {(char)c, '\0'};

            if (c == 0x7F)
                continue;
            /* an octet that the page lacks does not come back, and is counted there */
            assert_int_equal(message_new(&message, "NET/PO", pages[i], &s.err), 0);
            assert_int_equal(
                message_add_address(message, ADDRESS_FROM, "NORTH/HQ/ADMIN", 14, &s.err), 0);
            assert_int_equal(message_set_subject(message, one, 1, &s.err), 0);
            back = through_mime(&s, message);
            if (s.facts.lost_characters == 0) {
                assert_string_equal(back->subject, one);
                if (c >= 0x80 && used < sizeof octets)
                    octets[used++] = (char)c;
            }
            message_free(back);
            message_free(message);
        }
        assert_true(used > 60);
        run_text(pages[i], octets, used, NULL, 0);
    }
}

static void test_double_octets(void **state)
{
    static const struct {
        const char *page, *text;
    } rows[] = {{"CP932", "\x93\xFA\x96\x7B\x8C\xEA \xB1\xB2\xB3 \x83\x5C\x83\x7C"},
                {"CP936", "\xC4\xE3\xBA\xC3 \xCA\xC0\xBD\xE7"},
                {"CP949", "\xC7\xD1\xB1\xB9\xBE\xEE"},
                {"CP950", "\xA4\xA4\xA4\xE5 \xB3\x5C"}};
    char text[20000];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = strlen(rows[i].text), used = i;

        run_text(rows[i].page, rows[i].text, size, NULL, 0);
        memset(text, '-', sizeof text); /* pairs across every border of a piece */
        for (; used + size < sizeof text; used += size)
            memcpy(text + used, rows[i].text, size);
        run_text(rows[i].page, text, sizeof text, NULL, 0);
    }
}

static void test_attachments(void **state)
{
    static const size_t counts[] = {1, 2, 3, 50, 300};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct scene s;
        struct buf octets;

        buf_init(&octets, MOST);
        assert_int_equal(buf_append_text(&octets, HEAD DAY "PRIORITY:3\r\n"), 0);
        for (size_t n = 0; n < counts[i]; n++)
            assert_int_equal(buf_printf(&octets, "ATTACHMENT:%s%zu.D\x99%s 9\r\n",
                                        n % 3 == 0 ? "a b" : "N", n, n % 5 == 0 ? "" : "C"),
                             0);
        assert_int_equal(buf_append_text(&octets, "TEXT:4\r\ntext"), 0);
        for (size_t n = 0; n < counts[i]; n++)
            assert_int_equal(buf_printf(&octets, "file %04zu", n), 0);
        scene_init(&s, "CP850", "Asia/Kolkata");
        same(&s, octets.data, octets.size);
        buf_clear(&octets);
    }
}

static void test_recipients(void **state)
{
    struct scene s;
    struct buf octets;

    (void)state;
    buf_init(&octets, MOST);
    assert_int_equal(buf_append_text(&octets, "VERSION:3.00\r\n"), 0);
    for (unsigned n = 0; n < 1000; n++)
        assert_int_equal(buf_printf(&octets, "TO:CSI:NORTH/SALES/U%u\r\n", n), 0);
    for (unsigned n = 0; n < 300; n++)
        assert_int_equal(buf_printf(&octets, "CC:SMTP:user%u@host.example\r\n", n), 0);
    assert_int_equal(
        buf_append_text(&octets, "FROM:CSI:NORTH/HQ/ADMIN\r\n" DAY "PRIORITY:3\r\nTEXT:1\r\nx"), 0);
    scene_init(&s, "CP850", "UTC");
    same(&s, octets.data, octets.size);
    buf_clear(&octets);
}

/* People of the map come back under their MS Mail names. */
static const char *find_native(void *context, const char *smtp)
{
    assert_string_equal(context, "map");
    return strcmp(smtp, "anna@corp.example") == 0 ? "NORTH/HQ/ANNA" : NULL;
}

static void test_map(void **state)
{
    static const char map_text[] = "NORTH/HQ/ANNA\tanna@corp.example\t\t\tAhlberg, Anna\n";
    static const char octets[] = "VERSION:3.00\r\nTO:CSI:NORTH/HQ/ANNA\r\nCC:SMTP:x@y.example\r\n"
                                 "FROM:CSI:NORTH/HQ/ANNA\r\n" DAY "PRIORITY:R\r\nTEXT:0\r\n";
    char path[] = "/tmp/msmailgw-roundtrip-XXXXXX", context[] = "map";
    struct map *map;
    struct scene s;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    scene_init(&s, "CP850", "UTC");
    assert_int_equal(file_write_all(fd, path, map_text, sizeof map_text - 1, &s.err), 0);
    close(fd);
    assert_int_equal(map_load(&map, path, NULL, NULL, &s.err), 0);
    unlink(path);
    s.out.map = map;
    s.in.native = find_native;
    s.in.context = context;
    same(&s, octets, sizeof octets - 1);
    map_free(map);
}

/* ---- MIME of other writers ---- */

static void body_is(const struct content *content, const char *text)
{
    char out[512];
    struct error err;
    size_t size = (size_t)content_size(content);

    assert_true(size < sizeof out);
    assert_int_equal(content_read(content, 0, out, size, &err), 0);
    out[size] = '\0';
    assert_string_equal(out, text);
}

#define FROM "From: a@b.example\r\nTo: c@d.example\r\nMIME-Version: 1.0\r\n"

static void test_foreign_structure(void **state)
{
    static const char mail[] =
        FROM "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= and =?koi8-r?B?8A==?=\r\n"
             "Date: Mon, 7 Apr 1997 01:30:00 -0500\r\nX-Priority: 2\r\n"
             "Content-Type: multipart/mixed; boundary=a\r\n\r\nignored\r\n--a\r\n"
             "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
             "Content-Type: text/html\r\n\r\n<p>html\r\n--b\r\n"
             "Content-Type: text/plain; charset=iso-8859-1\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n\r\nna=EFve=20=\r\n=A4\r\n--b--\r\n"
             "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nin\r\n--a\r\n"
             "Content-Type: text/plain\r\n\r\nsecond\r\n--a\r\n"
             "Content-Type: image/gif; name=\"=?utf-8?Q?=C3=A4.gif?=\"\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--a--\r\n";
    struct scene s;
    struct message *m;

    (void)state;
    scene_init(&s, "CP850", "Europe/Berlin");
    m = from_mime(&s, mail, sizeof mail - 1);
    assert_string_equal(m->subject, "Gr\x81\xE1"
                                    "e and P");
    assert_int_equal(m->date.day * 10000 + m->date.hour * 100 + m->date.minute, 70830);
    assert_int_equal(m->priority, '4');
    body_is(m->text, "na\x8Bve \xCF");
    assert_int_equal(m->attachment_count, 3);
    assert_string_equal(m->attachments[0].name, "MESSAGE.EML");
    body_is(m->attachments[0].content, "Subject: inner\r\n\r\nin");
    assert_string_equal(m->attachments[1].name, "PART3.TXT");
    body_is(m->attachments[1].content, "second");
    assert_string_equal(m->attachments[2].name, "\x84.gif");
    body_is(m->attachments[2].content, "GIF");
    assert_int_equal(s.facts.alternatives, 1);
    assert_int_equal(s.facts.lost_characters, 1);
    message_free(m);
}

static void test_foreign_headers(void **state)
{
    static const char mail[] =
        "From: \"A, B\" <a@b.example>, second@b.example\r\n"
        "To: List: x@y.example, IMCEAMS-N_P_U+20x@gw.example;, IMCEAMS-N_P_U@other.example\r\n"
        "Cc: undisclosed-recipients:;\r\nDisposition-Notification-To:\r\n"
        "Importance: low\r\nX-Priority: 1\r\nX-MSMail-Ext: nothing\r\n"
        "Date: Fri, 1 Jan 1904 00:00:00 +0000\r\n\r\nbody\n";
    struct scene s;
    struct message *m;

    (void)state;
    scene_init(&s, "CP850", "UTC");
    m = from_mime(&s, mail, sizeof mail - 1);
    assert_int_equal(m->address_count, 4);
    assert_string_equal(m->addresses[0].text, "SMTP:a@b.example");
    assert_string_equal(m->addresses[1].text, "SMTP:x@y.example");
    assert_string_equal(m->addresses[2].text, "N/P/U x");
    assert_string_equal(m->addresses[3].text, "SMTP:IMCEAMS-N_P_U@other.example");
    assert_int_equal(m->priority, '1');
    assert_false(m->date.set);
    assert_int_equal(m->extra_count, 0);
    body_is(m->text, "body\r\n");
    message_free(m);
}

static void test_foreign_oddities(void **state)
{
    static const struct {
        const char *mail, *text;
        size_t files;
    } rows[] = {
        {"", NULL, 0},
        {"\r\n", "", 0},
        {"Subject: x", "", 0},
        {FROM "Content-Type: text/html\r\n\r\n<b>x", NULL, 1},
        {FROM "Content-Type: text/plain; charset=no-such\r\n\r\nx\x81", "x?", 0},
        {FROM "Content-Type: text/plain; charset=utf-8\r\n\r\n\xE2\x80\xA6\xE2\x82", "...?", 0},
        {FROM "Content-Type: text/plain; charset=utf-16be\r\n"
              "Content-Transfer-Encoding: base64\r\n\r\nAEEAQg==",
         "AB", 0},
        {FROM "Content-Type: multipart/mixed; boundary=x\r\n\r\n", NULL, 0},
        {FROM "Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\ny", NULL, 0},
        {FROM "Content-Disposition: attachment\r\n\r\nx", NULL, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message *m = NULL;
        struct content *content;
        struct scene s;

        scene_init(&s, "CP850", "UTC");
        assert_int_equal(content_from_bytes(&content, rows[i].mail, strlen(rows[i].mail), &s.err),
                         0);
        if (mime_read(&m, content, &s.in, &s.facts, &s.err) == 0) {
            assert_int_equal(m->attachment_count, rows[i].files);
            if (rows[i].text != NULL && m->text != NULL)
                body_is(m->text, rows[i].text);
        } else {
            assert_int_equal(s.err.class, ERROR_DATA);
        }
        message_free(m);
        content_free(content);
    }
}

static void test_depth(void **state)
{
    struct buf mail;
    struct scene s;
    struct message *m;

    (void)state;
    buf_init(&mail, MOST);
    assert_int_equal(buf_append_text(&mail, FROM), 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(
            buf_printf(&mail, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i),
            0);
    assert_int_equal(buf_append_text(&mail, "\r\ndeep\r\n"), 0);
    scene_init(&s, "CP850", "UTC");
    m = from_mime(&s, mail.data, mail.size);
    assert_null(m->text);
    assert_int_equal(m->attachment_count, 1);
    assert_string_equal(m->attachments[0].name, "PARTS.EML");
    message_free(m);
    buf_clear(&mail);
}

static void test_limits(void **state)
{
    struct message *m;
    struct content *content;
    struct scene s;

    (void)state;
    scene_init(&s, "CP850", "UTC");
    s.in.max_size = 3;
    assert_int_equal(content_from_bytes(&content, FROM "\r\nfour", sizeof FROM + 5, &s.err), 0);
    assert_int_equal(mime_read(&m, content, &s.in, &s.facts, &s.err), -1);
    assert_int_equal(s.err.class, ERROR_DATA);
    s.in.max_size = MOST;
    s.in.codepage = "NO-SUCH";
    assert_int_equal(mime_read(&m, content, &s.in, &s.facts, &s.err), -1);
    assert_int_equal(s.err.class, ERROR_SETUP);
    content_free(content);
}

static void test_refused(void **state)
{
    struct scene s;
    struct buf out;
    struct message *m;

    (void)state;
    scene_init(&s, "CP850", "UTC");
    buf_init(&out, MOST);
    assert_int_equal(message_new(&m, "NET/PO", "CP850", &s.err), 0);
    assert_int_equal(mmff_write(m, &s.form, collect, &out, &s.err), -1);
    assert_int_equal(s.err.class, ERROR_DATA);
    assert_int_equal(message_add_address(m, ADDRESS_FROM, "N/P/U", 5, &s.err), 0);
    assert_int_equal(mmff_write(m, &s.form, collect, &out, &s.err), -1);
    assert_int_equal(s.err.class, ERROR_DATA);
    assert_int_equal(out.size, 0);
    message_free(m);
}

/* What could end a line or begin another one does not. A lost file is told. Basic has no CC. */
static void test_written_safely(void **state)
{
    struct scene s;
    struct buf out;
    struct message *m;

    (void)state;
    scene_init(&s, "CP850", "UTC");
    s.form = (struct mmff_write_options){.line_end = "\n", .extended = false};
    buf_init(&out, MOST);
    assert_int_equal(message_new(&m, "NET/PO", "CP850", &s.err), 0);
    assert_int_equal(message_add_address(m, ADDRESS_FROM, "N/P/U", 5, &s.err), 0);
    assert_int_equal(message_add_address(m, ADDRESS_CC, "N/P/V", 5, &s.err), 0);
    assert_int_equal(message_set_subject(m, "a\r\nTEXT:0\n", 10, &s.err), 0);
    assert_int_equal(message_add_attachment(m, "A\rB", 3, NULL, &s.err), 0);
    assert_int_equal(message_add_attachment(m, " ", 1, NULL, &s.err), 0);
    assert_int_equal(message_add_extra_kind(m, "I:3", "X", "1", &s.err), 0);
    write_mmff(&s, m, &out);
    assert_non_null(strstr(buf_text(&out), "\nTO:CSI:N/P/V\nFROM:CSI:N/P/U\nSUBJECT:a  TEXT:0 \n"
                                           "ATTACHMENT:A B 58\nATTACHMENT:ATT 56\nTEXT:0\n["));
    message_free(m);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_address_types),
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_extras),
        cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_normal_priorities),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_large_texts),
        cmocka_unit_test(test_code_pages),
        cmocka_unit_test(test_double_octets),
        cmocka_unit_test(test_attachments),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_foreign_structure),
        cmocka_unit_test(test_foreign_headers),
        cmocka_unit_test(test_foreign_oddities),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_written_safely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
