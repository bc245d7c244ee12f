/* SPDX-License-Identifier: BSD-2-Clause */
/* All message and attachment files, as a stream: each is looked at when its directory names it, and
 * afterwards what was referred to and did not come. */
#include "config.h"

#include "postoffice/survey-int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postoffice/att.h"
#include "postoffice/key.h"
#include "postoffice/mai.h"
#include "postoffice/mbg.h"
#include "postoffice/route.h"

#define MOST_TEXT ((uint64_t)1 << 30) /* octets of one text */

struct mail {
    struct survey *survey;
    struct survey_refs *refs;
    const char *folder;          /* "MAI" or "ATT" */
    char real[SURVEY_NAME_SIZE]; /* of the directory that is listed */
    unsigned digit;              /* 16: the directory above them */
    uint64_t done, total;
    uint64_t messages, attachments, unread, differ, changed, distinct;
    struct survey_kind place, twin, orphan, orphan_att, unreadable, subject, sender, low, high,
        read_only, missing, missing_att, shared_att, twice;
};

static bool is_changed(const struct mail *mail, const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec > mail->survey->began_ns;
}

static void file_of(const struct mail *mail, uint32_t number, char out[MAI_PATH_SIZE])
{
    snprintf(out, MAI_PATH_SIZE, "%s/%.2s%X/%08X.%s", mail->folder, mail->folder,
             (unsigned)(number & 15), (unsigned)number, mail->folder);
}

/* ---- one message ---- */

