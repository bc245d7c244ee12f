/* SPDX-License-Identifier: BSD-2-Clause */
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
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "postoffice/mmff.h"

#define MAX_SIZE 1048576U

/* A file in memory and its reader. */
struct fixture {
    int fd;
    uint64_t size;
    uint8_t *octets;
    struct mmff *mmff;
    struct mmff_settings settings;
};

static void open_octets(struct fixture *f, const void *data, size_t size, struct root *directory)
{
    struct error err = {0};

    memset(f, 0, sizeof *f);
    f->fd = memfd_create("mmff", MFD_CLOEXEC);
    assert_true(f->fd >= 0);
    assert_int_equal(write(f->fd, data, size), size);
    f->size = size;
    f->octets = malloc(size + 1);
    assert_non_null(f->octets);
    memcpy(f->octets, data, size);
    f->settings = (struct mmff_settings){.name = "T.MMF",
                                         .postoffice = "NET/PO",
                                         .codepage = "CP850",
                                         .directory = directory,
                                         .max_size = MAX_SIZE};
    assert_int_equal(mmff_open(&f->mmff, f->fd, &f->settings, &err), 0);
}

static void close_octets(struct fixture *f)
{
    mmff_free(f->mmff);
    free(f->octets);
    close(f->fd);
}

static void open_sample(struct fixture *f, const char *name)
{
    const char *top = getenv("srcdir");
    struct error err = {0};
    uint8_t *data;
    size_t size;
    char path[512];
    int fd;

    snprintf(path, sizeof path, "%s/tests/data/mmff/%s", top != NULL ? top : ".", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(file_read_all(fd, path, MAX_SIZE, &data, &size, &err), 0);
    open_octets(f, data, size, NULL);
    free(data);
    close(fd);
}

static struct message *next_good(struct fixture *f)
{
    struct mmff_place place;
    struct message *message = NULL;
    struct error err = {0};

    if (mmff_next(f->mmff, &message, &place, &err) != 1)
        fail_msg("%s", err.text);
    return message;
}

static void assert_end(struct fixture *f)
{
    struct mmff_place place;
    struct message *message;
    struct error err;

    assert_int_equal(mmff_next(f->mmff, &message, &place, &err), 0);
    assert_int_equal(mmff_next(f->mmff, &message, &place, &err), 0);
}

static void assert_content(const struct content *content, const void *data, size_t size)
{
    uint8_t *octets = malloc(size + 1);
    struct error err;

    assert_non_null(octets);
    assert_non_null(content);
    assert_int_equal(content_size(content), size);
    assert_int_equal(content_read(content, 0, octets, size, &err), 0);
    assert_memory_equal(octets, data, size);
    free(octets);
}

static void assert_address(const struct message *message, size_t index, enum address_role role,
                           const char *text)
{
    assert_true(index < message->address_count);
    assert_int_equal(message->addresses[index].role, role);
    assert_string_equal(message->addresses[index].text, text);
}

/* ---- samples ---- */

static void test_published(void **state)
{
    static const char text[] = "Automatic File Transfer\r\n-----------------------\r\n\r\n"
                               "Use Attachments/Save or FFAPI AppGet -w to save.\r\n\r\n"
                               "Attached files:\r\n---------------\r\n\r\nconfig.sys\r\n";
    struct fixture f;
    struct message *m;

    (void)state;
    open_sample(&f, "q103801.mmf");
    m = next_good(&f);
    assert_int_equal(m->address_count, 2);
    assert_address(m, 0, ADDRESS_TO, "COMPANY/DEPT/jsmith");
    assert_address(m, 1, ADDRESS_FROM, "COMPANY/DEPT/sjones");
    assert_true(m->date.set);
    assert_int_equal(m->date.year, 1992);
    assert_int_equal(m->date.month, 11);
    assert_int_equal(m->date.day, 29);
    assert_int_equal(m->date.hour, 23);
    assert_int_equal(m->date.minute, 44);
    assert_string_equal(m->subject, "Automatic File Transfer (1 files)");
    assert_int_equal(m->priority, 'F');
    assert_string_equal(m->postoffice, "NET/PO");
    assert_string_equal(m->codepage, "CP850");
    assert_int_equal(sizeof text - 1, 152);
    assert_content(m->text, text, 152);
    assert_int_equal(m->attachment_count, 1);
    assert_string_equal(m->attachments[0].name, "config.sys");
    assert_content(m->attachments[0].content, f.octets + f.size - 291, 291);
    message_free(m);
    assert_end(&f);
    close_octets(&f);
}

static void check_three(const char *sample, const char *first)
{
    uint8_t all[256];
    struct fixture f;
    struct message *m;

    open_sample(&f, sample);
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    m = next_good(&f);
    assert_string_equal(m->subject, "first");
    assert_content(m->text, first, strlen(first));
    message_free(m);
    m = next_good(&f);
    assert_string_equal(m->subject, "zweite \x84\x94\x81");
    assert_address(m, 0, ADDRESS_TO, "NET1/PO2/ANNA");
    assert_address(m, 1, ADDRESS_TO, "SMTP:bob@example.net");
    assert_int_equal(m->attachment_count, 3);
    assert_string_equal(m->attachments[2].name, "C D.BIN");
    assert_content(m->attachments[0].content, all, sizeof all);
    assert_content(m->attachments[1].content, "", 0);
    assert_content(m->attachments[2].content, "VERSION:3.00\r\nTO:x\r\n", 20);
    message_free(m);
    m = next_good(&f);
    assert_address(m, 0, ADDRESS_TO, "FAX:J. Doe^0DBuilding 3^0DACME^0D+49 30 1^0D");
    assert_content(m->text, "no line end at the end", 22);
    message_free(m);
    assert_end(&f);
    close_octets(&f);
}

static void test_line_ends(void **state)
{
    (void)state;
    check_three("three-cr.mmf", "one\rtwo\r");
    check_three("three-lf.mmf", "one\ntwo\n");
    check_three("three-crlf.mmf", "one\r\ntwo\r\n");
}

static void test_extended(void **state)
{
    struct fixture f;
    struct message *m;

    (void)state;
    open_sample(&f, "extended.mmf");
    m = next_good(&f);
    assert_int_equal(m->address_count, 3);
    assert_address(m, 1, ADDRESS_CC, "MUSIC/JAZZ/MDAVIS");
    assert_int_equal(m->extra_count, 2);
    assert_string_equal(m->extras[0].name, "HEADLEN");
    assert_string_equal(m->extras[0].value, "9");
    assert_string_equal(m->extras[1].name, "UNKNOWN");
    assert_string_equal(m->extras[1].value, "VERSION:3.00");
    message_free(m);
    assert_end(&f);
    close_octets(&f);
}

/* ---- one file, and what comes of each of its messages ---- */

#define V "VERSION:3.00\r\n"
#define TO "TO:CSI:A/B/C\r\n"
#define FROM "FROM:A/B/D\r\n"
#define GOOD V TO FROM "TEXT:3\r\nx\r\n"
#define OCTETS(text) text, sizeof(text) - 1

struct outcome {
    const char *name;
    const char *data;
    size_t size;
    const char *results; /* "ok" or the error's number, in order */
};

static const struct outcome outcomes[] = {
    {"empty file", OCTETS(""), ""},
    {"only ^Z", OCTETS("\x1a"), ""},
    {"only line ends", OCTETS("\r\n\r\n"), ""},
    {"one", OCTETS(GOOD), "ok"},
    {"two", OCTETS(GOOD GOOD), "ok ok"},
    {"padding at the end", OCTETS(GOOD "\r\n\x1a\x1a\x1a"), "ok"},
    {"a line end before", OCTETS("\r\n" GOOD), "ok"},
    {"a line end between", OCTETS(GOOD "\r\n" GOOD), "ok ok"},
    {"two line ends between", OCTETS(GOOD "\r\n\r\n" GOOD), "143-001-004 ok"},
    {"lower case", OCTETS("version:3.00\nto:a/b/c\nfrom:a/b/d\ntext:0\n"), "ok"},
    {"each its own line ends", OCTETS(GOOD "VERSION:3.00\nTO:A/B/C\nFROM:A/B/C\nTEXT:0\n" GOOD),
     "ok ok ok"},
    {"no text, no end of line", OCTETS(V TO FROM "TEXT:0"), "ok"},
    {"padded number", OCTETS(V TO FROM "TEXT: 0 \r\n"), "ok"},
    {"ATTACHMENTS", OCTETS(V TO FROM "ATTACHMENTS:a 1\r\nTEXT:0\r\nx"), "ok"},
    {"priority without a meaning", OCTETS(V TO FROM "PRIORITY:9\r\nTEXT:0\r\n"), "ok"},
    {"impossible date", OCTETS(V TO FROM "DATE:1900-00-00\r\nTIME:24:10\r\nTEXT:0\r\n"), "ok"},
    {"special list",
     OCTETS(V "TO: *SPECIAL(PROFLIST)\r\nFROM:$SPECIAL GATENET/PROFS30\r\n"
              "TEXT:0\r\n"),
     "ok"},
    {"blind EXT", OCTETS(V TO FROM "EXT:S:7:X\r\nTEXT:99\r\nTEXT:0\r\n"), "ok"},

    {"not MMFF", OCTETS("GIF89a"), "144-001-001"},
    {"garbage before", OCTETS("garbage\r\n" GOOD), "144-001-001 ok"},
    {"garbage between", OCTETS(GOOD "garbage\r\n" GOOD), "143-001-004 ok"},
    {"bad version", OCTETS("VERSION:three\r\n" TO FROM "TEXT:0\r\n" GOOD), "140-001-001 ok"},
    {"unknown token", OCTETS(V TO FROM "COLOUR:red\r\nTEXT:0\r\n" GOOD), "141-001-004 ok"},
    {"no colon", OCTETS(V TO FROM "colour\r\nTEXT:0\r\n" GOOD), "144-001-004 ok"},
    {"empty line", OCTETS(V TO FROM "\r\nTEXT:0\r\n" GOOD), "144-001-004 ok"},
    {"NUL", OCTETS(V TO FROM "SUBJECT:a\0b\r\nTEXT:0\r\n" GOOD), "144-001-004 ok"},
    {"LF among CR LF", OCTETS(V TO "FROM:A/B/C\nTEXT:0\r\n" GOOD), "144-001-003 ok"},
    {"CR among CR LF", OCTETS(V TO "FROM:A/B/C\rTEXT:0\r\n" GOOD), "144-001-003 ok"},
    {"CR LF among CR", OCTETS("VERSION:3.00\rTO:A/B/C\r\nFROM:A/B/C\rTEXT:0\r" GOOD),
     "144-001-003 ok"},
    {"CR LF among LF", OCTETS("VERSION:3.00\nTO:A/B/C\nFROM:A/B/C\r\nTEXT:0\n" GOOD),
     "144-001-003 ok"},
    {"no FROM", OCTETS(V TO "TEXT:0\r\n" GOOD), "142-001-003 ok"},
    {"no TO", OCTETS(V FROM "TEXT:0\r\n" GOOD), "142-001-003 ok"},
    {"two FROM", OCTETS(V TO FROM FROM "TEXT:0\r\n" GOOD), "142-001-004 ok"},
    {"empty address", OCTETS(V "TO:\r\n" FROM "TEXT:0\r\n" GOOD), "142-001-002 ok"},
    {"two parts", OCTETS(V "TO:CSI:A/B\r\n" FROM "TEXT:0\r\n" GOOD), "142-001-002 ok"},
    {"empty part", OCTETS(V "TO:A//C\r\n" FROM "TEXT:0\r\n" GOOD), "142-001-002 ok"},
    {"control in address", OCTETS(V "TO:A/B\x01/C\r\n" FROM "TEXT:0\r\n" GOOD), "142-001-002 ok"},
    {"type only", OCTETS(V "TO:SMTP:\r\n" FROM "TEXT:0\r\n" GOOD), "142-001-002 ok"},
    {"unknown type", OCTETS(V "TO:PIGEON:a\r\n" FROM "TEXT:0\r\n" GOOD), "151-001-002 ok"},
    {"bad date", OCTETS(V TO FROM "DATE:96-1-1\r\nTEXT:0\r\n" GOOD), "140-001-004 ok"},
    {"bad time", OCTETS(V TO FROM "TIME:9:05\r\nTEXT:0\r\n" GOOD), "140-001-004 ok"},
    {"bad priority", OCTETS(V TO FROM "PRIORITY:high\r\nTEXT:0\r\n" GOOD), "140-001-004 ok"},
    {"no size", OCTETS(V TO FROM "TEXT:\r\n" GOOD), "140-001-004 ok"},
    {"negative", OCTETS(V TO FROM "TEXT:-1\r\n" GOOD), "140-001-004 ok"},
    {"4 GB", OCTETS(V TO FROM "TEXT:4294967296\r\n" GOOD), "143-001-004 ok"},
    {"2^64", OCTETS(V TO FROM "TEXT:18446744073709551616\r\n" GOOD), "140-001-004 ok"},
    {"sum past 2^64", OCTETS(V TO FROM "ATTACHMENT:a 18446744073709551600\r\nTEXT:1\r\n" GOOD),
     "143-001-005 ok"},
    {"one too many", OCTETS(V TO FROM "TEXT:4\r\nx\r\n" GOOD), "143-001-004 ok"},
    {"one too few", OCTETS(V TO FROM "TEXT:1\r\nxy\r\n" GOOD), "143-001-004 ok"},
    {"past the end", OCTETS(GOOD V TO FROM "TEXT:9\r\nx\r\n"), "ok 143-002-004"},
    {"attachment without a name", OCTETS(V TO FROM "ATTACHMENT:5\r\nTEXT:0\r\n12345" GOOD),
     "140-001-004 ok"},
    {"attachment without a size", OCTETS(V TO FROM "ATTACHMENT:a b\r\nTEXT:0\r\n" GOOD),
     "140-001-004 ok"},
    {"absent XTEXT", OCTETS(V TO FROM "XTEXT:big.txt\r\n" GOOD), "147-001-004 ok"},
    {"bad XTEXT", OCTETS(V TO FROM "XTEXT:\r\n" GOOD), "146-001-004 ok"},
    {"XTEXT leads up", OCTETS(V TO FROM "XTEXT:../..\r\n" GOOD), "146-001-004 ok"},
    {"XTEXT and no directory", OCTETS(V TO FROM "XTEXT:A.TXT\r\n" GOOD), "147-001-004 ok"},
    {"bad XATTACH", OCTETS(V TO FROM "XATTACH:get-00000001.mmf\r\nTEXT:0\r\n" GOOD),
     "140-001-004 ok"},
    {"short EXT", OCTETS(V TO FROM "EXT:HEADLEN\r\n9\r\nTEXT:0\r\n" GOOD), "140-001-004 ok"},
    {"ends in EXT", OCTETS(V TO FROM "EXT:I:3:HEADLEN\r\n"), "143-001-005"},
    {"ends before TEXT", OCTETS(V TO FROM), "143-001-004"},
    {"VERSION before TEXT", OCTETS(V TO FROM GOOD), "143-001-004 ok"},
    {"only VERSION", OCTETS("VERSION:3.00"), "142-001-001"},
};

/* Everything that is no message's is nothing but line ends and ^Z. */
static void check_gap(const struct fixture *f, uint64_t start, uint64_t end)
{
    assert_true(start <= end && end <= f->size);
    for (uint64_t i = start; i < end; i++)
        assert_non_null(memchr("\r\n\x1a", f->octets[i], 3));
}

static void run_all(struct fixture *f, struct buf *results)
{
    struct mmff_place place;
    struct message *message;
    struct error err;
    uint64_t at = 0;
    unsigned number = 0;
    int status;

    while ((status = mmff_next(f->mmff, &message, &place, &err)) != 0) {
        const char *space = results->size != 0 ? " " : "";

        assert_int_equal(place.number, ++number);
        check_gap(f, at, place.start);
        at = place.end;
        if (status == 1) {
            assert_int_equal(buf_printf(results, "%sok", space), 0);
            message_free(message);
            continue;
        }
        assert_int_equal(err.class, ERROR_DATA);
        assert_memory_equal(err.text, "T.MMF offset ", 13);
        assert_int_equal(buf_printf(results, "%s%.11s", space, strchr(err.text, ':') + 2), 0);
    }
    check_gap(f, at, f->size);
}

static void test_outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        struct fixture f;
        struct buf results;

        buf_init(&results, 4096);
        open_octets(&f, outcomes[i].data, outcomes[i].size, NULL);
        run_all(&f, &results);
        if (strcmp(buf_text(&results), outcomes[i].results) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", outcomes[i].name, buf_text(&results),
                     outcomes[i].results);
        close_octets(&f);
        buf_clear(&results);
    }
}

