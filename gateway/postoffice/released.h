/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was taken out of a mailbag for good, by the octets of its header, and how many references of
 * other mailbags its message had left then. A KEY that another program writes back from an old copy
 * makes such headers live again (Q120220): then only the header may go, since the reference is
 * given back already and the next one is somebody else's.
 *
 * One text file a mailbag, NET_PO.<mailbag>.released beside the intents, for the last 4,096 items
 * or more. It is read and written only by the holder of the mailbag's lock.
 */
#ifndef POSTOFFICE_RELEASED_H
#define POSTOFFICE_RELEASED_H

#include "postoffice/intent.h"

struct released;

/* A file that is absent is an empty list. Lines that are damaged count as none. */
int released_load(struct released **out, const struct intent_place *place,
                  struct error *err) WARN_UNUSED;
void released_free(struct released *released); /* NULL is allowed */

/* True and *LEFT, the references that were left, when a header of these octets was taken out. */
bool released_find(const struct released *released, const uint8_t raw[MBG_RECORD_SIZE],
                   uint16_t *left);

/* Adds the items of INTENT, all of which are INTENT_DONE or INTENT_KEY_ONLY. Durable. */
int released_add(const struct intent_place *place, const struct intent *intent,
                 struct error *err) WARN_UNUSED;

#endif
