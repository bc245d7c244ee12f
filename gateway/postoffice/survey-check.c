/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "postoffice/access2.h"
#include "postoffice/control.h"
#include "postoffice/key.h"
#include "postoffice/mai.h"
#include "postoffice/mbg.h"
#include "postoffice/route.h"

#define MOST_TOLD 5 /* findings of one kind */

static void tell(struct survey *survey, unsigned how, const char *code, const char *file,
                 const char *format, va_list args) PRINTF_LIKE(5, 0);

static void tell(struct survey *survey, unsigned how, const char *code, const char *file,
                 const char *format, va_list args)
{
    struct survey_finding finding = {.severity = (enum survey_severity)(how & ~SURVEY_STOPS),
                                     .stops = (how & SURVEY_STOPS) != 0,
                                     .code = code};

    if (finding.severity > survey->worst)
        survey->worst = finding.severity;
    if (survey->stopped != 0)
        return;
    snprintf(finding.file, sizeof finding.file, "%s", file);
    vsnprintf(finding.text, sizeof finding.text, format, args);
    survey->stopped = survey->found(survey->context, &finding);
}

void survey_tell(struct survey *survey, unsigned how, const char *code, const char *file,
                 const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(survey, how, code, file, format, args);
    va_end(args);
}

void survey_tell_some(struct survey *survey, struct survey_kind *kind, const char *file,
                      const char *format, ...)
{
    va_list args;

    if (++kind->count > MOST_TOLD)
        return;
    va_start(args, format);
    tell(survey, kind->how, kind->code, file, format, args);
    va_end(args);
}

void survey_tell_rest(struct survey *survey, const struct survey_kind *kind)
{
    if (kind->count > MOST_TOLD)
        survey_tell(survey, kind->how, kind->code, kind->file, "and %llu more like these",
                    (unsigned long long)(kind->count - MOST_TOLD));
}

void survey_moved(struct survey *survey, uint64_t done, uint64_t total)
{
    if (survey->progress != NULL)
        survey->progress(survey->context, done, total);
}

static void check_fill(struct survey *survey, const struct survey_mailbag *mailbag,
                       const char *file)
{
    unsigned percent = mailbag->live * 100 / MAILBAG_MAX_RECORDS;
    enum survey_severity severity = percent >= 95   ? SURVEY_FAULT
                                    : percent >= 80 ? SURVEY_WARNING
                                                    : SURVEY_NOTE;

    if (percent >= 50)
        survey_tell(survey, severity, "fill", file,
                    "%u of %d headers are in use; a full mailbag takes no more mail (Q138054)",
                    (unsigned)mailbag->live, MAILBAG_MAX_RECORDS);
}

/* The mailbox is the last part of a name; what has other octets than ASCII is not compared, as the
 * names in a header may be aliases with any. */
static uint32_t sum_sender(const char *sender)
{
    char upper[16];
    size_t length = strlen(sender);

    if (length == 0 || length >= sizeof upper)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)sender[i] <= ' ' || (unsigned char)sender[i] >= 0x7F)
            return 0;
        upper[i] = (char)(sender[i] >= 'a' && sender[i] <= 'z' ? sender[i] - 'a' + 'A' : sender[i]);
    }
    return survey_sum(upper, length);
}

static void take_record(struct survey *survey, size_t mailbag, uint32_t number, const uint8_t *raw,
                        struct survey_kind *kind, const char *file)
{
    struct survey_ref ref = {.place = (uint32_t)mailbag << 12 | number};
    struct mbg_record record;

    mbg_parse(raw, &record);
    if (record.mai[0] == '\0') {
        survey_tell_some(survey, kind, file, "live record %u holds no message number",
                         (unsigned)number);
        return;
    }
    ref.mai = record.mai_number;
    ref.subject = survey_sum(record.subject, strlen(record.subject));
    ref.sender = sum_sender(record.sender);
    if (!survey->letters || ref.mai > survey->highest_letter)
        survey->highest_letter = ref.mai;
    survey->letters = true;
    survey_refs_add(survey->refs, &ref);
}

