/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of the survey. Included only by postoffice/survey*.c. */
#ifndef POSTOFFICE_SURVEY_INT_H
#define POSTOFFICE_SURVEY_INT_H

#include <dirent.h>

#include "base/file.h"
#include "message/codepage.h"
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

struct survey_refs;

/* What subjects and texts look like. */
struct survey_pages {
    const char *name; /* "CP850": of the settings or the profile; "" when it is not known */
    struct codepage_guess *guess;
    uint64_t octets;      /* that were decoded */
    uint64_t beyond, bad; /* of them: beyond ASCII; without a meaning */
    uint64_t pair_bad[4]; /* without a meaning in each of the pages with pairs */
};

struct survey {
    struct root *root;
    const struct profile *profile; /* one that knows nothing when none was given */
    bool has_profile;
    bool reads_keys, reads_messages; /* what the profile is enough for */
    bool owners_lost;                /* NETWORK.GLB or ACCESS2.GLB cannot be read */
    bool read_only;                  /* the file system is: told once */
    survey_found *found;
    survey_progress *progress;
    void *context;
    struct survey_list list;
    struct survey_refs *refs;
    struct survey_pages pages;
    int64_t began_ns;         /* files changed later are left out where it matters */
    uint32_t highest_mailbag; /* numbers in use */
    uint32_t highest_letter;
    bool letters; /* highest_letter is one */
    enum survey_severity worst;
    int stopped; /* what FOUND returned */
};

/* Told with a severity: relaying is not safe. */
#define SURVEY_STOPS 0x10u

/* Tells one finding, unless the receiver has had enough. HOW is a severity, and SURVEY_STOPS. */
void survey_tell(struct survey *survey, unsigned how, const char *code, const char *file,
                 const char *format, ...) PRINTF_LIKE(5, 6);

/* Findings of one kind: the first few one by one, of the rest their number. */
struct survey_kind {
    unsigned how;
    const char *code;
    const char *file; /* of the line that tells the rest */
    uint64_t count;
};
void survey_tell_some(struct survey *survey, struct survey_kind *kind, const char *file,
                      const char *format, ...) PRINTF_LIKE(4, 5);
void survey_tell_rest(struct survey *survey, const struct survey_kind *kind);

void survey_moved(struct survey *survey, uint64_t done, uint64_t total);

/* A file or directory (any case) that removal has to write. True after telling when it cannot. */
bool survey_tell_read_only(struct survey *survey, struct survey_kind *kind, const char *name);

/* Opens directory NAME (any case); its real name goes into REAL when that is not NULL. NULL with
 * errno. */
#define SURVEY_NAME_SIZE 64
DIR *survey_open_directory(struct root *root, const char *name, char real[SURVEY_NAME_SIZE]);

/* "0000002e.mai" is the number 2E: eight hexadecimal digits and EXTENSION, any case. */
bool survey_file_number(const char *entry, const char *extension, uint32_t *out);

/* survey-files.c: directories and sizes. */
void survey_check_directories(struct survey *survey);
void survey_check_tables(struct survey *survey);
void survey_check_folders(struct survey *survey);

/* survey-route.c */
void survey_check_routing(struct survey *survey);

/* survey-lock.c: P1, its locks, and which messages have an envelope there. */
void survey_check_locks(struct survey *survey);

/* survey-refs.c: which live record refers to which message, sorted by message once all are in. */
struct survey_ref {
    uint32_t mai;
    uint32_t place;           /* mailbag << 12 | record, and SURVEY_SEEN */
    uint32_t subject, sender; /* sums of the header's texts; sender 0: cannot be compared */
};
#define SURVEY_SEEN 0x80000000u
#define SURVEY_PLACE_MAILBAG(place) (((place) & ~SURVEY_SEEN) >> 12)
#define SURVEY_PLACE_RECORD(place) ((place)&0xFFFu)

struct survey_att {
    uint32_t number;
    uint32_t mai; /* the message that names it */
};

struct survey_refs {
    struct survey_ref *refs;
    size_t count, room;
    struct survey_att *atts;
    size_t att_count, att_room;
    uint8_t *att_seen;
    uint32_t *envelopes; /* messages with a file in P1 */
    size_t envelope_count, envelope_room;
    bool full; /* one of them has its limit, or memory is short */
};

#define SURVEY_MAX_REFS (4u << 20)

void survey_refs_add(struct survey_refs *refs, const struct survey_ref *ref);
void survey_refs_add_att(struct survey_refs *refs, uint32_t number, uint32_t mai);
void survey_refs_add_envelope(struct survey_refs *refs, uint32_t mai);
void survey_refs_sort(struct survey_refs *refs);
void survey_refs_sort_atts(struct survey_refs *refs);
/* The first of *COUNT neighbours for MAI, or NULL. */
struct survey_ref *survey_refs_find(struct survey_refs *refs, uint32_t mai, size_t *count);
bool survey_refs_in_transit(const struct survey_refs *refs, uint32_t mai);
void survey_refs_free(struct survey_refs *refs);      /* NULL is allowed */
uint32_t survey_sum(const void *octets, size_t size); /* never 0 */

/* survey-page.c: does the code page of the settings fit? Takes a message, and tells at the end. */
struct message;
void survey_see_page(struct survey *survey, const struct message *message);
void survey_check_pages(struct survey *survey);

/* survey-mail.c: all message and attachment files. */
void survey_check_mail(struct survey *survey);

#endif
