/* SPDX-License-Identifier: BSD-2-Clause */
/* What subjects and texts look like, beside the code page that is set for them. */
#include "config.h"

#include "postoffice/survey-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/charset.h"
#include "message/message.h"

#define PIECE 65536                      /* octets of a text that are looked at */
#define MOST_OCTETS (UINT64_C(16) << 20) /* of all texts that are decoded */
#define LEAST_BEYOND 50                  /* octets beyond ASCII before their share is told */
#define PAIR_SHARE 500                   /* of a page that fits */
#define BAD_SHARE 50                     /* one in so many of them without a meaning is too many */

/* Pages with two octets for a character (Q174153). */
#define PAIR_PAGES 4
static const char *const pair_pages[PAIR_PAGES] = {"CP932", "CP936", "CP949", "CP950"};

static uint64_t count_bad(const char *page, const uint8_t *octets)
{
    struct error ignored;
    size_t bad = 0;
    char *line;

    if (charset_line(page, (const char *)octets, &line, &bad, &ignored) == 0)
        free(line);
    return bad;
}

static void count(struct survey_pages *pages, uint8_t *octets, size_t size)
{
    uint64_t before = pages->beyond;

    for (size_t i = 0; i < size; i++) {
        pages->beyond += octets[i] >= 0x80;
        if (octets[i] == '\0')
            octets[i] = ' ';
    }
    octets[size] = '\0';
    pages->octets += size;
    if (pages->beyond == before)
        return;
    pages->bad += count_bad(pages->name, octets);
    for (size_t i = 0; i < PAIR_PAGES; i++)
        pages->pair_bad[i] += count_bad(pair_pages[i], octets);
}

static void see(struct survey_pages *pages, uint8_t *octets, size_t size)
{
    struct error ignored; /* memory: then it is only a hint less */

    if (codepage_guess_add(pages->guess, octets, size, &ignored) == 0 && pages->name[0] != '\0' &&
        pages->octets < MOST_OCTETS)
        count(pages, octets, size);
}

void survey_see_page(struct survey *survey, const struct message *message)
{
    uint64_t all = message->text != NULL ? content_size(message->text) : 0;
    size_t size = all < PIECE ? (size_t)all : PIECE, subject = strlen(message->subject);
    uint8_t *octets = malloc((size > subject ? size : subject) + 1);
    struct error ignored;

    if (octets == NULL)
        return;
    memcpy(octets, message->subject, subject);
    see(&survey->pages, octets, subject);
    if (size != 0 && content_read(message->text, 0, octets, size, &ignored) == 0)
        see(&survey->pages, octets, size);
    free(octets);
}

/* No page with one octet for a character makes sense of it: does one with pairs? */
static void tell_pairs(struct survey *survey, const char *name)
{
    const struct survey_pages *pages = &survey->pages;
    char fitting[32] = "";
    size_t used = 0;

    for (size_t i = 0; i < PAIR_PAGES; i++) {
        if (pages->beyond >= LEAST_BEYOND && pages->pair_bad[i] * PAIR_SHARE <= pages->beyond)
            used +=
                (size_t)snprintf(fitting + used, sizeof fitting - used, " %s", pair_pages[i] + 2);
    }
    if (used != 0)
        survey_tell(survey, SURVEY_WARNING, "codepage", "",
                    "texts and subjects look like code page%s rather than %s, which is set: see "
                    "codepage in msmailgw.conf(5)",
                    fitting, name + 2);
}

static void tell_guess(struct survey *survey, const char *name)
{
    struct codepage_verdict verdict;
    char others[128];

    if (codepage_guess_doubts(survey->pages.guess, name, others, sizeof others)) {
        survey_tell(survey, SURVEY_WARNING, "codepage", "",
                    "texts and subjects look like code page %s rather than %s, which is set: see "
                    "codepage in msmailgw.conf(5)",
                    others, name + 2);
        return;
    }
    codepage_guess_judge(survey->pages.guess, &verdict);
    if (verdict.finding == CODEPAGE_NONE && strncasecmp(name, "CP9", 3) != 0)
        tell_pairs(survey, name);
}

void survey_check_pages(struct survey *survey)
{
    const struct survey_pages *pages = &survey->pages;

    if (!survey->reads_messages || pages->name[0] == '\0')
        return;
    if (pages->beyond >= LEAST_BEYOND && pages->bad * BAD_SHARE > pages->beyond)
        survey_tell(survey, SURVEY_WARNING, "codepage", "",
                    "%llu of %llu octets beyond ASCII mean nothing in code page %s, which is set: "
                    "see codepage in msmailgw.conf(5)",
                    (unsigned long long)pages->bad, (unsigned long long)pages->beyond, pages->name);
    else
        tell_guess(survey, pages->name);
}