/* Sizes were told by survey_check_folders. */
static void take_records(struct survey *survey, size_t at, const char *file)
{
    const struct survey_mailbag *mailbag = &survey->list.mailbags[at];
    struct survey_kind kind = {SURVEY_FAULT, "message-number", file, 0};
    struct key key;
    uint8_t *records;
    size_t count;

    if (!survey->reads_keys || key_load(survey->root, mailbag->id, &key, NULL) != 0 ||
        mbg_load(survey->root, mailbag->id, &records, &count, NULL) != 0)
        return;
    for (uint32_t r = 0; r < count && survey->stopped == 0; r++) {
        if (key_is_live(&key, survey->profile, r))
            take_record(survey, at, r, records + (size_t)r * MBG_RECORD_SIZE, &kind, file);
    }
    survey_tell_rest(survey, &kind);
    free(records);
}

static bool is_there(struct survey *survey, const char *folder, const char *id)
{
    char name[32];
    struct stat st;
    struct error err;

    snprintf(name, sizeof name, "%s/%.8s.%s", folder, id, folder);
    error_clear(&err);
    return root_stat(survey->root, name, &st, &err) == 0 || err.sys != ENOENT;
}

static bool is_system(const char *kind)
{
    return strcmp(kind, "inqueue") == 0 || strcmp(kind, "system") == 0;
}

/* Mail for it goes nowhere, and nobody is told (Q135031). */
static void tell_absent(struct survey *survey, const struct survey_mailbag *mailbag,
                        const char *file)
{
    bool user = strcmp(mailbag->kind, "user") == 0;

    survey_tell(survey, user ? SURVEY_FAULT : SURVEY_FAULT | SURVEY_STOPS,
                user ? "user-mailbag" : "route-mailbag", file,
                "%s %s has this mailbag, and it has neither KEY nor MBG", mailbag->kind,
                mailbag->name);
}

static void check_owner(struct survey *survey, const struct survey_mailbag *mailbag,
                        const char *file)
{
    uint32_t number;

    if (id_parse(mailbag->id, &number) == 0 && number > survey->highest_mailbag)
        survey->highest_mailbag = number;
    if (mailbag->problem[0] != '\0')
        survey_tell(survey, mailbag->shared ? SURVEY_FAULT | SURVEY_STOPS : SURVEY_NOTE,
                    "shared-mailbag", file, "%s", mailbag->problem);
}

/* Without ACCESS2, or its layout, a user's mailbag is one that nobody leads to. */
static void check_unknown(struct survey *survey, const struct survey_mailbag *mailbag,
                          const char *file)
{
    if (strcmp(mailbag->kind, "unknown") != 0 || survey->owners_lost ||
        !access2_known(survey->profile))
        return;
    survey_tell(survey, mailbag->live != 0 ? SURVEY_WARNING : SURVEY_NOTE, "no-owner", file,
                "no user and no queue leads to this mailbag; %u live headers in it",
                (unsigned)mailbag->live);
}

static void check_key_writable(struct survey *survey, const struct survey_mailbag *mailbag)
{
    struct survey_kind kind = {SURVEY_FAULT | SURVEY_STOPS, "read-only", "", 0};
    char name[32];

    snprintf(name, sizeof name, "KEY/%s.KEY", mailbag->id);
    (void)survey_tell_read_only(survey, &kind, name);
}

static void check_mailbag(struct survey *survey, size_t at)
{
    struct survey_mailbag *mailbag = &survey->list.mailbags[at];
    bool key, mbg;
    char file[64];

    snprintf(file, sizeof file, "MBG/%s.MBG", mailbag->id);
    check_owner(survey, mailbag, file);
    key = is_there(survey, "KEY", mailbag->id);
    mbg = is_there(survey, "MBG", mailbag->id);
    if (!key && !mbg && !is_system(mailbag->kind))
        tell_absent(survey, mailbag, file);
    if (!key || !mbg)
        return;
    mailbag->problem[0] = '\0';
    survey_look(mailbag, survey->root, survey->profile);
    check_unknown(survey, mailbag, file);
    check_fill(survey, mailbag, file);
    check_key_writable(survey, mailbag);
    take_records(survey, at, file);
}

/* What is made next takes the next number; one that is in use already is overwritten, or given to
 * somebody else (Q117738, Q120449). */
