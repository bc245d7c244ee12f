/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue that is full already: adds COUNT messages of SIZE octets, due now, one recipient each, to
 * the store at PATH, as intake does, in transactions of 500.
 *
 *   fill PATH COUNT SIZE [BEHIND]
 *
 * BEHIND: so many messages of another call are there already.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/store.h"

#define GROUP 500 /* messages of one transaction */
#define LIFETIME_MS INT64_C(432000000)
#define TEXT_WIDTH 76

static void fail(const struct error *err)
{
    fprintf(stderr, "fill: %s\n", err->text);
    exit(1);
}

static void make_content(char *content, size_t size, unsigned long number)
{
    int head = snprintf(content, size,
                        "From: <sender@corp.example>\r\nTo: <user@corp.example>\r\n"
                        "Subject: number %lu\r\nMessage-ID: <%lu@bench.test>\r\n\r\n",
                        number, number);
    size_t begin = (size_t)head;

    for (size_t at = begin; at < size; at++)
        content[at] = (char)('a' + at % 26);
    for (size_t at = begin + TEXT_WIDTH; at + 4 < size; at += TEXT_WIDTH + 2)
        memcpy(content + at, "\r\n", 2);
    memcpy(content + size - 2, "\r\n", 2);
}

static int add_content(struct store *store, uint64_t id, const char *content, size_t size,
                       struct error *err)
{
    for (size_t at = 0; at < size; at += STORE_CHUNK_SIZE) {
        size_t part = size - at < STORE_CHUNK_SIZE ? size - at : STORE_CHUNK_SIZE;
        if (store_add_content(store, id, content + at, part, err) != 0)
            return -1;
    }
    return 0;
}

static int add(struct store *store, char *content, size_t size, unsigned long number,
               struct error *err)
{
    int64_t now = clock_now_ms();
    char fingerprint[65], id[64], subject[32];
    struct store_message message = {
        .fingerprint = fingerprint,
        .postoffice = "BENCH/PO",
        .queue = "BENCH/EXCH",
        .mailbag = "0000002E",
        .mai = "00000001",
        .sender = "sender@corp.example",
        .message_id = id,
        .subject = subject,
        .received_ms = now,
        .expires_ms = now + LIFETIME_MS,
        .size = size,
    };

    snprintf(fingerprint, sizeof fingerprint, "%064lx", number);
    snprintf(id, sizeof id, "<%lu@bench.test>", number);
    snprintf(subject, sizeof subject, "number %lu", number);
    make_content(content, size, number);
    if (store_add_message(store, &message, err) != 0 ||
        add_content(store, message.id, content, size, err) != 0)
        return -1;
    return store_add_recipient(store, message.id, "BENCH/PO/USER", "user@corp.example",
                               RECIPIENT_QUEUED, now, now, "", "", err);
}

int main(int argc, char **argv)
{
    unsigned long count, size, behind;
    struct store *store;
    struct error err = {0};
    char uri[4096], *content;

    if (argc < 4 || argc > 5 || (size = strtoul(argv[3], NULL, 10)) < 256) {
        fputs("usage: fill PATH COUNT SIZE [BEHIND]\n", stderr);
        return 2;
    }
    count = strtoul(argv[2], NULL, 10);
    behind = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
    content = malloc(size + 1);
    snprintf(uri, sizeof uri, "sqlite:%s", argv[1]);
    if (content == NULL || store_open(&store, uri, true, &err) != 0)
        fail(&err);
    for (unsigned long i = 0; i < count; i++) {
        if (i % GROUP == 0 && store_begin(store, &err) != 0)
            fail(&err);
        if (add(store, content, size, behind + i + 1, &err) != 0)
            fail(&err);
        if ((i % GROUP == GROUP - 1 || i + 1 == count) && store_commit(store, &err) != 0)
            fail(&err);
    }
    store_close(store);
    free(content);
    return 0;
}
