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
#include <sys/stat.h>
#include <unistd.h>

#include "pofixture.h"
#include "postoffice/att.h"
#include "postoffice/fips.h"
#include "postoffice/mai.h"

#define ID "00000062"
#define FILE_NAME "MAI/MA2/" ID ".MAI"

struct fixture {
    struct po po;
    struct root *root;
    struct profile *profile;
    struct mai *mai;
    struct message *message;
};

static void begin(struct fixture *f)
{
    struct error err = {0};

    memset(f, 0, sizeof *f);
    po_make(&f->po);
    assert_int_equal(root_open(&f->root, f->po.path, &err), 0);
    assert_int_equal(profile_load(&f->profile, f->po.profile, &err), 0);
    assert_int_equal(message_new(&f->message, "NORTH/HQ", "CP850", &err), 0);
}

static void open_file(struct fixture *f, const void *data, size_t size)
{
    struct error err = {0};

    po_write(&f->po, FILE_NAME, data, size);
    assert_int_equal(mai_open(&f->mai, f->root, f->profile, ID, O_RDWR, &err), 0);
}

static void open_bytes(struct fixture *f, const struct bytes *bytes)
{
    open_file(f, bytes->data, bytes->size);
}

static void end(struct fixture *f)
{
    mai_close(f->mai);
    message_free(f->message);
    profile_free(f->profile);
    root_free(f->root);
    po_clear(&f->po);
}

static const struct mail sample = {
    .counter = 3,
    .from = "NORTH/HQ/ADMIN",
    .to = {"NORTH/SALES/BO", "SMTP:a.b@host.example"},
    .cc = {"NORTH/HQ/LI"},
    .date = "1997-04-07 08:05",
    .subject = "A subject",
    .text = "Line one\r\nLine two\r\n",
    .priority = "R",
    .attachments = {{"0000000a", "A.TXT", 5}, {"0000000B", "", 0}},
};

static int note_attachment(void *context, const struct mai_attachment *attachment,
                           struct error *err)
{
    char *text = context;
    size_t used = strlen(text);

    (void)err;
    snprintf(text + used, 256 - used, "%s %.*s %llu;", attachment->id, (int)attachment->name_size,
             attachment->name, (unsigned long long)attachment->size);
    return 0;
}

static void check_text(struct mai *mai, const char *wanted)
{
    struct content *content;
    struct error err = {0};
    char text[256];

    assert_int_equal(mai_text(mai, "/tmp", 1000, &content, &err), 0);
    assert_non_null(content);
    assert_int_equal(content_size(content), strlen(wanted));
    assert_int_equal(content_read(content, 0, text, strlen(wanted), &err), 0);
    assert_memory_equal(text, wanted, strlen(wanted));
    content_free(content);
}

