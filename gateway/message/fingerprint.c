/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/message.h"

#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "message/lineends.h"

#define PIECE 65536

/* A part is its length as eight octets, least significant first, and its octets: no two lists of
 * parts give the same octets. */
static void add_part(GChecksum *sum, const void *data, size_t size)
{
    uint8_t length[8];
    size_t i;

    for (i = 0; i < sizeof length; i++)
        length[i] = (uint8_t)((uint64_t)size >> (8 * i));
    g_checksum_update(sum, length, sizeof length);
    g_checksum_update(sum, data, (gssize)size);
}

/* Names compare without regard to ASCII case (Q103421). */
static void add_folded(GChecksum *sum, const char *text)
{
    char *upper = g_ascii_strup(text, -1);

    add_part(sum, upper, strlen(upper));
    g_free(upper);
}

static void add_addresses(GChecksum *sum, const struct message *message, enum address_role role,
                          const char *letter)
{
    size_t i;

    for (i = 0; i < message->address_count; i++) {
        if (message->addresses[i].role != role)
            continue;
        add_part(sum, letter, 1);
        add_folded(sum, message->addresses[i].text);
    }
}

static void add_date(GChecksum *sum, const struct message_date *date)
{
    char text[80] = "";

    if (date->set)
        snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", date->year, date->month, date->day,
                 date->hour, date->minute);
    add_part(sum, text, strlen(text));
}

static int hash_piece(void *context, const uint8_t *data, size_t size, struct error *err)
{
    (void)err;
    g_checksum_update(context, data, (gssize)size);
    return 0;
}

static int hash_text(GChecksum *sum, const struct content *text, struct error *err)
{
    struct lineends *lineends = g_new(struct lineends, 1);
    uint8_t *piece = g_malloc(PIECE);
    uint64_t at, size = text != NULL ? content_size(text) : 0;
    int status = 0;

    lineends_init(lineends, hash_piece, sum);
    for (at = 0; at < size && status == 0;) {
        size_t some = (size_t)MIN(size - at, PIECE);
        status = content_read(text, at, piece, some, err);
        if (status == 0)
            status = lineends_add(lineends, piece, some, err);
        at += some;
    }
    if (status == 0)
        status = lineends_end(lineends, err);
    g_free(piece);
    g_free(lineends);
    return status;
}

static int add_text(GChecksum *sum, const struct content *text, struct error *err)
{
    GChecksum *inner = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t digest[FINGERPRINT_SIZE];
    gsize length = sizeof digest;
    int status = hash_text(inner, text, err);

    if (status == 0) {
        g_checksum_get_digest(inner, digest, &length);
        add_part(sum, digest, length);
    }
    g_checksum_free(inner);
    return status;
}

static int add_attachment(GChecksum *sum, const struct message_attachment *attachment,
                          struct error *err)
{
    uint8_t digest[FINGERPRINT_SIZE];

    add_part(sum, attachment->name, strlen(attachment->name));
    if (attachment->content == NULL) {
        add_part(sum, "", 0);
        return 0;
    }
    if (content_hash(attachment->content, digest, err) != 0)
        return -1;
    add_part(sum, digest, sizeof digest);
    return 0;
}

int message_fingerprint(const struct message *message, uint8_t out[FINGERPRINT_SIZE],
                        struct error *err)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize length = FINGERPRINT_SIZE;
    size_t i;
    int status;

    add_folded(sum, message->postoffice);
    add_addresses(sum, message, ADDRESS_FROM, "F");
    add_addresses(sum, message, ADDRESS_TO, "T");
    add_addresses(sum, message, ADDRESS_CC, "C");
    add_date(sum, &message->date);
    add_part(sum, message->subject, strlen(message->subject));
    status = add_text(sum, message->text, err);
    for (i = 0; i < message->attachment_count && status == 0; i++)
        status = add_attachment(sum, &message->attachments[i], err);
    if (status == 0)
        g_checksum_get_digest(sum, out, &length);
    g_checksum_free(sum);
    return status;
}

void fingerprint_octets(const void *data, size_t size, uint8_t out[FINGERPRINT_SIZE])
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize length = FINGERPRINT_SIZE;

    g_checksum_update(sum, data, (gssize)size);
    g_checksum_get_digest(sum, out, &length);
    g_checksum_free(sum);
}

void fingerprint_hex(const uint8_t fingerprint[FINGERPRINT_SIZE], char out[FINGERPRINT_HEX_SIZE])
{
    size_t i;

    for (i = 0; i < FINGERPRINT_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", fingerprint[i]);
}
