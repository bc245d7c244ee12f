/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ceiling of what a sender can do on this machine: it makes one message of SIZE octets and
 * sends it COUNT times, reads and writes no file, and keeps DEPTH messages in flight on each of its
 * connections.
 *
 *   ceiling PORT COUNT SIZE CONNECTIONS DEPTH bdat|data plain|tls
 *
 * "data" has one content in flight whatever DEPTH says: commands go out together, the content after
 * the 354, and the next envelope with it. It prints the seconds from the first connection to the
 * last reply. Any reply but the expected one ends it with status 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bench/wire.h"

#define READ_SIZE 65536
#define EVENTS 64
#define LINE_MAX_SIZE 1000
#define TEXT_WIDTH 76

struct load {
    unsigned long count, size;
    unsigned port, connections, depth;
    bool chunking, tls;
    SSL_CTX *context;
    char *envelope, *content; /* what one message is, ready to send */
    size_t envelope_size, content_size;
    unsigned long begun, ended;
};

struct flow {
    struct wire wire;
    unsigned flying;  /* messages that are begun and not ended */
    unsigned replies; /* of the first of these */
    char line[LINE_MAX_SIZE];
    size_t line_size;
};

static char *make_content(size_t size)
{
    static const char head[] = "From: <sender@corp.example>\r\nTo: <user@corp.example>\r\n"
                               "Subject: ceiling\r\nMessage-ID: <ceiling@corp.example>\r\n\r\n";
    char *content = malloc(size + 1);
    size_t used = sizeof head - 1;

    if (content == NULL || size < sizeof head + 2)
        wire_die("SIZE");
    memcpy(content, head, used);
    for (size_t column = 0; used < size - 2; used++, column++)
        content[used] = (char)('a' + column % 26);
    for (size_t at = sizeof head - 1 + TEXT_WIDTH; at + 4 < size; at += TEXT_WIDTH + 2)
        memcpy(content + at, "\r\n", 2);
    memcpy(content + size - 2, "\r\n", 3);
    return content;
}

static void make_message(struct load *load)
{
    char envelope[400];
    int used = snprintf(envelope, sizeof envelope,
                        "MAIL FROM:<sender@corp.example> SIZE=%lu\r\n"
                        "RCPT TO:<user@corp.example>\r\n",
                        load->size);
    if (load->chunking)
        used += snprintf(envelope + used, sizeof envelope - (size_t)used, "BDAT %lu LAST\r\n",
                         load->size);
    else
        used += snprintf(envelope + used, sizeof envelope - (size_t)used, "DATA\r\n");
    load->envelope = strdup(envelope);
    load->envelope_size = (size_t)used;
    load->content = make_content(load->size);
    load->content_size = load->size;
}

static void begin_message(struct load *load, struct flow *flow)
{
    load->begun++;
    flow->flying++;
    wire_put(&flow->wire, load->envelope, load->envelope_size);
    if (load->chunking)
        wire_put(&flow->wire, load->content, load->content_size);
}

static void fill(struct load *load, struct flow *flow)
{
    unsigned depth = load->chunking ? load->depth : 1;

    while (flow->flying < depth && load->begun < load->count)
        begin_message(load, flow);
}

/* The content, and in its flight the envelope of the next message (RFC 2920, 3.1). */
static void answer_354(struct load *load, struct flow *flow)
{
    wire_put(&flow->wire, load->content, load->content_size);
    wire_put(&flow->wire, ".\r\n", 3);
    if (load->begun < load->count)
        begin_message(load, flow);
}

/* One reply line: three for a message, four with DATA. */
static void take_reply(struct load *load, struct flow *flow)
{
    unsigned last = load->chunking ? 3 : 4;
    char expected = !load->chunking && flow->replies == 2 ? '3' : '2';

    if (flow->line[0] != expected) {
        fprintf(stderr, "unexpected reply: %s\n", flow->line);
        exit(1);
    }
    flow->replies++;
    if (expected == '3')
        answer_354(load, flow);
    if (flow->replies < last)
        return;
    flow->replies = 0;
    flow->flying--;
    load->ended++;
}

