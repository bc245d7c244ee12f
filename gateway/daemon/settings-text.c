/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/settings-int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define SETTINGS_MAX_FILE ((size_t)1024 * 1024)

enum token { TOKEN_PLAIN, TOKEN_QUOTED, TOKEN_SINGLE, TOKEN_LINE_COMMENT, TOKEN_COMMENT };

struct scan {
    char *text;
    size_t size, at;
    unsigned line;
    enum token token;
    unsigned token_line; /* where the present string or comment began */
    unsigned depth;
    unsigned open_line; /* of the outermost brace that is open */
};

static bool at_two(const struct scan *scan, char first, char second)
{
    return scan->text[scan->at] == first && scan->at + 1 < scan->size &&
           scan->text[scan->at + 1] == second;
}

/* "//" begins a comment only where a word would begin: "CORP//HQ" is one word. */
static bool begins_word(const struct scan *scan)
{
    return scan->at == 0 || strchr(" \t\r\n={}(),+", scan->text[scan->at - 1]) != NULL;
}

static void scan_plain(struct scan *scan)
{
    char octet = scan->text[scan->at];

    scan->token_line = scan->line;
    if (octet == '"') {
        scan->token = TOKEN_QUOTED;
    } else if (octet == '\'') {
        scan->token = TOKEN_SINGLE;
    } else if (octet == '#' || (at_two(scan, '/', '/') && begins_word(scan))) {
        scan->token = TOKEN_LINE_COMMENT;
        scan->text[scan->at] = ' ';
    } else if (at_two(scan, '/', '*')) {
        scan->token = TOKEN_COMMENT;
        scan->text[scan->at++] = ' ';
        scan->text[scan->at] = ' ';
    } else if (octet == '{') {
        if (scan->depth++ == 0)
            scan->open_line = scan->line;
    } else if (octet == '}' && scan->depth > 0) {
        scan->depth--;
    }
}

static void scan_string(struct scan *scan, char end)
{
    char octet = scan->text[scan->at];

    if (octet == '\\' && scan->at + 1 < scan->size && scan->text[scan->at + 1] != '\n')
        scan->at++;
    else if (octet == end)
        scan->token = TOKEN_PLAIN;
}

static void scan_comment(struct scan *scan)
{
    bool ends = at_two(scan, '*', '/');

    if (scan->text[scan->at] != '\n')
        scan->text[scan->at] = ' ';
    if (ends) {
        scan->text[++scan->at] = ' ';
        scan->token = TOKEN_PLAIN;
    }
}

static void scan_line_comment(struct scan *scan)
{
    if (scan->text[scan->at] == '\n')
        scan->token = TOKEN_PLAIN;
    else
        scan->text[scan->at] = ' ';
}

static int scan_all(struct scan *scan, const char *path, struct error *err)
{
    for (scan->at = 0; scan->at < scan->size; scan->at++) {
        unsigned char octet = (unsigned char)scan->text[scan->at];

        if ((octet < 0x20 && octet != '\n' && octet != '\t' && octet != '\r') || octet == 0x7F)
            return error_set(err, ERROR_SETUP, "", "%s:%u: control octet 0x%02X: remove it", path,
                             scan->line, octet);
        if (octet == '\r')
            scan->text[scan->at] = ' ';
        switch (scan->token) {
        case TOKEN_PLAIN:
            scan_plain(scan);
            break;
        case TOKEN_QUOTED:
            scan_string(scan, '"');
            break;
        case TOKEN_SINGLE:
            scan_string(scan, '\'');
            break;
        case TOKEN_LINE_COMMENT:
            scan_line_comment(scan);
            break;
        case TOKEN_COMMENT:
            scan_comment(scan);
            break;
        }
        if (octet == '\n') {
            scan->line++;
            if (scan->token == TOKEN_QUOTED || scan->token == TOKEN_SINGLE)
                return error_set(err, ERROR_SETUP, "", "%s:%u: the quotation mark is not closed",
                                 path, scan->token_line);
        }
    }
    if (scan->token == TOKEN_COMMENT)
        return error_set(err, ERROR_SETUP, "", "%s:%u: the comment is not closed: add */", path,
                         scan->token_line);
    if (scan->depth > 0)
        return error_set(err, ERROR_SETUP, "", "%s:%u: this brace is not closed: add }", path,
                         scan->open_line);
    return 0;
}

int settings_read_text(const char *path, char **out, struct error *err)
{
    struct scan scan = {.line = 1, .token = TOKEN_PLAIN};
    uint8_t *data = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int result;

    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "", "cannot open the settings %s", path);
    result = file_read_all(fd, path, SETTINGS_MAX_FILE, &data, &size, err);
    close(fd);
    if (result != 0) {
        if (err != NULL)
            err->class = ERROR_SETUP;
        return -1;
    }
    scan.text = malloc(size + 2);
    if (scan.text == NULL) {
        free(data);
        return error_set(err, ERROR_SETUP, "", "%s: out of memory", path);
    }
    if (size > 0)
        memcpy(scan.text, data, size);
    free(data);
    if (size == 0 || scan.text[size - 1] != '\n')
        scan.text[size++] = '\n';
    scan.text[size] = '\0';
    scan.size = size;
    if (scan_all(&scan, path, err) != 0) {
        free(scan.text);
        return -1;
    }
    *out = scan.text;
    return 0;
}
