/* SPDX-License-Identifier: BSD-2-Clause */
/* The door that the settings of a postoffice ask for. */
#ifndef DAEMON_DOORS_H
#define DAEMON_DOORS_H

#include "daemon/intake.h"
#include "postoffice/door.h"

/* Users whose mailbags a native door reads, too, and who watches it. */
struct doors_users {
    const struct native_user *users;
    size_t count;
    struct native_watch watch;
};

/* Errors of door_open_native and door_open_ffapi. A dry or read-only intake opens a native door
 * read-only, and never an ffapi one (ERROR_SETUP): its program removes what it reads. USERS may be
 * NULL. */
int doors_open(struct door **out, const struct intake *intake,
               const struct settings_postoffice *postoffice, const struct doors_users *users,
               struct error *err) WARN_UNUSED;

#endif
