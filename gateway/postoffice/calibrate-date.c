/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <ctype.h>
#include <string.h>

/*
 * Which field is the date, and how it is written: the numbers in its string are compared with the
 * date of the mailbag's record. Each number must be one part of that date, and no other, in nearly
 * all messages; what is left is the second.
 */
#define CODES 128
#define MAX_PIECES 24
#define LEAST_DATES 3 /* different ones */

enum part { YEAR, MONTH, DAY, HOUR, MINUTE, PARTS, SECOND = PARTS, NONE };

/* Digits of the string: the whole run, or two or four of a longer one. */
struct piece {
    uint8_t run, offset, width; /* width 0: a run of one or two digits */
    unsigned agree[PARTS], seen;
    bool one_digit;
    enum part part;
};

/* A string with its digits as '0', runs of one or two as one 'n', and AM or PM as 'A'. */
struct shape {
    char text[DATE_MAX_TEXT];
    uint8_t starts[MAX_PIECES], lengths[MAX_PIECES]; /* of the runs, in the string */
    size_t runs;
    int half; /* 0 AM, 1 PM, -1: neither is there */
};

struct form {
    struct shape shape; /* of one of the strings */
    uint8_t clear[CAL_HEAD];
    struct piece pieces[MAX_PIECES];
    size_t count;
    unsigned agree, disagree, halves[2];
    uint64_t dates;
    char text[DATE_FORM_SIZE];
};

static bool is_half(const uint8_t *clear, size_t left)
{
    return left >= 2 && (clear[0] == 'A' || clear[0] == 'P') && clear[1] == 'M';
}

static bool take_run(struct shape *shape, const uint8_t *clear, size_t size, size_t *at, size_t *out)
{
    size_t start = *at;

    while (*at < size && isdigit(clear[*at]))
        ++*at;
    if (shape->runs == MAX_PIECES)
        return false;
    shape->starts[shape->runs] = (uint8_t)start;
    shape->lengths[shape->runs++] = (uint8_t)(*at - start);
    if (*at - start <= 2)
        shape->text[(*out)++] = 'n';
    for (size_t i = start; *at - start > 2 && i < *at; i++)
        shape->text[(*out)++] = '0';
    return true;
}

/* False when CLEAR cannot be a date. */
static bool make_shape(const uint8_t *clear, size_t size, struct shape *shape)
{
    size_t at = 0, out = 0;

    *shape = (struct shape){.half = -1};
    if (size < 8 || size >= DATE_FORM_SIZE)
        return false;
    while (at < size) {
        if (isdigit(clear[at])) {
            if (!take_run(shape, clear, size, &at, &out))
                return false;
        } else if (shape->half < 0 && is_half(clear + at, size - at)) {
            shape->half = clear[at] == 'P';
            shape->text[out++] = 'A';
            at += 2;
        } else {
            if (clear[at] < 0x20 || clear[at] > 0x7E || islower(clear[at]))
                return false;
            shape->text[out++] = (char)clear[at++];
        }
    }
    return shape->runs != 0;
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
    return strcmp(a->text, b->text) == 0;
}

/* ---- the strings of a field ---- */

typedef void string_seen(struct form *form, const struct cal_mail *mail, const uint8_t *clear,
                         const struct shape *shape);

static bool stands_alone(const struct cal_mail *mail, const struct cal_string *string, size_t index)
{
    return string->nth == 0 && (index + 1 == mail->count || string[1].element != string->element);
}

static void each_string(const struct calibration *cal, unsigned code, struct form *form,
                        string_seen *seen)
{
    uint8_t clear[CAL_HEAD];
    struct shape shape;

    for (size_t m = 0; m < cal->mail_count; m++) {
        const struct cal_mail *mail = &cal->mails[m];
        for (size_t i = 0; mail->paired && mail->header.date.set && i < mail->count; i++) {
            const struct cal_string *string = &cal->strings[mail->first + i];
            if (string->vendor || string->code != code || string->place == CAL_IN_SEQUENCE ||
                !stands_alone(mail, string, i) || string->length > CAL_HEAD ||
                cal_decode(cal, string->head, string->length, clear) != string->length)
                continue;
            if (make_shape(clear, string->length, &shape))
                seen(form, mail, clear, &shape);
            else
                form->disagree++;
        }
    }
}

