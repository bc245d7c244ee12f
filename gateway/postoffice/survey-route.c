/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postoffice/route.h"

#define TABLE "GLB/NETWORK.GLB"
#define RECORD_SIZE 122
#define CACHED 66 /* records of NETWORK.GLB that a Windows client reads (Q120449, Q114942) */
#define NAME_LENGTH 10

/* Names of gateways, which a network cannot have (Q175978). */
static const char *const reserved[] = {
    "ATTMAIL", "COMPUSERVE", "DISOSS", "EASYLINK", "ENVOY", "FAX",    "GTE",    "MCI",  "MHS",
    "MSMAIL",  "OV",         "PROFS",  "SMTP",     "SNADS", "SOURCE", "VMGATE", "X400", "*EMS",
};

struct name {
    char text[24];
    enum route_kind kind;
};

struct names {
    struct survey *survey;
    struct name *names;
    size_t count, room;
};

static void add_name(struct names *names, const struct route *route)
{
    size_t wanted = names->room != 0 ? names->room * 2 : 64;
    struct name *grown;

    if (names->count == names->room) {
        grown = reallocarray(names->names, wanted, sizeof *grown);
        if (grown == NULL)
            return;
        names->names = grown;
        names->room = wanted;
    }
    snprintf(names->names[names->count].text, sizeof names->names[0].text, "%s", route->name);
    names->names[names->count++].kind = route->kind;
}

static int see_route(void *context, const struct route *route, struct error *err)
{
    struct names *names = context;

    (void)err;
    if (route->problem[0] != '\0')
        survey_tell(names->survey, SURVEY_FAULT | SURVEY_STOPS, "routing", TABLE, "%s: %s",
                    route->name, route->problem);
    add_name(names, route);
    return names->survey->stopped;
}

static int compare_names(const void *a, const void *b)
{
    const struct name *one = a, *two = b;

    return strcasecmp(one->text, two->text);
}

/* PCMTA took names for one that differ in the tenth character only, and called the route circular
 * (Q128627, Q162841). Either part of the name, the other one being equal. */
static bool differ_in_tail(const char *a, const char *b)
{
    size_t network = strcspn(a, "/"), other = strcspn(b, "/");

    if (network != other)
        return false;
    if (strncasecmp(a, b, network) != 0)
        return network == NAME_LENGTH && strncasecmp(a, b, NAME_LENGTH - 1) == 0;
    return a[network] == '/' && b[network] == '/' && strlen(a + network) == NAME_LENGTH + 1 &&
           strlen(b + network) == NAME_LENGTH + 1 &&
           strncasecmp(a + network, b + network, NAME_LENGTH) == 0;
}

static void compare_neighbours(struct survey *survey, const struct name *a, const struct name *b)
{
    if (route_same_name(a->text, b->text))
        survey_tell(survey, SURVEY_WARNING | SURVEY_STOPS, "same-name", TABLE,
                    "two active records are named %s; which one counts is not known", a->text);
    else if (differ_in_tail(a->text, b->text))
        survey_tell(survey, SURVEY_WARNING, "name-tail", TABLE,
                    "%s and %s differ in the tenth character only; other agents take them for one "
                    "(Q128627)",
                    a->text, b->text);
}

static void check_reserved(struct survey *survey, const struct name *name)
{
    size_t length = strcspn(name->text, "/");

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (name->kind == ROUTE_POSTOFFICE && strlen(reserved[i]) == length &&
            strncasecmp(name->text, reserved[i], length) == 0)
            survey_tell(survey, SURVEY_WARNING, "reserved-name", TABLE,
                        "%s: the name of the network is that of a gateway (Q175978)", name->text);
    }
}

static void check_count(struct survey *survey)
{
    struct stat st;
    struct error err;

    if (root_stat(survey->root, TABLE, &st, &err) == 0 && st.st_size / RECORD_SIZE > CACHED)
        survey_tell(survey, SURVEY_WARNING, "many-networks", TABLE,
                    "%lld records; Windows clients see the first %d only (Q114942)",
                    (long long)(st.st_size / RECORD_SIZE), CACHED);
}

void survey_check_routing(struct survey *survey)
{
    struct names names = {.survey = survey};
    struct error err;

    error_clear(&err);
    if (route_each(survey->root, see_route, &names, &err) < 0)
        survey->owners_lost = true;
    if (survey->owners_lost && err.class != ERROR_NONE && err.sys != ENOENT)
        survey_tell(survey, SURVEY_FAULT | SURVEY_STOPS, "routing", TABLE, "%s", err.text);
    check_count(survey);
    if (names.count != 0)
        qsort(names.names, names.count, sizeof *names.names, compare_names);
    for (size_t i = 0; i < names.count; i++) {
        check_reserved(survey, &names.names[i]);
        if (i + 1 < names.count)
            compare_neighbours(survey, &names.names[i], &names.names[i + 1]);
    }
    free(names.names);
}
