/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys by which answers find what they answer, and their References. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/thread.h"

/* The ids of one message (ours) and what another asks for (asked), each with its conversation. */
static const struct {
    const char *own, *own_conversation, *asked, *asked_conversation;
    bool match;
} ids[] = {
    {"C7F3A747", "C7F3A747", "C7F3A747", "C7F3A747", true}, /* Q119356 */
    {"C7F3A747", NULL, " c7f3a747 ", NULL, true},
    {"C7F3A747", "C7F3A747", "C7F3A747", NULL, true},
    {"C7F3A747", NULL, "C7F3A747", "C7F3A747", true},
    {"C7F3A747", "C7F3A747", "C7F3A747", "DE0CFCA6", false}, /* 32 bits met by chance */
    {"C7F3A747", "C7F3A747", "C7F3A748", "C7F3A747", false},
    {"00000000", NULL, "00000000", NULL, false}, /* no id at all */
    {"C7F3", NULL, "C7F3", NULL, false},
    {"", NULL, "", NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

static void test_ids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct thread_keys own = {.count = 0}, asked = {.count = 0};
        bool match;

        thread_add_id(&own, ids[i].own, ids[i].own_conversation);
        thread_add_id(&asked, ids[i].asked, ids[i].asked_conversation);
        match = own.count == 1 && asked.count == 1 &&
                thread_key_matches(&own.items[0], &asked.items[0]);
        if (match != ids[i].match)
            fail_msg("row %zu: %d", i, match);
    }
}

static void test_long_id_is_none(void **state)
{
    struct thread_keys keys = {.count = 0};
    char id[400];

    (void)state;
    memset(id, 'A', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    thread_add_id(&keys, id, NULL);
    assert_int_equal(keys.count, 0);
    id[255] = '\0';
    thread_add_id(&keys, id, NULL);
    assert_int_equal(keys.count, 1);
}

static void test_number_of_keys(void **state)
{
    struct thread_keys keys = {.count = 0};

    (void)state;
    thread_add_id(&keys, "C7F3A747", NULL);
    thread_add_id(&keys, "c7f3a747", "C7F3A747");
    assert_int_equal(keys.count, 1);
    thread_add_id(&keys, "C7F3A748", NULL);
    thread_add_id(&keys, "C7F3A749", NULL);
    thread_add_id(&keys, "C7F3A750", NULL);
    assert_int_equal(keys.count, THREAD_KEYS);
}

#define SUBJECT "The budget of the coming year, and what "
#define MINUTE                                                                                     \
    {                                                                                              \
        true, 1997, 4, 7, 8, 5                                                                     \
    }
#define UMLAUTS "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"

static const struct {
    const char *address;
    struct message_date date;
    const char *subject;
    bool match;
} sent[] = {
    {"NORTH/HQ/ANNA", MINUTE, SUBJECT, true},
    {"North/hq/Anna", MINUTE, SUBJECT "it means for all of us", true}, /* Q156844 */
    {"NORTH/HQ/ANNA", MINUTE, "  The budget of the", false},
    {"NORTH/HQ/ANNA", MINUTE, " THE BUDGET OF THE COMING YEAR ", true},
    {"NORTH/HQ/ANN", MINUTE, SUBJECT, false},
    {"NORTH/HQ/ANNA", {true, 1997, 4, 7, 8, 6}, SUBJECT, false},
    {"NORTH/HQ/ANNA", {true, 1997, 4, 31, 8, 5}, SUBJECT, false},
    {"NORTH/HQ/ANNA", {false, 1997, 4, 7, 8, 5}, SUBJECT, false},
    {NULL, MINUTE, SUBJECT, false},
    {"NORTH/HQ/ANNA", MINUTE, NULL, false},
};

static void test_sent(void **state)
{
    static const struct message_date minute = MINUTE;

    (void)state;
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        struct thread_keys own = {.count = 0}, asked = {.count = 0};
        bool match;

        thread_add_sent(&own, "NORTH/HQ/ANNA", &minute, SUBJECT);
        thread_add_sent(&asked, sent[i].address, &sent[i].date, sent[i].subject);
        assert_int_equal(own.count, 1);
        match = asked.count == 1 && thread_key_matches(&own.items[0], &asked.items[0]);
        if (match != sent[i].match)
            fail_msg("row %zu: %d", i, match);
    }
}

/* Twenty characters, whatever they have of octets. */
static void test_sent_by_characters(void **state)
{
    static const struct message_date minute = MINUTE;
    struct thread_keys keys = {.count = 0};

    (void)state;
    thread_add_sent(&keys, "A/B/C", &minute, UMLAUTS UMLAUTS "x");
    thread_add_sent(&keys, "A/B/C", &minute, UMLAUTS UMLAUTS "y");
    assert_int_equal(keys.count, 1);
    thread_add_sent(&keys, "A/B/C", &minute, UMLAUTS "y");
    assert_int_equal(keys.count, 2);
}

static void test_references(void **state)
{
    char *chain = strdup(""), wanted[1024] = "", id[32];

    (void)state;
    for (unsigned i = 1; i <= 50; i++) {
        char *longer;

        snprintf(id, sizeof id, "<%u@x>", i);
        longer = thread_references(chain, id);
        assert_non_null(longer);
        free(chain);
        chain = longer;
        if (i == 1)
            assert_string_equal(chain, "<1@x>");
        if (i == 3)
            assert_string_equal(chain, "<1@x> <2@x> <3@x>");
    }
    snprintf(wanted, sizeof wanted, "<1@x>");
    for (unsigned i = 50 - THREAD_REFERENCES + 2; i <= 50; i++) {
        size_t used = strlen(wanted);

        snprintf(wanted + used, sizeof wanted - used, " <%u@x>", i);
    }
    assert_string_equal(chain, wanted);
    free(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_long_id_is_none),
        cmocka_unit_test(test_number_of_keys),
        cmocka_unit_test(test_sent),
        cmocka_unit_test(test_sent_by_characters),
        cmocka_unit_test(test_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
