/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/intent.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "postoffice/route.h"

#define FILE_LIMIT ((size_t)2 * 1024 * 1024)
#define NAME_SIZE 160
#define SUFFIX ".removal"
#define FIRST_LINES "msmailgw-removal 1\nstage "
#define STAGE_OFFSET (sizeof FIRST_LINES - 1)
#define ITEM_HEAD 36 /* "item RRRRRRRR MMMMMMMM 00001 - 00000" */
#define ITEM_LINE (ITEM_HEAD + 1 + (size_t)2 * MBG_RECORD_SIZE + 1)
#define MARK_AT 29

struct intent {
    int fd;
    char *file;
    enum intent_stage stage;
    uint64_t items_at; /* offset of the first item's line */
    struct intent_item *items;
    size_t count;
};

/* NET/PO in upper case; what a file name cannot hold is written as %XX. */
static void file_prefix(const char *postoffice, char *out, size_t size)
{
    size_t used = 0;

    for (const char *c = postoffice; *c != '\0' && used + 4 < size; c++) {
        unsigned char octet = (unsigned char)*c;
        if (octet == '/')
            out[used++] = '_';
        else if (octet < 0x80 && isalnum(octet))
            out[used++] = (char)toupper(octet);
        else
            used += (size_t)snprintf(out + used, size - used, "%%%02X", octet);
    }
    out[used] = '\0';
}

char *intent_file_name(const struct intent_place *place, const char *suffix, struct error *err)
{
    char prefix[NAME_SIZE];
    char *name;

    file_prefix(place->postoffice, prefix, sizeof prefix);
    if (asprintf(&name, "%s/%s.%s%s", place->directory, prefix, place->mailbag, suffix) >= 0)
        return name;
    error_sys(err, ERROR_SOFT, "", "%s: no memory", place->mailbag);
    return NULL;
}

static struct intent *intent_new(const struct intent_place *place, struct error *err)
{
    struct intent *intent = calloc(1, sizeof *intent);

    if (intent == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", place->mailbag);
        return NULL;
    }
    intent->file = intent_file_name(place, SUFFIX, err);
    if (intent->file == NULL) {
        free(intent);
        return NULL;
    }
    intent->fd = -1;
    intent->stage = INTENT_KEY;
    return intent;
}

void intent_free(struct intent *intent)
{
    if (intent == NULL)
        return;
    if (intent->fd >= 0)
        close(intent->fd);
    free(intent->file);
    free(intent->items);
    free(intent);
}

static void item_head(const struct intent_item *item, char out[ITEM_HEAD + 1])
{
    snprintf(out, ITEM_HEAD + 1, "item %08X %.8s %05u %c %05u", (unsigned)item->record, item->mai,
             (unsigned)item->before, (char)item->mark, (unsigned)item->started);
}

