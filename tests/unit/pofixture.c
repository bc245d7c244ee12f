/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "pofixture.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TEST_DATA_DIR
#define TEST_DATA_DIR "tests/data"
#endif

#define PERIOD 64
static const uint8_t trailer[] = {0x00, 0x80, 0x00, 0x00, 0x40};

void put(struct bytes *bytes, const void *data, size_t size)
{
    assert_true(size <= BYTES_MAX - bytes->size);
    if (size != 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void put_octet(struct bytes *bytes, unsigned octet)
{
    uint8_t value = (uint8_t)octet;

    put(bytes, &value, 1);
}

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : toupper((unsigned char)c) - 'A' + 10;
}

void put_hex(struct bytes *bytes, const char *hex)
{
    int high = -1;

    for (; *hex != '\0'; hex++) {
        if (!isxdigit((unsigned char)*hex))
            continue;
        if (high < 0) {
            high = hex_value(*hex);
        } else {
            put_octet(bytes, (unsigned)(high * 16 + hex_value(*hex)));
            high = -1;
        }
    }
}

void put_element(struct bytes *bytes, unsigned id, int qualifier, const void *content, size_t size)
{
    size_t length = size + (qualifier >= 0);

    put_octet(bytes, id);
    if (length < 0x80) {
        put_octet(bytes, (unsigned)length);
    } else {
        put_octet(bytes, 0x83);
        put_octet(bytes, (unsigned)(length >> 16 & 0xFF));
        put_octet(bytes, (unsigned)(length >> 8 & 0xFF));
        put_octet(bytes, (unsigned)(length & 0xFF));
    }
    if (qualifier >= 0)
        put_octet(bytes, (unsigned)qualifier);
    put(bytes, content, size);
}

uint8_t fixture_key(size_t position)
{
    return (uint8_t)((position % PERIOD * 37 + 11) & 0x7F);
}

void fixture_encipher(const uint8_t *plain, uint8_t *out, size_t size)
{
    uint8_t previous = 0;

    for (size_t i = 0; i < size; i++)
        previous = out[i] = (uint8_t)(plain[i] ^ previous ^ fixture_key(i));
}

void put_string(struct bytes *bytes, const void *plain, size_t size)
{
    uint8_t *cipher = malloc(size + 1);

    assert_non_null(cipher);
    fixture_encipher(plain, cipher, size);
    put_element(bytes, 0x02, -1, cipher, size);
    free(cipher);
}

void put_text(struct bytes *bytes, const char *plain)
{
    put_string(bytes, plain, strlen(plain));
}

void put_address(struct bytes *bytes, const char *name, size_t extra)
{
    uint8_t plain[8192] = {0};
    size_t length = strlen(name);

    memcpy(plain, name, length);
    memcpy(plain + length, trailer, sizeof trailer);
    put_string(bytes, plain, length + sizeof trailer + extra);
}

static void put_field(struct bytes *bytes, int code, const struct bytes *content)
{
    put_element(bytes, 0x4C, code, content->data, content->size);
}

static void put_addresses(struct bytes *bytes, int code, const char *const *names, size_t extra)
{
    struct bytes *field = calloc(1, sizeof *field);

    assert_non_null(field);
    for (size_t i = 0; i < 4 && names[i] != NULL; i++)
        put_address(field, names[i], extra);
    if (field->size != 0)
        put_field(bytes, code, field);
    free(field);
}

static void put_date(struct bytes *bytes, const char *date)
{
    struct bytes *string = calloc(1, sizeof *string);

    assert_non_null(string);
    put_text(string, date);
    put_element(bytes, 0x28, -1, string->data, string->size);
    free(string);
}

static void put_attachments(struct bytes *bytes, const struct mail *mail)
{
    struct bytes *field = calloc(1, sizeof *field);

    assert_non_null(field);
    for (size_t i = 0; i < 4 && mail->attachments[i].id != NULL; i++) {
        struct bytes *item = calloc(1, sizeof *item);
        uint8_t size[4] = {(uint8_t)mail->attachments[i].size,
                           (uint8_t)(mail->attachments[i].size >> 8), 0, 0};
        assert_non_null(item);
        put_text(item, mail->attachments[i].id);
        put_text(item, mail->attachments[i].name);
        put_element(item, 0x20, -1, size, 4);
        put_date(item, "1997-04-07 08:00");
        put_element(field, 0x0A, -1, item->data, item->size);
        free(item);
    }
    if (field->size != 0)
        put_field(bytes, 0x08, field);
    free(field);
}

static void put_one(struct bytes *bytes, unsigned id, int code, const char *text, bool date)
{
    struct bytes *field = calloc(1, sizeof *field);

    assert_non_null(field);
    if (text != NULL && date)
        put_date(field, text);
    else if (text != NULL)
        put_text(field, text);
    if (text != NULL)
        put_element(bytes, id, code, field->data, field->size);
    free(field);
}

void put_mail(struct bytes *bytes, const struct mail *mail)
{
    struct bytes *body = calloc(1, sizeof *body);
    const char *from[4] = {mail->from}, *second_from[4] = {mail->second_from};
    uint8_t counter[2] = {(uint8_t)mail->counter, (uint8_t)(mail->counter >> 8)};

    assert_non_null(body);
    put_hex(body, "01 7F 05 31 20 02");
    put(body, counter, 2);
    put_hex(body, "7F 05 32 20 02 02 00");
    put_addresses(body, 0x01, from, 12);
    if (mail->second_from != NULL)
        put_addresses(body, 0x01, second_from, 12);
    put_addresses(body, 0x05, mail->to, 0);
    put_addresses(body, 0x06, mail->cc, 0);
    put_one(body, 0x4C, 0x02, mail->date, true);
    put_one(body, 0x4C, 0x02, mail->second_date, true);
    put_one(body, 0x7F, 0x34, mail->priority, false);
    put_one(body, 0x7F, 0x34, mail->second_priority, false);
    put_one(body, 0x4C, 0x07, mail->subject, false);
    put_one(body, 0x4C, 0x07, mail->second_subject, false);
    put_attachments(body, mail);
    put_one(body, 0x4C, 0x04, mail->text, false);
    put_hex(bytes, "4D 83");
    put_octet(bytes, (unsigned)(body->size >> 16));
    put_octet(bytes, (unsigned)(body->size >> 8 & 0xFF));
    put_octet(bytes, (unsigned)(body->size & 0xFF));
    put(bytes, body->data, body->size);
    free(body);
}

const char *po_profile(void)
{
    static char text[4096];
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "profile = fixture\nverdict = proven # made for tests\nkey.bitmap_offset = 0x30\n"
        "key.bitmap_order = lsb\nkey.bitmap_set = deleted\nkey.count_new = 0\n"
        "key.count_unread = 2\nkey.count_live = 0x04\naccess2.name_offset = 2\n"
        "access2.mailbag_offset = 0x20\naccess2.mailbag_form = ascii\n"
        "mai.counter_offset = 0x0B\nmai.counter_order = little\nmai.field.from = 1\n"
        "mai.field.to = 5\nmai.field.cc = 6\nmai.field.date = 2\nmai.field.subject = 7\n"
        "mai.field.attachments = 8\nmai.field.text = 4\nmai.vendor.priority = 0x34\n"
        "mai.address_trailer = 00 80 00 00 40\nmai.date_form = yyyy-mm-dd hh:mm\n"
        "att.cipher = whole\ncipher.chain = previous-ciphertext-xor\ncipher.period = %d\n"
        "codepage = 850\ncipher.key[0..%d] =",
        PERIOD, PERIOD - 1);

    for (size_t i = 0; i < PERIOD; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, " %02X", fixture_key(i));
    snprintf(text + used, sizeof text - used, "\n");
    return text;
}

