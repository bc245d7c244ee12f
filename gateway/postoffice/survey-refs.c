/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: the texts are compared for accidents, not against an attacker. */
uint32_t survey_sum(const void *octets, size_t size)
{
    const uint8_t *at = octets;
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 16777619u;
    return sum != 0 ? sum : 1;
}

/* Room for one more of SIZE octets; false when there is none. */
static bool grow(struct survey_refs *refs, void **array, size_t count, size_t *room, size_t size)
{
    size_t wanted = *room != 0 ? *room * 2 : 1024;
    void *grown;

    if (refs->full || count < *room)
        return !refs->full;
    if (wanted > SURVEY_MAX_REFS)
        wanted = SURVEY_MAX_REFS;
    grown = count < wanted ? reallocarray(*array, wanted, size) : NULL;
    refs->full = grown == NULL;
    if (grown == NULL)
        return false;
    *array = grown;
    *room = wanted;
    return true;
}

void survey_refs_add(struct survey_refs *refs, const struct survey_ref *ref)
{
    void *array = refs->refs;

    if (grow(refs, &array, refs->count, &refs->room, sizeof *ref)) {
        refs->refs = array;
        refs->refs[refs->count++] = *ref;
    }
}

void survey_refs_add_att(struct survey_refs *refs, uint32_t number, uint32_t mai)
{
    void *array = refs->atts;

    if (grow(refs, &array, refs->att_count, &refs->att_room, sizeof *refs->atts)) {
        refs->atts = array;
        refs->atts[refs->att_count++] = (struct survey_att){number, mai};
    }
}

void survey_refs_add_envelope(struct survey_refs *refs, uint32_t mai)
{
    void *array = refs->envelopes;

    if (grow(refs, &array, refs->envelope_count, &refs->envelope_room, sizeof mai)) {
        refs->envelopes = array;
        refs->envelopes[refs->envelope_count++] = mai;
    }
}

static int compare_numbers(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_refs(const void *a, const void *b)
{
    const struct survey_ref *one = a, *two = b;
    int order = compare_numbers(one->mai, two->mai);

    return order != 0 ? order : compare_numbers(one->place, two->place);
}

static int compare_atts(const void *a, const void *b)
{
    const struct survey_att *one = a, *two = b;
    int order = compare_numbers(one->number, two->number);

    return order != 0 ? order : compare_numbers(one->mai, two->mai);
}

static int compare_envelopes(const void *a, const void *b)
{
    return compare_numbers(*(const uint32_t *)a, *(const uint32_t *)b);
}

void survey_refs_sort(struct survey_refs *refs)
{
    if (refs->count != 0)
        qsort(refs->refs, refs->count, sizeof *refs->refs, compare_refs);
    if (refs->envelope_count != 0)
        qsort(refs->envelopes, refs->envelope_count, sizeof *refs->envelopes, compare_envelopes);
}

void survey_refs_sort_atts(struct survey_refs *refs)
{
    refs->att_seen = calloc(refs->att_count + 1, 1);
    if (refs->att_seen == NULL)
        refs->full = true;
    if (refs->att_count != 0)
        qsort(refs->atts, refs->att_count, sizeof *refs->atts, compare_atts);
}

struct survey_ref *survey_refs_find(struct survey_refs *refs, uint32_t mai, size_t *count)
{
    size_t low = 0, high = refs->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (refs->refs[middle].mai < mai)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < refs->count && refs->refs[low + *count].mai == mai)
        ++*count;
    return *count != 0 ? &refs->refs[low] : NULL;
}

bool survey_refs_in_transit(const struct survey_refs *refs, uint32_t mai)
{
    return refs->envelope_count != 0 && bsearch(&mai, refs->envelopes, refs->envelope_count,
                                                sizeof mai, compare_envelopes) != NULL;
}

void survey_refs_free(struct survey_refs *refs)
{
    if (refs == NULL)
        return;
    free(refs->refs);
    free(refs->atts);
    free(refs->att_seen);
    free(refs->envelopes);
    free(refs);
}
