/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/date-form.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum word { YEAR, MONTH, DAY, HOUR, MINUTE, WORDS_NEEDED, SECOND = WORDS_NEEDED, HALF, WORDS, OTHER };

struct step {
    enum word word;
    size_t width; /* of digits; 1: one or two */
    char literal;
};

struct walk {
    const char *at; /* next character of the form */
    enum word last; /* word */
};

static enum word word_of(char letter, enum word last)
{
    switch (letter) {
    case 'y':
        return YEAR;
    case 'm': /* behind the hour it is the minute */
        return last == HOUR ? MINUTE : MONTH;
    case 'd':
        return DAY;
    case 'h':
        return HOUR;
    case 's':
        return SECOND;
    default:
        return OTHER;
    }
}

/* False at the end. */
static bool next_step(struct walk *walk, struct step *out)
{
    char letter = *walk->at;

    if (letter == '\0')
        return false;
    out->literal = letter;
    out->width = 1;
    out->word = word_of(letter, walk->last);
    if (out->word == OTHER && strncmp(walk->at, "AM", 2) == 0) {
        out->word = HALF;
        out->width = 2;
    }
    while (out->word < HALF && walk->at[out->width] == letter)
        out->width++;
    walk->at += out->width;
    if (out->word != OTHER)
        walk->last = out->word;
    return true;
}

static bool width_is_right(const struct step *step)
{
    if (step->word == YEAR)
        return step->width == 2 || step->width == 4;
    return step->width <= 2;
}

const char *date_form_wrong(const char *form)
{
    struct walk walk = {form, OTHER};
    unsigned seen[WORDS] = {0};
    struct step step;

    if (strlen(form) >= DATE_FORM_SIZE)
        return "a shorter form";
    while (next_step(&walk, &step)) {
        unsigned char literal = (unsigned char)step.literal;
        if (step.word == OTHER && (literal < 0x20 || literal > 0x7E || isdigit(literal) ||
                                   islower(literal) || literal == '#'))
            return "a form of yyyy, yy, mm, dd, hh, mm, ss, AM and what is between them";
        if (step.word != OTHER && (!width_is_right(&step) || seen[step.word]++ != 0))
            return "yyyy or yy, and mm, dd, hh, mm behind hh, ss, AM once each";
    }
    for (int word = 0; word < WORDS_NEEDED; word++) {
        if (seen[word] == 0)
            return "a form with year, month, day, hour, and minute behind the hour";
    }
    return NULL;
}

/* How many digits were taken; 0: not as many as WIDTH says. */
static size_t read_number(const uint8_t *text, size_t size, size_t width, int *out)
{
    size_t digits = 0, most = width == 1 ? 2 : width;

    *out = 0;
    while (digits < size && digits < most && isdigit(text[digits]))
        *out = *out * 10 + (text[digits++] - '0');
    return digits >= width ? digits : 0;
}

static size_t read_half(const uint8_t *text, size_t size, int *out)
{
    if (size < 2 || toupper(text[1]) != 'M' || (toupper(text[0]) != 'A' && toupper(text[0]) != 'P'))
        return 0;
    *out = toupper(text[0]) == 'P';
    return 2;
}

/* Octets of TEXT that STEP takes; 0: it is not there. */
static size_t take_step(const struct step *step, const uint8_t *text, size_t size, int *values)
{
    size_t took;

    if (step->word == HALF)
        return read_half(text, size, &values[HALF]);
    if (step->word == OTHER)
        return size != 0 && text[0] == (uint8_t)step->literal;
    took = read_number(text, size, step->width, &values[step->word]);
    if (step->word == YEAR && step->width == 2)
        values[YEAR] += values[YEAR] < 80 ? 2000 : 1900; /* Q170137, Q192156 */
    return took;
}

/* 12 AM is midnight, 12 PM noon (Q103421). -1: no such hour. */
static int hour_of(int hour, int half)
{
    if (half < 0)
        return hour;
    return hour >= 1 && hour <= 12 ? hour % 12 + 12 * half : -1;
}

bool date_form_read(const char *form, const uint8_t *text, size_t size, struct message_date *out)
{
    struct walk walk = {form, OTHER};
    int values[WORDS] = {[HALF] = -1};
    struct message_date date;
    struct step step;

    while (next_step(&walk, &step)) {
        size_t took = take_step(&step, text, size, values);
        if (took == 0)
            return false;
        text += took;
        size -= took;
    }
    date = (struct message_date){true,        values[YEAR],  values[MONTH], values[DAY],
                                 hour_of(values[HOUR], values[HALF]), values[MINUTE]};
    if (size != 0 || values[SECOND] > 59 || !message_date_valid(&date))
        return false;
    *out = date;
    return true;
}
