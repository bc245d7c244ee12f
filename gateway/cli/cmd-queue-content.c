/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a message in the queue: as it is, and into a file. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cmd-queue.h"
#include "cli/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static int find_size(void *context, const struct store_view *view)
{
    *(uint64_t *)context = view->size;
    return 1;
}

int queue_each_piece(struct store *store, uint64_t id, queue_seen *seen, void *context,
                     struct error *err)
{
    struct store_filter filter = {.id = id};
    uint64_t offset = 0, size = UINT64_MAX;
    size_t got = 1;
    char *piece;
    int result = -1;

    if (store_list(store, &filter, find_size, &size, err) != 0)
        return -1;
    if (size == UINT64_MAX)
        return error_set(err, ERROR_DATA, "", "there is no message %llu", (unsigned long long)id);
    piece = malloc(STORE_CHUNK_SIZE);
    if (piece == NULL)
        return error_set(err, ERROR_SOFT, "", "out of memory");
    while (got > 0) {
        if (store_read_content(store, id, offset, piece, STORE_CHUNK_SIZE, &got, err) != 0 ||
            (got > 0 && seen(context, piece, got, err) != 0))
            goto out;
        offset += got;
    }
    if (offset != size)
        error_set(err, ERROR_DATA, "",
                  offset == 0 ? "the content of message %llu was freed after it was relayed "
                                "(keep-days)"
                              : "the content of message %llu is incomplete",
                  (unsigned long long)id);
    else
        result = 0;
out:
    free(piece);
    return result;
}

/* Lines of the content: as they are, or one JSON object each. */
struct lines {
    struct output *out;
    bool headers_only, ended, json;
    char line[4096]; /* ours never exceed 998 octets */
    size_t held;
};

static const struct output_column line_columns[] = {{"line", NULL, 0}};

static int show_line(struct lines *lines, struct error *err)
{
    size_t size = lines->held;

    lines->held = 0;
    if (!lines->json) {
        if (text_write_message(stdout, lines->line, size) != 0)
            return error_sys(err, ERROR_SOFT, "", "cannot write the message");
        return 0;
    }
    while (size > 0 && (lines->line[size - 1] == '\n' || lines->line[size - 1] == '\r'))
        size--;
    lines->line[size] = '\0';
    output_begin(lines->out, OUTPUT_LINES, "line", NULL, NULL, line_columns, 1);
    output_exact(lines->out, lines->line);
    output_row_end(lines->out);
    output_end(lines->out);
    return 0;
}

static int see_lines(void *context, const char *data, size_t size, struct error *err)
{
    struct lines *lines = context;

    for (size_t i = 0; i < size && !lines->ended; i++) {
        lines->line[lines->held++] = data[i];
        if (data[i] != '\n' && lines->held < sizeof lines->line - 1)
            continue;
        lines->ended = lines->headers_only && strspn(lines->line, "\r\n") >= lines->held;
        if (!lines->ended && show_line(lines, err) != 0)
            return -1;
    }
    return 0;
}

int queue_show_content(struct cli *cli, uint64_t id, bool headers_only)
{
    struct lines *lines = calloc(1, sizeof *lines);
    struct error err;
    int result = -1;

    if (lines == NULL)
        return cli_wrong(CLI_WRONG, "out of memory");
    lines->out = cli->out;
    lines->json = cli->json;
    lines->headers_only = headers_only;
    if (queue_each_piece(cli->store, id, see_lines, lines, &err) == 0 &&
        (lines->ended || lines->held == 0 || show_line(lines, &err) == 0))
        result = 0;
    free(lines);
    return result == 0 ? CLI_DONE : cli_fail(&err);
}

/* ---- export ---- */

struct export_file {
    const char *path;
    int fd;
};

static int write_piece(void *context, const char *data, size_t size, struct error *err)
{
    const struct export_file *file = context;

    return file_write_all(file->fd, file->path, data, size, err);
}

/* The name of a new file is durable only after its directory is. */
static int sync_directory(const char *path, struct error *err)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = fd >= 0 ? fsync(fd) : -1;

    if (result != 0)
        error_sys(err, ERROR_SOFT, "", "cannot make %s durable", path);
    if (fd >= 0)
        close(fd);
    free(copy);
    return result;
}

/* An existing file is replaced (FORCE) only by a whole one. */
static int export_message(struct store *store, uint64_t id, const char *path, bool force,
                          struct error *err)
{
    char *whole = NULL;
    struct export_file file = {path, -1};
    int result;

    if (force && asprintf(&whole, "%s.part", path) < 0)
        return error_set(err, ERROR_SOFT, "", "out of memory");
    if (force)
        file.path = whole;
    file.fd = open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file.fd < 0) {
        result = error_sys(err, ERROR_SETUP, "", "cannot make %s%s", file.path,
                           errno == EEXIST && !force ? " (--force replaces it)" : "");
        free(whole);
        return result;
    }
    result = queue_each_piece(store, id, write_piece, &file, err);
    if (result == 0 && fsync(file.fd) != 0)
        result = error_sys(err, ERROR_SOFT, "", "cannot write %s", file.path);
    if (close(file.fd) != 0 && result == 0)
        result = error_sys(err, ERROR_SOFT, "", "cannot write %s", file.path);
    if (result == 0 && force && rename(whole, path) != 0)
        result = error_sys(err, ERROR_SETUP, "", "cannot make %s", path);
    if (result == 0)
        result = sync_directory(path, err);
    if (result != 0)
        unlink(file.path);
    free(whole);
    return result;
}

static int write_stdout(void *context, const char *data, size_t size, struct error *err)
{
    (void)context;
    return fwrite(data, 1, size, stdout) == size
               ? 0
               : error_sys(err, ERROR_SOFT, "", "cannot write the message");
}

int cmd_queue_export(struct cli *cli, int argc, char **argv)
{
    static const struct output_column columns[] = {{"id", "ID", 0}, {"file", "File", 0}};
    struct cli_flag flags[] = {{"force", false, NULL}};
    struct error err;
    uint64_t id;
    int status = cli_flags(cli, &argc, &argv, flags, 1, 2, 2,
                           "queue export ID FILE [--force]; FILE \"-\" is the standard output");

    if (status != 0)
        return status;
    if (text_parse_number(argv[0], &id) != 0)
        return cli_wrong(CLI_USAGE, "\"%s\" is not the ID of a message", argv[0]);
    status = cli_store(cli);
    if (status != 0)
        return status;
    if (strcmp(argv[1], "-") == 0)
        return queue_each_piece(cli->store, id, write_stdout, NULL, &err) == 0 ? CLI_DONE
                                                                               : cli_fail(&err);
    if (export_message(cli->store, id, argv[1], flags[0].value != NULL, &err) != 0)
        return cli_fail(&err);
    output_begin(cli->out, OUTPUT_RECORD, "export", NULL, NULL, columns, COUNT_OF(columns));
    output_number(cli->out, id);
    output_text(cli->out, argv[1]);
    output_row_end(cli->out);
    output_end(cli->out);
    return CLI_DONE;
}
