/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postoffice/route.h"

/*
 * The postoffice's own name: GLB/MASTER.GLB has it, at a place that no document tells. But nearly
 * all messages in the mailbags of users have a recipient here.
 */
#define TO 0x05 /* FIPS PUB 98, confirmed by the bytes of Q104423 */
#define MAX_ROUTES 4096
#define MAX_NAMES 256

struct own {
    const struct calibration *cal;
    struct route routes[MAX_ROUTES];
    size_t route_count;
    struct {
        char text[24];
        unsigned messages;
        const struct cal_mail *last;
    } names[MAX_NAMES];
    size_t name_count;
    unsigned messages;
};

static int note_route(void *context, const struct route *route, struct error *err)
{
    struct own *own = context;

    (void)err;
    if (own->route_count < MAX_ROUTES)
        own->routes[own->route_count++] = *route;
    return 0;
}

static bool is_routed(const struct own *own, const char *mailbag, const char *name)
{
    for (size_t i = 0; i < own->route_count; i++) {
        if ((mailbag != NULL && strcasecmp(own->routes[i].mailbag, mailbag) == 0) ||
            (name != NULL && route_same_name(own->routes[i].name, name)))
            return true;
    }
    return false;
}

/* "NET/PO/BOX" is of "NET/PO"; each name counts once a message. */
static void note_name(struct own *own, const struct cal_mail *mail, const char *address)
{
    const char *slash = strrchr(address, '/');
    size_t size = slash != NULL ? (size_t)(slash - address) : 0, i = 0;
    char name[sizeof own->names[0].text];

    if (size == 0 || size >= sizeof name || strchr(address, ':') != NULL ||
        memchr(address, '/', size) == NULL)
        return;
    memcpy(name, address, size);
    name[size] = '\0';
    while (i < own->name_count && !route_same_name(own->names[i].text, name))
        i++;
    if (i == MAX_NAMES || (i < own->name_count && own->names[i].last == mail) ||
        is_routed(own, NULL, name))
        return;
    if (i == own->name_count)
        memcpy(own->names[own->name_count++].text, name, sizeof name);
    own->names[i].messages++;
    own->names[i].last = mail;
}

static void note_recipients(struct own *own, const struct cal_mail *mail)
{
    const struct calibration *cal = own->cal;
    uint8_t clear[CAL_HEAD];
    size_t name;

    own->messages++;
    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        bool recipient = string->code == TO || (profile_knows(&cal->profile, PROFILE_FIELD_CC) &&
                                                string->code == cal->profile.field_cc);
        if (recipient && cal_decode_address(cal, string, clear, &name) == 0)
            note_name(own, mail, (const char *)clear);
    }
}

/* A mailbag of a number that no route leads to is a user's. */
static void note_bag(struct own *own, const struct cal_bag *bag)
{
    struct mbg_record header;
    uint32_t number;

    if (id_parse(bag->id, &number) != 0 || is_routed(own, bag->id, NULL))
        return;
    for (uint32_t r = 0; r < bag->count; r++) {
        const struct cal_mail *mail;
        if (!bag->live[r])
            continue;
        mbg_parse(bag->records + (size_t)r * MBG_RECORD_SIZE, &header);
        mail = header.mai[0] != '\0' ? cal_find_mail(own->cal, header.mai_number) : NULL;
        if (mail != NULL && mail->readable)
            note_recipients(own, mail);
    }
}

/* The one name that nearly all messages to local users have among their recipients. */
static void take_own(struct calibration *cal, const struct own *own)
{
    unsigned found = 0;
    size_t best = 0;

    for (size_t i = 0; i < own->name_count; i++) {
        if (own->names[i].messages < CAL_LEAST_VALUES ||
            own->names[i].messages * 10 < own->messages * 9)
            continue;
        best = i;
        found++;
    }
    if (found != 1) {
        cal_refuse(cal, PROFILE_POSTOFFICE, 0, 0,
                   "%u names are in nearly all of %u messages in mailbags of users", found,
                   own->messages);
        return;
    }
    snprintf(cal->profile.postoffice, sizeof cal->profile.postoffice, "%s", own->names[best].text);
    cal_accept(cal, PROFILE_POSTOFFICE, own->names[best].messages,
               own->messages - own->names[best].messages,
               "messages in mailbags of users have a recipient there");
}

int cal_learn_postoffice(struct calibration *cal, struct error *err)
{
    struct own *own;

    if (!profile_knows(&cal->profile, PROFILE_TRAILER))
        return 0;
    own = calloc(1, sizeof *own);
    if (own == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    own->cal = cal;
    if (route_each(cal->root, note_route, own, err) == 0) {
        for (size_t b = 0; b < cal->bag_count; b++)
            note_bag(own, &cal->bags[b]);
        take_own(cal, own);
    }
    free(own);
    return 0;
}
