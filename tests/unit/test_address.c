/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "message/address.h"

#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void test_smtp_valid(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"a@b", true},
        {"first.last@corp.example", true},
        {"o'neil+tag=x@sub.corp.example", true},
        {"\"a b\"@corp.example", true},
        {"\"a\\\"b\"@corp.example", true},
        {"\"\"@corp.example", true},
        {"u@[192.0.2.1]", true},
        {"u@[IPv6:2001:db8::1]", true},
        {SIXTY "aaaa@b", true},
        {SIXTY "aaaaa@b", false},
        {"u@" SIXTY "aaa.b", true},
        {"u@" SIXTY "aaaa.b", false},
        {"u@" SIXTY "." SIXTY "." SIXTY "." SIXTY "." TEN, true},
        {"u@" SIXTY "." SIXTY "." SIXTY "." SIXTY "." TEN "aa", false},
        {"", false},
        {"@", false},
        {"a", false},
        {"a@", false},
        {"@b", false},
        {".a@b", false},
        {"a.@b", false},
        {"a..b@c", false},
        {"a b@c", false},
        {"a@b c", false},
        {"a@b..c", false},
        {"a@.b", false},
        {"a@b.", false},
        {"a@-b", false},
        {"a@b-", false},
        {"a@b@c", false},
        {"<a@b>", false},
        {"a@b>\r\nRCPT TO:<c@d", false},
        {"\"a\r\n\"@b", false},
        {"\"a\\\n\"@b", false},
        {"\"a", false},
        {"\"a\\", false},
        {"\"a\"b@c", false},
        {"\xC3\xBC@b", false},
        {"a@\xC3\xBC", false},
        {"u@[]", false},
        {"u@[1.2.3.4", false},
        {"u@[1.2.3.4]x", false},
        {"u@[a b]", false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (address_smtp_valid(cases[i].text) != cases[i].valid)
            fail_msg("address_smtp_valid(\"%s\")", cases[i].text);
}

static void test_on_postoffice(void **state)
{
    (void)state;
    assert_true(address_on_postoffice("NET/PO/BOX", "NET/PO"));
    assert_true(address_on_postoffice("net/Po/BOX", "NET/pO"));
    assert_false(address_on_postoffice("NET/PO", "NET/PO"));
    assert_false(address_on_postoffice("NET/PO/", "NET/PO"));
    assert_false(address_on_postoffice("NET/PO2/BOX", "NET/PO"));
    assert_false(address_on_postoffice("NET/P/BOX", "NET/PO"));
    assert_false(address_on_postoffice("NET/PO/BOX/X", "NET/PO"));
    assert_false(address_on_postoffice("/BOX", ""));
    /* Names that differ only in their last character (Q128627). */
    assert_false(address_on_postoffice("NETWORK001/PO/BOX", "NETWORK002/PO"));
}

static void test_in_queue(void **state)
{
    (void)state;
    assert_true(address_in_queue("net/po/BOX", "NET/PO", false));
    assert_false(address_in_queue("NET/PO", "NET/PO", false));
    assert_false(address_in_queue("NET/PO2/BOX", "NET/PO", false));
    assert_true(address_in_queue("smtp:user@host", "SMTP", true));
    assert_false(address_in_queue("SMTP:user@host", "SMTP", false));
    assert_true(address_in_queue("FAX/a/b", "FAX", true));
    assert_false(address_in_queue("SMTPX:user@host", "SMTP", true));
}

static void test_typed(void **state)
{
    static const struct {
        const char *address, *type, *value;
    } cases[] = {
        {"SMTP:user@host", "SMTP", "user@host"},
        {"smtp:a:b", "SMTP", "a:b"},
        {"X400:/c=us/admd= ", "X400", "/c=us/admd= "},
        {"*EMS:x", "*EMS", "x"},
        {"FAX:", "FAX", ""},
        {"NET/PO/USER", NULL, NULL},
        {"NET/PO/A:B", NULL, NULL},
        {":x", NULL, NULL},
        {"A B:x", NULL, NULL},
        {"", NULL, NULL},
        {"ABCDEFGHI:x", NULL, NULL}, /* the type does not fit */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *value = NULL;
        char type[9];
        bool typed = address_typed(cases[i].address, type, sizeof type, &value);

        assert_int_equal(typed, cases[i].type != NULL);
        if (typed) {
            assert_string_equal(type, cases[i].type);
            assert_string_equal(value, cases[i].value);
        }
    }
}