static int append_item(struct buf *buf, const struct intent_item *item)
{
    char line[ITEM_LINE + 1];
    size_t used = ITEM_HEAD;

    item_head(item, line);
    line[used++] = ' ';
    for (size_t i = 0; i < MBG_RECORD_SIZE; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%02X", item->raw[i]);
    line[used++] = '\n';
    return buf_append(buf, line, used);
}

static int make_text(struct intent *intent, const struct intent_place *place, struct buf *buf,
                     struct error *err)
{
    int status = buf_printf(buf, FIRST_LINES "%c\nmailbag %s\npath %s\n", (char)intent->stage,
                            place->mailbag, place->path);

    intent->items_at = buf->size;
    for (size_t i = 0; i < intent->count && status == 0; i++)
        status = append_item(buf, &intent->items[i]);
    if (status == 0)
        status = buf_append_text(buf, "end\n");
    return status == 0 ? 0 : error_sys(err, ERROR_SOFT, "", "%s: no memory", intent->file);
}

/* The entry of a file is durable only when its directory is. */
static int sync_directory(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = fd >= 0 ? fsync(fd) : -1;

    if (status != 0)
        error_sys(err, ERROR_SOFT, "", "%s: cannot sync the directory", path);
    if (fd >= 0)
        close(fd);
    return status;
}

static int write_file(struct intent *intent, const char *directory, const struct buf *buf,
                      struct error *err)
{
    intent->fd = open(intent->file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (intent->fd < 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot create", intent->file);
    if (file_write_all(intent->fd, intent->file, buf->data, buf->size, err) != 0)
        return -1;
    if (fdatasync(intent->fd) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot sync", intent->file);
    return sync_directory(directory, err);
}

int intent_create(struct intent **out, const struct intent_place *place,
                  const struct intent_item *items, size_t count, struct error *err)
{
    struct intent *intent = intent_new(place, err);
    struct buf buf;
    int status = -1;

    if (intent == NULL)
        return -1;
    buf_init(&buf, FILE_LIMIT);
    intent->count = count;
    intent->items = calloc(count + 1, sizeof *items);
    if (intent->items == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", intent->file);
    } else {
        memcpy(intent->items, items, count * sizeof *items);
        if (make_text(intent, place, &buf, err) == 0)
            status = write_file(intent, place->directory, &buf, err);
    }
    if (status != 0 && intent->fd >= 0)
        unlink(intent->file);
    if (status != 0)
        intent_free(intent);
    else
        *out = intent;
    buf_clear(&buf);
    return status;
}

static int hex_octets(const char *text, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
            return -1;
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return 0;
}

/* COUNT digits of BASE, then a space or the line's end. */
static int parse_digits(const char *text, size_t count, int base, unsigned long most,
                        unsigned long *out)
{
    char digits[16];

    memcpy(digits, text, count);
    digits[count] = '\0';
    if (strspn(digits, base == 16 ? "0123456789ABCDEF" : "0123456789") != count)
        return -1;
    *out = strtoul(digits, NULL, base);
    return *out <= most ? 0 : -1;
}

/* TEXT has ITEM_LINE octets, of the form that append_item writes. */
static int parse_item(const char *text, struct intent_item *out)
{
    unsigned long record, mai, before, started;
    char mark = text[MARK_AT];

    if (strncmp(text, "item ", 5) != 0 ||
        parse_digits(text + 5, 8, 16, MBG_MAX_RECORDS - 1, &record) != 0 ||
        parse_digits(text + 14, 8, 16, UINT32_MAX, &mai) != 0 ||
        parse_digits(text + 23, 5, 10, UINT16_MAX, &before) != 0 ||
        parse_digits(text + 31, 5, 10, UINT16_MAX, &started) != 0 ||
        (mark != INTENT_WAITING && mark != INTENT_STARTED && mark != INTENT_DONE &&
         mark != INTENT_KEY_ONLY))
        return -1;
    out->record = (uint32_t)record;
    id_make((uint32_t)mai, out->mai);
    out->before = (uint16_t)before;
    out->started = (uint16_t)started;
    out->mark = (enum intent_mark)mark;
    return hex_octets(text + ITEM_HEAD + 1, out->raw, MBG_RECORD_SIZE);
}

static int parse_items(struct intent *intent, const char *text, size_t size)
{
    if (size % ITEM_LINE != 0)
        return -1;
    intent->items = calloc(size / ITEM_LINE + 1, sizeof *intent->items);
    if (intent->items == NULL)
        return -1;
    for (; intent->count < size / ITEM_LINE; intent->count++) {
        if (parse_item(text + intent->count * ITEM_LINE, &intent->items[intent->count]) != 0)
            return -1;
    }
    return 0;
}

static int damaged(const struct intent *intent, struct error *err)
{
    return error_set(err, ERROR_SETUP, "",
                     "%s: is damaged; the removal it belongs to was cut off: compare the mailbag "
                     "with \"postoffice check\", then remove this file",
                     intent->file);
}

static int check_head(const struct intent *intent, const char *head, const char *text, size_t size,
                      struct error *err)
{
    size_t length = strlen(head);

    if (size < STAGE_OFFSET + 2 || strncmp(text, FIRST_LINES, STAGE_OFFSET) != 0)
        return damaged(intent, err);
    if (size >= STAGE_OFFSET + 2 + length + 4 &&
        strncmp(text + STAGE_OFFSET + 2, head, length) == 0)
        return 0;
    return error_set(err, ERROR_SETUP, "",
                     "%s: an unfinished removal of another postoffice of the same name, or of "
                     "another path; start once with that path to finish it",
                     intent->file);
}

static int parse_text(struct intent *intent, const struct intent_place *place, const char *text,
                      size_t size, struct error *err)
{
    char *head = NULL;
    int length = asprintf(&head, "mailbag %s\npath %s\n", place->mailbag, place->path);
    int status;

    if (length < 0)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", intent->file);
    status = check_head(intent, head, text, size, err);
    free(head);
    if (status != 0)
        return -1;
    intent->items_at = STAGE_OFFSET + 2 + (size_t)length;
    if (parse_items(intent, text + intent->items_at, size - intent->items_at - 4) != 0)
        return damaged(intent, err);
    intent->stage = text[STAGE_OFFSET] == INTENT_MAI ? INTENT_MAI : INTENT_KEY;
    return 0;
}

/* 1 read, 0 none or cut off before anything was changed. */
static int read_file(struct intent *intent, const struct intent_place *place, struct error *err)
{
    uint8_t *data;
    size_t size;
    int status;

    intent->fd = open(intent->file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (intent->fd < 0 && errno == ENOENT)
        return 0;
    if (intent->fd < 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot open", intent->file);
    if (file_read_all(intent->fd, intent->file, FILE_LIMIT, &data, &size, err) != 0)
        return -1;
    if (size < 4 || memcmp(data + size - 4, "end\n", 4) != 0) {
        free(data);
        if (unlink(intent->file) != 0)
            return error_sys(err, ERROR_SOFT, "", "%s: cannot remove", intent->file);
        return 0;
    }
    status = parse_text(intent, place, (const char *)data, size, err);
    free(data);
    return status == 0 ? 1 : -1;
}

int intent_load(struct intent **out, const struct intent_place *place, struct error *err)
{
    struct intent *intent = intent_new(place, err);
    int status;

    *out = NULL;
    if (intent == NULL)
        return -1;
    status = read_file(intent, place, err);
    if (status == 1)
        *out = intent;
    else
        intent_free(intent);
    return status < 0 ? -1 : 0;
}

enum intent_stage intent_get_stage(const struct intent *intent)
{
    return intent->stage;
}

size_t intent_count(const struct intent *intent)
{
    return intent->count;
}

const struct intent_item *intent_get(const struct intent *intent, size_t index)
{
    return &intent->items[index];
}

int intent_key_written(struct intent *intent, struct error *err)
{
    char stage = INTENT_MAI;

    intent->stage = INTENT_MAI;
    return file_pwrite(intent->fd, intent->file, &stage, 1, STAGE_OFFSET, err);
}

int intent_set_mark(struct intent *intent, size_t index, enum intent_mark mark, uint16_t started,
                    struct error *err)
{
    struct intent_item *item = &intent->items[index];
    char head[ITEM_HEAD + 1];

    item->mark = mark;
    item->started = started;
    item_head(item, head);
    if (file_pwrite(intent->fd, intent->file, head + MARK_AT, ITEM_HEAD - MARK_AT,
                    intent->items_at + index * ITEM_LINE + MARK_AT, err) != 0)
        return -1;
    if (mark == INTENT_STARTED && fdatasync(intent->fd) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot sync", intent->file);
    return 0;
}

int intent_end(struct intent *intent, struct error *err)
{
    int status = unlink(intent->file);

    if (status != 0)
        error_sys(err, ERROR_SOFT, "", "%s: cannot remove", intent->file);
    intent_free(intent);
    return status;
}

/* The mailbag in the name of one of our files, or false. */
static bool take_mailbag(const char *entry, const char *prefix, char mailbag[9])
{
    size_t length = strlen(prefix);
    uint32_t number;

    if (strncmp(entry, prefix, length) != 0 || entry[length] != '.' ||
        strlen(entry + length) != 1 + 8 + sizeof SUFFIX - 1 ||
        strcmp(entry + length + 9, SUFFIX) != 0)
        return false;
    memcpy(mailbag, entry + length + 1, 8);
    mailbag[8] = '\0';
    return id_parse(mailbag, &number) == 0;
}

int intent_each(const char *directory, const char *postoffice, intent_seen *seen, void *context,
                struct error *err)
{
    char prefix[NAME_SIZE], mailbag[9];
    struct dirent *entry;
    DIR *dir = opendir(directory);
    int status = 0;

    if (dir == NULL)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot list the directory", directory);
    file_prefix(postoffice, prefix, sizeof prefix);
    while (status == 0 && (entry = readdir(dir)) != NULL) {
        if (take_mailbag(entry->d_name, prefix, mailbag))
            status = seen(context, mailbag, err);
    }
    closedir(dir);
    return status;
}
