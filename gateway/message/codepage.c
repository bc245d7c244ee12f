/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/codepage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/charset.h"

/*
 * The code page. Each octet beyond ASCII is looked at between its neighbours: under the right page
 * it is a letter that goes with the letters beside it (no capital inside of a word, no line of a
 * table, no two alphabets in one word). No language is assumed. Pages that differ in no letter that
 * occurs cannot be told apart, and then none is taken.
 */
#define PAGES CODEPAGES
#define LEAST_PLACES 12     /* different ones with an octet beyond ASCII */
#define LEAST_AGAINST 8     /* of them that speak against each other page */
#define NEED 30.0           /* nats before the runner-up */
#define MOST_COST 0.9       /* nats a place of the right page at most */
#define ENOUGH 20000        /* places */
#define SEEN_SIZE (1 << 21) /* octets of a bit for each three octets */

enum kind { LOWER, UPPER, MARK, SYMBOL, NOTHING, BLANK, DIGIT };
enum script { NONE, LATIN, GREEK, CYRILLIC };

struct sign {
    uint8_t kind, script;
};

struct page {
    const char *name; /* for iconv */
    struct sign signs[256];
    double cost;
    unsigned against; /* places that this page makes much less sense of than the best */
};

struct codepage_guess {
    struct page pages[PAGES];
    uint8_t *seen;
    uint8_t (*list)[3];
    size_t count, space;
    uint64_t octets;
};

/* Those of Q174153 that have one octet for a character, what DOS had beside them, and those of
 * Windows. */
static const char *const names[PAGES] = {"CP437",  "CP737",  "CP850",  "CP852", "CP855", "CP857",
                                         "CP860",  "CP861",  "CP862",  "CP863", "CP865", "CP866",
                                         "CP1250", "CP1252", "CP1254", "CP1257"};

/* ---- what an octet is ---- */

static struct sign latin_sign(uint32_t code)
{
    struct sign sign = {LOWER, LATIN};

    if (code == 0xD7 || code == 0xF7 || code < 0xC0)
        return (struct sign){SYMBOL, NONE};
    if (code < 0x100)
        sign.kind = code < 0xDF ? UPPER : LOWER;
    else if (code == 0x138 || code == 0x149 || code == 0x17F)
        sign.kind = LOWER;
    else if ((code >= 0x139 && code <= 0x148) || code >= 0x179)
        sign.kind = code % 2 != 0 ? UPPER : LOWER;
    else
        sign.kind = code % 2 == 0 || code == 0x178 ? UPPER : LOWER;
    return sign;
}

static struct sign sign_of(uint32_t code)
{
    static const uint16_t marks[] = {0xA0,   0xA1,   0xA7,   0xAB,   0xB0,   0xB4,   0xB7,
                                     0xBB,   0xBF,   0x2013, 0x2014, 0x2018, 0x2019, 0x201A,
                                     0x201C, 0x201D, 0x201E, 0x2026, 0x2039, 0x203A};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (code == marks[i])
            return (struct sign){MARK, NONE};
    }
    if (code >= 0x80 && code < 0x180)
        return latin_sign(code);
    if (code >= 0x386 && code <= 0x3CE && code != 0x387)
        return (struct sign){code == 0x390 || code >= 0x3AC ? LOWER : UPPER, GREEK};
    if (code >= 0x400 && code <= 0x45F)
        return (struct sign){code < 0x430 ? UPPER : LOWER, CYRILLIC};
    return (struct sign){code == 0xFFFD || code <= 0x20 ? NOTHING : SYMBOL, NONE};
}

static struct sign ascii_sign(unsigned octet)
{
    if (octet >= 'a' && octet <= 'z')
        return (struct sign){LOWER, LATIN};
    if (octet >= 'A' && octet <= 'Z')
        return (struct sign){UPPER, LATIN};
    if (octet >= '0' && octet <= '9')
        return (struct sign){DIGIT, NONE};
    return (struct sign){BLANK, NONE};
}