static void test_native(void **state)
{
    (void)state;
    assert_string_equal(address_native("CSI:DEPT/MSPO1/Admin"), "DEPT/MSPO1/Admin");
    assert_string_equal(address_native("csi:A/B/C"), "A/B/C");
    assert_string_equal(address_native("Ms:A/B/C"), "A/B/C");
    assert_string_equal(address_native("MSX:A"), "MSX:A");
    assert_string_equal(address_native("SMTP:a@b"), "SMTP:a@b");
    assert_string_equal(address_native("MS"), "MS");
}

/* The first three are vectors of [MS-OXCMAIL] 2.1.3.1.8 and of addresses seen in public. */
static void test_encapsulate(void **state)
{
    static const struct {
        const char *address, *expected;
    } cases[] = {
        {"NET/PO/USER", "IMCEAMS-NET_PO_USER@d"},
        {"MY_NET/PO.1/J SMITH", "IMCEAMS-MY+5FNET_PO+2E1_J+20SMITH@d"},
        {"EX:/O=ORG/OU=SITE/CN=RECIPIENTS/CN=ALIAS",
         "IMCEAEX-_O=ORG_OU=SITE_CN=RECIPIENTS_CN=ALIAS@d"},
        {"smtp:swadmin@corporate.com", "IMCEASMTP-swadmin+40corporate+2Ecom@d"},
        {"MS:NET/PO/USER", "IMCEAMS-NET_PO_USER@d"},
        {"CSI:NET/PO/USER", "IMCEAMS-NET_PO_USER@d"},
        {"N/P/\x81\xFF", "IMCEAMS-N_P_+81+FF@d"},
        {"N/P/a>\r\n+", "IMCEAMS-N_P_a+3E+0D+0A+2B@d"},
        {"FAX:", "IMCEAFAX-@d"},
        {"", "IMCEAMS-@d"},
    };
    char out[ADDRESS_SMTP_MAX];
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(address_encapsulate(cases[i].address, "d", out, sizeof out, &err), 0);
        assert_string_equal(out, cases[i].expected);
    }
}

/* Whatever the room, the result is whole or refused. */
static void test_encapsulate_bounds(void **state)
{
    static const char *const addresses[] = {"NET/PO/USER", "NET/PO/U_S.E R", "SMTP:a@b"};
    char whole[64], out[64];
    struct error err;
    size_t i, size;

    (void)state;
    for (i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        assert_int_equal(address_encapsulate(addresses[i], "d.example", whole, 64, &err), 0);
        for (size = 0; size < sizeof out; size++) {
            memset(out, '#', sizeof out);
            if (address_encapsulate(addresses[i], "d.example", out, size, &err) == 0) {
                assert_string_equal(out, whole);
            } else {
                assert_int_equal(err.class, ERROR_DATA);
                assert_true(size < strlen(whole) + 3);
            }
            assert_int_equal(out[size], '#');
        }
    }
}

/* T88: old address books wrote every attribute, also the empty ones (Q145585). */
static void test_t88_x400(void **state)
{
    static const struct {
        const char *address, *expected;
    } cases[] = {
        {"X400:/c=us/admd= /prmd=microsoft/s=user1/g=/i=/o=site/ou1=",
         "IMCEAX400-_c=us_admd=+20_prmd=microsoft_s=user1_o=site@d"},
        {"X400:c=us;a= ;p=org;o=;s=smith;", "IMCEAX400-c=us+3Ba=+20+3Bp=org+3Bs=smith@d"},
        {"X400:/c=us/a=   /o= /s=x", "IMCEAX400-_c=us_s=x@d"},
        {"X400:/", "IMCEAX400-@d"},
        {"X400:", "IMCEAX400-@d"},
        {"X400:plain", "IMCEAX400-plain@d"},
    };
    char out[ADDRESS_SMTP_MAX];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(address_encapsulate(cases[i].address, "d", out, sizeof out, &err), 0);
        assert_string_equal(out, cases[i].expected);
    }
}