/* The line is complete when it ends in LF. */
static bool collect(struct flow *flow, char octet)
{
    if (flow->line_size + 1 < sizeof flow->line)
        flow->line[flow->line_size++] = octet;
    if (octet != '\n')
        return false;
    flow->line[flow->line_size] = '\0';
    flow->line_size = 0;
    return true;
}

static void watch(int epoll, int operation, struct flow *flow, bool sent)
{
    struct epoll_event event = {.events = EPOLLIN | (sent ? 0U : (unsigned)EPOLLOUT),
                                .data.ptr = flow};

    if (epoll_ctl(epoll, operation, flow->wire.fd, &event) != 0)
        wire_die("epoll");
}

static void serve(struct load *load, struct flow *flow, int epoll)
{
    char octets[READ_SIZE];
    size_t size;

    while ((size = wire_read(&flow->wire, octets, sizeof octets)) > 0) {
        for (size_t i = 0; i < size; i++) {
            if (collect(flow, octets[i]))
                take_reply(load, flow);
        }
    }
    if (flow->wire.failed)
        wire_die("the receiver ended a connection");
    fill(load, flow);
    watch(epoll, EPOLL_CTL_MOD, flow, wire_flush(&flow->wire));
}

/* ---- the beginning, one step after the other ---- */

/* Reads a reply to its last line, on a connection where nothing else is under way. */
static void expect(struct flow *flow, char code)
{
    char octet;

    for (;;) {
        if (wire_read(&flow->wire, &octet, 1) == 0) {
            if (flow->wire.failed)
                wire_die("the greeting");
            continue;
        }
        if (!collect(flow, octet))
            continue;
        if (flow->line[0] != code)
            wire_die(flow->line);
        if (flow->line[3] == ' ')
            return;
    }
}

static void say(struct flow *flow, const char *line)
{
    wire_put(&flow->wire, line, strlen(line));
    while (!wire_flush(&flow->wire) && !flow->wire.failed)
        ;
}

static struct flow *begin(const struct load *load)
{
    struct flow *flow = calloc(1, sizeof *flow);

    if (flow == NULL)
        wire_die("memory");
    wire_init(&flow->wire, wire_connect(load->port));
    expect(flow, '2');
    say(flow, "EHLO ceiling.test\r\n");
    expect(flow, '2');
    if (load->tls) {
        say(flow, "STARTTLS\r\n");
        expect(flow, '2');
        wire_secure(&flow->wire, load->context, false);
        say(flow, "EHLO ceiling.test\r\n");
        expect(flow, '2');
    }
    return flow;
}

static void run(struct load *load)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS];

    for (unsigned i = 0; i < load->connections; i++) {
        struct flow *flow = begin(load);
        fill(load, flow);
        watch(epoll, EPOLL_CTL_ADD, flow, wire_flush(&flow->wire));
    }
    while (load->ended < load->count) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++)
            serve(load, events[i].data.ptr, epoll);
    }
}

int main(int argc, char **argv)
{
    struct load load = {0};
    double began;

    if (argc != 8) {
        fputs("usage: ceiling PORT COUNT SIZE CONNECTIONS DEPTH bdat|data plain|tls\n", stderr);
        return 2;
    }
    load.port = (unsigned)strtoul(argv[1], NULL, 10);
    load.count = strtoul(argv[2], NULL, 10);
    load.size = strtoul(argv[3], NULL, 10);
    load.connections = (unsigned)strtoul(argv[4], NULL, 10);
    load.depth = (unsigned)strtoul(argv[5], NULL, 10);
    load.chunking = strcmp(argv[6], "bdat") == 0;
    load.tls = strcmp(argv[7], "tls") == 0;
    load.context = SSL_CTX_new(TLS_client_method());
    make_message(&load);
    began = wire_now();
    run(&load);
    printf("%.6f\n", wire_now() - began);
    return 0;
}
