/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A receiver that takes all mail and keeps none: what benchmarks send to. It speaks PIPELINING and
 * CHUNKING, and STARTTLS when it has a certificate, all in one thread without a disk, so that it is
 * the sender that is measured.
 *
 *   sink [--chunking] [--tls CERT KEY]
 *
 * It prints "port N". For each line "wait N" on its standard input it prints "done COUNT SECONDS
 * SLOW" when it has N messages since it began: SECONDS is the monotonic clock when the last of them
 * ended; SLOW counts answers of clients that took 35 to 60 ms, as those of delayed acknowledgements
 * do. "waits" prints the histogram of those answers: "MILLISECONDS COUNT" lines, then "end". It
 * ends with its input.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/wire.h"

#define READ_SIZE 65536
#define LINE_MAX_SIZE 4096
#define EVENTS 64
#define WAITS 201 /* one for each millisecond; the last is for all above */

enum mode { COMMAND, CONTENT, CHUNK };

struct session {
    struct wire wire;
    enum mode mode;
    char line[LINE_MAX_SIZE];
    size_t line_size;
    unsigned matched; /* octets of CR LF . CR LF that were seen last */
    unsigned long left;
    bool last, closing;
    double answered; /* when replies went out last; 0: there was something from the client since */
};

struct sink {
    SSL_CTX *tls;
    bool chunking;
    int epoll, listener;
    unsigned long messages, target, waits[WAITS];
    char control[256];
    size_t control_size;
    double ended;
};

static void reply(struct session *session, const char *text)
{
    wire_put(&session->wire, text, strlen(text));
}

static void hello(const struct sink *sink, struct session *session)
{
    reply(session, "250-sink.test\r\n250-PIPELINING\r\n250-SIZE 1000000000\r\n");
    if (sink->chunking)
        reply(session, "250-CHUNKING\r\n");
    if (sink->tls != NULL && session->wire.ssl == NULL)
        reply(session, "250-STARTTLS\r\n");
    reply(session, "250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n");
}

static void tell_control(struct sink *sink)
{
    unsigned long slow = 0;

    if (sink->target == 0 || sink->messages < sink->target)
        return;
    for (unsigned ms = 35; ms <= 60; ms++)
        slow += sink->waits[ms];
    printf("done %lu %.6f %lu\n", sink->messages, sink->ended, slow);
    fflush(stdout);
    sink->target = 0;
}

static void end_message(struct sink *sink, struct session *session)
{
    reply(session, "250 2.0.0 Ok: taken\r\n");
    session->mode = COMMAND;
    sink->messages++;
    sink->ended = wire_now();
}

static void begin_chunk(struct sink *sink, struct session *session)
{
    char *rest;

    session->left = strtoul(session->line + 5, &rest, 10);
    session->last = strcasecmp(rest, " LAST") == 0;
    session->mode = CHUNK;
    if (session->left == 0 && session->last)
        end_message(sink, session);
    else if (session->left == 0)
        session->mode = COMMAND;
}

static void command(struct sink *sink, struct session *session)
{
    const char *line = session->line;

    if (strncasecmp(line, "EHLO", 4) == 0) {
        hello(sink, session);
    } else if (strncasecmp(line, "DATA", 4) == 0) {
        reply(session, "354 go on\r\n");
        session->mode = CONTENT;
        session->matched = 2;
    } else if (sink->chunking && strncasecmp(line, "BDAT ", 5) == 0) {
        begin_chunk(sink, session);
    } else if (strncasecmp(line, "STARTTLS", 8) == 0 && sink->tls != NULL) {
        reply(session, "220 2.0.0 go on\r\n");
        wire_secure(&session->wire, sink->tls, true);
    } else if (strncasecmp(line, "QUIT", 4) == 0) {
        reply(session, "221 2.0.0 bye\r\n");
        session->closing = true;
    } else if (strncasecmp(line, "MAIL", 4) == 0 || strncasecmp(line, "RCPT", 4) == 0 ||
               strncasecmp(line, "RSET", 4) == 0 || strncasecmp(line, "NOOP", 4) == 0) {
        reply(session, "250 2.1.0 Ok\r\n");
    } else {
        reply(session, "502 5.5.2 what?\r\n");
    }
}

/* How many octets belong to the command line that is being collected. */
static size_t take_line(struct sink *sink, struct session *session, const char *octets, size_t size)
{
    const char *end = memchr(octets, '\n', size);
    size_t part = end != NULL ? (size_t)(end - octets) + 1 : size;

    if (session->line_size + part >= sizeof session->line) {
        session->closing = true;
        return size;
    }
    memcpy(session->line + session->line_size, octets, part);
    session->line_size += part;
    if (end == NULL)
        return part;
    while (session->line_size > 0 && isspace((unsigned char)session->line[session->line_size - 1]))
        session->line_size--;
    session->line[session->line_size] = '\0';
    session->line_size = 0;
    command(sink, session);
    return part;
}

