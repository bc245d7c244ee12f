/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mmff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postoffice/mmff-header.h"
#include "postoffice/mmff-lines.h"

struct mmff {
    struct mmff_settings settings;
    struct mmff_window window;
    struct mmff_header header; /* of the last message */
    uint64_t at;               /* where the next message begins */
    unsigned number;           /* of the last message */
    bool ended;
};

int mmff_open(struct mmff **out, int fd, const struct mmff_settings *settings, struct error *err)
{
    struct mmff *mmff = calloc(1, sizeof *mmff);

    if (mmff == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", settings->name);
    mmff->settings = *settings;
    if (mmff_window_init(&mmff->window, fd, settings->name, err) != 0) {
        mmff_free(mmff);
        return -1;
    }
    *out = mmff;
    return 0;
}

void mmff_free(struct mmff *mmff)
{
    if (mmff == NULL)
        return;
    mmff_header_clear(&mmff->header);
    mmff_window_clear(&mmff->window);
    free(mmff);
}

int mmff_blank(struct mmff *mmff, struct error *err)
{
    uint64_t at;
    int kind = mmff_boundary(&mmff->window, 0, &at, err);

    return kind < 0 ? -1 : kind == 0;
}

/* ---- where the message ends ---- */

static int check_part(struct mmff *mmff, const struct mmff_part *part, const char *what,
                      uint64_t *end)
{
    if (part->external[0] != '\0')
        return 0;
    if (part->size > mmff->window.size - *end) {
        mmff_fault(&mmff->header, MMFF_PARSER,
                   "unknown parser error (%s of %llu octets, the file has %llu left)", what,
                   (unsigned long long)part->size, (unsigned long long)(mmff->window.size - *end));
        return -1;
    }
    if (part->size > mmff->settings.max_size)
        mmff_fault(&mmff->header, MMFF_PARSER,
                   "unknown parser error (%s of %llu octets, the limit is %llu)", what,
                   (unsigned long long)part->size, (unsigned long long)mmff->settings.max_size);
    *end += part->size;
    return 0;
}

/* The end that the sizes give; -1 when they give none. */
static int computed_end(struct mmff *mmff, uint64_t *end)
{
    struct mmff_header *header = &mmff->header;

    if (!header->has_version || !header->has_text || !header->sizes_known)
        return -1;
    *end = header->at;
    if (check_part(mmff, &header->text, "text", end) != 0)
        return -1;
    for (size_t i = 0; i < header->part_count; i++) {
        if (check_part(mmff, &header->parts[i], "attachment", end) != 0)
            return -1;
    }
    return 0;
}

/* Sets *END and where to go on. The sizes are believed only when they lead to a place where a
 * message can end: octets that are skipped for nothing could be somebody's mail. */
static int find_end(struct mmff *mmff, uint64_t *end, struct error *err)
{
    int kind;

    if (computed_end(mmff, end) == 0) {
        kind = mmff_boundary(&mmff->window, *end, &mmff->at, err);
        if (kind == 0) {
            mmff->ended = true;
            mmff->at = mmff->window.size;
        }
        if (kind == 0 || kind == 1 || kind == -1)
            return kind < 0 ? -1 : 0;
        mmff_fault(&mmff->header, MMFF_PARSER,
                   "unknown parser error (no VERSION behind the text and attachments)");
    }
    kind = mmff_find_version(&mmff->window, mmff->header.start, end, err);
    if (kind == 0) {
        *end = mmff->window.size;
        mmff->ended = true;
    }
    mmff->at = *end;
    return kind < 0 ? -1 : 0;
}

/* ---- contents ---- */

static int bad_external(struct mmff *mmff, const struct mmff_part *part, const char *why)
{
    if (part == &mmff->header.text)
        return mmff_fault(&mmff->header, MMFF_LOST_XTEXT, "failure opening text body file %s (%s)",
                          part->external, why);
    return mmff_fault(&mmff->header, MMFF_BAD_VALUE,
                      "unknown error processing token XATTACH with tail %s (%s)", part->external,
                      why);
}

/* Leaves *OUT NULL when a fault is noted. */
static int open_external(struct mmff *mmff, const struct mmff_part *part, struct content **out,
                         struct error *err)
{
    struct error failure;
    struct stat st;
    int fd, status = 0;

    if (mmff->settings.directory == NULL)
        return bad_external(mmff, part, "no directory");
    fd = root_open_file(mmff->settings.directory, part->external, O_RDONLY, &failure);
    if (fd < 0 && failure.class == ERROR_DATA)
        return bad_external(mmff, part, failure.sys == ENOENT ? "absent" : "not a regular file");
    if (fd < 0)
        return error_set(err, failure.class, failure.status, "%s", failure.text);
    if (fstat(fd, &st) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", part->external);
    else if ((uint64_t)st.st_size > mmff->settings.max_size)
        status = bad_external(mmff, part, "larger than the limit");
    else
        status = content_from_file(out, fd, 0, (uint64_t)st.st_size, err);
    close(fd);
    return status;
}

/* Each range of the file costs a descriptor, and a batch holds many messages: small contents are
 * copied instead. */
#define SMALL 4096

static int inline_content(const struct mmff *mmff, uint64_t at, uint64_t size, struct content **out,
                          struct error *err)
{
    uint8_t data[SMALL];

    if (size > sizeof data)
        return content_from_file(out, mmff->window.fd, at, size, err);
    if (file_pread(mmff->window.fd, mmff->settings.name, data, (size_t)size, at, err) != 0) {
        if (err != NULL)
            err->class = ERROR_SOFT;
        return -1;
    }
    return content_from_bytes(out, data, (size_t)size, err);
}

static int make_content(struct mmff *mmff, const struct mmff_part *part, uint64_t *at,
                        struct content **out, struct error *err)
{
    *out = NULL;
    if (part->external[0] != '\0')
        return open_external(mmff, part, out, err);
    if (inline_content(mmff, *at, part->size, out, err) != 0)
        return -1;
    *at += part->size;
    return 0;
}

static int add_contents(struct mmff *mmff, struct error *err)
{
    struct mmff_header *header = &mmff->header;
    struct error failure;
    uint64_t at = header->at;

    header->line_offset = header->start;
    if (make_content(mmff, &header->text, &at, &header->message->text, err) != 0)
        return -1;
    for (size_t i = 0; i < header->part_count && header->fault.code == MMFF_OK; i++) {
        const struct mmff_part *part = &header->parts[i];
        struct content *content;

        if (make_content(mmff, part, &at, &content, err) != 0)
            return -1;
        if (content == NULL)
            break;
        if (message_add_attachment(header->message, part->name, strlen(part->name), content,
                                   &failure) == 0)
            continue;
        if (failure.class != ERROR_DATA)
            return error_set(err, failure.class, failure.status, "%s", failure.text);
        mmff_fault(header, MMFF_PARSER, "unknown parser error (%.80s)", failure.text);
    }
    return 0;
}

/* ---- one message after the other ---- */

static int report_fault(const struct mmff *mmff, struct error *err)
{
    const struct mmff_fault *fault = &mmff->header.fault;

    return error_set(err, ERROR_DATA, "", "%s offset %llu: %03u-%03u-%03u %s", mmff->settings.name,
                     (unsigned long long)fault->offset, (unsigned)fault->code, mmff->number,
                     fault->line, fault->text);
}

/* What is behind the last message that we are ready to read is kept together. */
static int too_many(struct mmff *mmff, struct mmff_place *place, struct error *err)
{
    struct mmff_header *header = &mmff->header;

    header->line = 1;
    header->line_offset = mmff->at;
    mmff_fault(header, MMFF_PARSER, "unknown parser error (more than %d messages)",
               MMFF_MAX_MESSAGES);
    place->end = mmff->window.size;
    mmff->ended = true;
    return report_fault(mmff, err);
}

int mmff_next(struct mmff *mmff, struct message **out, struct mmff_place *place, struct error *err)
{
    struct mmff_header *header = &mmff->header;

    if (mmff->number == 0) {
        int kind = mmff_boundary(&mmff->window, 0, &mmff->at, err);

        if (kind < 0)
            return -1;
        mmff->ended = kind == 0;
    }
    if (mmff->ended)
        return 0;
    mmff_header_clear(header);
    place->number = ++mmff->number;
    place->start = mmff->at;
    if (mmff->number > MMFF_MAX_MESSAGES)
        return too_many(mmff, place, err);
    if (mmff_header_init(header, &mmff->settings, mmff->at, err) != 0 ||
        mmff_header_read(header, &mmff->window, err) != 0 || find_end(mmff, &place->end, err) != 0)
        return -1;
    if (header->fault.code == MMFF_OK && add_contents(mmff, err) != 0)
        return -1;
    if (header->fault.code != MMFF_OK)
        return report_fault(mmff, err);
    *out = header->message;
    header->message = NULL;
    return 1;
}

/* ---- external files ---- */

size_t mmff_external_count(const struct mmff *mmff)
{
    size_t count = mmff->header.text.external[0] != '\0';

    for (size_t i = 0; i < mmff->header.part_count; i++)
        count += mmff->header.parts[i].external[0] != '\0';
    return count;
}

const char *mmff_external(const struct mmff *mmff, size_t index)
{
    const struct mmff_header *header = &mmff->header;

    if (header->text.external[0] != '\0' && index-- == 0)
        return header->text.external;
    for (size_t i = 0; i < header->part_count; i++) {
        if (header->parts[i].external[0] != '\0' && index-- == 0)
            return header->parts[i].external;
    }
    return NULL;
}