static void test_decapsulate(void **state)
{
    static const struct {
        const char *smtp, *address; /* NULL: not one */
    } cases[] = {
        {"IMCEAMS-NET_PO_USER@d", "NET/PO/USER"},
        {"imceams-NET_PO_USER@D", "NET/PO/USER"},
        {"IMCEAMS-MY+5FNET_PO+2E1_J+20SMITH@d", "MY_NET/PO.1/J SMITH"},
        {"IMCEAMS-MY+5fNET_PO+2e1_J+20SMITH@d", "MY_NET/PO.1/J SMITH"},
        {"IMCEASMTP-swadmin+40corporate+2Ecom@d", "SMTP:swadmin@corporate.com"},
        {"IMCEAEX-_O=ORG_OU=SITE_CN=RECIPIENTS_CN=ALIAS@d",
         "EX:/O=ORG/OU=SITE/CN=RECIPIENTS/CN=ALIAS"},
        {"IMCEAFAX-A-B@d", "FAX:A-B"},
        {"IMCEA*EMS-A@d", "*EMS:A"},
        {"IMCEAE*MS-A@d", NULL},
        /* T145: only in our own domain */
        {"IMCEAMS-NET_PO_USER@other", NULL},
        {"IMCEAMS-NET_PO_USER@d.other", NULL},
        {"IMCEAMS-NET_PO_USER", NULL},
        {"IMCEAMS-@d", NULL},
        {"IMCEA-X@d", NULL},
        {"IMCEAMS@d", NULL},
        {"IMCEAMS-A+@d", NULL},
        {"IMCEAMS-A+4@d", NULL},
        {"IMCEAMS-A+4G@d", NULL},
        {"IMCEAMS-A.B@d", NULL},
        {"IMCEAMS-A+0D+0A@d", NULL},
        {"IMCEAMS-A+00@d", NULL},
        {"IMCEAM/S-A@d", NULL},
        {"anna@d", NULL},
        {"", NULL},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_one = address_decapsulate(cases[i].smtp, "d", out, sizeof out);

        if (is_one != (cases[i].address != NULL))
            fail_msg("address_decapsulate(\"%s\")", cases[i].smtp);
        if (is_one)
            assert_string_equal(out, cases[i].address);
    }
    assert_false(address_decapsulate("IMCEAMS-NET_PO_USER@d", "d", out, 11));
    assert_true(address_decapsulate("IMCEAMS-NET_PO_USER@d", "d", out, 12));
}

/* Every octet that an address may have comes back. */
static void test_round_trip(void **state)
{
    char address[16], smtp[64], back[64];
    struct error err;

    (void)state;
    for (int octet = 0x20; octet <= 0xFF; octet++) {
        if (octet == 0x7F)
            continue;
        snprintf(address, sizeof address, "N/P/a%cb", octet);
        assert_int_equal(address_encapsulate(address, "d", smtp, sizeof smtp, &err), 0);
        assert_true(address_decapsulate(smtp, "d", back, sizeof back));
        assert_string_equal(back, address);
    }
}

/* T79: names compare without case, those that are no ASCII in code page 850. */
static void test_t79_compare(void **state)
{
    (void)state;
    assert_int_equal(address_compare("net/Po/User", "NET/PO/USER"), 0);
    assert_int_equal(address_compare("N/P/M\x81LLER", "n/p/m\x9Aller"), 0);
    assert_int_equal(address_compare("N/P/\x82", "N/P/\x90"), 0);
    assert_int_not_equal(address_compare("N/P/\x82", "N/P/E"), 0);
    assert_true(address_compare("A", "AB") < 0);
    assert_true(address_compare("AB", "A") > 0);
    assert_true(address_compare("", "A") < 0);
    assert_int_equal(address_compare("", ""), 0);
    /* The box drawing between the letters is no letter. */
    assert_int_not_equal(address_compare("\xB3", "\xB4"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smtp_valid),
        cmocka_unit_test(test_on_postoffice),
        cmocka_unit_test(test_in_queue),
        cmocka_unit_test(test_typed),
        cmocka_unit_test(test_native),
        cmocka_unit_test(test_encapsulate),
        cmocka_unit_test(test_encapsulate_bounds),
        cmocka_unit_test(test_t88_x400),
        cmocka_unit_test(test_decapsulate),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_t79_compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
