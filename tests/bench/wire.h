/* SPDX-License-Identifier: BSD-2-Clause */
/* A non-blocking connection of the benchmark's own peers, plain or TLS, with what waits to go out.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct wire {
    int fd;
    SSL *ssl; /* NULL: plain */
    char *out;
    size_t out_size, out_space;
    bool failed;
};

/* Listens on a free port of 127.0.0.1, which becomes *PORT. Ends the program when it cannot. */
int wire_listen(unsigned *port);
/* Connects to 127.0.0.1:PORT. Ends the program when it cannot. */
int wire_connect(unsigned port);

void wire_init(struct wire *wire, int fd); /* non-blocking, without Nagle's algorithm */
void wire_clear(struct wire *wire);

/* Up to SIZE octets. 0: nothing there now, or FAILED (the end counts as that). */
size_t wire_read(struct wire *wire, char *into, size_t size);
/* Octets that wire_flush will send. */
void wire_put(struct wire *wire, const char *octets, size_t size);
/* Sends what fits now. False: some is left. */
bool wire_flush(struct wire *wire);
/* Waits until all is sent, and lets TLS begin: as the server, or as the client. */
void wire_secure(struct wire *wire, SSL_CTX *context, bool server);

/* The program's last words: to stderr, then status 1. */
void wire_die(const char *what) __attribute__((noreturn));

double wire_now(void); /* seconds of the monotonic clock */

#endif
