/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "postoffice/fips.h"
#include "postoffice/mai.h"
#include "postoffice/route.h"

#define MAX_FILES 1000000
#define MAX_BAGS 65536
#define MAX_STRINGS_ALL 4000000
#define TEXT_BUDGET ((size_t)48 * 1024 * 1024)
#define TEXT_LEAST 4096
#define TEXT_MOST CAL_MAX_KEY
#define EXTRA_BUDGET ((size_t)32 * 1024 * 1024)
#define DIGITS "0123456789ABCDEF"

int cal_progress(struct calibration *cal, enum cal_phase phase, size_t at, size_t of,
                 struct error *err)
{
    /* Thousandths of the whole, as they are on a large postoffice. */
    static const unsigned weights[CAL_PHASES] = {
        [CAL_PHASE_MAILS] = 300,  [CAL_PHASE_TEXTS] = 300,   [CAL_PHASE_KNOWN] = 50,
        [CAL_PHASE_PERIOD] = 100, [CAL_PHASE_COLUMNS] = 200, [CAL_PHASE_FILES] = 50,
    };
    uint64_t done = of != 0 ? (uint64_t)weights[phase] * (at < of ? at : of) / of : 0;

    for (int p = 0; p < (int)phase; p++)
        done += weights[p];
    if (cal->options->progress == NULL || done <= cal->done)
        return 0;
    cal->done = done;
    if (cal->options->progress(cal->options->context, done, 1000) != 0)
        return error_set(err, ERROR_SOFT, "", "the calibration was cancelled");
    return 0;
}

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "", "no memory");
}

/* ---- directories ---- */