static void check_control(struct survey *survey)
{
    struct control next;
    struct error ignored; /* its size is told by survey_check_tables */

    if (control_read(&next, survey->root, &ignored) != 0)
        return;
    if (survey->letters && survey->highest_letter >= next.messages)
        survey_tell(survey, SURVEY_FAULT | SURVEY_STOPS, "number-reuse", CONTROL_FILE,
                    "the next message number is %08X, but %08X exists: it was set back",
                    (unsigned)next.messages, (unsigned)survey->highest_letter);
    if (survey->highest_mailbag >= next.mailbags && survey->highest_mailbag != 0)
        survey_tell(survey, SURVEY_FAULT | SURVEY_STOPS, "number-reuse", CONTROL_FILE,
                    "the next mailbag number is %08X, but mailbag %08X exists: it was set back",
                    (unsigned)next.mailbags, (unsigned)survey->highest_mailbag);
}

static void check_mailbags(struct survey *survey)
{
    for (size_t i = 0; i < survey->list.count && survey->stopped == 0; i++) {
        check_mailbag(survey, i);
        survey_moved(survey, i + 1, survey->list.count);
    }
}

/* What this profile is enough for, and what is not checked therefore. */
static void check_profile(struct survey *survey)
{
    const struct profile *profile = survey->profile;
    const char *name = survey->has_profile ? profile->name : "none given";
    struct error err;

    survey->reads_keys = survey->has_profile && key_check_profile(profile, &err) == 0;
    survey->reads_messages =
        survey->reads_keys && mai_check_profile(profile, &err) == 0 && profile->key_size != 0;
    if (!survey->has_profile || profile->verdict != PROFILE_PROVEN)
        survey_tell(survey, SURVEY_NOTE | SURVEY_STOPS, "profile", "",
                    "the profile (%s) is not proven: nothing may be removed with it; calibrate",
                    name);
    if (!access2_known(profile))
        survey_tell(survey, SURVEY_NOTE, "not-checked", "GLB/ACCESS2.GLB",
                    "the profile (%s) does not know its records: users and their mailbags, and "
                    "mailbags without owner",
                    name);
    if (!survey->reads_keys)
        survey_tell(
            survey, SURVEY_NOTE, "not-checked", "KEY",
            "the profile (%s) does not know the bitmap: fill, live records, orphans, and all "
            "about messages",
            name);
    else if (!survey->reads_messages)
        survey_tell(survey, SURVEY_NOTE, "not-checked", "MAI",
                    "the profile (%s) cannot read messages: reference counters, attachments, "
                    "subject and sender",
                    name);
}

static void check_all(struct survey *survey)
{
    check_profile(survey);
    survey_check_directories(survey);
    survey_check_tables(survey);
    survey_check_folders(survey);
    survey_check_routing(survey);
    survey_check_locks(survey);
    check_mailbags(survey);
    survey_check_mail(survey);
    survey_check_pages(survey);
    check_control(survey);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int check_with(struct survey *survey, struct error *err)
{
    if (survey_list_make(&survey->list, survey->root, survey->profile, err) != 0)
        return -1;
    check_all(survey);
    survey_list_clear(&survey->list);
    return (int)survey->worst;
}

int survey_check(const char *path, const char *profile, const char *codepage, survey_found *found,
                 survey_progress *progress, void *context, struct error *err)
{
    static const struct profile knows_nothing;
    struct survey survey = {.profile = &knows_nothing,
                            .found = found,
                            .progress = progress,
                            .context = context,
                            .began_ns = now_ns()};
    struct profile *loaded = NULL;
    int status = -1;

    if (root_open(&survey.root, path, err) != 0)
        return -1;
    if (profile != NULL && profile_load(&loaded, profile, err) == 0) {
        survey.profile = loaded;
        survey.has_profile = true;
    }
    survey.pages.name = codepage != NULL ? codepage : survey.profile->codepage;
    survey.refs = calloc(1, sizeof *survey.refs);
    if (survey.refs == NULL)
        error_sys(err, ERROR_SOFT, "", "no memory");
    else if ((profile == NULL || loaded != NULL) &&
             codepage_guess_new(&survey.pages.guess, err) == 0)
        status = check_with(&survey, err);
    codepage_guess_free(survey.pages.guess);
    survey_refs_free(survey.refs);
    profile_free(loaded);
    root_free(survey.root);
    return status;
}
