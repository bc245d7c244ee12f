/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "postoffice/access2.h"
#include "postoffice/route.h"

/* The 51 directories (Q132744); mail does not flow without the first seven. */
static const char *const directories[] = {"GLB", "XTN",     "KEY", "MBG", "MAI", "ATT", "P1",
                                          "CAL", "FOLDERS", "GRP", "HLP", "INF", "INI", "LOG",
                                          "USR", "MEM",     "MMF", "NME", "TPL"};
#define NEEDED 7

/* Sizes: BASE + n x RECORD octets, RECORD 0: exactly BASE (Q77926). */
struct table_rule {
    const char *file;
    unsigned base, record;
    enum survey_severity missing;
};

static const struct table_rule tables[] = {
    {"GLB/NETWORK.GLB", 0, 122, SURVEY_FAULT},
    {"GLB/CONTROL.GLB", 8, 0, SURVEY_FAULT},
    {"GLB/MASTER.GLB", 176, 0, SURVEY_FAULT},
    {"GLB/ACCESS.GLB", 0, 586, SURVEY_FAULT},
    {"GLB/ACCESS2.GLB", 0, 69, SURVEY_FAULT},
    {"GLB/ACCESS3.GLB", 0, 512, SURVEY_FAULT},
    {"GLB/FLAG.GLB", 2, 0, SURVEY_NOTE},
    {"GLB/GLOBAL.GLB", 512, 0, SURVEY_NOTE},
    {"GLB/GROUP.GLB", 4, 51, SURVEY_NOTE},
    {"GLB/GRPMEM.GLB", 4, 128, SURVEY_NOTE},
    {"GLB/MODEM.GLB", 64, 0, SURVEY_NOTE},
    {"GLB/NETPO.GLB", 4, 43, SURVEY_NOTE},
    {"GLB/PROCESS.GLB", 512, 197, SURVEY_NOTE},
    {"GLB/REQCONF.GLB", 512, 0, SURVEY_NOTE},
    {"GLB/SERVER.GLB", 0, 181, SURVEY_NOTE},
    {"GLB/SRVCONF.GLB", 1024, 1024, SURVEY_OK}, /* both spellings are in print: Q132744, Q77926 */
    {"GLB/SVRCONF.GLB", 1024, 1024, SURVEY_OK},
    {"GLB/TID.GLB", 4, 0, SURVEY_NOTE},
    {"GLB/RNETSEM.GLB", 4, 0, SURVEY_OK},
    {"GLB/GALINDEX.GLB", 208, 6, SURVEY_OK}, /* Q86375 */
    {"GLB/C850SORT.GLB", 795, 0, SURVEY_OK},
    {"GLB/ANSISORT.GLB", 795, 0, SURVEY_OK},
};

/* Directories in which every file of one extension has records of one size (Q77926). */
struct folder_rule {
    const char *directory;
    const char *extension;
    unsigned base, record; /* RECORD 0: exactly BASE */
    unsigned alone;        /* this size, too; 0: none */
    unsigned most;         /* octets; 0: no limit */
    unsigned wrong;        /* how a wrong size is told */
    const char *partner;   /* directory of the file of the same name that must be there */
};

#define STOPS (SURVEY_FAULT | SURVEY_STOPS)

/* FOLDERS/<serial number>.IDX has 4 octets, the others a heading of 100; a new folder file has 129
 * (Q105960). */
static const struct folder_rule folders[] = {
    {"KEY", "KEY", 560, 0, 0, 0, STOPS, "MBG"},
    {"MBG", "MBG", 0, 116, 0, 116 * 4096, STOPS, "KEY"},
    {"XTN", "XTN", 0, 698, 0, 0, STOPS, NULL},
    {"USR", "USR", 0, 53, 0, 0, SURVEY_WARNING, NULL},
    {"NME", "NME", 0, 45, 0, 0, SURVEY_WARNING, NULL},
    {"GRP", "GRP", 8, 8, 0, 0, SURVEY_WARNING, NULL},
    {"MEM", "MEM", 0, 4, 0, 2000, SURVEY_WARNING, NULL},
    {"FOLDERS", "IDX", 100, 158, 4, 0, SURVEY_WARNING, NULL},
    {"FOLDERS/PUB", "IDX", 100, 158, 4, 0, SURVEY_WARNING, NULL},
    {"FOLDERS", "FLD", 129, 1, 0, 0, SURVEY_WARNING, NULL},
    {"FOLDERS/PUB", "FLD", 129, 1, 0, 0, SURVEY_WARNING, NULL},
};

