/* SPDX-License-Identifier: BSD-2-Clause */
/* tnefdump FILE [DIRECTORY]: what the TNEF reader finds in FILE, as JSON; the data of attachments
 * into files of DIRECTORY, named by their place ("0", "1.0" for one of a message inside). */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "message/ole.h"
#include "message/rtf.h"
#include "message/tnef.h"

struct dump {
    const struct content *content;
    const char *directory; /* or NULL */
};

static void text(json_t *object, const char *key, const char *value)
{
    if (value != NULL)
        json_object_set_new(object, key, json_string(value));
}

static void moment(json_t *object, const char *key, const struct tnef_time *time)
{
    const struct message_date *date = &time->date;

    if (date->set)
        json_object_set_new(object, key,
                            json_sprintf("%04d-%02d-%02d %02d:%02d%s", date->year, date->month,
                                         date->day, date->hour, date->minute,
                                         time->utc ? "Z" : ""));
}

static char *whole(const struct content *content)
{
    struct error err;
    char *out = calloc(1, (size_t)content_size(content) + 1);

    if (out == NULL || content_read(content, 0, out, (size_t)content_size(content), &err) != 0)
        abort();
    return out;
}

static void save(const struct dump *dump, const struct tnef_range *range, const char *place)
{
    struct content *data;
    struct error err;
    char path[4096];
    char *octets;
    FILE *file;

    if (dump->directory == NULL || !range->set)
        return;
    if (tnef_extract(dump->content, range, "/tmp", &data, &err) != 0)
        abort();
    octets = whole(data);
    snprintf(path, sizeof path, "%s/%s", dump->directory, place);
    file = fopen(path, "w");
    if (file == NULL || fwrite(octets, 1, (size_t)content_size(data), file) != content_size(data) ||
        fclose(file) != 0)
        abort();
    free(octets);
    content_free(data);
}

static json_t *message(const struct dump *dump, const struct tnef *tnef, const char *place);

static json_t *attachment(const struct dump *dump, const struct tnef_attachment *each,
                          const char *place)
{
    static const char *const kinds[] = {"file", "ole", "picture", "message"};
    json_t *object = json_object();
    struct error err = {0};
    struct ole ole;

    text(object, "kind", kinds[each->kind]);
    text(object, "title", each->title);
    text(object, "long_name", each->long_name);
    text(object, "short_name", each->short_name);
    text(object, "mime_type", each->mime_type);
    moment(object, "modified", &each->modified);
    json_object_set_new(object, "macbinary", json_boolean(each->macbinary));
    if (each->position != TNEF_NO_POSITION)
        json_object_set_new(object, "position", json_integer(each->position));
    if (each->data.set)
        json_object_set_new(object, "size", json_integer((json_int_t)each->data.size));
    if (each->message != NULL)
        json_object_set_new(object, "message", message(dump, each->message, place));
    if (each->kind == TNEF_OLE && each->data.set &&
        ole_read(dump->content, &each->data, &ole, &err) == 0 && ole.known)
        text(object, "ole_class", ole.class_name);
    save(dump, &each->data, place);
    return object;
}

static void texts(const struct dump *dump, const struct tnef *tnef, json_t *object)
{
    struct rtf_result result;
    struct content *body;
    struct error err = {0};
    char *octets;
    size_t size;

    if (tnef_body(tnef, dump->content, "/tmp", &body, &err) == 0 && body != NULL) {
        octets = whole(body);
        text(object, "body", octets);
        free(octets);
        content_free(body);
    }
    if (tnef_rtf(tnef, dump->content, &octets, &size, &err) != 0 || octets == NULL)
        return;
    text(object, "rtf", octets);
    if (rtf_convert(octets, size, &result, &err) == 0) {
        text(object, "rtf_text", result.text);
        rtf_clear(&result);
    }
    free(octets);
}

static json_t *message(const struct dump *dump, const struct tnef *tnef, const char *place)
{
    json_t *object = json_object(), *list = json_array();
    char inner[256];
    size_t i;

    text(object, "codepage", tnef->codepage);
    text(object, "class", tnef->class);
    text(object, "original_class", tnef->original_class);
    text(object, "subject", tnef->subject);
    text(object, "topic", tnef->topic);
    text(object, "message_id", tnef->message_id);
    text(object, "conversation_id", tnef->conversation_id);
    text(object, "sender_name", tnef->sender_name);
    text(object, "sender_address", tnef->sender_address);
    text(object, "owner_name", tnef->owner_name);
    text(object, "owner_address", tnef->owner_address);
    moment(object, "sent", &tnef->sent);
    moment(object, "start", &tnef->start);
    moment(object, "end", &tnef->end);
    if (tnef->has_owner_id)
        json_object_set_new(object, "owner_id", json_integer(tnef->owner_id));
    if (tnef->response_requested >= 0)
        json_object_set_new(object, "response_requested", json_integer(tnef->response_requested));
    json_object_set_new(object, "bad_checksums", json_integer((json_int_t)tnef->bad_checksums));
    json_object_set_new(object, "malformed", json_integer((json_int_t)tnef->malformed));
    json_object_set_new(object, "recipients", json_integer((json_int_t)tnef->recipients));
    json_object_set_new(object, "truncated", json_boolean(tnef->truncated));
    texts(dump, tnef, object);
    for (i = 0; i < tnef->attachment_count; i++) {
        snprintf(inner, sizeof inner, "%s%s%zu", place, place[0] != '\0' ? "." : "", i);
        json_array_append_new(list, attachment(dump, &tnef->attachments[i], inner));
    }
    json_object_set_new(object, "attachments", list);
    return object;
}

int main(int argc, char **argv)
{
    struct dump dump = {NULL, argc > 2 ? argv[2] : NULL};
    struct content *content;
    struct error err = {0};
    struct tnef *tnef;
    struct stat status;
    json_t *object;
    int fd;

    if (argc < 2 || (fd = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &status) != 0 ||
        content_from_file(&content, fd, 0, (uint64_t)status.st_size, &err) != 0) {
        fprintf(stderr, "tnefdump: cannot open\n");
        return 2;
    }
    if (tnef_read(&tnef, content, "CP1252", &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    dump.content = content;
    object = message(&dump, tnef, "");
    json_dumpf(object, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(object);
    tnef_free(tnef);
    content_free(content);
    close(fd);
    return 0;
}
