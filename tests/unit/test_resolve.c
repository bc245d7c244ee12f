/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/mapfixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/resolve.h"

static int load(void **state)
{
    static const char text[] = "CORP/HQ/ANNA\tanna@example.com\n"
                               "CORP/HQ/BEN\tben@example.com\t\tpending\n"
                               "CORP/LAB/ADMIN\tadmin@example.com\n"
                               "CORP/LAB/*\t%u@%p.example.com\n"
                               "SMTP:old@else.example\tnew@example.com\n";

    return mapfixture_load(state, text);
}

static const char *recipient_of(const struct map *map, bool typed, bool rules, const char *address)
{
    struct settings settings = {.postmaster = "pm@example.com", .domain = "gw.example"};
    struct settings_postoffice postoffice = {.typed_smtp = typed, .rule_recipients = rules};
    static struct lookup found;

    return resolve_recipient(&settings, &postoffice, map, address, &found);
}

static void recipients_come_from_the_map(void **state)
{
    const struct map *map = *state;

    assert_string_equal(recipient_of(map, false, false, "corp/hq/anna"), "anna@example.com");
    assert_null(recipient_of(map, false, false, "CORP/HQ/BEN"));
    assert_null(recipient_of(map, true, false, "CORP/HQ/CARA"));
    assert_string_equal(recipient_of(map, false, false, "SMTP:old@else.example"),
                        "new@example.com");
}

static void typed_addresses_only_when_allowed(void **state)
{
    const struct map *map = *state;

    assert_null(recipient_of(map, false, true, "SMTP:x@else.example"));
    assert_string_equal(recipient_of(map, true, false, "SMTP:x@else.example"), "x@else.example");
    assert_null(recipient_of(map, true, true, "SMTP:not an address"));
    assert_null(recipient_of(map, true, true, "FAX:12345"));
}

static void rules_only_when_allowed(void **state)
{
    const struct map *map = *state;

    assert_null(recipient_of(map, true, false, "CORP/LAB/ZOE"));
    assert_string_equal(recipient_of(map, false, true, "CORP/LAB/ZOE"), "ZOE@LAB.example.com");
    assert_null(recipient_of(map, true, true, "CORP/HQ/ZOE"));
}

/* T78: mail to POSTMASTER and ADMIN of a postoffice that is gone, unless they have a line. */
static void t78_roles_have_a_default(void **state)
{
    const struct map *map = *state;

    assert_string_equal(recipient_of(map, false, false, "CORP/LAB/Admin"), "admin@example.com");
    assert_string_equal(recipient_of(map, false, false, "CORP/HQ/Admin"), "pm@example.com");
    assert_string_equal(recipient_of(map, false, false, "CORP/HQ/postmaster"), "pm@example.com");
    assert_null(recipient_of(map, false, false, "FAX:1/ADMIN"));
    assert_null(recipient_of(map, false, false, "POSTMASTER"));
}

static const char *sender_in(const struct map *map, const char *fixed, bool rules, const char *from)
{
    struct settings settings = {
        .postmaster = "pm@example.com", .envelope_sender = fixed, .domain = "gw.example"};
    struct settings_postoffice postoffice = {.rewrite_unmapped = rules};
    struct lookup found;
    struct message *message;
    struct error err;
    const char *sender;
    static char kept[128];

    assert_int_equal(message_new(&message, "CORP/HQ", "CP850", &err), 0);
    if (from != NULL)
        assert_int_equal(message_add_address(message, ADDRESS_FROM, from, strlen(from), &err), 0);
    sender = resolve_sender(&settings, &postoffice, map, message, &found);
    snprintf(kept, sizeof kept, "%s", sender);
    message_free(message);
    return kept;
}

static const char *sender_of(const struct map *map, const char *fixed, const char *from)
{
    return sender_in(map, fixed, false, from);
}

static void senders(void **state)
{
    const struct map *map = *state;

    assert_string_equal(sender_of(map, NULL, "CORP/HQ/ANNA"), "anna@example.com");
    assert_string_equal(sender_of(map, NULL, "CORP/HQ/BEN"), "pm@example.com");
    assert_string_equal(sender_of(map, NULL, "CORP/HQ/ZOE"), "pm@example.com");
    assert_string_equal(sender_of(map, NULL, "SMTP:x@else.example"), "x@else.example");
    assert_string_equal(sender_of(map, "gw@example.com", "CORP/HQ/ANNA"), "gw@example.com");
    assert_string_equal(sender_of(map, "gw@example.com", "CORP/HQ/Postmaster"), "");
    assert_string_equal(sender_of(map, NULL, NULL), "pm@example.com");
    assert_string_equal(sender_of(map, NULL, "CORP/LAB/ZOE"), "pm@example.com");
    assert_string_equal(sender_in(map, NULL, true, "CORP/LAB/ZOE"), "ZOE@LAB.example.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipients_come_from_the_map),
        cmocka_unit_test(typed_addresses_only_when_allowed),
        cmocka_unit_test(rules_only_when_allowed),
        cmocka_unit_test(t78_roles_have_a_default),
        cmocka_unit_test(senders),
    };

    return cmocka_run_group_tests(tests, load, mapfixture_unload);
}
