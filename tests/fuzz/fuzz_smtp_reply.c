/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as replies: whole and in pieces they mean the same. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/caps.h"
#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void check_reply(const struct reply *reply)
{
    char joined[200];
    struct caps caps;

    REQUIRE(reply->code >= 200 && reply->code <= 599);
    REQUIRE(reply->lines > 0 && reply->lines <= REPLY_LINES_LIMIT);
    REQUIRE(reply->text.size <= REPLY_SIZE_LIMIT);
    for (size_t i = 0; i < reply->text.size; i++) {
        uint8_t c = reply->text.data[i];

        REQUIRE(c == '\n' || (c >= 0x20 && c <= 0x7E));
    }
    reply_join(reply, joined, sizeof joined);
    REQUIRE(strchr(joined, '\n') == NULL);
    caps_read(&caps, reply);
    REQUIRE(strlen(caps.keywords) < sizeof caps.keywords);
    REQUIRE(strlen(caps.mechanisms) < sizeof caps.mechanisms);
}

/* Sums up what was seen, to compare it. */
static uint64_t parse_all(const uint8_t *data, size_t size, size_t piece)
{
    struct reply_parser parser;
    enum reply_result result = REPLY_MORE;
    uint64_t sum = 0;

    reply_parser_init(&parser);
    for (size_t at = 0, used = 0; at < size && result != REPLY_BAD; at += used) {
        result = reply_parse(&parser, data + at, size - at < piece ? size - at : piece, &used);
        if (result == REPLY_DONE) {
            check_reply(&parser.reply);
            sum = sum * 31 + (uint64_t)parser.reply.code * 1000003 + parser.reply.text.size;
        }
    }
    reply_parser_clear(&parser);
    return sum * 4 + (result == REPLY_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = parse_all(data, size, size);

    REQUIRE(whole == parse_all(data, size, 1));
    REQUIRE(whole == parse_all(data, size, 7));
    return 0;
}