/* A majority survives its rivals. */
static void vote_shape(struct form *form, const struct cal_mail *mail, const uint8_t *clear,
                       const struct shape *shape)
{
    (void)mail;
    if (form->agree == 0) {
        form->shape = *shape;
        memcpy(form->clear, clear, sizeof form->clear);
    }
    if (same_shape(&form->shape, shape))
        form->agree++;
    else
        form->agree--;
}

/* ---- numbers ---- */

static void add_piece(struct form *form, size_t run, size_t offset, size_t width)
{
    if (form->count < MAX_PIECES)
        form->pieces[form->count++] = (struct piece){
            .run = (uint8_t)run, .offset = (uint8_t)offset, .width = (uint8_t)width, .part = NONE};
}

/* Runs of one or two digits are one number; of longer ones any two or four may be. */
static void make_pieces(struct form *form)
{
    for (size_t run = 0; run < form->shape.runs; run++) {
        size_t length = form->shape.lengths[run];
        if (length <= 2)
            add_piece(form, run, 0, 0);
        for (size_t offset = 0; length > 2 && offset + 2 <= length; offset += 2) {
            if (offset + 4 <= length)
                add_piece(form, run, offset, 4);
            add_piece(form, run, offset, 2);
        }
    }
}

static int number_at(const uint8_t *digits, size_t width)
{
    int value = 0;

    for (size_t i = 0; i < width; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

static bool is_part(const struct message_date *date, enum part part, int value, size_t width,
                    bool halves)
{
    switch ((int)part) {
    case YEAR:
        return value == (width == 4 ? date->year : date->year % 100);
    case MONTH:
        return width != 4 && value == date->month;
    case DAY:
        return width != 4 && value == date->day;
    case HOUR:
        return width != 4 &&
               value == (halves ? (date->hour + 11) % 12 + 1 : date->hour);
    default:
        return width != 4 && value == date->minute;
    }
}

static void count_pieces(struct form *form, const struct cal_mail *mail, const uint8_t *clear,
                         const struct shape *shape)
{
    const struct message_date *date = &mail->header.date;

    if (!same_shape(&form->shape, shape)) {
        form->disagree++;
        return;
    }
    for (size_t i = 0; i < form->count; i++) {
        struct piece *piece = &form->pieces[i];
        size_t width = piece->width != 0 ? piece->width : shape->lengths[piece->run];
        int value = number_at(clear + shape->starts[piece->run] + piece->offset, width);
        piece->seen++;
        piece->one_digit = piece->one_digit || width == 1;
        for (int part = 0; part < PARTS; part++)
            piece->agree[part] += is_part(date, (enum part)part, value, width, shape->half >= 0);
    }
    if (shape->half >= 0)
        form->halves[(date->hour >= 12) == (shape->half == 1)]++;
    form->dates |= (uint64_t)1 << (date->minute + 7 * date->hour + 11 * date->day) % 64;
}

/* ---- which number is which part ---- */

static bool fits(const struct piece *piece, int part)
{
    return cal_sound(piece->agree[part], piece->seen - piece->agree[part]);
}

/* Only those remain that do not lie inside a year of four digits, or around two numbers. */
static void choose_pieces(struct form *form)
{
    size_t kept = 0;

    for (size_t i = 0; i < form->count; i++) {
        const struct piece *piece = &form->pieces[i];
        const struct piece *last = kept != 0 ? &form->pieces[kept - 1] : NULL;
        bool inside = last != NULL && last->run == piece->run && last->width == 4 &&
                      piece->offset < last->offset + 4;
        if (!inside && (piece->width != 4 || fits(piece, YEAR)))
            form->pieces[kept++] = *piece;
    }
    form->count = kept;
}

/* A part that only this number can be is no other number's: again, until nothing changes. */
static void assign_parts(struct form *form)
{
    bool taken[PARTS] = {false}, changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < form->count; i++) {
            int only = NONE, found = 0;
            for (int part = 0; part < PARTS; part++) {
                if (taken[part] || !fits(&form->pieces[i], part))
                    continue;
                only = part;
                found++;
            }
            if (found != 1 || form->pieces[i].part != NONE)
                continue;
            form->pieces[i].part = (enum part)only;
            taken[only] = changed = true;
        }
    }
}