static void test_damaged_samples(void **state)
{
    static const char *const samples[][2] = {{"damaged-count.mmf", "ok 143-002-007 ok"},
                                             {"damaged-ends.mmf", "ok 144-002-006 ok"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct buf results;

        buf_init(&results, 4096);
        open_sample(&f, samples[i][0]);
        run_all(&f, &results);
        assert_string_equal(buf_text(&results), samples[i][1]);
        close_octets(&f);
        buf_clear(&results);
    }
}

/* What is inside a text whose size is right is never read as a message, also when its own header
 * has a fault. */
static void test_text_is_not_searched(void **state)
{
    struct fixture f;
    struct buf file, results;

    (void)state;
    buf_init(&file, 4096);
    buf_init(&results, 4096);
    assert_int_equal(buf_printf(&file, V TO FROM "COLOUR:red\r\nTEXT:%zu\r\n%s%s",
                                strlen("x\r\n" GOOD), "x\r\n" GOOD, GOOD),
                     0);
    open_octets(&f, file.data, file.size, NULL);
    run_all(&f, &results);
    assert_string_equal(buf_text(&results), "141-001-004 ok");
    close_octets(&f);
    buf_clear(&file);
    buf_clear(&results);
}

/* Nothing of a long field is left in a shorter one that follows it (Q194145). */
static void test_long_field_before_short_ones(void **state)
{
    static const char first[] =
        V TO FROM "SUBJECT:a subject that is much longer than the one of the next message\r\n"
                  "ATTACHMENT:LONGNAME.TXT 3\r\nEXT:S:15:RETURNRECEIPTTO\r\n15\r\nTEXT:5\r\n"
                  "hello123";
    static const char second[] =
        V "TO:A/B/D\r\n" FROM "SUBJECT:b\r\nATTACHMENT:B 2\r\nTEXT:1\r\nx45";
    char file[sizeof first + sizeof second];
    struct fixture f;
    struct message *m;

    (void)state;
    snprintf(file, sizeof file, "%s%s", first, second);
    open_octets(&f, file, strlen(file), NULL);
    message_free(next_good(&f));
    m = next_good(&f);
    assert_string_equal(m->subject, "b");
    assert_int_equal(m->attachment_count, 1);
    assert_string_equal(m->attachments[0].name, "B");
    assert_int_equal(content_size(m->attachments[0].content), 2);
    assert_int_equal(content_size(m->text), 1);
    assert_int_equal(m->extra_count, 0);
    assert_int_equal(m->address_count, 2);
    message_free(m);
    close_octets(&f);
}

/* T94. */
static void test_two_subjects(void **state)
{
    struct fixture f;
    struct message *m;

    (void)state;
    open_octets(&f, OCTETS(V TO FROM "SUBJECT:one\r\nSUBJECT:two\r\nTEXT:0\r\n"), NULL);
    m = next_good(&f);
    assert_string_equal(m->subject, "one");
    assert_int_equal(m->repeated, MESSAGE_ONE_SUBJECT);
    message_free(m);
    close_octets(&f);
    open_octets(&f,
                OCTETS(V TO FROM "PRIORITY:1\r\nDATE:1996-02-29\r\nTIME:12:34\r\nSUBJECT:one\r\n"
                                 "DATE:1997-03-30\r\nTIME:01:02\r\nPRIORITY:5\r\nTEXT:0\r\n"),
                NULL);
    m = next_good(&f);
    assert_int_equal(m->priority, '1');
    assert_int_equal(m->date.year, 1996);
    assert_int_equal(m->date.minute, 34);
    assert_int_equal(m->repeated, MESSAGE_ONE_DATE | MESSAGE_ONE_PRIORITY);
    message_free(m);
    close_octets(&f);
}

static void test_dates(void **state)
{
    static const struct {
        const char *lines;
        bool set;
        int hour;
    } cases[] = {
        {"DATE:1996-02-29\r\nTIME:12:34\r\n", true, 12},
        {"DATE:1996-02-29\r\n", true, 0},
        {"TIME:12:34\r\n", false, 12},
        {"DATE:1997-02-29\r\nTIME:12:34\r\n", false, 12},
        {"", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[256];
        struct fixture f;
        struct message *m;

        snprintf(file, sizeof file, V TO FROM "%sTEXT:0\r\n", cases[i].lines);
        open_octets(&f, file, strlen(file), NULL);
        m = next_good(&f);
        assert_int_equal(m->date.set, cases[i].set);
        assert_int_equal(m->date.hour, cases[i].hour);
        message_free(m);
        close_octets(&f);
    }
}

/* ---- sizes ---- */

static void add(struct buf *buf, const char *text)
{
    assert_int_equal(buf_append_text(buf, text), 0);
}

static void add_fill(struct buf *buf, char c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_append(buf, &c, 1), 0);
}

static void test_attachment_counts(void **state)
{
    (void)state;
    for (unsigned count = 0; count <= 50; count += count < 3 ? 1 : 47) {
        struct buf file;
        struct fixture f;
        struct message *m;

        buf_init(&file, MAX_SIZE);
        add(&file, V TO FROM);
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(buf_printf(&file, "ATTACHMENT:F%u.BIN 5000\r\n", i), 0);
        add(&file, "TEXT:2\r\n\r\n");
        for (unsigned i = 0; i < count; i++)
            add_fill(&file, (char)('A' + i), 5000);
        open_octets(&f, file.data, file.size, NULL);
        m = next_good(&f);
        assert_int_equal(m->attachment_count, count);
        for (unsigned i = 0; i < count; i++)
            assert_content(m->attachments[i].content,
                           file.data + file.size - (size_t)(count - i) * 5000, 5000);
        message_free(m);
        assert_end(&f);
        close_octets(&f);
        buf_clear(&file);
    }
}

/* A header line of LENGTH octets across the borders of the window; then a good message. */
static void check_line(size_t length, const char *expected)
{
    struct buf file, results;
    struct fixture f;

    buf_init(&file, MAX_SIZE);
    buf_init(&results, 4096);
    add(&file, V TO FROM "EXT:S:1:X\r\n");
    add_fill(&file, 'e', 4000);
    add(&file, "\r\nSUBJECT:");
    add_fill(&file, 's', length - 8);
    add(&file, "\r\nTEXT:70000\r\n");
    add_fill(&file, 't', 70000);
    add(&file, GOOD);
    open_octets(&f, file.data, file.size, NULL);
    run_all(&f, &results);
    assert_string_equal(buf_text(&results), expected);
    close_octets(&f);
    buf_clear(&file);
    buf_clear(&results);
}

static void test_long_lines(void **state)
{
    (void)state;
    check_line(255, "ok ok");
    check_line(65535, "ok ok");
    check_line(65536, "ok ok");
    check_line(65537, "144-001-006");
    check_line(200000, "144-001-006");
}

/* VERSION lines at every place around the border of the window are found again. */
static void test_resynchronise(void **state)
{
    (void)state;
    for (size_t fill = 131072 - 60; fill < 131072 + 4; fill++) {
        struct buf file, results;
        struct fixture f;

        buf_init(&file, MAX_SIZE);
        buf_init(&results, 4096);
        add(&file, "bad\r\n");
        add_fill(&file, '.', fill);
        add(&file, "\r\n" GOOD);
        open_octets(&f, file.data, file.size, NULL);
        run_all(&f, &results);
        assert_string_equal(buf_text(&results), "144-001-001 ok");
        close_octets(&f);
        buf_clear(&file);
        buf_clear(&results);
    }
}

static void test_too_many_messages(void **state)
{
    struct buf file;
    struct fixture f;
    struct mmff_place place;
    struct message *message;
    struct error err;

    (void)state;
    buf_init(&file, MAX_SIZE);
    for (unsigned i = 0; i < MMFF_MAX_MESSAGES + 2; i++)
        add(&file, GOOD);
    open_octets(&f, file.data, file.size, NULL);
    for (unsigned i = 0; i < MMFF_MAX_MESSAGES; i++)
        message_free(next_good(&f));
    assert_int_equal(mmff_next(f.mmff, &message, &place, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(place.start, (sizeof GOOD - 1) * MMFF_MAX_MESSAGES);
    assert_int_equal(place.end, file.size);
    assert_end(&f);
    close_octets(&f);
    buf_clear(&file);
}

static void test_too_large(void **state)
{
    struct buf file, results;
    struct fixture f;

    (void)state;
    buf_init(&file, (size_t)2 * MAX_SIZE);
    buf_init(&results, 4096);
    assert_int_equal(buf_printf(&file, V TO FROM "TEXT:%u\r\n", MAX_SIZE + 1), 0);
    add_fill(&file, '.', MAX_SIZE + 1);
    add(&file, GOOD);
    open_octets(&f, file.data, file.size, NULL);
    run_all(&f, &results);
    assert_string_equal(buf_text(&results), "143-001-004 ok");
    close_octets(&f);
    buf_clear(&file);
    buf_clear(&results);
}

/* ---- files beside it ---- */

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *directory, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(remove(path), 0);
}

static void test_external(void **state)
{
    static const char file[] =
        V TO FROM "XATTACH:M:\\GATE\\DATA1.BIN,Long name.doc\r\nATTACHMENT:in.txt 2\r\n"
                  "XATTACH:data2.bin\r\nXTEXT:BODY.TXT\r\nin" V TO FROM
                  "XATTACH:LINK.BIN\r\nTEXT:0\r\n" V TO FROM "XATTACH:GONE.BIN\r\nTEXT:0\r\n" GOOD;
    char directory[] = "/tmp/test_mmff.XXXXXX", path[256];
    struct root *root;
    struct error err;
    struct fixture f;
    struct message *m;
    struct buf results;

    (void)state;
    assert_non_null(mkdtemp(directory));
    write_file(directory, "data1.bin", "one");
    write_file(directory, "DATA2.BIN", "two");
    write_file(directory, "body.txt", "the body");
    snprintf(path, sizeof path, "%s/LINK.BIN", directory);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(root_open(&root, directory, &err), 0);
    open_octets(&f, file, sizeof file - 1, root);
    m = next_good(&f);
    assert_int_equal(mmff_external_count(f.mmff), 3);
    assert_string_equal(mmff_external(f.mmff, 0), "BODY.TXT");
    assert_string_equal(mmff_external(f.mmff, 1), "DATA1.BIN");
    assert_string_equal(mmff_external(f.mmff, 2), "data2.bin");
    assert_content(m->text, "the body", 8);
    assert_int_equal(m->attachment_count, 3);
    assert_string_equal(m->attachments[0].name, "Long name.doc");
    assert_content(m->attachments[0].content, "one", 3);
    assert_content(m->attachments[1].content, "in", 2);
    assert_string_equal(m->attachments[2].name, "data2.bin");
    assert_content(m->attachments[2].content, "two", 3);
    message_free(m);
    close_octets(&f);
    buf_init(&results, 4096);
    open_octets(&f, file, sizeof file - 1, root);
    run_all(&f, &results);
    assert_string_equal(buf_text(&results), "ok 140-002-005 140-003-005 ok");
    close_octets(&f);
    buf_clear(&results);
    root_free(root);
    remove_file(directory, "data1.bin");
    remove_file(directory, "DATA2.BIN");
    remove_file(directory, "body.txt");
    remove_file(directory, "LINK.BIN");
    assert_int_equal(rmdir(directory), 0);
}

static void test_external_names(void **state)
{
    static const char *const good[][2] = {
        {"A", "A"},
        {"ABCDEFGH.TXT", "ABCDEFGH.TXT"},
        {"M:\\GATE\\X.Y", "X.Y"},
        {"/tmp/a.b", "a.b"},
        {"C:x~1", "x~1"},
        {"\x8e.TXT", "\x8e.TXT"},
    };
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "A.",
        ".TXT",
        "A.B.C",
        "ABCDEFGHI",
        "A.TEXT",
        "A/",
        "..\\..",
        "a b",
        "get-00000001.mmf",
        "held-00000001-1.mmf",
        "get.lock",
        "held.part",
        "A*",
        "A\n",
    };
    char out[MMFF_EXTERNAL_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(mmff_external_name(good[i][0], strlen(good[i][0]), out), 0);
        assert_string_equal(out, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mmff_external_name(bad[i], strlen(bad[i]), out), -1);
}

/* The file got shorter while it was read: nothing in it can be judged. */
static void test_truncated_meanwhile(void **state)
{
    struct fixture f;
    struct mmff_place place;
    struct message *message;
    struct error err;

    (void)state;
    open_octets(&f, OCTETS(GOOD), NULL);
    assert_int_equal(ftruncate(f.fd, 5), 0);
    assert_int_equal(mmff_next(f.mmff, &message, &place, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    close_octets(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_extended),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_damaged_samples),
        cmocka_unit_test(test_text_is_not_searched),
        cmocka_unit_test(test_two_subjects),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_long_field_before_short_ones),
        cmocka_unit_test(test_attachment_counts),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_resynchronise),
        cmocka_unit_test(test_too_many_messages),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_external),
        cmocka_unit_test(test_external_names),
        cmocka_unit_test(test_truncated_meanwhile),
    };

    return cmocka_run_group_tests_name("mmff", tests, NULL, NULL);
}
