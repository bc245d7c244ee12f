/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of the survey. Included only by postoffice/survey*.c. */
#ifndef POSTOFFICE_SURVEY_INT_H
#define POSTOFFICE_SURVEY_INT_H

#include "base/file.h"
#include "postoffice/profile.h"
#include "postoffice/survey.h"

#define SURVEY_MAX_MAILBAGS 65536

struct survey_list {
    struct survey_mailbag *mailbags;
    size_t count;
};

/* Who has a mailbag, by id; looks into none of them. What an unreadable table would have told is
 * missing: survey_check reports the table. ERROR_SOFT. */
int survey_list_make(struct survey_list *out, struct root *root, const struct profile *profile,
                     struct error *err) WARN_UNUSED;
void survey_list_clear(struct survey_list *list);

/* Fills records, live, oldest, locked and problem. */
void survey_look(struct survey_mailbag *mailbag, struct root *root, const struct profile *profile);

struct survey {
    struct root *root;
    struct profile *profile;
    survey_found *found;
    survey_progress *progress;
    void *context;
    enum survey_severity worst;
    int stopped; /* what FOUND returned */
};

/* Tells one finding, unless the receiver has had enough. */
void survey_tell(struct survey *survey, enum survey_severity severity, const char *file,
                 const char *format, ...) PRINTF_LIKE(4, 5);

/* survey-files.c: directories and sizes. */
void survey_check_directories(struct survey *survey);
void survey_check_tables(struct survey *survey);
void survey_check_folders(struct survey *survey);

#endif
