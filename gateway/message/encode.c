/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/encode.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define PIECE 8192
#define PENDING 8 /* octets of one unfinished character of UTF-8; at most 3 are needed */
#define LINE_MAX_OCTETS 1048576
#define NAME_SIZE 64

struct encoder {
    iconv_t exact;  /* characters as they are */
    iconv_t nearby; /* what stands for those that the code page lacks */
    encode_emit *emit;
    void *context;
    size_t lost;
    size_t pending;
    char input[PENDING + PIECE];
};

static bool is_open(iconv_t cd)
{
    return (intptr_t)cd != -1;
}

int encoder_new(struct encoder **out, const char *codepage, encode_emit *emit, void *context,
                struct error *err)
{
    struct encoder *encoder = calloc(1, sizeof *encoder);
    char name[NAME_SIZE];

    if (encoder == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory");
    snprintf(name, sizeof name, "%.40s//TRANSLIT", codepage);
    encoder->exact = iconv_open(codepage, "UTF-8");
    encoder->nearby = iconv_open(name, "UTF-8");
    encoder->emit = emit;
    encoder->context = context;
    if (!is_open(encoder->exact) || !is_open(encoder->nearby)) {
        error_sys(err, errno == ENOMEM ? ERROR_SOFT : ERROR_SETUP, "",
                  "code page \"%.40s\" is not known to this system's iconv", codepage);
        encoder_free(encoder);
        return -1;
    }
    *out = encoder;
    return 0;
}

void encoder_free(struct encoder *encoder)
{
    if (encoder == NULL)
        return;
    if (is_open(encoder->exact))
        iconv_close(encoder->exact);
    if (is_open(encoder->nearby))
        iconv_close(encoder->nearby);
    free(encoder);
}

size_t encoder_lost(const struct encoder *encoder)
{
    return encoder->lost;
}

/* Octets of the character that begins at DATA, at most SIZE: one when it is no UTF-8. */
static size_t character(const char *data, size_t size)
{
    size_t length = 1;

    if ((data[0] & 0x80) != 0)
        while (length < size && length < 4 && ((unsigned char)data[length] & 0xC0) == 0x80)
            length++;
    return length;
}

/* The character at *FROM has no place in the code page: what iconv writes for it, else '?'. */
static int replace(struct encoder *encoder, char **from, size_t *left, struct error *err)
{
    size_t length = character(*from, *left), in = length, room;
    char out[64], *to = out, *at = *from;

    room = sizeof out;
    iconv(encoder->nearby, NULL, NULL, NULL, NULL);
    if (iconv(encoder->nearby, &at, &in, &to, &room) == (size_t)-1 || in != 0 || to == out) {
        out[0] = '?';
        to = out + 1;
    }
    encoder->lost++;
    *from += length;
    *left -= length;
    return encoder->emit(encoder->context, out, (size_t)(to - out), err);
}

/* Whether the octets that are left may be the beginning of a character. */
static bool unfinished(const char *from, size_t left)
{
    unsigned char lead = (unsigned char)from[0];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;

    return lead >= 0xC2 && lead <= 0xF4 && left < want && character(from, left) == left;
}

static int convert(struct encoder *encoder, char **from, size_t *left, struct error *err)
{
    while (*left > 0) {
        char out[PIECE], *to = out;
        size_t room = sizeof out;
        int reason = iconv(encoder->exact, from, left, &to, &room) == (size_t)-1 ? errno : 0;

        if (to != out && encoder->emit(encoder->context, out, (size_t)(to - out), err) != 0)
            return -1;
        if (*left == 0 || reason == E2BIG)
            continue;
        if (unfinished(*from, *left))
            break;
        if (replace(encoder, from, left, err) != 0)
            return -1;
    }
    return 0;
}

static int add_piece(struct encoder *encoder, const char *utf8, size_t size, struct error *err)
{
    char *from = encoder->input;
    size_t left = encoder->pending + size;

    memcpy(encoder->input + encoder->pending, utf8, size);
    if (convert(encoder, &from, &left, err) != 0)
        return -1;
    memmove(encoder->input, from, left);
    encoder->pending = left;
    return 0;
}

int encoder_add(struct encoder *encoder, const char *utf8, size_t size, struct error *err)
{
    while (size > 0) {
        size_t some = size < PIECE ? size : PIECE;

        if (add_piece(encoder, utf8, some, err) != 0)
            return -1;
        utf8 += some;
        size -= some;
    }
    return 0;
}

int encoder_end(struct encoder *encoder, struct error *err)
{
    char out[64], *to = out;
    size_t room = sizeof out;

    if (encoder->pending != 0) {
        encoder->pending = 0;
        encoder->lost++;
        if (encoder->emit(encoder->context, "?", 1, err) != 0)
            return -1;
    }
    iconv(encoder->exact, NULL, NULL, &to, &room);
    return to == out ? 0 : encoder->emit(encoder->context, out, (size_t)(to - out), err);
}

static int collect(void *context, const void *data, size_t size, struct error *err)
{
    if (buf_append(context, data, size) == 0)
        return 0;
    return error_set(err, ERROR_SOFT, "4.3.0", "a line is too long, or there is no memory");
}

int encode_line(const char *codepage, const char *utf8, char **out, size_t *lost, struct error *err)
{
    struct encoder *encoder = NULL;
    struct buf line;
    int status;

    buf_init(&line, LINE_MAX_OCTETS);
    if (encoder_new(&encoder, codepage, collect, &line, err) != 0 || encoder == NULL)
        return -1;
    status = encoder_add(encoder, utf8, strlen(utf8), err);
    if (status == 0)
        status = encoder_end(encoder, err);
    if (lost != NULL)
        *lost += encoder_lost(encoder);
    encoder_free(encoder);
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] < 0x20 || line.data[i] == 0x7F)
            line.data[i] = ' ';
    *out = status == 0 ? buf_steal(&line) : NULL;
    buf_clear(&line);
    if (status == 0 && *out == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory");
    return status;
}
