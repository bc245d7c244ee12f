/* SPDX-License-Identifier: BSD-2-Clause */
/* A header that servers take: Exchange refuses one of more than 256 KB (MaxHeaderSize), and every
 * server on the way adds some of its own. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"

#define WORD_MAX 60 /* longer words are encoded, see header_text */

/* Most octets that TEXT takes in a header: as it is, or in encoded words. */
static size_t text_size(const char *text)
{
    size_t size = strlen(text), word = 0, i;

    for (i = 0; i < size; i++) {
        bool plain = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') ||
                     (text[i] >= 'a' && text[i] <= 'z') || strchr(" .,-_/:()", text[i]) != NULL;

        word = text[i] == ' ' ? 0 : word + 1;
        if (!plain || word > WORD_MAX || (text[i] == ' ' && (i == 0 || text[i - 1] == ' ')))
            return 2 * size + 20;
    }
    return size + 2;
}

/* With comma, angle brackets, and a fold on both sides of the address. */
static size_t party_size(const struct letter_party *party)
{
    return strlen(party->smtp) + sizeof "<>, \r\n\t\r\n\t" +
           (party->display[0] != '\0' ? text_size(party->display) + 1 : 0);
}

static void party_clear(struct letter_party *party)
{
    free(party->smtp);
    free(party->display);
}

/* Names go first, those at the end before those at the beginning: a reply needs addresses only. */
static size_t drop_names(struct letter *letter, size_t total)
{
    for (size_t i = letter->party_count; i-- > 1 && total > LETTER_PEOPLE_MAX;) {
        struct letter_party *party = &letter->parties[i];

        if (party->smtp[0] == '\0' || party->display[0] == '\0')
            continue;
        total -= party_size(party);
        party->display[0] = '\0';
        total += party_size(party);
    }
    return total;
}

/* Who is not listed is told as the name of an empty group, which a reader shows, and in a header.
 */
static int tell_others(struct letter *letter, enum address_role role, size_t all, struct error *err)
{
    struct letter_party *party = &letter->parties[letter->party_count];
    size_t cut = all - (letter->party_count - 1);
    char note[96];

    snprintf(note, sizeof note, "%zu of %zu recipients are not listed in To and Cc", cut, all);
    party->role = role;
    party->smtp = strdup("");
    if (asprintf(&party->display, "and %zu others", cut) < 0)
        party->display = NULL;
    letter->party_count++;
    if (party->smtp == NULL || party->display == NULL)
        return letter_no_memory(err);
    return letter_add_header(letter, "X-MSMail-Note", note, err);
}

static int fit_people(struct letter *letter, struct error *err)
{
    size_t total = 0, all = letter->party_count - 1, i;
    enum address_role role = ADDRESS_TO;

    for (i = 1; i <= all; i++)
        total += party_size(&letter->parties[i]);
    if (total > LETTER_PEOPLE_MAX)
        total = drop_names(letter, total);
    if (total <= LETTER_PEOPLE_MAX)
        return 0;
    while (letter->party_count > 1 && total > LETTER_PEOPLE_MAX) {
        struct letter_party *last = &letter->parties[--letter->party_count];

        role = last->role;
        total -= party_size(last);
        party_clear(last);
    }
    return tell_others(letter, role, all, err);
}

static size_t header_size(const struct letter_header *header)
{
    return strlen(header->name) + text_size(header->value) + sizeof ": \r\n";
}

/* Fields of other gateways are as many and as long as they like; they are ours to leave out. */
static int fit_extras(struct letter *letter, struct error *err)
{
    size_t total = 0, kept = 0, dropped = 0, i;
    char note[64];

    for (i = 0; i < letter->header_count; i++) {
        struct letter_header *header = &letter->headers[i];
        bool extra = strcmp(header->name, LETTER_EXTRA_HEADER) == 0;

        if (extra && total + header_size(header) > LETTER_EXTRAS_MAX) {
            free(header->name);
            free(header->value);
            dropped++;
            continue;
        }
        total += extra ? header_size(header) : 0;
        letter->headers[kept++] = *header;
    }
    letter->header_count = kept;
    if (dropped == 0)
        return 0;
    snprintf(note, sizeof note, "%zu fields %s are left out", dropped, LETTER_EXTRA_HEADER);
    return letter_add_header(letter, "X-MSMail-Note", note, err);
}

int letter_fit(struct letter *letter, struct error *err)
{
    return fit_people(letter, err) == 0 ? fit_extras(letter, err) : -1;
}
