/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/resolver.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the thread works on. It is freed by whoever comes last, the thread or the loop: the socket
 * pair between them tells. */
struct question {
    char *host;
    char port[8];
    int answer_fd;
};

struct answer {
    struct addrinfo *addresses;
    int code;
};

struct lookup {
    struct event *event;
    int fd;
    lookup_done *done;
    void *context;
};

static void *resolve(void *argument)
{
    struct question *question = argument;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct answer answer = {0};

    answer.code = getaddrinfo(question->host, question->port, &hints, &answer.addresses);
    /* Nobody listens any more when the look-up was cancelled. */
    if (send(question->answer_fd, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer &&
        answer.code == 0)
        freeaddrinfo(answer.addresses);
    close(question->answer_fd);
    free(question->host);
    free(question);
    return NULL;
}

static void lookup_free(struct lookup *lookup)
{
    if (lookup->event != NULL)
        event_free(lookup->event);
    if (lookup->fd >= 0)
        close(lookup->fd);
    free(lookup);
}

static void on_answer(evutil_socket_t fd, short what, void *argument)
{
    struct lookup *lookup = argument;
    struct answer answer = {.code = EAI_SYSTEM};
    lookup_done *done = lookup->done;
    void *context = lookup->context;

    (void)what;
    if (recv(fd, &answer, sizeof answer, 0) != sizeof answer)
        answer = (struct answer){.code = EAI_FAIL};
    lookup_free(lookup);
    if (answer.code != 0)
        done(context, NULL, gai_strerror(answer.code));
    else
        done(context, answer.addresses, "");
}

static int start_thread(struct question *question, struct error *err)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int code;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    code = pthread_create(&thread, &attributes, resolve, question);
    pthread_attr_destroy(&attributes);
    if (code != 0)
        return error_set(err, ERROR_SOFT, "4.3.0", "cannot start a look-up: %s", strerror(code));
    return 0;
}

static struct question *question_new(const char *host, uint16_t port, int fd)
{
    struct question *question = calloc(1, sizeof *question);

    if (question == NULL)
        return NULL;
    question->host = strdup(host);
    if (question->host == NULL) {
        free(question);
        return NULL;
    }
    snprintf(question->port, sizeof question->port, "%u", (unsigned)port);
    question->answer_fd = fd;
    return question;
}

static int begin(struct lookup *lookup, struct event_base *base, const char *host, uint16_t port,
                 struct error *err)
{
    struct question *question;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_sys(err, ERROR_SOFT, "4.3.0", "cannot start a look-up");
    lookup->fd = pair[0];
    lookup->event = event_new(base, pair[0], EV_READ, on_answer, lookup);
    question = question_new(host, port, pair[1]);
    if (lookup->event != NULL && event_add(lookup->event, NULL) == 0 && question != NULL &&
        start_thread(question, err) == 0)
        return 0;
    if (question != NULL)
        free(question->host);
    free(question);
    close(pair[1]);
    return error_set(err, ERROR_SOFT, "4.3.0", "cannot start a look-up of %s", host);
}

int lookup_start(struct lookup **out, struct event_base *base, const char *host, uint16_t port,
                 lookup_done *done, void *context, struct error *err)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);

    if (lookup == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a look-up");
    lookup->fd = -1;
    lookup->done = done;
    lookup->context = context;
    if (begin(lookup, base, host, port, err) != 0) {
        lookup_cancel(lookup);
        return -1;
    }
    *out = lookup;
    return 0;
}

void lookup_cancel(struct lookup *lookup)
{
    struct answer answer;

    if (lookup == NULL)
        return;
    if (lookup->fd >= 0 &&
        recv(lookup->fd, &answer, sizeof answer, MSG_DONTWAIT) == sizeof answer && answer.code == 0)
        freeaddrinfo(answer.addresses);
    lookup_free(lookup);
}