static const struct folder_rule user_folders[] = {
    {NULL, "IDX", 100, 158, 4, 0, SURVEY_WARNING, NULL},
    {NULL, "FLD", 129, 1, 0, 0, SURVEY_WARNING, NULL},
};

DIR *survey_open_directory(struct root *root, const char *name, char real[SURVEY_NAME_SIZE])
{
    char found[SURVEY_NAME_SIZE];
    DIR *dir;
    int fd;

    if (root_real_name(root, name, found, sizeof found, NULL) != 0)
        return NULL;
    errno = ENOENT;
    if (found[0] == '\0')
        return NULL;
    fd = openat(root_fd(root), found, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL && fd >= 0)
        close(fd);
    if (real != NULL)
        memcpy(real, found, sizeof found);
    return dir;
}

bool survey_file_number(const char *entry, const char *extension, uint32_t *out)
{
    char digits[9];

    if (strnlen(entry, 9) < 9 || entry[8] != '.')
        return false;
    memcpy(digits, entry, 8);
    digits[8] = '\0';
    return id_parse(digits, out) == 0 &&
           (extension == NULL || strcasecmp(entry + 9, extension) == 0);
}

/* The read-only attribute of DOS is a mode without write bits on every mount (Q158489, Q170574). */
bool survey_tell_read_only(struct survey *survey, struct survey_kind *kind, const char *name)
{
    char real[SURVEY_NAME_SIZE * 2];
    struct stat st;

    if (survey->read_only || root_real_name(survey->root, name, real, sizeof real, NULL) != 0 ||
        real[0] == '\0' || fstatat(root_fd(survey->root), real, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if ((st.st_mode & 0222) != 0 && faccessat(root_fd(survey->root), real, W_OK, AT_EACCESS) == 0)
        return false;
    survey_tell_some(survey, kind, name,
                     "is read-only: what removal changes there cannot be written");
    return true;
}

/* A backup on a read-only medium is told once. */
static void check_medium(struct survey *survey)
{
    struct statvfs fs;

    if (fstatvfs(root_fd(survey->root), &fs) != 0 || (fs.f_flag & ST_RDONLY) == 0)
        return;
    survey->read_only = true;
    survey_tell(survey, SURVEY_NOTE | SURVEY_STOPS, "read-only", "",
                "the whole file system is read-only: nothing can be removed");
}

static void check_directory(struct survey *survey, const char *name, unsigned how)
{
    DIR *dir = survey_open_directory(survey->root, name, NULL);

    if (dir == NULL)
        survey_tell(survey, how, "directory", name, "the directory is absent or cannot be opened");
    else
        closedir(dir);
}

void survey_check_directories(struct survey *survey)
{
    char name[16];

    check_medium(survey);
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        check_directory(survey, directories[i], i < NEEDED ? STOPS : SURVEY_WARNING);
    for (unsigned digit = 0; digit < 16; digit++) {
        snprintf(name, sizeof name, "MAI/MA%X", digit);
        check_directory(survey, name, STOPS);
        snprintf(name, sizeof name, "ATT/AT%X", digit);
        check_directory(survey, name, STOPS);
    }
}

/* Size of FILE, or -1 after telling about its absence. */
static int64_t table_size(struct survey *survey, const char *file, enum survey_severity missing)
{
    struct error err;
    struct stat st;

    error_clear(&err);
    if (root_stat(survey->root, file, &st, &err) == 0)
        return st.st_size;
    if (err.sys != ENOENT)
        survey_tell(survey, SURVEY_FAULT, "unreadable", file, "%s", err.text);
    else if (missing != SURVEY_OK)
        survey_tell(survey, missing == SURVEY_FAULT ? STOPS : missing, "absent", file,
                    "the file is absent");
    return -1;
}

/* Damage to a table that routing or removal depends on stops. */
static void check_table(struct survey *survey, const struct table_rule *rule)
{
    struct survey_kind kind = {SURVEY_WARNING, "read-only", "", 0};
    unsigned how = rule->missing == SURVEY_FAULT ? STOPS : SURVEY_FAULT;
    int64_t size = table_size(survey, rule->file, rule->missing);

    if (size < 0)
        return;
    (void)survey_tell_read_only(survey, &kind, rule->file);
    if (rule->record == 0 && size != rule->base)
        survey_tell(survey, how, "size", rule->file, "%lld octets, it has %u", (long long)size,
                    rule->base);
    if (rule->record != 0 && (size < rule->base || (size - rule->base) % rule->record != 0))
        survey_tell(survey, how, "size", rule->file,
                    "%lld octets are not %u and a whole number of records of %u", (long long)size,
                    rule->base, rule->record);
}

/* Absent files and broken records are told with the tables. */
static void check_users(struct survey *survey)
{
    struct error err;
    struct stat st;

    survey->owners_lost = root_stat(survey->root, ACCESS2_FILE, &st, &err) != 0;
    error_clear(&err);
    if (access2_check_counts(survey->root, &err) != 0 && err.sys != ENOENT)
        survey_tell(survey, STOPS, "user-count", ACCESS2_FILE, "%s", err.text);
}

void survey_check_tables(struct survey *survey)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        check_table(survey, &tables[i]);
    check_users(survey);
}

static void check_size(struct survey *survey, const struct folder_rule *rule, const char *file)
{
    int64_t size = table_size(survey, file, SURVEY_OK);

    if (size < 0 || (rule->alone != 0 && size == rule->alone))
        return;
    if (rule->record == 0 && size != rule->base)
        survey_tell(survey, rule->wrong, "size", file, "%lld octets, it has %u", (long long)size,
                    rule->base);
    else if (rule->record != 0 && (size < rule->base || (size - rule->base) % rule->record != 0))
        survey_tell(survey, rule->wrong, "size", file,
                    "%lld octets are not %u and a whole number of records of %u", (long long)size,
                    rule->base, rule->record);
    else if (rule->most != 0 && size > rule->most)
        survey_tell(survey, rule->wrong, "size", file, "%lld octets, it has at most %u",
                    (long long)size, rule->most);
}

static void check_partner(struct survey *survey, const struct folder_rule *rule, const char *file,
                          const char *entry)
{
    char partner[64];
    struct stat st;
    struct error err;

    snprintf(partner, sizeof partner, "%s/%.8s.%s", rule->partner, entry, rule->partner);
    error_clear(&err);
    if (root_stat(survey->root, partner, &st, &err) != 0 && err.sys == ENOENT)
        survey_tell(survey, STOPS, "pair", file, "%s is missing; both belong together (Q264331)",
                    partner);
}

static void check_entry(struct survey *survey, const struct folder_rule *rule,
                        const char *directory, const char *entry)
{
    char file[64], base[16];
    size_t length = strcspn(entry, ".");

    if (length == 0 || length > 8 || strlen(entry) > 12 || entry[length] != '.' ||
        strcasecmp(entry + length + 1, rule->extension) != 0)
        return;
    snprintf(base, sizeof base, "%.*s", (int)length, entry);
    snprintf(file, sizeof file, "%.40s/%s.%s", directory, base, entry + length + 1);
    check_size(survey, rule, file);
    if (rule->partner != NULL)
        check_partner(survey, rule, file, base);
}

static void check_folder(struct survey *survey, const struct folder_rule *rule, const char *name)
{
    struct dirent *entry;
    DIR *dir = survey_open_directory(survey->root, name, NULL);

    if (dir == NULL)
        return;
    while (survey->stopped == 0 && (entry = readdir(dir)) != NULL)
        check_entry(survey, rule, name, entry->d_name);
    closedir(dir);
}

/* FOLDERS/LOC has a directory for each user, named by his number. */
static void check_user_folders(struct survey *survey)
{
    char real[SURVEY_NAME_SIZE], name[SURVEY_NAME_SIZE];
    struct dirent *entry;
    DIR *dir = survey_open_directory(survey->root, "FOLDERS/LOC", real);

    if (dir == NULL)
        return;
    while (survey->stopped == 0 && (entry = readdir(dir)) != NULL) {
        uint32_t number;
        if (id_parse(entry->d_name, &number) != 0)
            continue;
        snprintf(name, sizeof name, "%.40s/%.8s", real, entry->d_name);
        for (size_t i = 0; i < sizeof user_folders / sizeof user_folders[0]; i++)
            check_folder(survey, &user_folders[i], name);
    }
    closedir(dir);
}

void survey_check_folders(struct survey *survey)
{
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        check_folder(survey, &folders[i], folders[i].directory);
    check_user_folders(survey);
}
