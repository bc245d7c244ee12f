/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/kbfixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct message *kb_message(const char *from, const char *subject, const char *text)
{
    struct message *message;
    struct error err;

    assert_int_equal(message_new(&message, "NET/PO", "CP850", &err), 0);
    assert_int_equal(message_add_address(message, ADDRESS_FROM, from, strlen(from), &err), 0);
    assert_int_equal(message_add_address(message, ADDRESS_TO, "NET/PO/TO", 9, &err), 0);
    assert_int_equal(message_set_subject(message, subject, strlen(subject), &err), 0);
    if (text != NULL)
        assert_int_equal(content_from_bytes(&message->text, text, strlen(text), &err), 0);
    return message;
}

struct message *kb_printed(const char *from, const char *subject, const char *name,
                           const char *tail)
{
    const char *source = getenv("srcdir");
    char path[512], text[8192];
    size_t size;
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/data/headers/%s", source != NULL ? source : ".", name);
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    size = fread(text, 1, sizeof text / 2, file);
    fclose(file);
    snprintf(text + size, sizeof text - size, "%s", tail);
    return kb_message(from, subject, text);
}

void kb_date(struct message *message, int year, int month, int day, int hour, int minute)
{
    message->date = (struct message_date){true, year, month, day, hour, minute};
}
