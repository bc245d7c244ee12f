/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the name of a queue to its outbound mailbag: NETWORK.GLB (122 octets a record, Q77926,
 * Q148666), then for an external postoffice the XTN file of its network (698 octets a record,
 * Q86625, Q148666); a gateway's mailbag is in its NETWORK.GLB record itself (Q134377).
 */
#ifndef POSTOFFICE_ROUTE_H
#define POSTOFFICE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"

/* File ids: 8 hexadecimal digits in any case. -1 when TEXT is not exactly that. */
int id_parse(const char *text, uint32_t *out) WARN_UNUSED;
void id_make(uint32_t number, char out[9]);

enum route_kind {
    ROUTE_POSTOFFICE,
    ROUTE_GATEWAY,
    ROUTE_FFAPI, /* a gateway that looks like a postoffice: service type 64h (Q103820) */
};

struct route {
    enum route_kind kind;
    char name[24];    /* "NET/PO" or the gateway's name */
    char mailbag[9];  /* "" when the record holds no mailbag id: see problem */
    char problem[128]; /* "" or file, record and what is wrong */
};

/* Whole names without regard to case (Q103421). */
bool route_same_name(const char *a, const char *b);

/* ROUTE_EACH calls this; 0 goes on, anything else stops and is returned. */
typedef int route_seen(void *context, const struct route *route, struct error *err);

/* Every active record. Records that are wrong come with their problem; ERROR_DATA when NETWORK.GLB
 * itself is unusable, or the XTN files have more than 65,536 records together. */
int route_each(struct root *root, route_seen *seen, void *context, struct error *err) WARN_UNUSED;

/* ERROR_SETUP when no active record has that name, or it is unusable: file and record are named. */
int route_find(struct root *root, const char *name, struct route *out,
               struct error *err) WARN_UNUSED;

#endif
