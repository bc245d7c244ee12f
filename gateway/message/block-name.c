/* SPDX-License-Identifier: BSD-2-Clause */
/* The people in a line of a header block. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/address.h"
#include "message/block-int.h"

void names_clear(struct block_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].name);
        free(names->items[i].address);
    }
    free(names->items);
    memset(names, 0, sizeof *names);
}

/* Where the bracket of an address "(MS:NET/PO/USER)" opens in START..END, or END. A remark in
 * brackets, "(local)", belongs to the name. */
static const char *find_bracket(const char *start, const char *end)
{
    const char *open = end;

    if (start == end || end[-1] != ')')
        return end;
    for (const char *at = start; at < end; at++)
        if (*at == '(')
            open = at;
    if (open < end && memchr(open, ':', (size_t)(end - open)) == NULL)
        return end;
    return open;
}

static int add_name(struct block_names *out, const char *start, const char *end, struct error *err)
{
    struct block_name *items;
    struct block_name name;
    const char *bracket;
    char *inside = NULL;

    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    bracket = find_bracket(start, end);
    if (bracket < end)
        inside = text_trimmed(bracket + 1, end - 1);
    end = bracket;
    while (end > start && end[-1] == ' ')
        end--;
    if (end - start >= 2 && (*start == '\'' || *start == '"') && end[-1] == *start) {
        start++;
        end--;
    }
    name.name = text_trimmed(start, end);
    name.address = strdup(inside != NULL ? address_native(inside) : "");
    free(inside);
    items = realloc(out->items, (out->count + 1) * sizeof *items);
    if (items != NULL)
        out->items = items;
    if (items == NULL || name.name == NULL || name.address == NULL) {
        free(name.name);
        free(name.address);
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for the names of a header block");
    }
    out->items[out->count++] = name;
    return 0;
}

static bool blank(const char *start, const char *end)
{
    while (start < end && *start == ' ')
        start++;
    return start == end;
}

int names_parse(struct block_names *out, const char *value, struct error *err)
{
    while (*value != '\0') {
        const char *end = value + strcspn(value, ";");

        if (!blank(value, end) && add_name(out, value, end, err) != 0)
            return -1;
        value = *end == ';' ? end + 1 : end;
    }
    return 0;
}

const char *block_display(const struct block *block, const struct message *message, size_t index)
{
    const struct message_address *address = &message->addresses[index];
    const struct block_names *names = address->role == ADDRESS_FROM ? &block->from
                                      : address->role == ADDRESS_TO ? &block->to
                                                                    : &block->cc;
    size_t place = 0, count = 0;
    const struct block_name *item;

    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].name[0] != '\0' &&
            strcasecmp(names->items[i].address, address->text) == 0)
            return names->items[i].name;
    for (size_t i = 0; i < message->address_count; i++) {
        if (message->addresses[i].role != address->role)
            continue;
        place += i < index ? 1 : 0;
        count++;
    }
    if (count != names->count)
        return NULL;
    item = &names->items[place];
    /* One with another address in its brackets is somebody else. */
    return item->name[0] != '\0' && item->address[0] == '\0' ? item->name : NULL;
}