static void make_directory(const struct po *po, const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", po->path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_routes(const struct po *po)
{
    uint8_t network[2 * 122] = {0}, xtn[698] = {0};

    network[0] = 1;
    network[1] = 2;
    memcpy(network + 0x02, "NORTH", 6);
    memcpy(network + 0x0D, "00000020", 9);
    network[122] = 1;
    network[123] = 0x30;
    memcpy(network + 122 + 0x02, "SMTP", 5);
    memcpy(network + 122 + 0x21, "00000011", 9);
    xtn[0] = 1;
    memcpy(xtn + 1, "SALES", 6);
    memcpy(xtn + 0x0C, "00000010", 9);
    po_write(po, "GLB/NETWORK.GLB", network, sizeof network);
    po_write(po, "XTN/00000020.XTN", xtn, sizeof xtn);
}

void po_make(struct po *po)
{
    static const char *const names[] = {"GLB", "XTN", "KEY", "MBG", "MAI",
                                        "ATT", "P1",  "MEM", "NME"};
    char name[16];

    snprintf(po->base, sizeof po->base, "/tmp/msmailgw-unit-XXXXXX");
    assert_non_null(mkdtemp(po->base));
    snprintf(po->path, sizeof po->path, "%s/po", po->base);
    snprintf(po->spool, sizeof po->spool, "%s/spool", po->base);
    snprintf(po->profile, sizeof po->profile, "%s/profile", po->base);
    assert_int_equal(mkdir(po->path, 0700), 0);
    assert_int_equal(mkdir(po->spool, 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        make_directory(po, names[i]);
    for (unsigned i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "MAI/MA%X", i);
        make_directory(po, name);
        snprintf(name, sizeof name, "ATT/AT%X", i);
        make_directory(po, name);
    }
    make_routes(po);
    po_mailbag(po, "00000010", NULL, 0, 0);
    po_mailbag(po, "00000011", NULL, 0, 0);
    po_write_profile(po, po_profile());
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void po_clear(struct po *po)
{
    assert_int_equal(nftw(po->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void write_file(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(size != 0 ? write(fd, data, size) : 0, size);
    close(fd);
}

void po_write(const struct po *po, const char *name, const void *data, size_t size)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", po->path, name);
    write_file(path, data, size);
}

void po_write_profile(const struct po *po, const char *text)
{
    write_file(po->profile, text, strlen(text));
}

size_t po_read(const struct po *po, const char *name, void *out, size_t size)
{
    char path[160];
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "%s/%s", po->path, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    got = read(fd, out, size);
    close(fd);
    assert_true(got >= 0);
    return (size_t)got;
}

bool po_has(const struct po *po, const char *name)
{
    char path[160];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", po->path, name);
    return lstat(path, &st) == 0;
}

void po_remove(const struct po *po, const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", po->path, name);
    assert_int_equal(remove(path), 0);
}

static void set_word(uint8_t *at, int value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void put_record(struct bytes *bytes, const struct header *header)
{
    uint8_t record[116] = {0};
    int year = 0, month = 0, day = 0, hour = 0, minute = 0;

    if (header->date != NULL)
        assert_int_equal(
            sscanf(header->date, "%d-%d-%d %d:%d", &year, &month, &day, &hour, &minute), 5);
    memcpy(record + 0x02, "ADMIN", 6);
    snprintf((char *)record + 0x0D, 41, "%s", header->subject != NULL ? header->subject : "");
    set_word(record + 0x38, minute);
    set_word(record + 0x3A, hour);
    set_word(record + 0x3C, day);
    set_word(record + 0x3E, month);
    set_word(record + 0x40, year);
    memcpy(record + 0x43, header->mai, strnlen(header->mai, 9));
    put(bytes, record, sizeof record);
}

void po_mailbag(const struct po *po, const char *id, const struct header *headers, size_t count,
                unsigned deleted)
{
    struct bytes *records = calloc(1, sizeof *records);
    uint8_t key[560] = {0};
    char name[32];
    int live = 0;

    assert_non_null(records);
    for (size_t i = 0; i < count; i++) {
        put_record(records, &headers[i]);
        if ((deleted >> i & 1) != 0)
            key[0x30 + i / 8] |= (uint8_t)(1U << i % 8);
        else
            live++;
    }
    set_word(key, live);
    set_word(key + 2, live);
    set_word(key + 4, live);
    snprintf(name, sizeof name, "MBG/%s.MBG", id);
    po_write(po, name, records->data, records->size);
    snprintf(name, sizeof name, "KEY/%s.KEY", id);
    po_write(po, name, key, sizeof key);
    free(records);
}

void po_mail(const struct po *po, const char *id, const struct mail *mail)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    char name[40];

    assert_non_null(bytes);
    put_mail(bytes, mail);
    snprintf(name, sizeof name, "MAI/MA%c/%s.MAI", id[7], id);
    po_write(po, name, bytes->data, bytes->size);
    free(bytes);
}

size_t published(const char *name, uint8_t *out, size_t size)
{
    const char *top = getenv("srcdir");
    struct bytes *bytes = calloc(1, sizeof *bytes);
    char path[512], line[512];
    size_t count;
    FILE *file;

    assert_non_null(bytes);
    snprintf(path, sizeof path, "%s%s%s/published/%s", top != NULL ? top : "",
             top != NULL ? "/" : "", TEST_DATA_DIR, name);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "#")] = '\0';
        put_hex(bytes, line);
    }
    fclose(file);
    count = bytes->size;
    assert_true(count <= size);
    memcpy(out, bytes->data, count);
    free(bytes);
    return count;
}
