/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/route.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NETWORK_FILE "GLB/NETWORK.GLB"
#define NETWORK_SIZE 122
#define XTN_SIZE 698
#define MAX_RECORDS 8192
#define MAX_POSTOFFICES 65536 /* records of all XTN files together */
#define SERVICE_FFAPI 0x64

#define NETWORK_SERVICE 0x01
#define NETWORK_NAME 0x02
#define NETWORK_XTN 0x0D
#define NETWORK_MAILBAG 0x21
#define XTN_NAME 0x01
#define XTN_MAILBAG 0x0C
#define NAME_SIZE 11
#define ID_SIZE 9

struct table {
    uint8_t *data;
    size_t count;
};

struct walk {
    struct root *root;
    route_seen *seen;
    void *context;
    struct error *err;
    size_t postoffices; /* records of XTN files so far */
};

int id_parse(const char *text, uint32_t *out)
{
    if (strlen(text) != 8 || strspn(text, "0123456789abcdefABCDEF") != 8)
        return -1;
    *out = (uint32_t)strtoul(text, NULL, 16);
    return 0;
}

void id_make(uint32_t number, char out[9])
{
    snprintf(out, 9, "%08X", (unsigned)number);
}

bool route_same_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static void field(const uint8_t *record, size_t at, size_t size, char *out)
{
    size_t length = strnlen((const char *)record + at, size);

    memcpy(out, record + at, length);
    out[length] = '\0';
}

/* Writes the id again from its number; false when the record does not hold one. */
static bool take_id(const uint8_t *record, size_t at, char out[9])
{
    char digits[ID_SIZE + 1];
    uint32_t number;

    field(record, at, ID_SIZE, digits);
    out[0] = '\0';
    if (id_parse(digits, &number) != 0)
        return false;
    id_make(number, out);
    return true;
}

static int load(struct root *root, const char *name, size_t record, struct table *out,
                struct error *err)
{
    size_t size;
    int status;
    int fd = root_open_file(root, name, O_RDONLY, err);

    if (fd < 0)
        return -1;
    status = file_read_all(fd, name, record * MAX_RECORDS, &out->data, &size, err);
    close(fd);
    if (status != 0)
        return -1;
    if (size % record != 0) {
        free(out->data);
        error_set(err, ERROR_DATA, "", "%s: %zu octets are not a whole number of records of %zu",
                  name, size, record);
        return -1;
    }
    out->count = size / record;
    return 0;
}

static int tell(const struct walk *walk, const struct route *route)
{
    return walk->seen(walk->context, route, walk->err);
}

static int tell_problem(const struct walk *walk, struct route *route, const char *format, ...)
    PRINTF_LIKE(3, 4);

static int tell_problem(const struct walk *walk, struct route *route, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(route->problem, sizeof route->problem, format, args);
    va_end(args);
    route->mailbag[0] = '\0';
    return tell(walk, route);
}

static int walk_xtn(const struct walk *walk, const char *file, const struct table *table,
                    const char *network, enum route_kind kind)
{
    int status = 0;

    for (size_t i = 0; i < table->count && status == 0; i++) {
        const uint8_t *record = table->data + i * XTN_SIZE;
        struct route route = {.kind = kind};
        char name[NAME_SIZE + 1];
        if (record[0] != 1)
            continue;
        field(record, XTN_NAME, NAME_SIZE, name);
        snprintf(route.name, sizeof route.name, "%.11s/%.11s", network, name);
        if (take_id(record, XTN_MAILBAG, route.mailbag))
            status = tell(walk, &route);
        else
            status = tell_problem(walk, &route, "%s: record %zu has no mailbag id", file, i);
    }
    return status;
}

static int walk_gateway(const struct walk *walk, const uint8_t *record, size_t number)
{
    struct route route = {.kind = ROUTE_GATEWAY};

    field(record, NETWORK_NAME, NAME_SIZE, route.name);
    if (take_id(record, NETWORK_MAILBAG, route.mailbag))
        return tell(walk, &route);
    return tell_problem(walk, &route, NETWORK_FILE ": record %zu has no XTN or mailbag id", number);
}

/* The id may name an XTN file, and then each postoffice in it is a route; a gateway's record can
 * hold one that no file has (Q134377). */
static int walk_network(struct walk *walk, const uint8_t *record, const char *id,
                        size_t number)
{
    struct route route = {.kind = ROUTE_POSTOFFICE};
    struct table table;
    struct error err = {0};
    char file[32], mailbag[9];
    int status;

    if (record[NETWORK_SERVICE] == SERVICE_FFAPI)
        route.kind = ROUTE_FFAPI;
    field(record, NETWORK_NAME, NAME_SIZE, route.name);
    snprintf(file, sizeof file, "XTN/%s.XTN", id);
    if (load(walk->root, file, XTN_SIZE, &table, &err) != 0) {
        if (err.sys == ENOENT && take_id(record, NETWORK_MAILBAG, mailbag))
            return walk_gateway(walk, record, number);
        return tell_problem(walk, &route, NETWORK_FILE ": record %zu: %s", number, err.text);
    }
    walk->postoffices += table.count;
    if (walk->postoffices > MAX_POSTOFFICES)
        status = error_set(walk->err, ERROR_DATA, "",
                           NETWORK_FILE ": its XTN files have more than %d records together",
                           MAX_POSTOFFICES);
    else
        status = walk_xtn(walk, file, &table, route.name, route.kind);
    free(table.data);
    return status;
}

static int walk_record(struct walk *walk, const uint8_t *record, size_t number)
{
    char xtn[9];

    if (take_id(record, NETWORK_XTN, xtn))
        return walk_network(walk, record, xtn, number);
    return walk_gateway(walk, record, number);
}

int route_each(struct root *root, route_seen *seen, void *context, struct error *err)
{
    struct walk walk = {root, seen, context, err, 0};
    struct table table;
    int status = 0;

    if (load(root, NETWORK_FILE, NETWORK_SIZE, &table, err) != 0)
        return -1;
    for (size_t i = 0; i < table.count && status == 0; i++) {
        const uint8_t *record = table.data + i * NETWORK_SIZE;
        if (record[0] == 1)
            status = walk_record(&walk, record, i);
    }
    free(table.data);
    return status;
}

struct wanted {
    const char *name;
    struct route *out;
};

/* An unusable network is told by its own name: it concerns all postoffices behind it. */
static bool concerns(const struct route *route, const char *name)
{
    size_t length = strlen(route->name);

    if (route_same_name(route->name, name))
        return true;
    return route->problem[0] != '\0' && strchr(route->name, '/') == NULL &&
           strncasecmp(route->name, name, length) == 0 && name[length] == '/';
}

static int is_wanted(void *context, const struct route *route, struct error *err)
{
    struct wanted *wanted = context;

    if (!concerns(route, wanted->name))
        return 0;
    if (route->problem[0] != '\0')
        return error_set(err, ERROR_SETUP, "", "queue %s: %s", wanted->name, route->problem);
    *wanted->out = *route;
    return 1;
}

int route_find(struct root *root, const char *name, struct route *out, struct error *err)
{
    struct wanted wanted = {name, out};
    int found = route_each(root, is_wanted, &wanted, err);

    if (found > 0)
        return 0;
    if (found < 0)
        return -1;
    return error_set(err, ERROR_SETUP, "",
                     "queue %s: no active record of " NETWORK_FILE " leads to it; check the name",
                     name);
}