static void check_sample(struct fixture *f)
{
    const struct message *message = f->message;
    char attachments[256] = "";
    struct error err = {0};
    uint16_t counter;

    if (mai_envelope(f->mai, f->message, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(message->address_count, 4);
    assert_int_equal(message->addresses[0].role, ADDRESS_FROM);
    assert_string_equal(message->addresses[0].text, "NORTH/HQ/ADMIN");
    assert_int_equal(message->addresses[1].role, ADDRESS_TO);
    assert_string_equal(message->addresses[1].text, "NORTH/SALES/BO");
    assert_string_equal(message->addresses[2].text, "SMTP:a.b@host.example");
    assert_int_equal(message->addresses[3].role, ADDRESS_CC);
    assert_string_equal(message->subject, "A subject");
    assert_true(message->date.set);
    assert_int_equal(message->date.year, 1997);
    assert_int_equal(message->date.minute, 5);
    assert_int_equal(message->priority, 'R');
    assert_int_equal(mai_counter(f->mai, &counter, &err), 0);
    assert_int_equal(counter, 3);
    check_text(f->mai, "Line one\r\nLine two\r\n");
    assert_int_equal(mai_attachments(f->mai, note_attachment, attachments, &err), 0);
    assert_string_equal(attachments, "0000000A A.TXT 5;0000000B  0;");
}

static void test_sample(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    struct fixture f;

    (void)state;
    begin(&f);
    put_mail(bytes, &sample);
    open_bytes(&f, bytes);
    check_sample(&f);
    assert_int_equal(f.message->repeated, 0);
    end(&f);
    free(bytes);
}

/* T94: the first of two is the one, nothing of the other gets into it, and it is known. */
static void test_two_subjects(void **state)
{
    static const struct {
        const char *from, *date, *subject, *priority;
        unsigned repeated;
    } cases[] = {
        {NULL, NULL, "Another", NULL, MESSAGE_ONE_SUBJECT},
        {"NORTH/HQ/OTHER", NULL, NULL, NULL, MESSAGE_ONE_SENDER},
        {NULL, "1996-03-04 07:06", NULL, NULL, MESSAGE_ONE_DATE},
        {NULL, NULL, NULL, "1", MESSAGE_ONE_PRIORITY},
        {"NORTH/HQ/OTHER", "1996-03-04 07:06", "Another", "1",
         MESSAGE_ONE_SENDER | MESSAGE_ONE_DATE | MESSAGE_ONE_SUBJECT | MESSAGE_ONE_PRIORITY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes *bytes = calloc(1, sizeof *bytes);
        struct mail mail = sample;
        struct fixture f;

        mail.second_from = cases[i].from;
        mail.second_date = cases[i].date;
        mail.second_subject = cases[i].subject;
        mail.second_priority = cases[i].priority;
        begin(&f);
        put_mail(bytes, &mail);
        open_bytes(&f, bytes);
        check_sample(&f);
        assert_int_equal(f.message->repeated, cases[i].repeated);
        end(&f);
        free(bytes);
    }
}

/* The same message in unusual but legal clothes: elements that nobody knows between the fields,
 * property lists, constructors without a length. */
static void put_strange(struct bytes *bytes)
{
    put_hex(bytes, "4D 83 FF FF FF 01 7F 05 31 20 02 03 00");
    put_hex(bytes, "7F 05 51 4C 84 FF FF 00 00 7F 80 41 20 02 00 00 01 00");
    put_hex(bytes, "4C 80 01");
    put_address(bytes, "NORTH/HQ/ADMIN", 12);
    put_hex(bytes, "01 00 7F 06 83 00 01 0A 55 55 CC 80 05 24 03 45 01 02");
    put_address(bytes, "NORTH/SALES/BO", 0);
    put_hex(bytes, "21 02 02 00");
    put_address(bytes, "SMTP:a.b@host.example", 0);
    put_hex(bytes, "01 00 4C 80 06 0B 80 02 01 FF 01 00");
    put_address(bytes, "NORTH/HQ/LI", 0);
    put_hex(bytes, "01 00 4C 80 02 28 80");
    put_text(bytes, "1997-04-07 08:05");
    put_hex(bytes, "01 00 01 00 4C 80 14 02 03 FF FF FF 01 00 7F 80 34");
    put_text(bytes, "R");
    put_hex(bytes, "01 00 4C 80 07");
    put_text(bytes, "A sub");
    put_text(bytes, "ject");
    put_hex(bytes, "01 00 4C 80 08 08 01 FF 0A 80");
    put_text(bytes, "0000000a");
    put_hex(bytes, "00 00");
    put_text(bytes, "A.TXT");
    put_hex(bytes, "20 02 05 00 01 00 0A 80");
    put_text(bytes, "0000000B");
    put_text(bytes, "");
    put_hex(bytes, "28 80 01 00 02 00 01 00 01 00 4C 80 04");
    put_text(bytes, "Line one\r\n");
    put_text(bytes, "");
    put_text(bytes, "Line two\r\n");
    put_hex(bytes, "01 00");
    bytes->data[2] = (uint8_t)((bytes->size - 5) >> 16);
    bytes->data[3] = (uint8_t)((bytes->size - 5) >> 8);
    bytes->data[4] = (uint8_t)(bytes->size - 5);
}

static void test_strange(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    struct fixture f;

    (void)state;
    begin(&f);
    put_strange(bytes);
    open_bytes(&f, bytes);
    check_sample(&f);
    end(&f);
    free(bytes);
}

/* The published message, completed to its 7,159 octets: 300 recipients, 481 octets of what was not
 * printed. */
static void put_published(struct bytes *bytes)
{
    uint8_t dump[256];
    size_t size = published("q104423.mai.hex", dump, sizeof dump);

    put_hex(bytes, "4D 83 00 1B F2 01 7F 05 31 20 02");
    put(bytes, dump, size);
    put_hex(bytes, "00 00 00 00 00");
    for (unsigned i = 3; i < 300; i++) {
        put_hex(bytes, "02 14");
        put(bytes, dump + (0x66 - 0x0B), 20);
    }
    put_hex(bytes, "21 82 01 DD");
    while (bytes->size < 7159)
        put_octet(bytes, 0);
}

static unsigned count_recipients(const char *path)
{
    struct fips_element element;
    enum fips_event event = FIPS_ENTER;
    struct error err = {0};
    struct fips fips;
    unsigned count = 0;
    bool in_to = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fips_init(&fips, fd, path, &err), 0);
    while (event != FIPS_DONE) {
        if (fips_next(&fips, &event, &element, &err) != 0)
            fail_msg("%s", err.text);
        if (event == FIPS_ENTER)
            in_to = fips_is(&element, FIPS_FIELD, 0x05);
        if (event == FIPS_PRIMITIVE && in_to && element.id == FIPS_STRING && element.length == 20)
            count++;
    }
    close(fd);
    return count;
}

static void test_published(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    struct error err = {0};
    struct fixture f;
    char path[160];
    uint16_t counter;

    (void)state;
    begin(&f);
    put_published(bytes);
    open_bytes(&f, bytes);
    assert_int_equal(mai_counter(f.mai, &counter, &err), 0);
    assert_int_equal(counter, 300);
    snprintf(path, sizeof path, "%s/" FILE_NAME, f.po.path);
    assert_int_equal(count_recipients(path), 300);
    end(&f);
    free(bytes);
}

/* With what is known in public the message cannot be read, and nothing is made up. */
static void test_published_profile(void **state)
{
    const char *top = getenv("srcdir");
    struct bytes *bytes = calloc(1, sizeof *bytes);
    struct error err = {0};
    struct profile *profile;
    struct fixture f;
    char path[512];

    (void)state;
    begin(&f);
    put_published(bytes);
    po_write(&f.po, FILE_NAME, bytes->data, bytes->size);
    snprintf(path, sizeof path, "%s/contrib/profiles/published.profile", top != NULL ? top : ".");
    assert_int_equal(profile_load(&profile, path, &err), 0);
    assert_int_equal(mai_open(&f.mai, f.root, profile, ID, O_RDONLY, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "published does not know mai.field.subject"));
    profile_free(profile);
    snprintf(path, sizeof path, "%s/contrib/profiles/reference.profile", top != NULL ? top : ".");
    assert_int_equal(profile_load(&profile, path, &err), 0);
    assert_int_equal(mai_open(&f.mai, f.root, profile, ID, O_RDONLY, &err), 0);
    assert_int_equal(mai_envelope(f.mai, f.message, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_non_null(
        strstr(err.text, FILE_NAME ": offset 0x25: address: key position 0 is not known"));
    mai_close(f.mai);
    f.mai = NULL;
    profile_free(profile);
    end(&f);
    free(bytes);
}

static void put_wrapped(struct bytes *bytes, const struct bytes *body)
{
    put_hex(bytes, "4D 83");
    put_octet(bytes, (unsigned)((body->size + 8) >> 16));
    put_octet(bytes, (unsigned)((body->size + 8) >> 8 & 0xFF));
    put_octet(bytes, (unsigned)((body->size + 8) & 0xFF));
    put_hex(bytes, "01 7F 05 31 20 02 01 00");
    put(bytes, body->data, body->size);
}

/* A message whose From is the string PLAIN and nothing else. */
static int read_from(const void *plain, size_t size, char *out, struct error *err)
{
    struct bytes *string = calloc(1, sizeof *string), *body = calloc(1, sizeof *body);
    struct bytes *file = calloc(1, sizeof *file);
    struct fixture f;
    int status;

    begin(&f);
    put_string(string, plain, size);
    put_element(body, 0x4C, 0x01, string->data, string->size);
    put_wrapped(file, body);
    open_bytes(&f, file);
    status = mai_envelope(f.mai, f.message, err);
    if (status == 0)
        strcpy(out, f.message->addresses[0].text);
    end(&f);
    free(string);
    free(body);
    free(file);
    return status;
}

static const struct {
    const char *plain;
    size_t size;
    const char *name; /* NULL: damaged */
} names[] = {
    {"N/P/A\0\x80\0\0\x40", 10, "N/P/A"},
    {"N/P/A\0\x80\0\0\x40garbage\0\1", 19, "N/P/A"},
    {"N/P/A\0rest", 10, "N/P/A"},
    {"N/P/A", 5, "N/P/A"},
    {"CSI:N/P/A", 9, "N/P/A"},
    {"N/P/\x8E\x99", 6, "N/P/\x8E\x99"},
    {"", 0, NULL},
    {"\0\x80\0\0\x40", 5, NULL},
    {"N/P/A\x07", 6, NULL},
    {"N/P/A\r\nTo: x", 12, NULL},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error err = {0};
        char name[8192] = "";
        int status = read_from(names[i].plain, names[i].size, name, &err);
        if (names[i].name != NULL) {
            if (status != 0)
                fail_msg("%zu: %s", i, err.text);
            assert_string_equal(name, names[i].name);
        } else {
            assert_int_equal(status, -1);
            assert_int_equal(err.class, ERROR_DATA);
            assert_non_null(strstr(err.text, FILE_NAME));
        }
    }
}

static void test_long_address(void **state)
{
    static const size_t sizes[] = {4096, 4097, 9000};
    char *plain = malloc(9000), name[8192];

    (void)state;
    assert_non_null(plain);
    memset(plain, 'x', 9000);
    for (size_t i = 0; i < 3; i++) {
        struct error err = {0};
        assert_int_equal(read_from(plain, sizes[i], name, &err), sizes[i] == 4096 ? 0 : -1);
        assert_int_equal(err.class, sizes[i] == 4096 ? ERROR_NONE : ERROR_DATA);
    }
    free(plain);
}

/* Only what is needed of a string must be deciphered: the profile knows 20 positions. */
static void test_short_key(void **state)
{
    char text[4096], *at;
    struct bytes *bytes = calloc(1, sizeof *bytes);
    struct mail mail = sample;
    struct content *content;
    struct error err = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    profile_free(f.profile);
    strcpy(text, po_profile());
    at = strstr(text, "cipher.period");
    memcpy(at, "#", 1);
    at = strstr(text, "cipher.key[");
    sprintf(at, "cipher.key[0..19] =");
    for (size_t i = 0; i < 20; i++)
        sprintf(at + strlen(at), " %02X", fixture_key(i));
    po_write_profile(&f.po, text);
    assert_int_equal(profile_load(&f.profile, f.po.profile, &err), 0);
    mail.to[1] = NULL;
    mail.text = "123456789012345678901";
    put_mail(bytes, &mail);
    open_bytes(&f, bytes);
    assert_int_equal(mai_envelope(f.mai, f.message, &err), 0);
    assert_string_equal(f.message->addresses[0].text, "NORTH/HQ/ADMIN");
    assert_int_equal(mai_text(f.mai, "/tmp", 1000, &content, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_non_null(strstr(err.text, "text: key position 20 is not known by profile fixture"));
    end(&f);
    free(bytes);
}

static const struct {
    const char *text;
    bool set;
} dates[] = {
    {"1997-04-07 08:05", true},   {"1997-04-07 24:05", false}, {"1997-02-30 08:05", false},
    {"1997-04-07", false},        {"07.04.1997 08:05", false}, {"", false},
    {"1997-04-07 08:05 ", false}, {"1997-04-07T08:05", false}, {"1997-4-07 008:05", false},
};

static void test_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct bytes *bytes = calloc(1, sizeof *bytes);
        struct mail mail = sample;
        struct error err = {0};
        struct fixture f;
        begin(&f);
        mail.date = dates[i].text;
        put_mail(bytes, &mail);
        open_bytes(&f, bytes);
        assert_int_equal(mai_envelope(f.mai, f.message, &err), 0);
        assert_int_equal(f.message->date.set, dates[i].set);
        end(&f);
        free(bytes);
    }
}

/* HELD is what the reason names, or NULL: the message is read. */
static const struct {
    const char *hex, *held;
} strange[] = {
    {"7F 05 40 20 02 01 00", NULL},
    {"7F 05 51 4C 84 FF FF", NULL},
    {"7F 01 41", NULL},
    {"4C 03 09 02 00", NULL},
    {"21 03 02 01 41", NULL},
    {"7F 05 41 02 02 41 42", NULL}, /* in the list */
    {"7F 05 42 02 02 41 42", "no vendor:42"},
    {"7F 08 83 00 01 0A 02 02 41 42", "no vendor:00010A"},
    {"7F 09 44 7F 06 45 02 03 41 42 43", "no vendor:44"},
    {"7F 80 44 02 01 41 01 00", "no vendor:44"},
    {"4C 05 09 02 02 41 42", "no field:09"},
    {"4C 05 00 02 02 41 42", "no field:00"},
    {"4C 09 09 0A 06 0B 04 02 02 41 42", "no field:09"},
    {"0B 04 02 02 41 42", "no element:0B"},
    {"02 02 41 42", "no element:02"},
    {"4C 05 09 0B 09 02 02", "an element claims 9 octets"},
};

static void put_strange_part(struct bytes *bytes, const char *hex)
{
    struct mail mail = sample;
    size_t size;

    put_mail(bytes, &mail);
    put_hex(bytes, hex);
    size = bytes->size - 5;
    bytes->data[3] = (uint8_t)(size >> 8);
    bytes->data[4] = (uint8_t)size;
}

static void test_strange_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct bytes *bytes = calloc(1, sizeof *bytes);
        const char *held = strange[i].held;
        struct error err = {0};
        struct fixture f;
        char text[4200];
        begin(&f);
        profile_free(f.profile);
        snprintf(text, sizeof text, "%smai.ignored = vendor:41\n", po_profile());
        po_write_profile(&f.po, text);
        assert_int_equal(profile_load(&f.profile, f.po.profile, &err), 0);
        put_strange_part(bytes, strange[i].hex);
        open_bytes(&f, bytes);
        if (mai_envelope(f.mai, f.message, &err) != (held != NULL ? -1 : 0) ||
            (held != NULL && (err.class != ERROR_DATA || strstr(err.text, held) == NULL)))
            fail_msg("%s: %s", strange[i].hex, err.text);
        end(&f);
        free(bytes);
    }
}

static const struct {
    const char *name, *hex;
    int envelope, counter, text, attachments; /* 0 or -1 */
} damaged[] = {
    {"empty file", "", -1, -1, -1, -1},
    {"not a message", "4C 05 01 02 02 41 42", -1, -1, -1, -1},
    {"message without parts", "4D 83 00 00 01 01", -1, -1, 0, 0},
    {"message cut off", "4D 83 00 00 20 01 7F 05 31 20 02 01 00", -1, -1, -1, -1},
    {"4 GB message", "4D 84 FF FF FF FF 01", -1, -1, -1, -1},
    {"no end", "4D 80 01 7F 05 31 20 02 01 00", -1, -1, -1, -1},
    {"counter in another element", "4D 83 00 00 08 01 4C 05 31 20 02 01 00", -1, -1, 0, 0},
    {"counter of four octets", "4D 83 00 00 0A 01 7F 07 31 20 04 01 00 00 00", -1, -1, 0, 0},
    {"counter is no integer", "4D 83 00 00 08 01 7F 05 31 02 02 01 00", -1, -1, 0, 0},
    {"counter elsewhere", "4D 82 00 08 01 7F 05 31 20 02 01 00", -1, -1, 0, 0},
    {"vendor element is no constructor", "4D 83 00 00 08 01 7F 05 31 20 09 01 00", -1, -1, 0, 0},
    {"attachment without parts", "4D 83 00 00 06 01 4C 03 08 0A 00", -1, -1, 0, -1},
    {"attachment with a short id", "4D 83 00 00 0B 01 4C 08 08 0A 05 02 03 41 42 43", -1, -1, 0,
     -1},
    {"attachment id is no number", "4D 83 00 00 10 01 4C 0D 08 0A 0A 02 08 41 42 43 44 45 46 47 48",
     -1, -1, 0, -1},
};

static void test_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct bytes *bytes = calloc(1, sizeof *bytes);
        char attachments[256] = "";
        struct error err[4] = {{0}};
        struct content *content = NULL;
        struct fixture f;
        uint16_t counter;
        begin(&f);
        put_hex(bytes, damaged[i].hex);
        open_bytes(&f, bytes);
        if (mai_envelope(f.mai, f.message, &err[0]) != damaged[i].envelope ||
            mai_counter(f.mai, &counter, &err[1]) != damaged[i].counter ||
            mai_text(f.mai, "/tmp", 1000, &content, &err[2]) != damaged[i].text ||
            mai_attachments(f.mai, note_attachment, attachments, &err[3]) != damaged[i].attachments)
            fail_msg("%s: %s; %s; %s; %s", damaged[i].name, err[0].text, err[1].text, err[2].text,
                     err[3].text);
        for (size_t j = 0; j < 4; j++)
            assert_true(err[j].class == ERROR_NONE || err[j].class == ERROR_DATA);
        content_free(content);
        end(&f);
        free(bytes);
    }
}

