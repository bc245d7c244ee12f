/* SPDX-License-Identifier: BSD-2-Clause */
/* A message, a map with a few people, and what became of them as MIME. */
#ifndef TESTS_MIMEFIXTURE_H
#define TESTS_MIMEFIXTURE_H

#include <stddef.h>

#include <gmime/gmime.h>

#include "base/buf.h"
#include "message/mime.h"

struct mimefixture {
    struct map *map;
    struct letter_options options;
    struct message *message;
    struct mime_facts facts;
    struct buf out;
    struct error err;
};

void mimefixture_add(struct mimefixture *f, enum address_role role, const char *text);
void mimefixture_begin(struct mimefixture *f);
int mimefixture_setup(void **state);
int mimefixture_teardown(void **state);
int mimefixture_collect(void *context, const void *data, size_t size, struct error *err);
int mimefixture_try(struct mimefixture *f);
void mimefixture_write(struct mimefixture *f);
void mimefixture_has(struct mimefixture *f, const char *text);
void mimefixture_lacks(struct mimefixture *f, const char *text);
void mimefixture_set_text(struct mimefixture *f, const void *data, size_t size);
void mimefixture_set_subject(struct mimefixture *f, const char *subject);
void mimefixture_attach(struct mimefixture *f, const char *name, const void *data, size_t size);
GMimeMessage *mimefixture_parse(struct mimefixture *f);
void mimefixture_part(GMimeMessage *message, int n, const void *data, size_t size);

#endif
