/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postoffice/key.h"
#include "postoffice/mai.h"
#include "postoffice/mbg.h"
#include "postoffice/route.h"

#define MOST_MISSING 5 /* findings of one kind a mailbag */

void survey_tell(struct survey *survey, enum survey_severity severity, const char *file,
                 const char *format, ...)
{
    struct survey_finding finding = {.severity = severity};
    va_list args;

    if (severity > survey->worst)
        survey->worst = severity;
    if (survey->stopped != 0)
        return;
    snprintf(finding.file, sizeof finding.file, "%s", file);
    va_start(args, format);
    vsnprintf(finding.text, sizeof finding.text, format, args);
    va_end(args);
    survey->stopped = survey->found(survey->context, &finding);
}

static int check_route(void *context, const struct route *route, struct error *err)
{
    struct survey *survey = context;

    (void)err;
    if (route->problem[0] != '\0')
        survey_tell(survey, SURVEY_FAULT, "GLB/NETWORK.GLB", "%s: %s", route->name, route->problem);
    return survey->stopped;
}

static void check_routing(struct survey *survey)
{
    struct error err;

    error_clear(&err);
    if (route_each(survey->root, check_route, survey, &err) < 0 && err.class != ERROR_NONE &&
        err.sys != ENOENT)
        survey_tell(survey, SURVEY_FAULT, "GLB/NETWORK.GLB", "%s", err.text);
}

static void check_fill(struct survey *survey, const struct survey_mailbag *mailbag,
                       const char *file)
{
    unsigned percent = mailbag->live * 100 / MAILBAG_MAX_RECORDS;
    enum survey_severity severity = percent >= 95   ? SURVEY_FAULT
                                    : percent >= 80 ? SURVEY_WARNING
                                                    : SURVEY_NOTE;

    if (percent >= 50)
        survey_tell(survey, severity, file, "%u of %d headers are in use; a full mailbag takes no "
                                            "more mail (Q138054)",
                    (unsigned)mailbag->live, MAILBAG_MAX_RECORDS);
}

/* What is wrong with the message file of RECORD; false when nothing is. */
static bool bad_message(struct survey *survey, const struct mbg_record *record, struct error *why)
{
    char name[MAI_PATH_SIZE];
    struct stat st;

    error_clear(why);
    if (record->mai[0] == '\0')
        error_set(why, ERROR_DATA, "", "holds no message number");
    else {
        mai_path(record->mai, name);
        if (root_stat(survey->root, name, &st, why) == 0)
            return false;
        if (why->sys == ENOENT)
            error_set(why, ERROR_DATA, "", "%s is missing", name);
    }
    return true;
}

struct tally {
    uint64_t live, missing;
    uint32_t highest; /* message number in a live record */
};

static void check_records(struct survey *survey, const char *file, const struct key *key,
                          const uint8_t *records, size_t count, struct tally *tally)
{
    unsigned missing = 0;

    for (uint32_t r = 0; r < count && survey->stopped == 0; r++) {
        struct mbg_record record;
        struct error why;
        if (!key_is_live(key, survey->profile, r))
            continue;
        tally->live++;
        mbg_parse(records + (size_t)r * MBG_RECORD_SIZE, &record);
        if (record.mai_number > tally->highest)
            tally->highest = record.mai_number;
        if (bad_message(survey, &record, &why) && ++missing <= MOST_MISSING)
            survey_tell(survey, SURVEY_FAULT, file, "live record %u: %s", (unsigned)r, why.text);
    }
    tally->missing += missing;
    if (missing > MOST_MISSING)
        survey_tell(survey, SURVEY_FAULT, file, "and %u more live records like these",
                    missing - MOST_MISSING);
}

