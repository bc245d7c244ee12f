/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TLS_LIMIT 20000 /* milliseconds of a handshake */

void wire_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, errno != 0 ? strerror(errno) : "failed");
    exit(1);
}

double wire_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int wire_listen(unsigned *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        wire_die("listening on 127.0.0.1");
    *port = ntohs(address.sin_port);
    return fd;
}

int wire_connect(unsigned port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        wire_die("connecting to 127.0.0.1");
    return fd;
}

void wire_init(struct wire *wire, int fd)
{
    int one = 1;

    memset(wire, 0, sizeof *wire);
    wire->fd = fd;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        wire_die("a socket");
}

void wire_clear(struct wire *wire)
{
    SSL_free(wire->ssl);
    free(wire->out);
    close(wire->fd);
}

/* What a call of OpenSSL came to: octets, or 0 for none now, which may be the end. */
static size_t secure_result(struct wire *wire, int got)
{
    int why;

    if (got > 0)
        return (size_t)got;
    why = SSL_get_error(wire->ssl, got);
    wire->failed = why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
    return 0;
}

static size_t plain_result(struct wire *wire, ssize_t got, bool reading)
{
    if (got > 0)
        return (size_t)got;
    wire->failed = (got == 0 && reading) || (got < 0 && errno != EAGAIN && errno != EINTR);
    return 0;
}

size_t wire_read(struct wire *wire, char *into, size_t size)
{
    if (wire->ssl != NULL)
        return secure_result(wire, SSL_read(wire->ssl, into, (int)size));
    return plain_result(wire, read(wire->fd, into, size), true);
}

void wire_put(struct wire *wire, const char *octets, size_t size)
{
    if (wire->out_size + size > wire->out_space) {
        wire->out_space = (wire->out_size + size) * 2;
        wire->out = realloc(wire->out, wire->out_space);
        if (wire->out == NULL)
            wire_die("memory");
    }
    memcpy(wire->out + wire->out_size, octets, size);
    wire->out_size += size;
}

bool wire_flush(struct wire *wire)
{
    size_t done = 0;

    while (done < wire->out_size && !wire->failed) {
        size_t left = wire->out_size - done;
        size_t sent =
            wire->ssl != NULL
                ? secure_result(wire, SSL_write(wire->ssl, wire->out + done, (int)left))
                : plain_result(wire, send(wire->fd, wire->out + done, left, MSG_NOSIGNAL), false);
        if (sent == 0)
            break;
        done += sent;
    }
    if (done > 0)
        memmove(wire->out, wire->out + done, wire->out_size - done);
    wire->out_size -= done;
    return wire->out_size == 0;
}

static void wait_for(const struct wire *wire, short events)
{
    struct pollfd item = {.fd = wire->fd, .events = events};

    if (poll(&item, 1, TLS_LIMIT) <= 0)
        wire_die("a TLS handshake");
}

void wire_secure(struct wire *wire, SSL_CTX *context, bool server)
{
    int status;

    while (!wire->failed && !wire_flush(wire))
        wait_for(wire, POLLOUT);
    wire->ssl = SSL_new(context);
    if (wire->ssl == NULL || SSL_set_fd(wire->ssl, wire->fd) != 1)
        wire_die("TLS");
    SSL_set_mode(wire->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (server)
        SSL_set_accept_state(wire->ssl);
    else
        SSL_set_connect_state(wire->ssl);
    while ((status = SSL_do_handshake(wire->ssl)) != 1) {
        secure_result(wire, status);
        if (wire->failed)
            return;
        wait_for(wire, SSL_want_write(wire->ssl) ? POLLOUT : POLLIN);
    }
}