static uint32_t sender_of(const char *address)
{
    const char *slash = strrchr(address, '/');
    char box[16];
    size_t length;

    if (slash == NULL || strpbrk(address, ":@") != NULL)
        return 0;
    length = strlen(slash + 1);
    if (length == 0 || length > 10)
        return 0;
    for (size_t i = 0; i < length; i++) {
        char c = slash[1 + i];
        if ((unsigned char)c <= ' ' || (unsigned char)c >= 0x7F)
            return 0;
        box[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return survey_sum(box, length);
}

static const char *from_of(const struct message *message)
{
    for (size_t i = 0; i < message->address_count; i++) {
        if (message->addresses[i].role == ADDRESS_FROM)
            return message->addresses[i].text;
    }
    return "";
}

/* The header holds the first 40 characters of the subject (Q156844). */
static void compare_heading(struct mail *mail, const struct message *message, const char *file,
                            const struct survey_ref *refs, size_t count)
{
    uint32_t subject = survey_sum(message->subject, strnlen(message->subject, 40));
    uint32_t sender = sender_of(from_of(message));

    for (size_t i = 0; i < count; i++) {
        const char *id = mail->survey->list.mailbags[SURVEY_PLACE_MAILBAG(refs[i].place)].id;
        unsigned record = (unsigned)SURVEY_PLACE_RECORD(refs[i].place);
        if (refs[i].subject != subject) {
            mail->differ++;
            survey_tell_some(mail->survey, &mail->subject, file,
                             "its subject is not that of record %u of mailbag %s: the header may "
                             "point at another person's message (Q117738)",
                             record, id);
        } else if (sender != 0 && refs[i].sender != 0 && refs[i].sender != sender) {
            survey_tell_some(mail->survey, &mail->sender, file,
                             "its sender is not that of record %u of mailbag %s", record, id);
        }
    }
}

/* What still holds it now; a header that somebody has deleted meanwhile is none. */
static size_t mailbags_of(struct mail *mail, const struct survey_ref *refs, size_t count,
                          bool *certain)
{
    struct survey *survey = mail->survey;
    size_t held = 0;

    *certain = true;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = SURVEY_PLACE_MAILBAG(refs[i].place);
        const char *kind = survey->list.mailbags[at].kind;
        struct key key;
        if (i > 0 && at == SURVEY_PLACE_MAILBAG(refs[i - 1].place))
            continue;
        if (strcmp(kind, "inqueue") != 0 && strcmp(kind, "system") != 0 &&
            key_load(survey->root, survey->list.mailbags[at].id, &key, NULL) == 0 &&
            key_is_live(&key, survey->profile, SURVEY_PLACE_RECORD(refs[i].place)))
            held++;
        else
            *certain = false;
    }
    return held;
}

static size_t distinct_mailbags(const struct survey_ref *refs, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += i == 0 ||
                 SURVEY_PLACE_MAILBAG(refs[i].place) != SURVEY_PLACE_MAILBAG(refs[i - 1].place);
    return found;
}

/* The counter is the number of mailbags that hold the message (Q104423). */
static void compare_counter(struct mail *mail, uint16_t counter, const char *file,
                            const struct survey_ref *refs, size_t count)
{
    bool certain;
    size_t held;

    if (count == 0 || counter == distinct_mailbags(refs, count))
        return;
    held = mailbags_of(mail, refs, count, &certain);
    if (!certain || counter == held)
        return;
    if (counter < held)
        survey_tell_some(mail->survey, &mail->low, file,
                         "its reference counter is %u, but %zu mailbags hold it: removal from one "
                         "would delete it for the others (Q104423)",
                         (unsigned)counter, held);
    else
        survey_tell_some(mail->survey, &mail->high, file,
                         "its reference counter is %u, but %zu mailbags hold it: it will never be "
                         "deleted (Q104423)",
                         (unsigned)counter, held);
}

struct naming {
    struct mail *mail;
    uint32_t mai;
};

static int see_attachment(void *context, const struct mai_attachment *attachment, struct error *err)
{
    const struct naming *naming = context;
    uint32_t number;

    (void)err;
    if (id_parse(attachment->id, &number) == 0)
        survey_refs_add_att(naming->mail->refs, number, naming->mai);
    return 0;
}

static int read_parts(struct mail *mail, struct mai *mai, struct message *message, uint32_t number,
                      uint16_t *counter, struct error *err)
{
    struct naming naming = {mail, number};

    if (mai_envelope(mai, message, err) != 0 || mai_counter(mai, counter, err) != 0 ||
        mai_attachments(mai, see_attachment, &naming, err) != 0)
        return -1;
    return mai_text(mai, P_tmpdir, MOST_TEXT, &message->text, err);
}

static void cannot_read(struct mail *mail, const char *file, const struct error *err)
{
    mail->unread++;
    survey_tell_some(mail->survey, &mail->unreadable, file, "cannot be read: %.200s", err->text);
}

static void read_message(struct mail *mail, const char *name, const char *file, uint32_t number,
                         const struct survey_ref *refs, size_t count)
{
    struct message *message = NULL;
    struct mai *mai;
    struct error err;
    struct stat st;
    uint16_t counter;

    if (mai_open_name(&mai, mail->survey->root, mail->survey->profile, name, O_RDONLY, &err) != 0) {
        if (err.sys != ENOENT) /* somebody took the last copy: the second look tells */
            cannot_read(mail, file, &err);
        return;
    }
    if (fstat(mai_fd(mai), &st) == 0 && is_changed(mail, &st))
        mail->changed++;
    else if (message_new(&message, "", "CP850", &err) != 0 ||
             read_parts(mail, mai, message, number, &counter, &err) != 0)
        cannot_read(mail, file, &err);
    else {
        compare_heading(mail, message, file, refs, count);
        compare_counter(mail, counter, file, refs, count);
        survey_see_page(mail->survey, message);
    }
    message_free(message);
    mai_close(mai);
}

/* Without a profile that reads it: it is a file that can be opened and is not empty. */
static void open_message(struct mail *mail, const char *name, const char *file)
{
    struct error err;
    struct stat st;

    if (root_stat(mail->survey->root, name, &st, &err) != 0) {
        if (err.sys != ENOENT)
            cannot_read(mail, file, &err);
    } else if (st.st_size == 0) {
        error_set(&err, ERROR_DATA, "", "it is empty");
        cannot_read(mail, file, &err);
    }
}

static void see_message(struct mail *mail, const char *name, const char *file, uint32_t number)
{
    size_t count;
    struct survey_ref *refs = survey_refs_find(mail->refs, number, &count);

    mail->messages++;
    if (refs == NULL && !survey_refs_in_transit(mail->refs, number)) {
        mail->orphan.count++;
        return;
    }
    if (refs != NULL && (refs->place & SURVEY_SEEN) != 0) {
        survey_tell_some(mail->survey, &mail->twin, file, "two names differ only in case");
        return;
    }
    if (refs != NULL)
        survey_moved(mail->survey, ++mail->done, mail->total);
    for (size_t i = 0; refs != NULL && i < count; i++)
        refs[i].place |= SURVEY_SEEN;
    if (mail->survey->reads_messages)
        read_message(mail, name, file, number, refs, count);
    else if (refs != NULL)
        open_message(mail, name, file);
    if (refs != NULL)
        (void)survey_tell_read_only(mail->survey, &mail->read_only, name);
}

/* ---- one attachment ---- */

static size_t first_att(const struct survey_refs *refs, uint32_t number)
{
    size_t low = 0, high = refs->att_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (refs->atts[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void see_att(struct mail *mail, const char *file, uint32_t number)
{
    struct survey_refs *refs = mail->refs;
    size_t at = first_att(refs, number);

    mail->attachments++;
    if (at == refs->att_count || refs->atts[at].number != number) {
        mail->orphan_att.count++;
        return;
    }
    if (refs->att_seen[at] != 0)
        survey_tell_some(mail->survey, &mail->twin, file, "two names differ only in case");
    refs->att_seen[at] = 1;
}

/* ---- the directories ---- */

static void see_file(struct mail *mail, const char *entry)
{
    bool mai = mail->folder[0] == 'M';
    char file[MAI_PATH_SIZE], name[SURVEY_NAME_SIZE + 16];
    uint32_t number;

    if (!survey_file_number(entry, mail->folder, &number))
        return;
    file_of(mail, number, file);
    if (!mail->survey->letters || number > mail->survey->highest_letter)
        mail->survey->highest_letter = number;
    mail->survey->letters = true;
    snprintf(name, sizeof name, "%s/%.12s", mail->real, entry);
    if ((number & 15) != mail->digit)
        survey_tell_some(mail->survey, &mail->place, name,
                         "lies in the wrong directory; nobody looks for it here (Q87409, Q87378)");
    else if (mai && mail->survey->reads_keys && !mail->refs->full)
        see_message(mail, name, file, number);
    else if (!mai && mail->survey->reads_messages && !mail->refs->full)
        see_att(mail, file, number);
}

static void list_directory(struct mail *mail, const char *name)
{
    struct dirent *entry;
    DIR *dir = survey_open_directory(mail->survey->root, name, mail->real);

    if (dir == NULL)
        return;
    if (mail->digit < 16)
        (void)survey_tell_read_only(mail->survey, &mail->read_only, mail->real);
    while (mail->survey->stopped == 0 && (entry = readdir(dir)) != NULL)
        see_file(mail, entry->d_name);
    closedir(dir);
}

static void list_all(struct mail *mail, const char *folder)
{
    char name[16];

    mail->folder = folder;
    for (mail->digit = 0; mail->digit < 16; mail->digit++) {
        snprintf(name, sizeof name, "%s/%.2s%X", folder, folder, mail->digit);
        list_directory(mail, name);
    }
    list_directory(mail, folder);
}

/* ---- what did not come ---- */

/* Somebody may have taken it since the header was read: it counts only when it is still so. */
static bool still_missing(struct mail *mail, const struct survey_ref *ref, const char *file)
{
    struct survey *survey = mail->survey;
    const char *id = survey->list.mailbags[SURVEY_PLACE_MAILBAG(ref->place)].id;
    uint32_t record = SURVEY_PLACE_RECORD(ref->place);
    struct mbg_record header = {.mai_number = ~ref->mai};
    struct error err;
    struct key key;
    struct stat st;
    uint8_t *records;
    size_t count;

    if (key_load(survey->root, id, &key, NULL) != 0 ||
        !key_is_live(&key, survey->profile, record) ||
        mbg_load(survey->root, id, &records, &count, NULL) != 0)
        return false;
    if (record < count)
        mbg_parse(records + (size_t)record * MBG_RECORD_SIZE, &header);
    free(records);
    error_clear(&err);
    return header.mai_number == ref->mai && root_stat(survey->root, file, &st, &err) != 0 &&
           err.sys == ENOENT;
}

static void tell_missing(struct mail *mail)
{
    char file[MAI_PATH_SIZE], bag[32];

    mail->folder = "MAI";
    for (size_t i = 0; i < mail->refs->count && mail->survey->stopped == 0; i++) {
        const struct survey_ref *ref = &mail->refs->refs[i];
        const char *id = mail->survey->list.mailbags[SURVEY_PLACE_MAILBAG(ref->place)].id;
        snprintf(bag, sizeof bag, "MBG/%s.MBG", id);
        if (i > 0 && ref[-1].mai == ref->mai &&
            SURVEY_PLACE_MAILBAG(ref[-1].place) == SURVEY_PLACE_MAILBAG(ref->place))
            survey_tell_some(mail->survey, &mail->twice, bag,
                             "records %u and %u are the same message %08X (Q77926)",
                             (unsigned)SURVEY_PLACE_RECORD(ref[-1].place),
                             (unsigned)SURVEY_PLACE_RECORD(ref->place), (unsigned)ref->mai);
        if ((ref->place & SURVEY_SEEN) != 0)
            continue;
        file_of(mail, ref->mai, file);
        if (still_missing(mail, ref, file))
            survey_tell_some(mail->survey, &mail->missing, bag, "live record %u: %s is missing",
                             (unsigned)SURVEY_PLACE_RECORD(ref->place), file);
    }
}

static void tell_missing_atts(struct mail *mail)
{
    char file[MAI_PATH_SIZE], message[MAI_PATH_SIZE];
    const struct survey_refs *refs = mail->refs;

    for (size_t i = 0; i < refs->att_count && mail->survey->stopped == 0; i++) {
        const struct survey_att *att = &refs->atts[i];
        struct stat st;
        mail->folder = "MAI";
        file_of(mail, att->mai, message);
        mail->folder = "ATT";
        file_of(mail, att->number, file);
        if (i > 0 && att[-1].number == att->number && att[-1].mai != att->mai) {
            survey_tell_some(mail->survey, &mail->shared_att, file,
                             "messages %08X and %08X both have it: removal of one would delete it "
                             "for the other (Q77926)",
                             (unsigned)att[-1].mai, (unsigned)att->mai);
        } else if ((i == 0 || att[-1].number != att->number) && refs->att_seen[i] == 0 &&
                   root_stat(mail->survey->root, message, &st, NULL) == 0) {
            survey_tell_some(mail->survey, &mail->missing_att, message,
                             "its attachment %s is missing", file);
        }
    }
}

static void tell_orphans(struct mail *mail)
{
    const char *certain = mail->unread != 0 ? ", or of messages that could not be read" : "";

    if (mail->orphan.count != 0)
        survey_tell(mail->survey, mail->orphan.how, mail->orphan.code, "MAI",
                    "%llu messages to which no live header leads (Q101833)",
                    (unsigned long long)mail->orphan.count);
    if (mail->orphan_att.count != 0)
        survey_tell(mail->survey, mail->orphan_att.how, mail->orphan_att.code, "ATT",
                    "%llu attachments of no message that a live header leads to%s (Q101833)",
                    (unsigned long long)mail->orphan_att.count, certain);
}

/* A profile of another postoffice reads nothing, or nonsense. */
static void judge_profile(struct mail *mail)
{
    if (mail->survey->reads_messages && mail->distinct > 0 &&
        (mail->unread * 2 > mail->distinct || mail->differ * 2 > mail->refs->count))
        survey_tell(mail->survey, SURVEY_FAULT | SURVEY_STOPS, "profile", "",
                    "most messages cannot be read with this profile; it may be of another "
                    "postoffice");
}

static void tell_counts(struct mail *mail)
{
    struct survey *survey = mail->survey;

    if (survey->stopped != 0)
        return;
    if (mail->refs->full)
        survey_tell(
            survey, SURVEY_NOTE, "not-checked", "MAI",
            "more than %u live headers or attachments, or memory is short: orphans and what "
            "is missing",
            SURVEY_MAX_REFS);
    if (mail->changed != 0)
        survey_tell(survey, SURVEY_NOTE, "not-checked", "MAI", "%llu messages changed meanwhile",
                    (unsigned long long)mail->changed);
    if (survey->reads_keys)
        survey_tell(survey, SURVEY_OK, "counts", "",
                    "%zu mailbags, %zu live headers of %llu messages, %llu without; %llu message "
                    "files, %llu attachments looked at",
                    survey->list.count, mail->refs->count, (unsigned long long)mail->distinct,
                    (unsigned long long)mail->missing.count, (unsigned long long)mail->messages,
                    (unsigned long long)mail->attachments);
}

static void tell_rests(struct mail *mail)
{
    const struct survey_kind *kinds[] = {&mail->place,       &mail->twin,       &mail->unreadable,
                                         &mail->subject,     &mail->sender,     &mail->low,
                                         &mail->high,        &mail->read_only,  &mail->missing,
                                         &mail->missing_att, &mail->shared_att, &mail->twice};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        survey_tell_rest(mail->survey, kinds[i]);
}

static void count_distinct(struct mail *mail)
{
    for (size_t i = 0; i < mail->refs->count; i++)
        mail->distinct += i == 0 || mail->refs->refs[i].mai != mail->refs->refs[i - 1].mai;
    mail->total = mail->distinct;
}

void survey_check_mail(struct survey *survey)
{
    struct mail mail = {
        .survey = survey,
        .refs = survey->refs,
        .place = {SURVEY_WARNING, "wrong-directory", "", 0},
        .twin = {SURVEY_FAULT, "name-twin", "", 0},
        .orphan = {SURVEY_NOTE, "message-orphan", "MAI", 0},
        .orphan_att = {SURVEY_NOTE, "attachment-orphan", "ATT", 0},
        .unreadable = {SURVEY_FAULT, "message-unreadable", "MAI", 0},
        .subject = {SURVEY_FAULT | SURVEY_STOPS, "subject", "MAI", 0},
        .sender = {SURVEY_WARNING, "sender", "MAI", 0},
        .low = {SURVEY_FAULT | SURVEY_STOPS, "counter-low", "MAI", 0},
        .high = {SURVEY_WARNING, "counter-high", "MAI", 0},
        .read_only = {SURVEY_FAULT | SURVEY_STOPS, "read-only", "MAI", 0},
        .missing = {SURVEY_FAULT, "message-missing", "MBG", 0},
        .missing_att = {SURVEY_FAULT, "attachment-missing", "MAI", 0},
        .shared_att = {SURVEY_FAULT | SURVEY_STOPS, "attachment-shared", "ATT", 0},
        .twice = {SURVEY_WARNING, "message-twice", "MBG", 0},
    };

    survey_refs_sort(survey->refs);
    count_distinct(&mail);
    list_all(&mail, "MAI");
    survey_refs_sort_atts(survey->refs);
    list_all(&mail, "ATT");
    if (!survey->refs->full) {
        tell_missing(&mail);
        tell_missing_atts(&mail);
        tell_orphans(&mail);
    }
    tell_rests(&mail);
    judge_profile(&mail);
    tell_counts(&mail);
}