/* One character of UTF-8 that charset_line has written. */
static uint32_t next_code(const char **text)
{
    const uint8_t *at = (const uint8_t *)*text;
    unsigned more = at[0] >= 0xE0 ? 2 : at[0] >= 0xC0 ? 1 : 0;
    uint32_t code = more == 2 ? at[0] & 0x0F : more == 1 ? at[0] & 0x1F : at[0];

    for (unsigned i = 1; i <= more && at[i] != '\0'; i++) {
        code = code << 6 | (at[i] & 0x3F);
        (*text)++;
    }
    (*text)++;
    return code;
}

static int make_page(struct page *page, const char *name, struct error *err)
{
    char all[129], *clear;
    const char *at;

    page->name = name;
    for (unsigned i = 0; i < 128; i++) {
        page->signs[i] = ascii_sign(i);
        all[i] = (char)(0x80 + i);
    }
    all[128] = '\0';
    if (charset_line(name, all, &clear, NULL, err) != 0)
        return -1;
    at = clear;
    for (unsigned i = 128; i < 256; i++)
        page->signs[i] = *at != '\0' ? sign_of(next_code(&at)) : (struct sign){NOTHING, NONE};
    free(clear);
    return 0;
}

/* ---- places ---- */

static int add_place(struct codepage_guess *places, const uint8_t *place, struct error *err)
{
    size_t bit = (size_t)place[0] << 16 | (size_t)place[1] << 8 | place[2];

    if ((places->seen[bit / 8] & 1 << bit % 8) != 0 || places->count == ENOUGH)
        return 0;
    places->seen[bit / 8] |= (uint8_t)(1 << bit % 8);
    if (places->count == places->space) {
        size_t space = places->space * 2 + 256;
        void *grown = realloc(places->list, space * sizeof *places->list);
        if (grown == NULL)
            return error_sys(err, ERROR_SOFT, "", "no memory");
        places->list = grown;
        places->space = space;
    }
    memcpy(places->list[places->count++], place, 3);
    return 0;
}

int codepage_guess_add(struct codepage_guess *guess, const uint8_t *octets, size_t size,
                       struct error *err)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t place[3] = {i != 0 ? octets[i - 1] : '\n', octets[i],
                            i + 1 < size ? octets[i + 1] : '\n'};
        if (octets[i] >= 0x80 && add_place(guess, place, err) != 0)
            return -1;
    }
    guess->octets += size;
    return 0;
}

/* ---- which page ---- */

static bool is_letter(struct sign sign)
{
    return sign.kind == LOWER || sign.kind == UPPER;
}

/* Nats that the octet of PLACE costs between its neighbours. */
static double place_cost(const struct page *page, const uint8_t place[3])
{
    struct sign before = page->signs[place[0]], sign = page->signs[place[1]],
                after = page->signs[place[2]];
    unsigned beside = (unsigned)is_letter(before) + is_letter(after);
    bool ascii = (place[0] < 0x80 && is_letter(before)) || (place[2] < 0x80 && is_letter(after));

    if (sign.kind == NOTHING)
        return 8;
    if (sign.kind == SYMBOL)
        return beside == 2 ? 6 : beside == 1 ? 3.5 : 1.5;
    if (sign.kind == MARK)
        return beside == 2 ? 4 : 0.8;
    if ((is_letter(before) && before.script != sign.script) ||
        (is_letter(after) && after.script != sign.script))
        return 6;
    if (beside == 0)
        return 2;
    /* Accents upon accents: another alphabet under a Latin page. */
    if (sign.script == LATIN && !ascii)
        return 3;
    if (sign.kind == UPPER)
        return before.kind == LOWER ? 6 : after.kind == LOWER || after.kind == UPPER ? 0.6 : 1;
    return after.kind == UPPER ? 4 : 0.3;
}