static DIR *open_folder(struct calibration *cal, const char *name)
{
    char real[64];
    int fd;
    DIR *dir;

    if (root_real_name(cal->root, name, real, sizeof real, NULL) != 0 || real[0] == '\0')
        return NULL;
    fd = openat(root_fd(cal->root), real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    dir = fdopendir(fd);
    if (dir == NULL)
        close(fd);
    return dir;
}

/* "00000062.MAI": its number. */
static int file_number(const char *name, const char *ending, uint32_t *out)
{
    char digits[9];

    if (strlen(name) != 12 || strcasecmp(name + 8, ending) != 0)
        return -1;
    memcpy(digits, name, 8);
    digits[8] = '\0';
    return id_parse(digits, out);
}

static int list_folder(struct calibration *cal, const char *folder, const char *ending,
                       struct cal_file **files, size_t *count, struct error *err)
{
    DIR *dir = open_folder(cal, folder);
    const struct dirent *entry;
    uint32_t number;
    int status = 0;

    if (dir == NULL)
        return 0;
    while (status == 0 && (entry = readdir(dir)) != NULL) {
        if (file_number(entry->d_name, ending, &number) != 0)
            continue;
        if (*count % 1024 == 0) {
            struct cal_file *grown =
                *count < MAX_FILES ? realloc(*files, (*count + 1024) * sizeof *grown) : NULL;
            if (grown == NULL) {
                status = no_memory(err);
                break;
            }
            *files = grown;
        }
        (*files)[(*count)++].id = number;
    }
    closedir(dir);
    return status;
}

static int by_id(const void *a, const void *b)
{
    uint32_t left = ((const struct cal_file *)a)->id, right = ((const struct cal_file *)b)->id;

    return (left > right) - (left < right);
}

static int list_sixteen(struct calibration *cal, const char *folder, const char *ending,
                        struct cal_file **files, size_t *count, struct error *err)
{
    char name[16];

    for (const char *digit = DIGITS; *digit != '\0'; digit++) {
        snprintf(name, sizeof name, "%.3s/%.2s%c", folder, folder, *digit);
        if (list_folder(cal, name, ending, files, count, err) != 0)
            return -1;
    }
    if (*count != 0)
        qsort(*files, *count, sizeof **files, by_id);
    return 0;
}

const struct cal_file *cal_find_file(const struct cal_file *files, size_t count, uint32_t id)
{
    struct cal_file wanted = {id};

    return count != 0 ? bsearch(&wanted, files, count, sizeof *files, by_id) : NULL;
}

struct cal_mail *cal_find_mail(const struct calibration *cal, uint32_t id)
{
    const struct cal_file *file = cal_find_file(cal->mai_files, cal->mai_count, id);

    return file != NULL && cal->mails != NULL ? &cal->mails[file - cal->mai_files] : NULL;
}

const struct cal_bag *cal_find_bag(const struct calibration *cal, const char *id)
{
    for (size_t i = 0; i < cal->bag_count; i++) {
        if (strcasecmp(cal->bags[i].id, id) == 0)
            return &cal->bags[i];
    }
    return NULL;
}

/* ---- mailbags ---- */

static void free_bag(struct cal_bag *bag)
{
    free(bag->records);
    free(bag->live);
}

/* Room for one more behind the others. */
static struct cal_bag *next_bag(struct calibration *cal)
{
    struct cal_bag *grown = NULL;

    if (cal->bag_count < MAX_BAGS)
        grown = realloc(cal->bags, (cal->bag_count + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    cal->bags = grown;
    memset(&grown[cal->bag_count], 0, sizeof *grown);
    return &grown[cal->bag_count];
}

/* What is damaged here teaches nothing; "postoffice check" tells it. */
static int add_bag(struct calibration *cal, const char *id, struct error *err)
{
    struct cal_bag *bag = next_bag(cal);

    if (bag == NULL)
        return no_memory(err);
    snprintf(bag->id, sizeof bag->id, "%s", id);
    if (mbg_load(cal->root, id, &bag->records, &bag->count, err) != 0 ||
        key_load(cal->root, id, &bag->key, err) != 0) {
        free_bag(bag);
        return err != NULL && err->class == ERROR_SOFT ? -1 : 0;
    }
    bag->live = calloc(bag->count + 1, sizeof *bag->live);
    if (bag->live == NULL) {
        free_bag(bag);
        return no_memory(err);
    }
    cal->bag_count++;
    return 0;
}

static int read_bags(struct calibration *cal, struct error *err)
{
    DIR *dir = open_folder(cal, "MBG");
    const struct dirent *entry;
    int status = 0;

    if (dir == NULL)
        return error_set(err, ERROR_SETUP, "", "%s: has no directory MBG that can be read",
                         root_path(cal->root));
    while (status == 0 && (entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');
        char id[16];
        if (dot == NULL || strcasecmp(dot, ".MBG") != 0 || dot - entry->d_name > 8)
            continue;
        snprintf(id, sizeof id, "%.*s", (int)(dot - entry->d_name), entry->d_name);
        status = add_bag(cal, id, err);
    }
    closedir(dir);
    return status;
}

int cal_read_files(struct calibration *cal, struct error *err)
{
    if (read_bags(cal, err) != 0 ||
        list_sixteen(cal, "MAI", ".MAI", &cal->mai_files, &cal->mai_count, err) != 0 ||
        list_sixteen(cal, "ATT", ".ATT", &cal->att_files, &cal->att_count, err) != 0)
        return -1;
    cal->mails = calloc(cal->mai_count + 1, sizeof *cal->mails);
    if (cal->mails == NULL)
        return no_memory(err);
    cal->mail_count = cal->mai_count;
    for (size_t i = 0; i < cal->mail_count; i++)
        cal->mails[i].id = cal->mai_files[i].id;
    return 0;
}

/* ---- messages ---- */

#define COUNTER_AT 0x0B /* Q104423 */

struct reader {
    struct calibration *cal;
    struct cal_mail *mail;
    struct fips fips;
    struct cal_string present; /* what the next string is part of */
};

static int add_string(struct reader *reader, uint32_t length, const uint8_t *head, size_t size,
                      struct error *err)
{
    struct calibration *cal = reader->cal;
    struct cal_string *string;

    if (reader->mail->count >= CAL_MAX_STRINGS)
        return 0;
    if (cal->string_count == cal->string_space) {
        size_t space = cal->string_space * 2 + 4096;
        struct cal_string *grown =
            space < MAX_STRINGS_ALL ? realloc(cal->strings, space * sizeof *grown) : NULL;
        if (grown == NULL)
            return no_memory(err);
        cal->strings = grown;
        cal->string_space = space;
    }
    string = &cal->strings[cal->string_count++];
    *string = reader->present;
    string->length = length;
    memcpy(string->head, head, size);
    reader->mail->count++;
    if (reader->present.nth < UINT8_MAX)
        reader->present.nth++;
    return 0;
}

static int read_head(struct reader *reader, uint8_t *out, size_t limit, size_t *size,
                     struct error *err)
{
    size_t got;

    *size = 0;
    do {
        if (fips_read(&reader->fips, out + *size, limit - *size, &got, err) != 0)
            return -1;
        *size += got;
    } while (got != 0 && *size < limit);
    return 0;
}

static int take_string(struct reader *reader, const struct fips_element *element, struct error *err)
{
    uint8_t head[CAL_HEAD];
    size_t size;

    if (read_head(reader, head, sizeof head, &size, err) != 0)
        return -1;
    return add_string(reader, (uint32_t)element->length, head, size, err);
}

static int take_integer(struct reader *reader, const struct fips_element *element,
                        struct error *err)
{
    size_t size;

    if (element->length != 2 || element->content != COUNTER_AT || !reader->present.vendor)
        return 0;
    reader->mail->counted = true;
    return read_head(reader, reader->mail->counter, 2, &size, err);
}

/* The parts of a constructor of the message: strings of its own, of dates and of sequences. */
static int take_parts(struct reader *reader, struct error *err)
{
    struct fips_element element;
    enum fips_event event;
    uint8_t inner = 0;

    while (reader->fips.depth > 1) {
        size_t depth = reader->fips.depth;
        if (fips_next(&reader->fips, &event, &element, err) != 0)
            return -1;
        if (event == FIPS_ENTER && depth == 2) {
            inner = element.id;
            if (inner == FIPS_SEQUENCE) {
                reader->present.item++;
                reader->present.nth = 0;
            }
        }
        if (event != FIPS_PRIMITIVE || depth > 3)
            continue;
        if (depth == 3 && inner != FIPS_DATE && inner != FIPS_SEQUENCE)
            continue;
        reader->present.place = depth == 2           ? CAL_DIRECT
                                : inner == FIPS_DATE ? CAL_IN_DATE
                                                     : CAL_IN_SEQUENCE;
        if (element.id == FIPS_STRING && take_string(reader, &element, err) != 0)
            return -1;
        if (element.id == FIPS_INTEGER && take_integer(reader, &element, err) != 0)
            return -1;
    }
    return 0;
}

/* A vendor-defined element may hold anything: only one Integer or String in it is taken. */
static int take_vendor(struct reader *reader, const struct fips_element *element, struct error *err)
{
    uint8_t octets[CAL_HEAD + 2];
    size_t size;

    if (element->length > sizeof octets)
        return 0;
    if (read_head(reader, octets, sizeof octets, &size, err) != 0)
        return -1;
    if (size == 4 && octets[0] == FIPS_INTEGER && octets[1] == 2 &&
        element->content + 2 == COUNTER_AT) {
        reader->mail->counted = true;
        memcpy(reader->mail->counter, octets + 2, 2);
    }
    if (size >= 2 && octets[0] == FIPS_STRING && octets[1] == size - 2)
        return add_string(reader, octets[1], octets + 2, size - 2, err);
    return 0;
}

static int take_part(struct reader *reader, enum fips_event event,
                     const struct fips_element *element, struct error *err)
{
    bool known = element->id == FIPS_FIELD || element->id == FIPS_VENDOR;

    reader->present.element++;
    reader->present.nth = 0;
    reader->present.item = 0;
    reader->present.place = CAL_DIRECT;
    reader->present.vendor = element->id == FIPS_VENDOR;
    reader->present.code = element->qualifier[0];
    if (known && element->qualifier_size == 1 && event == FIPS_ENTER)
        return take_parts(reader, err);
    if (known && element->qualifier_size == 1 && element->id == FIPS_VENDOR)
        return take_vendor(reader, element, err);
    while (reader->fips.depth > 1) {
        if (fips_leave(&reader->fips, err) != 0)
            return -1;
    }
    return 0;
}

static int read_message(struct reader *reader, struct error *err)
{
    struct fips_element element;
    enum fips_event event;

    if (fips_next(&reader->fips, &event, &element, err) != 0)
        return -1;
    if (event != FIPS_ENTER || element.id != FIPS_MESSAGE)
        return error_set(err, ERROR_DATA, "", "not a message");
    for (;;) {
        if (fips_next(&reader->fips, &event, &element, err) != 0)
            return -1;
        if (event == FIPS_LEAVE || event == FIPS_DONE)
            return 0;
        if (take_part(reader, event, &element, err) != 0)
            return -1;
    }
}

static int open_mail(struct calibration *cal, uint32_t id, struct fips *fips, char *name,
                     struct error *err)
{
    char digits[9];
    int fd;

    id_make(id, digits);
    mai_path(digits, name);
    fd = root_open_file(cal->root, name, O_RDONLY, err);
    if (fd < 0 || fips_init(fips, fd, name, err) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A message that cannot be read is counted and teaches nothing. */
static int read_mail(struct calibration *cal, struct cal_mail *mail, struct error *err)
{
    struct reader reader = {.cal = cal, .mail = mail};
    char name[MAI_PATH_SIZE];
    int fd = open_mail(cal, mail->id, &reader.fips, name, err);
    int status = -1;

    mail->first = cal->string_count;
    if (fd >= 0) {
        status = read_message(&reader, err);
        close(fd);
    }
    mail->readable = status == 0;
    cal->readable += mail->readable;
    cal->damaged += !mail->readable;
    if (mail->readable)
        return 0;
    cal->string_count = mail->first;
    mail->count = 0;
    return err->class == ERROR_SOFT && cal->strings == NULL && fd >= 0 ? -1 : 0;
}

int cal_read_mails(struct calibration *cal, struct error *err)
{
    for (size_t i = 0; i < cal->mail_count; i++) {
        if (cal_progress(cal, CAL_PHASE_MAILS, i, cal->mail_count, err) != 0 ||
            read_mail(cal, &cal->mails[i], err) != 0)
            return -1;
    }
    return 0;
}

/* ---- texts ---- */

static int add_text(struct calibration *cal, size_t mail, const struct fips_element *element,
                    struct fips *fips, size_t limit, struct error *err)
{
    struct cal_text text = {.mail = mail, .length = element->length};
    size_t got, size = element->length < limit ? (size_t)element->length : limit;

    if (cal->text_count == cal->text_space) {
        size_t space = cal->text_space * 2 + 1024;
        struct cal_text *grown = realloc(cal->texts, space * sizeof *grown);
        if (grown == NULL)
            return no_memory(err);
        cal->texts = grown;
        cal->text_space = space;
    }
    text.octets = malloc(size + 1);
    if (text.octets == NULL)
        return no_memory(err);
    do {
        if (fips_read(fips, text.octets + text.size, size - text.size, &got, err) != 0) {
            free(text.octets);
            return -1;
        }
        text.size += got;
    } while (got != 0 && text.size < size);
    cal->texts[cal->text_count++] = text;
    return 0;
}

static int read_text(struct calibration *cal, size_t mail, size_t limit, struct error *err)
{
    struct fips_element element;
    enum fips_event event;
    struct fips fips;
    char name[MAI_PATH_SIZE];
    bool inside = false;
    int status = 0, fd = open_mail(cal, cal->mails[mail].id, &fips, name, err);

    if (fd < 0)
        return 0;
    while (status == 0 && fips_next(&fips, &event, &element, err) == 0 && event != FIPS_DONE) {
        if (event == FIPS_ENTER && fips.depth == 2)
            inside = fips_is(&element, FIPS_FIELD, cal->profile.field_text);
        else if (event == FIPS_PRIMITIVE && fips.depth == 2 && inside &&
                 element.id == FIPS_STRING && element.length != 0)
            status = add_text(cal, mail, &element, &fips, limit, err);
        if (event == FIPS_LEAVE && fips.depth == 0)
            break;
    }
    close(fd);
    return status;
}

static size_t text_length(const struct calibration *cal, const struct cal_mail *mail)
{
    size_t length = 0;

    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        if (!string->vendor && string->code == cal->profile.field_text &&
            string->place == CAL_DIRECT)
            length += string->length;
    }
    return length;
}

/* A message that may have the known text is read as far as the key is looked at. */
static size_t text_limit(const struct calibration *cal, const struct cal_mail *mail, size_t limit,
                         size_t *extra)
{
    size_t known = cal->options->known_text != NULL ? cal->options->known_size : 0;
    size_t length = known != 0 ? text_length(cal, mail) : 0;

    if (length <= limit || length < known || length > 2 * known + CAL_MOST_HEADER ||
        *extra >= EXTRA_BUDGET)
        return limit;
    *extra += length;
    return CAL_MAX_KEY;
}

static int longer_first(const void *a, const void *b, void *context)
{
    const struct cal_text *texts = context;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    if (texts[left].size != texts[right].size)
        return texts[left].size < texts[right].size ? 1 : -1;
    return (left > right) - (left < right);
}

static int sort_texts(struct calibration *cal, struct error *err)
{
    cal->by_size = malloc((cal->text_count + 1) * sizeof *cal->by_size);
    if (cal->by_size == NULL)
        return no_memory(err);
    for (size_t t = 0; t < cal->text_count; t++)
        cal->by_size[t] = (uint32_t)t;
    qsort_r(cal->by_size, cal->text_count, sizeof *cal->by_size, longer_first, cal->texts);
    return 0;
}

int cal_read_texts(struct calibration *cal, struct error *err)
{
    size_t limit = TEXT_BUDGET / (cal->mail_count + 1), extra = 0;

    limit = limit < TEXT_LEAST ? TEXT_LEAST : limit > TEXT_MOST ? TEXT_MOST : limit;
    for (size_t i = 0; i < cal->mail_count; i++) {
        const struct cal_mail *mail = &cal->mails[i];
        if (cal_progress(cal, CAL_PHASE_TEXTS, i, cal->mail_count, err) != 0)
            return -1;
        if (mail->readable && read_text(cal, i, text_limit(cal, mail, limit, &extra), err) != 0)
            return -1;
    }
    return sort_texts(cal, err);
}

void cal_read_clear(struct calibration *cal)
{
    for (size_t i = 0; i < cal->bag_count; i++)
        free_bag(&cal->bags[i]);
    for (size_t i = 0; i < cal->text_count; i++)
        free(cal->texts[i].octets);
    free(cal->bags);
    free(cal->texts);
    free(cal->by_size);
    free(cal->strings);
    free(cal->mails);
    free(cal->mai_files);
    free(cal->att_files);
    root_free(cal->root);
    cal->bags = NULL;
    cal->texts = NULL;
    cal->by_size = NULL;
    cal->strings = NULL;
    cal->mails = NULL;
    cal->mai_files = cal->att_files = NULL;
    cal->root = NULL;
    cal->bag_count = cal->text_count = cal->string_count = 0;
    cal->mail_count = cal->mai_count = cal->att_count = 0;
}
