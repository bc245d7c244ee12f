/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a removal is about to do, written down on our own disk before the postoffice is touched, so
 * that a removal that was cut off is finished exactly once. One text file a mailbag,
 * NET_PO.<mailbag>.removal; it is read and written only by the holder of the mailbag's lock. A file
 * without its last line ("end") was cut off before anything was changed and counts as none.
 */
#ifndef POSTOFFICE_INTENT_H
#define POSTOFFICE_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "postoffice/mbg.h"

enum intent_stage {
    INTENT_KEY = 'K', /* the KEY may not have been written yet */
    INTENT_MAI = 'M', /* the KEY has been written */
};

enum intent_mark {
    INTENT_WAITING = '-',
    INTENT_STARTED = 's',  /* the reference counter was `started` before we write it */
    INTENT_DONE = 'd',     /* `started` references are left */
    INTENT_KEY_ONLY = 'k', /* released before: only its header is to go */
};

struct intent_item {
    uint32_t record;
    char mai[9];
    uint16_t before; /* reference counter when the item was read */
    enum intent_mark mark;
    uint16_t started;
    uint8_t raw[MBG_RECORD_SIZE];
};

/* Whose removal it is. All borrowed. */
struct intent_place {
    const char *directory;  /* of ours */
    const char *postoffice; /* NET/PO */
    const char *path;       /* root of the postoffice */
    const char *mailbag;
};

struct intent;

/* Writes the file durably. ITEMS are copied. ERROR_SOFT when it cannot be, or is there already. */
int intent_create(struct intent **out, const struct intent_place *place,
                  const struct intent_item *items, size_t count, struct error *err) WARN_UNUSED;

/* *OUT is NULL when there is none. ERROR_SETUP when it is damaged or of another path. */
int intent_load(struct intent **out, const struct intent_place *place,
                struct error *err) WARN_UNUSED;

void intent_free(struct intent *intent); /* the file stays; NULL is allowed */

enum intent_stage intent_get_stage(const struct intent *intent);
size_t intent_count(const struct intent *intent);
const struct intent_item *intent_get(const struct intent *intent, size_t index);

/* From INTENT_KEY to INTENT_MAI. Survives the end of the process. */
int intent_key_written(struct intent *intent, struct error *err) WARN_UNUSED;

/* Survives the end of the process; INTENT_STARTED is on the disk before this returns. */
int intent_set_mark(struct intent *intent, size_t index, enum intent_mark mark, uint16_t started,
                    struct error *err) WARN_UNUSED;

/* DIRECTORY/NET_PO.<mailbag>SUFFIX, the caller's; NULL: ERROR_SOFT. */
char *intent_file_name(const struct intent_place *place, const char *suffix,
                       struct error *err) WARN_UNUSED;

/* All is done: removes the file and frees. */
int intent_end(struct intent *intent, struct error *err) WARN_UNUSED;

/* Calls SEEN with the id of each mailbag of POSTOFFICE that has such a file; a return of anything
 * but 0 stops and is returned. */
typedef int intent_seen(void *context, const char *mailbag, struct error *err);
int intent_each(const char *directory, const char *postoffice, intent_seen *seen, void *context,
                struct error *err) WARN_UNUSED;

#endif