static const struct page *best_page(struct codepage_guess *places)
{
    struct page *best = NULL;

    for (size_t k = 0; k < PAGES; k++) {
        struct page *page = &places->pages[k];
        page->cost = 0;
        page->against = 0;
        for (size_t i = 0; i < places->count; i++)
            page->cost += place_cost(page, places->list[i]);
        if (best == NULL || page->cost < best->cost)
            best = page;
    }
    for (size_t k = 0; k < PAGES; k++) {
        struct page *page = &places->pages[k];
        for (size_t i = 0; i < places->count; i++)
            page->against +=
                place_cost(page, places->list[i]) >= place_cost(best, places->list[i]) + 2;
    }
    return best;
}

/* The pages that read the places as well as BEST; BEST alone: its number is not listed. */
static unsigned list_rivals(const struct codepage_guess *places, const struct page *best, char *out,
                            size_t size, double *margin)
{
    unsigned rivals = 0;
    size_t used = 0;

    *margin = 1e9;
    out[0] = '\0';
    for (size_t k = 0; k < PAGES; k++) {
        const struct page *page = &places->pages[k];
        double behind = page->cost - best->cost;
        if (page == best)
            continue;
        *margin = behind < *margin ? behind : *margin;
        if (behind >= NEED && page->against >= LEAST_AGAINST)
            continue;
        rivals++;
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, " %s", page->name + 2);
    }
    return rivals;
}

void codepage_guess_judge(struct codepage_guess *guess, struct codepage_verdict *out)
{
    const struct page *best;

    memset(out, 0, sizeof *out);
    out->places = (unsigned)guess->count;
    out->octets = guess->octets;
    if (guess->count < LEAST_PLACES)
        return;
    best = best_page(guess);
    if (best->cost > MOST_COST * out->places) {
        out->finding = CODEPAGE_NONE;
        return;
    }
    snprintf(out->page, sizeof out->page, "%s", best->name);
    out->finding = list_rivals(guess, best, out->rivals, sizeof out->rivals, &out->margin) != 0
                       ? CODEPAGE_SEVERAL
                       : CODEPAGE_ONE;
}

static bool has_pairs(const char *codepage)
{
    return strcasecmp(codepage, "CP932") == 0 || strcasecmp(codepage, "CP936") == 0 ||
           strcasecmp(codepage, "CP949") == 0 || strcasecmp(codepage, "CP950") == 0;
}

bool codepage_guess_doubts(struct codepage_guess *guess, const char *codepage, char *others,
                           size_t size)
{
    struct codepage_verdict verdict;
    const struct page *set = NULL, *best = NULL;

    codepage_guess_judge(guess, &verdict);
    for (size_t k = 0; k < PAGES; k++) {
        if (strcasecmp(names[k], codepage) == 0)
            set = &guess->pages[k];
        if (strcmp(names[k], verdict.page) == 0)
            best = &guess->pages[k];
    }
    if (best == NULL || set == best || (set == NULL && !has_pairs(codepage)))
        return false;
    if (set != NULL && (set->cost - best->cost < NEED || set->against < LEAST_AGAINST))
        return false;
    snprintf(others, size, "%s%s", best->name + 2, verdict.rivals);
    return true;
}

int codepage_guess_new(struct codepage_guess **out, struct error *err)
{
    struct codepage_guess *guess = calloc(1, sizeof *guess);
    int status = 0;

    if (guess == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    guess->seen = calloc(1, SEEN_SIZE);
    if (guess->seen == NULL)
        status = error_sys(err, ERROR_SOFT, "", "no memory");
    for (size_t k = 0; k < PAGES && status == 0; k++)
        status = make_page(&guess->pages[k], names[k], err);
    if (status == 0)
        *out = guess;
    else
        codepage_guess_free(guess);
    return status;
}

void codepage_guess_free(struct codepage_guess *guess)
{
    if (guess == NULL)
        return;
    free(guess->seen);
    free(guess->list);
    free(guess);
}