/* Sizes are told by survey_check_folders. */
static void check_live(struct survey *survey, const struct survey_mailbag *mailbag,
                       const char *file, struct tally *tally)
{
    struct key key;
    uint8_t *records;
    size_t count;

    if (key_check_profile(survey->profile, NULL) != 0 ||
        key_load(survey->root, mailbag->id, &key, NULL) != 0 ||
        mbg_load(survey->root, mailbag->id, &records, &count, NULL) != 0)
        return;
    check_records(survey, file, &key, records, count, tally);
    free(records);
}

static void check_mailbag(struct survey *survey, struct survey_mailbag *mailbag,
                          struct tally *tally)
{
    char file[64];

    snprintf(file, sizeof file, "MBG/%s.MBG", mailbag->id);
    if (mailbag->problem[0] != '\0')
        survey_tell(survey, SURVEY_WARNING, file, "%s", mailbag->problem);
    mailbag->problem[0] = '\0';
    survey_look(mailbag, survey->root, survey->profile);
    if (mailbag->problem[0] != '\0')
        survey_tell(survey, SURVEY_FAULT, file, "%s", mailbag->problem);
    if (strcmp(mailbag->kind, "unknown") == 0)
        survey_tell(survey, SURVEY_NOTE, file, "no user and no queue leads to this mailbag");
    if (mailbag->locked)
        survey_tell(survey, SURVEY_NOTE, file, "is locked by another program now");
    check_fill(survey, mailbag, file);
    check_live(survey, mailbag, file, tally);
}

/* New messages take the next number; one that is there already would be overwritten (Q117738). */
static void check_control(struct survey *survey, const struct tally *tally)
{
    uint8_t octets[8];
    uint32_t next;
    int fd = root_open_file(survey->root, "GLB/CONTROL.GLB", O_RDONLY, NULL);
    int status;

    if (fd < 0)
        return;
    status = file_pread(fd, "GLB/CONTROL.GLB", octets, sizeof octets, 0, NULL);
    close(fd);
    if (status != 0)
        return;
    next = (uint32_t)octets[4] | (uint32_t)octets[5] << 8 | (uint32_t)octets[6] << 16 |
           (uint32_t)octets[7] << 24;
    if (tally->live != 0 && tally->highest >= next)
        survey_tell(survey, SURVEY_FAULT, "GLB/CONTROL.GLB",
                    "the next message number is %08X, but message %08X exists: it was set back",
                    (unsigned)next, (unsigned)tally->highest);
}

static void check_mailbags(struct survey *survey, struct survey_list *list)
{
    struct tally tally = {0, 0, 0};

    for (size_t i = 0; i < list->count && survey->stopped == 0; i++) {
        check_mailbag(survey, &list->mailbags[i], &tally);
        if (survey->progress != NULL)
            survey->progress(survey->context, i + 1, list->count);
    }
    check_control(survey, &tally);
    if (key_check_profile(survey->profile, NULL) != 0)
        survey_tell(survey, SURVEY_NOTE, "",
                    "profile %s does not know the bitmap of KEY files: live records were not "
                    "checked",
                    survey->profile->name);
    else if (survey->stopped == 0)
        survey_tell(survey, SURVEY_OK, "", "%zu mailbags, %llu live headers, %llu without message",
                    list->count, (unsigned long long)tally.live, (unsigned long long)tally.missing);
}

int survey_check(const char *path, const char *profile, survey_found *found,
                 survey_progress *progress, void *context, struct error *err)
{
    struct survey survey = {.found = found, .progress = progress, .context = context};
    struct survey_list list;
    int status = -1;

    if (root_open(&survey.root, path, err) != 0)
        return -1;
    if (profile_load(&survey.profile, profile, err) == 0 &&
        survey_list_make(&list, survey.root, survey.profile, err) == 0) {
        survey_check_directories(&survey);
        survey_check_tables(&survey);
        survey_check_folders(&survey);
        check_routing(&survey);
        check_mailbags(&survey, &list);
        survey_list_clear(&list);
        status = (int)survey.worst;
    }
    profile_free(survey.profile);
    root_free(survey.root);
    return status;
}