/* What is no part of the record's date is the second when it follows the minute. */
static bool complete(struct form *form)
{
    unsigned parts = 0;

    for (size_t i = 0; i < form->count; i++) {
        struct piece *piece = &form->pieces[i];
        bool any = false;
        for (int part = 0; part < PARTS; part++)
            any = any || fits(piece, part);
        if (piece->part == NONE && !any && i != 0 && form->pieces[i - 1].part == MINUTE &&
            piece->width != 4)
            piece->part = SECOND;
        if (piece->part == NONE)
            return false;
        parts |= 1U << piece->part;
        if (piece->part < PARTS && piece->agree[piece->part] < form->agree)
            form->agree = piece->agree[piece->part];
    }
    return (parts & ((1U << PARTS) - 1)) == (1U << PARTS) - 1;
}

/* Both halves of the day, each where it belongs; or neither. */
static bool halves_fit(const struct form *form)
{
    return form->shape.half < 0 || cal_sound(form->halves[1], form->halves[0]);
}

static size_t put_word(const struct piece *piece, size_t digits, char *out)
{
    static const char letters[] = {
        [YEAR] = 'y', [MONTH] = 'm', [DAY] = 'd', [HOUR] = 'h', [MINUTE] = 'm', [SECOND] = 's'};
    size_t width = piece->one_digit ? 1 : piece->width != 0 ? piece->width : digits;

    memset(out, letters[piece->part], width);
    return width;
}

static void write_form(struct form *form)
{
    const struct shape *shape = &form->shape;
    size_t out = 0, piece = 0, run = 0;
    char text[2 * DATE_MAX_TEXT] = "";

    for (const char *c = shape->text; *c != '\0'; c++) {
        if (*c == 'A') {
            memcpy(text + out, "AM", 2);
            out += 2;
        } else if (*c != 'n' && *c != '0') {
            text[out++] = *c;
        } else if (*c == 'n' || c == shape->text || c[-1] != '0') {
            for (; piece < form->count && form->pieces[piece].run == run; piece++)
                out += put_word(&form->pieces[piece], shape->lengths[run], text + out);
            run++;
        }
    }
    snprintf(form->text, sizeof form->text, "%s", text);
}

static unsigned dates_seen(const struct form *form)
{
    unsigned seen = 0;

    for (int bit = 0; bit < 64; bit++)
        seen += form->dates >> bit & 1;
    return seen;
}

/* True when the field CODE says the dates of the records, in FORM. */
static bool read_field(const struct calibration *cal, unsigned code, struct form *form)
{
    each_string(cal, code, form, vote_shape);
    if (form->agree == 0)
        return false;
    make_pieces(form);
    form->disagree = 0;
    each_string(cal, code, form, count_pieces);
    form->agree = form->count != 0 ? form->pieces[0].seen : 0;
    choose_pieces(form);
    assign_parts(form);
    if (!complete(form) || !halves_fit(form) || dates_seen(form) < LEAST_DATES ||
        !cal_sound(form->agree, form->disagree))
        return false;
    write_form(form);
    return date_form_wrong(form->text) == NULL;
}

void cal_learn_date(struct calibration *cal)
{
    struct form best = {.count = 0};
    unsigned found = 0;

    for (unsigned code = 1; code < CODES; code++) {
        struct form form = {.count = 0};
        if (!read_field(cal, code, &form))
            continue;
        found++;
        best = form;
        cal->profile.field_date = (uint8_t)code;
    }
    if (found == 1) {
        snprintf(cal->profile.date_form, sizeof cal->profile.date_form, "%s", best.text);
        cal_accept(cal, PROFILE_FIELD_DATE, best.agree, best.disagree,
                   "says the same minute as the mailbag");
        cal_accept(cal, PROFILE_DATE_FORM, best.agree, best.disagree,
                   "each number is one part of the date in the mailbag, and no other; %u different "
                   "dates or more",
                   dates_seen(&best));
        return;
    }
    cal->profile.field_date = 0;
    cal_refuse(cal, PROFILE_FIELD_DATE, 0, 0,
               "%u fields say the same minute as the mailbag; the mailbag's date is used", found);
    cal_refuse(cal, PROFILE_DATE_FORM, 0, 0, "see mai.field.date");
}