static size_t take_content(struct sink *sink, struct session *session, const char *octets,
                           size_t size)
{
    static const char end[] = "\r\n.\r\n";

    for (size_t i = 0; i < size; i++) {
        if (octets[i] == end[session->matched])
            session->matched++;
        else
            session->matched = octets[i] == '\r';
        if (session->matched == sizeof end - 1) {
            end_message(sink, session);
            return i + 1;
        }
        if (session->matched == 0) {
            const char *next = memchr(octets + i, '\r', size - i);
            i = next != NULL ? (size_t)(next - octets) - 1 : size;
        }
    }
    return size;
}

static size_t take_chunk(struct sink *sink, struct session *session, size_t size)
{
    size_t part = size < session->left ? size : session->left;

    session->left -= part;
    if (session->left != 0)
        return part;
    if (session->last) {
        end_message(sink, session);
    } else {
        session->mode = COMMAND;
        reply(session, "250 2.0.0 more\r\n");
    }
    return part;
}

static void take(struct sink *sink, struct session *session, const char *octets, size_t size)
{
    while (size > 0 && !session->closing) {
        size_t part = session->mode == COMMAND   ? take_line(sink, session, octets, size)
                      : session->mode == CONTENT ? take_content(sink, session, octets, size)
                                                 : take_chunk(sink, session, size);
        octets += part;
        size -= part;
    }
}

static void note_wait(struct sink *sink, struct session *session)
{
    unsigned long ms;

    if (session->answered == 0)
        return;
    ms = (unsigned long)((wire_now() - session->answered) * 1000);
    sink->waits[ms < WAITS ? ms : WAITS - 1]++;
    session->answered = 0;
}

static void watch(const struct sink *sink, int operation, int fd, unsigned events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};

    if (epoll_ctl(sink->epoll, operation, fd, &event) != 0)
        wire_die("epoll");
}

static void serve(struct sink *sink, struct session *session)
{
    char octets[READ_SIZE];
    size_t size;
    bool sent, answers;

    while ((size = wire_read(&session->wire, octets, sizeof octets)) > 0) {
        note_wait(sink, session);
        take(sink, session, octets, size);
    }
    answers = session->wire.out_size != 0;
    sent = wire_flush(&session->wire);
    if (session->wire.failed || (session->closing && sent)) {
        wire_clear(&session->wire);
        free(session);
        return;
    }
    if (answers && sent)
        session->answered = wire_now();
    watch(sink, EPOLL_CTL_MOD, session->wire.fd, EPOLLIN | (sent ? 0U : (unsigned)EPOLLOUT),
          session);
}

static void greet(struct sink *sink)
{
    int fd;

    while ((fd = accept(sink->listener, NULL, NULL)) >= 0) {
        struct session *session = calloc(1, sizeof *session);
        if (session == NULL)
            wire_die("memory");
        wire_init(&session->wire, fd);
        watch(sink, EPOLL_CTL_ADD, fd, EPOLLIN, session);
        reply(session, "220 sink.test ESMTP\r\n");
        wire_flush(&session->wire);
    }
}

static void control_line(struct sink *sink, const char *line)
{
    if (strncmp(line, "wait ", 5) == 0) {
        sink->target = strtoul(line + 5, NULL, 10);
    } else if (strcmp(line, "waits") == 0) {
        for (unsigned ms = 0; ms < WAITS; ms++) {
            if (sink->waits[ms] != 0)
                printf("%u %lu\n", ms, sink->waits[ms]);
            sink->waits[ms] = 0;
        }
        puts("end");
        fflush(stdout);
    }
}

/* False: the end of the input. */
static bool control(struct sink *sink)
{
    char *end;
    ssize_t got = read(STDIN_FILENO, sink->control + sink->control_size,
                       sizeof sink->control - 1 - sink->control_size);

    if (got <= 0)
        return false;
    sink->control_size += (size_t)got;
    sink->control[sink->control_size] = '\0';
    while ((end = strchr(sink->control, '\n')) != NULL) {
        *end = '\0';
        control_line(sink, sink->control);
        sink->control_size -= (size_t)(end + 1 - sink->control);
        memmove(sink->control, end + 1, sink->control_size + 1);
    }
    return true;
}

static void run(struct sink *sink)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(sink->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &sink->listener)
                greet(sink);
            else if (events[i].data.ptr != &sink->control)
                serve(sink, events[i].data.ptr);
            else if (!control(sink))
                return;
        }
        tell_control(sink);
    }
}

static void use_certificate(struct sink *sink, const char *certificate, const char *key)
{
    sink->tls = SSL_CTX_new(TLS_server_method());
    if (sink->tls == NULL || SSL_CTX_use_certificate_chain_file(sink->tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(sink->tls, key, SSL_FILETYPE_PEM) != 1)
        wire_die(certificate);
}

static void parse(struct sink *sink, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--chunking") == 0) {
            sink->chunking = true;
        } else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
            use_certificate(sink, argv[i + 1], argv[i + 2]);
            i += 2;
        } else {
            fputs("usage: sink [--chunking] [--tls CERT KEY]\n", stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct sink sink = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    unsigned port;

    parse(&sink, argc, argv);
    sink.listener = wire_listen(&port);
    watch(&sink, EPOLL_CTL_ADD, sink.listener, EPOLLIN, &sink.listener);
    watch(&sink, EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, &sink.control);
    printf("port %u\n", port);
    fflush(stdout);
    run(&sink);
    SSL_CTX_free(sink.tls);
    return 0;
}
