/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line with latency: passes each connection to its port on to TARGET, each octet MS milliseconds
 * later, both ways. Nothing is lost, reordered or slowed down beyond that.
 *
 *   delay TARGET MS
 *
 * It prints "port N" and ends with its standard input.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/wire.h"

#define READ_SIZE 65536
#define LINES_MAX 256 /* connections at a time */

struct parcel {
    struct parcel *next;
    double due;
    size_t size, sent;
    char octets[];
};

/* One direction of a connection. */
struct way {
    struct wire *from, *to;
    struct parcel *first, **last;
    bool ended;
};

struct line {
    struct wire ends[2];
    struct way ways[2];
};

struct delay {
    struct line *lines[LINES_MAX];
    size_t count;
    unsigned target;
    double seconds;
    int listener;
};

static void open_line(struct delay *delay)
{
    int fd = accept(delay->listener, NULL, NULL);
    struct line *line;

    if (fd < 0)
        return;
    line = calloc(1, sizeof *line);
    if (line == NULL || delay->count == LINES_MAX)
        wire_die("too many connections");
    wire_init(&line->ends[0], fd);
    wire_init(&line->ends[1], wire_connect(delay->target));
    for (int i = 0; i < 2; i++) {
        line->ways[i] = (struct way){.from = &line->ends[i], .to = &line->ends[!i]};
        line->ways[i].last = &line->ways[i].first;
    }
    delay->lines[delay->count++] = line;
}

static void take(struct way *way, double due)
{
    char octets[READ_SIZE];
    size_t size;

    while (!way->ended && (size = wire_read(way->from, octets, sizeof octets)) > 0) {
        struct parcel *parcel = malloc(sizeof *parcel + size);
        if (parcel == NULL)
            wire_die("memory");
        *parcel = (struct parcel){.due = due, .size = size};
        memcpy(parcel->octets, octets, size);
        *way->last = parcel;
        way->last = &parcel->next;
    }
    way->ended = way->ended || way->from->failed;
}

static void pass_on(struct way *way, double now)
{
    while (way->first != NULL && way->first->due <= now) {
        struct parcel *parcel = way->first;
        ssize_t sent = send(way->to->fd, parcel->octets + parcel->sent, parcel->size - parcel->sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            parcel->sent += (size_t)sent;
        if (parcel->sent != parcel->size)
            return;
        way->first = parcel->next;
        if (way->first == NULL)
            way->last = &way->first;
        free(parcel);
    }
    if (way->ended && way->first == NULL)
        shutdown(way->to->fd, SHUT_WR);
}

static bool is_over(const struct line *line)
{
    return line->ways[0].ended && line->ways[1].ended && line->ways[0].first == NULL &&
           line->ways[1].first == NULL;
}

static void close_line(struct delay *delay, size_t at)
{
    struct line *line = delay->lines[at];

    wire_clear(&line->ends[0]);
    wire_clear(&line->ends[1]);
    free(line);
    delay->lines[at] = delay->lines[--delay->count];
}

/* Milliseconds until the next parcel is due; -1: there is none. */
static int until_due(const struct delay *delay, double now)
{
    double next = -1;

    for (size_t i = 0; i < delay->count; i++) {
        for (int w = 0; w < 2; w++) {
            const struct parcel *parcel = delay->lines[i]->ways[w].first;
            if (parcel != NULL && (next < 0 || parcel->due < next))
                next = parcel->due;
        }
    }
    if (next < 0)
        return -1;
    return next <= now ? 1 : (int)((next - now) * 1000) + 1;
}

static size_t list(const struct delay *delay, struct pollfd *items)
{
    size_t used = 2;

    items[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    items[1] = (struct pollfd){.fd = delay->listener, .events = POLLIN};
    for (size_t i = 0; i < delay->count; i++) {
        for (int w = 0; w < 2; w++) {
            const struct way *way = &delay->lines[i]->ways[w];
            items[used++] =
                (struct pollfd){.fd = way->ended ? -1 : way->from->fd, .events = POLLIN};
        }
    }
    return used;
}

static void run(struct delay *delay)
{
    struct pollfd items[2 + 2 * LINES_MAX];
    char octet;

    for (;;) {
        double now = wire_now();
        poll(items, list(delay, items), until_due(delay, now));
        if (items[0].revents != 0 && read(STDIN_FILENO, &octet, 1) <= 0)
            return;
        now = wire_now();
        for (size_t i = delay->count; i-- > 0;) {
            for (int w = 0; w < 2; w++) {
                take(&delay->lines[i]->ways[w], now + delay->seconds);
                pass_on(&delay->lines[i]->ways[w], now);
            }
            if (is_over(delay->lines[i]))
                close_line(delay, i);
        }
        open_line(delay);
    }
}

int main(int argc, char **argv)
{
    struct delay delay = {0};
    unsigned port;

    if (argc != 3) {
        fputs("usage: delay TARGET MILLISECONDS\n", stderr);
        return 2;
    }
    delay.target = (unsigned)strtoul(argv[1], NULL, 10);
    delay.seconds = strtod(argv[2], NULL) / 1000;
    delay.listener = wire_listen(&port);
    printf("port %u\n", port);
    fflush(stdout);
    run(&delay);
    return 0;
}
