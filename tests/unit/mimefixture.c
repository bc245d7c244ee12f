/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/mimefixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static const char map_text[] = "NORTH/HQ/ANNA\tanna@corp.example\t\t\tAnna Ahlberg\n"
                               "NORTH/HQ/BERT\tbert@corp.example\t\t\tBrandt, Bert (Sales) \"B\"\n"
                               "NORTH/HQ/CLARA\tclara@corp.example\t\t\tClara M\xC3\xBCller, Dr.\n"
                               "NORTH/HQ/DAVID\tdavid@corp.example\t\tpending\tDavid\n"
                               "NORTH/HQ/ELENA\telena@corp.example\t\t\t=?utf-8?Q?x?=\n"
                               "SMTP:frank@old.example\tfrank@corp.example\n"
                               "NORTH/HQ/POSTMASTER\tpm@corp.example\n";

static void load_map(struct mimefixture *f)
{
    char path[] = "/tmp/msmailgw-mime-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, path, map_text, sizeof map_text - 1, &f->err), 0);
    close(fd);
    assert_int_equal(map_load(&f->map, path, NULL, NULL, &f->err), 0);
    unlink(path);
}

void mimefixture_add(struct mimefixture *f, enum address_role role, const char *text)
{
    assert_int_equal(message_add_address(f->message, role, text, strlen(text), &f->err), 0);
}

void mimefixture_begin(struct mimefixture *f)
{
    mime_facts_clear(&f->facts);
    buf_clear(&f->out);
    message_free(f->message);
    assert_int_equal(message_new(&f->message, "NORTH/HQ", "CP850", &f->err), 0);
    f->message->date = (struct message_date){true, 1997, 4, 7, 8, 5};
}

int mimefixture_setup(void **state)
{
    struct mimefixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    load_map(f);
    f->options.map = f->map;
    f->options.domain = "gw.example";
    f->options.timezone = "Europe/Berlin";
    f->options.directory = "/tmp";
    f->options.received_ms = 860400061999;
    buf_init(&f->out, 10000000);
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
    *state = f;
    return 0;
}

int mimefixture_teardown(void **state)
{
    struct mimefixture *f = *state;

    mime_facts_clear(&f->facts);
    buf_clear(&f->out);
    message_free(f->message);
    map_free(f->map);
    free(f);
    return 0;
}

int mimefixture_collect(void *context, const void *data, size_t size, struct error *err)
{
    struct mimefixture *f = context;

    assert_true(size > 0 && size <= MIME_PIECE);
    return buf_append(&f->out, data, size) == 0 ? 0
                                                : error_set(err, ERROR_SOFT, "4.3.1", "sink full");
}

int mimefixture_try(struct mimefixture *f)
{
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct letter *letter;
    int status;

    mime_facts_clear(&f->facts);
    buf_clear(&f->out);
    if (message_fingerprint(f->message, fingerprint, &f->err) != 0)
        return -1;
    if (letter_make(&letter, f->message, fingerprint, &f->options, &f->err) != 0)
        return -1;
    status = mime_write(letter, mimefixture_collect, f, &f->facts, &f->err);
    letter_free(letter);
    return status;
}

static void assert_lines(const struct buf *out)
{
    size_t i, line = 0;

    for (i = 0; i < out->size; i++) {
        uint8_t c = out->data[i];

        assert_true(c < 0x80 && c != 0);
        assert_int_equal(c == '\n', i > 0 && out->data[i - 1] == '\r');
        line = c == '\n' ? 0 : line + 1;
        assert_true(line <= 999); /* 998 and its CR */
    }
    assert_int_equal(line, 0); /* SMTP adds nothing */
}

void mimefixture_write(struct mimefixture *f)
{
    if (mimefixture_try(f) != 0)
        fail_msg("%s", f->err.text);
    assert_lines(&f->out);
    assert_int_equal(f->facts.size, f->out.size);
    assert_int_equal(f->facts.eight_bit, 0);
}

void mimefixture_has(struct mimefixture *f, const char *text)
{
    if (strstr(buf_text(&f->out), text) == NULL)
        fail_msg("no \"%s\" in:\n%s", text, buf_text(&f->out));
}

void mimefixture_lacks(struct mimefixture *f, const char *text)
{
    if (strstr(buf_text(&f->out), text) != NULL)
        fail_msg("\"%s\" in:\n%s", text, buf_text(&f->out));
}

void mimefixture_set_text(struct mimefixture *f, const void *data, size_t size)
{
    content_free(f->message->text);
    f->message->text = NULL;
    assert_int_equal(content_from_bytes(&f->message->text, data, size, &f->err), 0);
}

void mimefixture_set_subject(struct mimefixture *f, const char *subject)
{
    assert_int_equal(message_set_subject(f->message, subject, strlen(subject), &f->err), 0);
}

void mimefixture_attach(struct mimefixture *f, const char *name, const void *data, size_t size)
{
    struct content *content = NULL;

    if (data != NULL)
        assert_int_equal(content_from_bytes(&content, data, size, &f->err), 0);
    assert_int_equal(message_add_attachment(f->message, name, strlen(name), content, &f->err), 0);
}

GMimeMessage *mimefixture_parse(struct mimefixture *f)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(buf_text(&f->out), f->out.size);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

    g_object_unref(parser);
    g_object_unref(stream);
    assert_non_null(message);
    return message;
}

/* Part number N of a parsed message: its octets, with CR LF as LF when it is text. */
static GByteArray *part_octets(GMimeMessage *message, int n)
{
    GMimeObject *object = g_mime_message_get_mime_part(message);
    GByteArray *octets = g_byte_array_new();
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(octets);
    GByteArray *out = g_byte_array_new();
    gboolean text;
    guint i;

    if (GMIME_IS_MULTIPART(object))
        object = g_mime_multipart_get_part(GMIME_MULTIPART(object), n);
    else
        assert_int_equal(n, 0);
    assert_true(GMIME_IS_PART(object));
    text = GMIME_IS_TEXT_PART(object);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(object)), stream);
    for (i = 0; i < octets->len; i++)
        if (!text || octets->data[i] != '\r')
            g_byte_array_append(out, octets->data + i, 1);
    g_object_unref(stream);
    g_byte_array_free(octets, TRUE);
    return out;
}

void mimefixture_part(GMimeMessage *message, int n, const void *data, size_t size)
{
    GByteArray *octets = part_octets(message, n);

    assert_int_equal(octets->len, size);
    assert_memory_equal(octets->data, data, size);
    g_byte_array_free(octets, TRUE);
}
