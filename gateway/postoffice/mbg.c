/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mbg.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "postoffice/route.h"

#define AT_SENDER 0x02
#define AT_SUBJECT 0x0D
#define AT_SECOND 0x36 /* then minute, hour, day, month, year: words */
#define AT_PRIORITY 0x42
#define AT_MAI 0x43
#define AT_SIZE 0x4E

static uint16_t word(const uint8_t *raw, size_t at)
{
    return (uint16_t)(raw[at] | raw[at + 1] << 8);
}

static void parse_date(const uint8_t *raw, struct mbg_record *out)
{
    out->second = word(raw, AT_SECOND);
    out->date.minute = word(raw, AT_SECOND + 2);
    out->date.hour = word(raw, AT_SECOND + 4);
    out->date.day = word(raw, AT_SECOND + 6);
    out->date.month = word(raw, AT_SECOND + 8);
    out->date.year = word(raw, AT_SECOND + 10);
    out->date.set = true;
    out->date.set = message_date_valid(&out->date);
}

static void copy_text(const uint8_t *raw, size_t size, char *out)
{
    size_t length = strnlen((const char *)raw, size);

    memcpy(out, raw, length);
    out[length] = '\0';
}

void mbg_parse(const uint8_t raw[MBG_RECORD_SIZE], struct mbg_record *out)
{
    char digits[10];

    memset(out, 0, sizeof *out);
    copy_text(raw + AT_SENDER, 11, out->sender);
    copy_text(raw + AT_SUBJECT, 41, out->subject);
    copy_text(raw + AT_MAI, 9, digits);
    parse_date(raw, out);
    out->priority = (char)raw[AT_PRIORITY];
    if (id_parse(digits, &out->mai_number) == 0)
        id_make(out->mai_number, out->mai);
    out->size = (uint32_t)word(raw, AT_SIZE) | (uint32_t)word(raw, AT_SIZE + 2) << 16;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int64_t stamp(const struct mbg_record *record)
{
    const struct message_date *date = &record->date;
    int64_t days = ((int64_t)date->year * 16 + date->month) * 32 + date->day;

    return ((days * 32 + date->hour) * 64 + date->minute) * 65536 + record->second;
}

int mbg_compare(const struct mbg_record *a, const struct mbg_record *b)
{
    int order = compare_numbers(stamp(a), stamp(b));

    return order != 0 ? order : compare_numbers(a->mai_number, b->mai_number);
}

int64_t mbg_local_minutes(const struct mbg_record *record)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const struct message_date *date = &record->date;
    int64_t leaps, days;
    int past;

    if (!date->set)
        return -1;
    past = date->month > 2 ? date->year : date->year - 1;
    leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    days = (int64_t)(date->year - 1970) * 365 + leaps + before[date->month - 1] + date->day - 1;
    return (days * 24 + date->hour) * 60 + date->minute;
}

int mbg_load(struct root *root, const char *id, uint8_t **out, size_t *count, struct error *err)
{
    char name[32];
    size_t size;
    int fd, status;

    snprintf(name, sizeof name, "MBG/%s.MBG", id);
    fd = root_open_file(root, name, O_RDONLY, err);
    if (fd < 0)
        return -1;
    status = file_read_all(fd, name, (size_t)MBG_RECORD_SIZE * MBG_MAX_RECORDS, out, &size, err);
    close(fd);
    if (status != 0)
        return -1;
    if (size % MBG_RECORD_SIZE != 0) {
        free(*out);
        *out = NULL;
        return error_set(err, ERROR_DATA, "",
                         "%s: %zu octets are not a whole number of records of %d", name, size,
                         MBG_RECORD_SIZE);
    }
    *count = size / MBG_RECORD_SIZE;
    return 0;
}
