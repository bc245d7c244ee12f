/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "postoffice/access2.h"

/* The 51 directories (Q132744); mail does not flow without the first seven. */
static const char *const directories[] = {"GLB", "XTN", "KEY", "MBG", "MAI", "ATT", "P1",
                                          "CAL", "FOLDERS", "GRP", "HLP", "INF", "INI", "LOG",
                                          "USR", "MEM", "MMF", "NME", "TPL"};
#define NEEDED 7

/* Sizes: BASE + n x RECORD octets, RECORD 0: exactly BASE (Q77926). */
struct table_rule {
    const char *file;
    unsigned base, record;
    enum survey_severity missing;
};

static const struct table_rule tables[] = {
    {"GLB/NETWORK.GLB", 0, 122, SURVEY_FAULT},   {"GLB/CONTROL.GLB", 8, 0, SURVEY_FAULT},
    {"GLB/MASTER.GLB", 176, 0, SURVEY_FAULT},    {"GLB/ACCESS.GLB", 0, 586, SURVEY_FAULT},
    {"GLB/ACCESS2.GLB", 0, 69, SURVEY_FAULT},    {"GLB/ACCESS3.GLB", 0, 512, SURVEY_FAULT},
    {"GLB/FLAG.GLB", 2, 0, SURVEY_NOTE},         {"GLB/GLOBAL.GLB", 512, 0, SURVEY_NOTE},
    {"GLB/GROUP.GLB", 4, 51, SURVEY_NOTE},       {"GLB/GRPMEM.GLB", 4, 128, SURVEY_NOTE},
    {"GLB/MODEM.GLB", 64, 0, SURVEY_NOTE},       {"GLB/NETPO.GLB", 4, 43, SURVEY_NOTE},
    {"GLB/PROCESS.GLB", 512, 197, SURVEY_NOTE},  {"GLB/REQCONF.GLB", 512, 0, SURVEY_NOTE},
    {"GLB/SERVER.GLB", 0, 181, SURVEY_NOTE},     {"GLB/SRVCONF.GLB", 1024, 1024, SURVEY_NOTE},
    {"GLB/TID.GLB", 4, 0, SURVEY_NOTE},          {"GLB/RNETSEM.GLB", 4, 0, SURVEY_OK},
    {"GLB/C850SORT.GLB", 795, 0, SURVEY_OK},     {"GLB/ANSISORT.GLB", 795, 0, SURVEY_OK},
};

/* Directories in which every file of one extension has records of one size (Q77926). */
struct folder_rule {
    const char *directory;
    unsigned record;
    bool exact; /* one record, no more */
    enum survey_severity wrong;
    const char *partner; /* directory of the file of the same name that must be there */
};

static const struct folder_rule folders[] = {
    {"KEY", 560, true, SURVEY_FAULT, "MBG"},  {"MBG", 116, false, SURVEY_FAULT, "KEY"},
    {"XTN", 698, false, SURVEY_FAULT, NULL},  {"USR", 53, false, SURVEY_WARNING, NULL},
    {"NME", 45, false, SURVEY_WARNING, NULL}, {"GRP", 8, false, SURVEY_WARNING, NULL},
    {"MEM", 4, false, SURVEY_WARNING, NULL},
};

/* Opens directory NAME (any case) of the postoffice. -1 with errno when it is absent. */
static int open_directory(struct root *root, const char *name)
{
    char real[64];

    if (root_real_name(root, name, real, sizeof real, NULL) != 0)
        return -1;
    errno = ENOENT;
    if (real[0] == '\0')
        return -1;
    return openat(root_fd(root), real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void check_directory(struct survey *survey, const char *name, enum survey_severity severity)
{
    int fd = open_directory(survey->root, name);

    if (fd < 0)
        survey_tell(survey, severity, name, "the directory is absent or cannot be opened");
    else
        close(fd);
}

void survey_check_directories(struct survey *survey)
{
    char name[16];

    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        check_directory(survey, directories[i], i < NEEDED ? SURVEY_FAULT : SURVEY_WARNING);
    for (unsigned digit = 0; digit < 16; digit++) {
        snprintf(name, sizeof name, "MAI/MA%X", digit);
        check_directory(survey, name, SURVEY_FAULT);
        snprintf(name, sizeof name, "ATT/AT%X", digit);
        check_directory(survey, name, SURVEY_FAULT);
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
        survey_tell(survey, SURVEY_FAULT, file, "%s", err.text);
    else if (missing != SURVEY_OK)
        survey_tell(survey, missing, file, "the file is absent");
    return -1;
}

static void check_table(struct survey *survey, const struct table_rule *rule)
{
    int64_t size = table_size(survey, rule->file, rule->missing);

    if (size < 0)
        return;
    if (rule->record == 0 && size != rule->base)
        survey_tell(survey, SURVEY_FAULT, rule->file, "%lld octets, it has %u", (long long)size,
                    rule->base);
    if (rule->record != 0 && (size < rule->base || (size - rule->base) % rule->record != 0))
        survey_tell(survey, SURVEY_FAULT, rule->file,
                    "%lld octets are not %u and a whole number of records of %u", (long long)size,
                    rule->base, rule->record);
}

/* Absent files and broken records are told with the tables. */
static void check_users(struct survey *survey)
{
    struct error err;

    error_clear(&err);
    if (access2_check_counts(survey->root, &err) != 0 && err.sys != ENOENT)
        survey_tell(survey, SURVEY_FAULT, ACCESS2_FILE, "%s", err.text);
}

void survey_check_tables(struct survey *survey)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        check_table(survey, &tables[i]);
    check_users(survey);
}

static void check_size(struct survey *survey, const struct folder_rule *rule, const char *file)
{
    int64_t size = table_size(survey, file, SURVEY_NOTE);

    if (size < 0)
        return;
    if (rule->exact && size != rule->record)
        survey_tell(survey, rule->wrong, file, "%lld octets, it has %u", (long long)size,
                    rule->record);
    else if (!rule->exact && size % rule->record != 0)
        survey_tell(survey, rule->wrong, file,
                    "%lld octets are not a whole number of records of %u", (long long)size,
                    rule->record);
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
        survey_tell(survey, SURVEY_FAULT, file, "%s is missing; both belong together (Q264331)",
                    partner);
}

static void check_entry(struct survey *survey, const struct folder_rule *rule, const char *entry)
{
    char file[64], base[16];
    size_t length = strcspn(entry, ".");

    if (length == 0 || length > 8 || strlen(entry) > 12 || entry[length] != '.' ||
        strcasecmp(entry + length + 1, rule->directory) != 0)
        return;
    snprintf(base, sizeof base, "%.*s", (int)length, entry);
    snprintf(file, sizeof file, "%s/%s.%s", rule->directory, base, entry + length + 1);
    check_size(survey, rule, file);
    if (rule->partner != NULL)
        check_partner(survey, rule, file, base);
}

static void check_folder(struct survey *survey, const struct folder_rule *rule)
{
    int fd = open_directory(survey->root, rule->directory);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (survey->stopped == 0 && (entry = readdir(dir)) != NULL)
        check_entry(survey, rule, entry->d_name);
    closedir(dir);
}

void survey_check_folders(struct survey *survey)
{
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        check_folder(survey, &folders[i]);
}