static void test_set_counter(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    uint8_t found[1024];
    struct error err = {0};
    struct fixture f;
    uint16_t counter;

    (void)state;
    begin(&f);
    put_mail(bytes, &sample);
    open_bytes(&f, bytes);
    assert_int_equal(mai_set_counter(f.mai, 0x0102, &err), 0);
    assert_int_equal(mai_counter(f.mai, &counter, &err), 0);
    assert_int_equal(counter, 0x0102);
    assert_int_equal(po_read(&f.po, FILE_NAME, found, sizeof found), bytes->size);
    bytes->data[0x0B] = 2;
    bytes->data[0x0C] = 1;
    assert_memory_equal(found, bytes->data, bytes->size);
    end(&f);
    free(bytes);
}

/* A text of many strings, larger than memory contents and the window; and too large a one. */
/* A field begins at each place around the end of what is read at once, and is not taken for damaged
 * (Q128462). */
static void test_border_of_the_window(void **state)
{
    struct bytes *string = calloc(1, sizeof *string), *body = calloc(1, sizeof *body);
    struct bytes *file = calloc(1, sizeof *file);
    static char fill[FIPS_WINDOW];

    (void)state;
    assert_non_null(string);
    assert_non_null(body);
    assert_non_null(file);
    put_text(string, "Over the border");
    for (size_t size = FIPS_WINDOW - 80; size < sizeof fill; size++) {
        struct fixture f;

        body->size = file->size = 0;
        put_element(body, 0x7F, 0x60, fill, size);
        put_element(body, 0x4C, 0x04, string->data, string->size);
        put_wrapped(file, body);
        begin(&f);
        open_bytes(&f, file);
        check_text(f.mai, "Over the border");
        end(&f);
    }
    free(string);
    free(body);
    free(file);
}

