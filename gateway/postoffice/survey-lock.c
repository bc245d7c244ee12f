/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postoffice/lock.h"

#define MAX_LOCKS 4096

struct locks {
    struct survey *survey;
    char (*names)[16]; /* as the directory has them */
    size_t count;
};

/* "<id>.0LK" or, of an older kind, "<id>.0xx" (Q128913); ids are up to 8 characters. */
static bool is_lock(const char *entry)
{
    const char *dot = strchr(entry, '.');

    return dot != NULL && dot != entry && dot - entry <= 8 && dot[1] == '0' && strlen(dot) == 4;
}

/* Envelopes are <message>.P1, or .Pxx while they are written (Q119642). */
static void see_entry(struct locks *locks, const char *entry)
{
    uint32_t number;

    if (is_lock(entry) && locks->count < MAX_LOCKS)
        snprintf(locks->names[locks->count++], sizeof locks->names[0], "%.12s", entry);
    else if (strlen(entry) >= 10 && (entry[9] == 'P' || entry[9] == 'p') &&
             survey_file_number(entry, NULL, &number))
        survey_refs_add_envelope(locks->survey->refs, number);
}

static int compare_names(const void *a, const void *b)
{
    return strcasecmp(a, b);
}

static void judge_lock(struct survey *survey, const char *name)
{
    char file[32], id[9];
    size_t length = strcspn(name, ".");
    struct error err;
    bool held;

    snprintf(file, sizeof file, "P1/%s", name);
    if (strcasecmp(name + length, ".0LK") != 0) {
        survey_tell(survey, SURVEY_WARNING, "lock-older", file,
                    "a lock of an older kind: nothing is taken from the mailbag while it is there; "
                    "remove it when no program is at work (Q128913)");
        return;
    }
    snprintf(id, sizeof id, "%.*s", (int)length, name);
    if (lock_probe(survey->root, id, &held, &err) != 0)
        survey_tell(survey, SURVEY_NOTE, "lock-held", file,
                    "another program holds it, or it cannot be opened: %s", err.text);
    else if (held)
        survey_tell(survey, SURVEY_NOTE, "lock-held", file,
                    "another program holds the mailbag now");
    else
        survey_tell(survey, SURVEY_NOTE, "lock-stranded", file,
                    "left by a program that ended: harmless, and taken over (Q128913)");
}

static void judge(struct locks *locks)
{
    if (locks->count != 0)
        qsort(locks->names, locks->count, sizeof locks->names[0], compare_names);
    for (size_t i = 0; i < locks->count; i++) {
        char file[32];
        if (i + 1 == locks->count || strcasecmp(locks->names[i], locks->names[i + 1]) != 0) {
            judge_lock(locks->survey, locks->names[i]);
            continue;
        }
        snprintf(file, sizeof file, "P1/%s", locks->names[i + 1]);
        survey_tell(locks->survey, SURVEY_WARNING | SURVEY_STOPS, "lock-twin", file,
                    "two names differ only in case: two programs could each hold one of them and "
                    "take the same mail (Q129456); remove the one in lower case");
        i++;
    }
}

void survey_check_locks(struct survey *survey)
{
    struct survey_kind kind = {SURVEY_FAULT | SURVEY_STOPS, "read-only", "P1", 0};
    struct locks locks = {.survey = survey};
    struct dirent *entry;
    DIR *dir = survey_open_directory(survey->root, "P1", NULL);

    if (dir == NULL)
        return;
    (void)survey_tell_read_only(survey, &kind, "P1");
    locks.names = calloc(MAX_LOCKS, sizeof locks.names[0]);
    while (locks.names != NULL && (entry = readdir(dir)) != NULL)
        see_entry(&locks, entry->d_name);
    closedir(dir);
    judge(&locks);
    free(locks.names);
}
