/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message/bounce.h"
#include "message/ndrcode.h"
#include "tests/unit/kbfixture.h"

static const struct {
    const char *from, *file;
    bool found;
    unsigned code;
    size_t recipients;
    const char *name, *address;
    bool original;
} printed[] = {
    {"NET/PO/POSTMASTER", "q175958.txt", true, 29, 1, "NETWORK/PO/TEST", "NETWORK/PO/TEST", true},
    {"NET/PO/POSTMASTER", "q147471.txt", true, 3, 1, "<net>/<po>/<mailbox>", "<net>/<po>/<mailbox>",
     false},
    {"NET/PO/POSTMASTER", "q131852.txt", true, 9, 1, "NET2 /PO2.", "", false},
    {"NET/PO/POSTMASTER", "q127919.txt", true, 2, 1, "Allen, Angelia", "", false},
    {"NET/PO/POSTMASTER", "q118675.txt", true, 5, 1, "NETWORK /USERNAME", "", false},
    {"NET/PO/POSTMASTER", "q126750.txt", true, 5, 1, "MAILNET /MAILP0", "", false},
    {"NET/PO/POSTMASTER", "q162841.txt", true, 4, 1, "ANZAUDCU/MEL227TRK/SYSTEM1",
     "ANZAUDCU/MEL227TRK/SYSTEM1", false},
    {"NET/PO/POSTMASTER", "q165396.txt", true, 30, 1, "<network>/<PO>/<User ID>",
     "<network>/<PO>/<User ID>", false},
    {"NET/PO/ANNA", "q175958.txt", false, 0, 0, NULL, NULL, false},
    {"NET/PO/POSTMASTER", "q154783.txt", false, 0, 0, NULL, NULL, false},     /* names nobody */
    {"NET/PO/POSTMASTER", "q140949.txt", false, 0, 0, NULL, NULL, false},     /* no code */
    {"NET/PO/POSTMASTER", "q131523-dos.txt", false, 0, 0, NULL, NULL, false}, /* a receipt */
};

static void test_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        struct message *m = kb_printed(printed[i].from, "Failure", printed[i].file, "");
        struct bounce bounce;
        struct block block;
        struct error err;

        assert_int_equal(block_read(&block, m, &err), 0);
        assert_int_equal(bounce_read(&bounce, m, &block, &err), 0);
        if (bounce.found != printed[i].found)
            fail_msg("%s: found %d", printed[i].file, bounce.found);
        assert_int_equal(bounce.found ? bounce.reasons[0].code : 0, printed[i].code);
        assert_int_equal(bounce.recipient_count, printed[i].recipients);
        if (bounce.found) {
            assert_string_equal(bounce.recipients[0].name, printed[i].name);
            assert_string_equal(bounce.recipients[0].address, printed[i].address);
            assert_int_equal(bounce.original.form != BLOCK_NONE, printed[i].original);
            assert_true(bounce.returned <= content_size(m->text));
        }
        bounce_clear(&bounce);
        block_clear(&block);
        message_free(m);
    }
}

/* T128: a report without the names takes the returned message's only one. */
static void test_nobody(void **state)
{
    struct message *m = kb_message(
        "NET/PO/POSTMASTER", "Mail failure",
        "[002] Mail was received that was addressed to unknown addresses.\r\n"
        "Mail item was not delivered to:\r\n\r\n----------------\r\n\r\n"
        "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nFrom: A\r\nTo: B (MS:N/P/B)\r\n"
        "Subject: s\r\nDate: 1995-01-02 03:04\r\nMessage ID: 12345678\r\n------------\r\nbody");
    struct block block = {.form = BLOCK_NONE};
    struct bounce bounce;
    struct error err;

    (void)state;
    assert_int_equal(bounce_read(&bounce, m, &block, &err), 0);
    assert_true(bounce.found);
    assert_int_equal(bounce.recipient_count, 1);
    assert_string_equal(bounce.recipients[0].address, "N/P/B");
    assert_string_equal(bounce.original.message_id, "12345678");
    bounce_clear(&bounce);
    message_free(m);
}

/* Each list has the cause above it; a last cause without a list tells more of the one before. */
static void test_two_causes(void **state)
{
    struct message *m =
        kb_message("NET/PO/POSTMASTER", "Mail failure",
                   "[002] Mail was received that was addressed to unknown addresses. Mail item\r\n"
                   "was not delivered to:\r\n   N/P/A\r\n   N  /P  /B\r\n\r\n"
                   "[017] Unable to deliver user mail due to a full mailbag.\r\n"
                   "Mail item was not delivered to:\r\n   N/P/C\r\n\r\n"
                   "[018] Message was not sent due to missing attachment.\r\n");
    struct block block = {.form = BLOCK_NONE};
    struct bounce bounce;
    struct error err;

    (void)state;
    assert_int_equal(bounce_read(&bounce, m, &block, &err), 0);
    assert_true(bounce.found);
    assert_int_equal(bounce.recipient_count, 3);
    assert_int_equal(bounce.reason_count, 2);
    assert_string_equal(bounce.recipients[1].address, "N/P/B");
    assert_int_equal(bounce.reasons[bounce.recipients[1].reason].code, 2);
    assert_int_equal(bounce.reasons[bounce.recipients[2].reason].code, 17);
    assert_non_null(strstr(bounce.reasons[1].text, "[018] Message was not sent"));
    assert_null(strstr(bounce.reasons[0].text, "[017]"));
    bounce_clear(&bounce);
    message_free(m);
}

static void test_codes(void **state)
{
    static const struct {
        const char *status;
        unsigned code;
    } back[] = {{"5.1.1", 2}, {"5.1.10", 2}, {"5.1.4", 30}, {"5.2.2", 17}, {"4.2.2", 17},
                {"5.3.4", 9}, {"4.4.7", 5},  {"5.4.6", 3},  {"5.6.1", 29}, {"5.7.1", 5},
                {"", 5},      {NULL, 5},     {"2.0.0", 5}};

    (void)state;
    for (size_t i = 0; i < sizeof back / sizeof back[0]; i++)
        assert_int_equal(ndrcode_of_status(back[i].status), back[i].code);
    for (unsigned code = 0; code < 1000; code++)
        assert_int_equal(ndrcode_status(code)[0], '5');
    assert_string_equal(ndrcode_status(17), "5.2.2");
    assert_null(ndrcode_text(6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printed),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_two_causes),
        cmocka_unit_test(test_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