static void test_large_text(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes), *field = calloc(1, sizeof *field);
    struct bytes *file = calloc(1, sizeof *file);
    char *plain = malloc(100000);
    struct content *content;
    struct error err = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < 100000; i++)
        plain[i] = (char)('a' + i % 23);
    put_string(field, plain, 33580);
    put_string(field, plain + 33580, 1);
    put_string(field, plain + 33581, 100000 - 33581);
    put_element(bytes, 0x4C, 0x04, field->data, field->size);
    put_wrapped(file, bytes);
    open_bytes(&f, file);
    assert_int_equal(mai_text(f.mai, f.po.spool, 100000, &content, &err), 0);
    assert_int_equal(content_size(content), 100000);
    assert_int_equal(content_read(content, 33570, bytes->data, 66430, &err), 0);
    assert_memory_equal(bytes->data, plain + 33570, 66430);
    content_free(content);
    assert_int_equal(mai_text(f.mai, f.po.spool, 99999, &content, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    end(&f);
    free(bytes);
    free(field);
    free(file);
    free(plain);
}

static void test_attachment_files(void **state)
{
    uint8_t plain[40000], cipher[40000], out[40000];
    struct content *content;
    struct error err = {0};
    struct fixture f;
    char path[160];

    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 3 + i / 7);
    fixture_encipher(plain, cipher, sizeof plain);
    po_write(&f.po, "ATT/ATA/0000000A.ATT", cipher, sizeof cipher);
    assert_int_equal(att_load(f.root, f.profile, "0000000A", "/tmp", 40000, &content, &err), 0);
    assert_int_equal(content_size(content), sizeof plain);
    assert_int_equal(content_read(content, 0, out, sizeof out, &err), 0);
    assert_memory_equal(out, plain, sizeof plain);
    content_free(content);
    assert_int_equal(att_load(f.root, f.profile, "0000000A", "/tmp", 39999, &content, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(att_load(f.root, f.profile, "0000000B", "/tmp", 1, &content, &err), 0);
    assert_null(content);
    snprintf(path, sizeof path, "%s/ATT/ATC/0000000C.ATT", f.po.path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(att_load(f.root, f.profile, "0000000C", "/tmp", 1000, &content, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    f.profile->att_enciphered = false;
    assert_int_equal(att_load(f.root, f.profile, "0000000A", "/tmp", 40000, &content, &err), 0);
    assert_int_equal(content_read(content, 0, out, sizeof out, &err), 0);
    assert_memory_equal(out, cipher, sizeof cipher);
    content_free(content);
    assert_int_equal(att_remove(f.root, "0000000A", &err), 0);
    assert_false(po_has(&f.po, "ATT/ATA/0000000A.ATT"));
    assert_int_equal(att_remove(f.root, "0000000A", &err), 0);
    end(&f);
}

static int try_octets(struct fixture *f, const struct bytes *bytes)
{
    struct error err = {0};
    int status;

    mai_close(f->mai);
    message_free(f->message);
    assert_int_equal(message_new(&f->message, "NORTH/HQ", "CP850", &err), 0);
    open_bytes(f, bytes);
    status = mai_envelope(f->mai, f->message, &err);
    assert_int_equal(err.class, status == 0 ? ERROR_NONE : ERROR_DATA);
    return status;
}

/* Any one octet of a message changed: read or told to be damaged, never more than that. */
static void test_every_octet(void **state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7F, 0x80, 0x84, 0xFF};
    struct bytes *bytes = calloc(1, sizeof *bytes);
    unsigned refused = 0;
    struct fixture f;

    (void)state;
    begin(&f);
    put_mail(bytes, &sample);
    for (size_t at = 0; at < bytes->size; at++) {
        uint8_t saved = bytes->data[at];
        for (size_t v = 0; v < sizeof values; v++) {
            bytes->data[at] = values[v];
            refused += try_octets(&f, bytes) != 0;
        }
        bytes->data[at] = saved;
    }
    assert_true(refused > 20);
    end(&f);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_strange),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_published_profile),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_long_address),
        cmocka_unit_test(test_short_key),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_strange_parts),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_set_counter),
        cmocka_unit_test(test_large_text),
        cmocka_unit_test(test_attachment_files),
        cmocka_unit_test(test_every_octet),
        cmocka_unit_test(test_border_of_the_window),
        cmocka_unit_test(test_two_subjects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
