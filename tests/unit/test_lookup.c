/* SPDX-License-Identifier: BSD-2-Clause */
/* In which order the sources of an address are asked. */
#include "config.h"

#include "tests/unit/mapfixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/lookup.h"

static int load(void **state)
{
    static const char text[] = "N/P/ANNA\tanna@corp.example\t\t\tAhlberg, Anna (HQ)\n"
                               "N/P/BOSS\tN/P/ANNA\n"
                               "N/P/BEN\tben@corp.example\t\tpending\n"
                               "N/P/*\t%u@old.example\n"
                               "SMTP:was@x.example\tis@x.example\n";

    return mapfixture_load(state, text);
}

static void test_recipients(void **state)
{
    static const struct {
        const char *address;
        bool rules, typed;
        enum lookup_kind kind;
        const char *smtp;
    } cases[] = {
        {"N/P/ANNA", true, true, LOOKUP_ENTRY, "anna@corp.example"},
        {"CSI:n/p/anna", true, true, LOOKUP_ENTRY, "anna@corp.example"},
        {"n/p/boss", false, false, LOOKUP_ENTRY, "anna@corp.example"},
        {"N/P/BEN", true, true, LOOKUP_PENDING, ""}, /* never by a rule: he has not moved */
        {"N/P/CARA", true, false, LOOKUP_RULE, "CARA@old.example"},
        {"N/P/CARA", false, true, LOOKUP_NONE, ""},
        {"N/Q/CARA", true, true, LOOKUP_NONE, ""},
        {"SMTP:was@x.example", false, false, LOOKUP_ENTRY, "is@x.example"},
        {"smtp:x@y.example", false, true, LOOKUP_TYPED, "x@y.example"},
        {"smtp:x@y.example", true, false, LOOKUP_NONE, ""},
        {"SMTP:x y", true, true, LOOKUP_NONE, ""},
        {"SMTP:<x@y.example>", true, true, LOOKUP_NONE, ""}, /* T67 */
        {"FAX:1", true, true, LOOKUP_NONE, ""},
        {"", true, true, LOOKUP_NONE, ""},
        /* T145: what we encapsulated comes back; of another domain it is a stranger's. */
        {"SMTP:IMCEAMS-N_P_ANNA@gw.example", false, true, LOOKUP_ENTRY, "anna@corp.example"},
        {"SMTP:IMCEAMS-N_P_BEN@gw.example", false, true, LOOKUP_PENDING, ""},
        {"SMTP:IMCEASMTP-x+40y+2Eexample@gw.example", true, true, LOOKUP_NONE, ""},
        {"SMTP:IMCEAMS-N_P_ANNA@other.example", false, true, LOOKUP_TYPED,
         "IMCEAMS-N_P_ANNA@other.example"},
        /* T89: a reserved name is a type only before a colon. */
        {"SMTP/P/ANNA", true, true, LOOKUP_NONE, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lookup_options options = {.map = *state,
                                         .domain = "gw.example",
                                         .rules = cases[i].rules,
                                         .typed = cases[i].typed};
        struct lookup found;

        if (lookup_recipient(&options, cases[i].address, &found) != cases[i].kind)
            fail_msg("%s: %d", cases[i].address, (int)found.kind);
        assert_int_equal(found.kind, cases[i].kind);
        assert_string_equal(found.smtp, cases[i].smtp);
    }
}

/* T69: every recipient stays in the header, whatever his mail system. */
static void test_t69_headers(void **state)
{
    static const struct {
        const char *address;
        bool rules;
        enum lookup_kind kind;
        const char *smtp, *display;
    } cases[] = {
        {"N/P/ANNA", false, LOOKUP_ENTRY, "anna@corp.example", "Ahlberg, Anna (HQ)"},
        {"N/P/BOSS", false, LOOKUP_ENTRY, "anna@corp.example", "Ahlberg, Anna (HQ)"},
        {"N/P/BEN", false, LOOKUP_ENCAPSULATED, "IMCEAMS-N_P_BEN@gw.example", ""},
        {"N/P/BEN", true, LOOKUP_RULE, "BEN@old.example", ""},
        {"N/P/CARA", false, LOOKUP_ENCAPSULATED, "IMCEAMS-N_P_CARA@gw.example", ""},
        {"N/P/J SMITH", true, LOOKUP_ENCAPSULATED, "IMCEAMS-N_P_J+20SMITH@gw.example", ""},
        {"SMTP:x@y.example", false, LOOKUP_TYPED, "x@y.example", ""},
        {"PROFS:GW/HOST/USER", false, LOOKUP_ENCAPSULATED, "IMCEAPROFS-GW_HOST_USER@gw.example",
         ""},
        {"SMTP:x y", false, LOOKUP_NONE, "", ""}, /* T74 */
        {"SMTP:", false, LOOKUP_NONE, "", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lookup_options options = {
            .map = *state, .domain = "gw.example", .rules = cases[i].rules};
        struct lookup found;

        lookup_header(&options, cases[i].address, &found);
        assert_int_equal(found.kind, cases[i].kind);
        assert_string_equal(found.smtp, cases[i].smtp);
        assert_string_equal(found.display, cases[i].display);
    }
}

/* T71: no address is too long for us; one that is too long for a header has none. */
static void test_t71_long(void **state)
{
    struct lookup_options options = {.map = *state, .domain = "gw.example", .typed = true};
    struct lookup found;
    char address[4096];

    for (size_t size = 250; size < sizeof address; size += 13) {
        memset(address, 'x', size);
        memcpy(address, "FAX:", 4);
        address[size] = '\0';
        assert_int_equal(lookup_recipient(&options, address, &found), LOOKUP_NONE);
        lookup_header(&options, address, &found);
        assert_int_equal(found.kind, size < 552 ? LOOKUP_ENCAPSULATED : LOOKUP_NONE);
        assert_int_equal(found.smtp[0] == '\0', size >= 552);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_t69_headers),
        cmocka_unit_test(test_t71_long),
    };

    return cmocka_run_group_tests(tests, load, mapfixture_unload);
}
