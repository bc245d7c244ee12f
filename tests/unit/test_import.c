/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/file.h"
#include "message/csv.h"
#include "message/import.h"

static char *file_of(const char *text, size_t size)
{
    static char path[4][40];
    static unsigned next;
    char *name = path[next++ % 4];
    struct error err;
    int fd;

    strcpy(name, "/tmp/msmailgw-import-XXXXXX");
    fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, name, text, size, &err), 0);
    close(fd);
    return name;
}

static void expect_text(const struct import *import, const char *lines)
{
    size_t size;
    char *out, *body;

    import_text(import, "made\nhere", &out, &size);
    assert_int_equal(strlen(out), size);
    assert_int_equal(strncmp(out, "# made here\n# address\t", 22), 0);
    body = strstr(out, "\n#");
    body = strchr(body + 1, '\n') + 1;
    assert_string_equal(body, lines);
    g_free(out);
}

static void expect_refusal(const struct import *import, size_t at, const char *where, bool benign,
                           const char *why)
{
    const struct import_refusal *refusal;

    assert_true(at < import_refusals(import));
    refusal = import_refusal_at(import, at);
    assert_string_equal(refusal->where, where);
    assert_int_equal(refusal->benign, benign);
    if (strstr(refusal->why, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, refusal->why);
}

static void test_csv_forms(void **state)
{
    char text[] = "a , \"b \"\"c\"\"\" ,\"d\r\ne\",\r\n\r\n  \n,x\n\"\",\"f\"g,h";
    struct csv csv;
    struct error err;

    (void)state;
    csv_init(&csv, text, sizeof text - 1, ',');
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_int_equal(csv.count, 4);
    assert_string_equal(csv.fields[0], "a");
    assert_string_equal(csv.fields[1], "b \"c\"");
    assert_string_equal(csv.fields[2], "d\r\ne");
    assert_string_equal(csv.fields[3], "");
    assert_int_equal(csv.line, 1);
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_int_equal(csv.line, 5);
    assert_int_equal(csv.count, 2);
    assert_string_equal(csv.fields[1], "x");
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_int_equal(csv.count, 3);
    assert_string_equal(csv.fields[1], "f");
    assert_string_equal(csv.fields[2], "h");
    assert_int_equal(csv_next(&csv, &err), 0);
    assert_int_equal(csv_guess("a;b;c,d"), ';');
    assert_int_equal(csv_guess("a\tb\n;;;"), '\t');
    assert_int_equal(csv_guess("a"), ',');
}

static void test_csv_bad(void **state)
{
    char quote[] = "a,b\nc,\"d\n", *many = g_strnfill(CSV_MAX_FIELDS + 1, ',');
    struct csv csv;
    struct error err;

    (void)state;
    csv_init(&csv, quote, sizeof quote - 1, ',');
    assert_int_equal(csv_next(&csv, &err), 1);
    assert_int_equal(csv_next(&csv, &err), -1);
    assert_non_null(strstr(err.text, "line 2"));
    csv_init(&csv, many, strlen(many), ',');
    assert_int_equal(csv_next(&csv, &err), -1);
    g_free(many);
}

static void test_export(void **state)
{
    static const char text[] =
        "Obj-Class,Display Name,E-mail addresses,Secondary-Proxy-Addresses\r\n"
        "Mailbox,\"Ahlberg, Anna\",CCMAIL:x at y%MS:ORG/SITE/ANNA%SMTP:anna@corp.example,"
        "MIGRATE:MS:OLD/PO1/AAHLBERG%smtp:a.ahlberg@corp.example%MS:OLD/PO1/AAHLBERG\r\n"
        "Remote,Ben,MS:OLD/PO1/BEN%SMTP:ben@corp.example,\r\n"
        "Mailbox,Cara,SMTP:cara@corp.example,\r\n"
        "Mailbox,Dan,MS:OLD/PO1/DAN%SMTP:dan@back.example,\r\n"
        "Mailbox,Eve,MS:OLD/PO1/AAHLBERG%SMTP:eve@corp.example,\r\n"
        "Mailbox,Fay,MS:OLD/PO1/FAY,\r\n"
        "Mailbox,Gus,MS:OLD/PO1/G\xDCS%SMTP:gus@corp.example,\r\n"
        "Mailbox,Hal,MS:OLD/PO1/TOOLONGNAME%SMTP:hal@corp.example,\r\n"
        "Mailbox,Ian,MS:SMTP/PO1/IAN%SMTP:ian@corp.example,\r\n";
    static const char *const routed[] = {"BACK.example"};
    struct import *import = import_new(routed, 1);
    char *path = file_of(text, sizeof text - 1);
    struct error err;

    (void)state;
    assert_int_equal(import_csv(import, path, &err), 0);
    unlink(path);
    expect_text(import, "OLD/PO1/AAHLBERG\tanna@corp.example\t\t\tAhlberg, Anna\n"
                        "ORG/SITE/ANNA\tOLD/PO1/AAHLBERG\n");
    assert_int_equal(import_others(import), 1);
    assert_int_equal(import_refusals(import), 7);
    expect_refusal(import, 0, "line 3", true, "not migrated");
    expect_refusal(import, 1, "line 5", false, "would come back");   /* T86 */
    expect_refusal(import, 2, "line 6", false, "belongs to line 2"); /* T75 */
    expect_refusal(import, 3, "line 7", false, "no SMTP address");
    expect_refusal(import, 4, "line 8", false, "7-bit"); /* T80 */
    expect_refusal(import, 5, "line 9", false, "longer than 10");
    expect_refusal(import, 6, "line 10", false, "reserved"); /* T89 */
    assert_true(import_has_problem(import));
    import_free(import);
}

static void test_export_utf16(void **state)
{
    gsize size;
    char *utf16 = g_convert("\xEF\xBB\xBF"
                            "Obj-Class\tDisplay Name\tE-mail Address\r\n"
                            "mailbox\tM\xC3\xBCller\tMS:N/P/M%SMTP:m@corp.example",
                            -1, "UTF-16LE", "UTF-8", NULL, &size, NULL);
    char *path = file_of(utf16, size);
    struct import *import = import_new(NULL, 0);
    struct error err;

    (void)state;
    assert_int_equal(import_csv(import, path, &err), 0);
    unlink(path);
    g_free(utf16);
    expect_text(import, "N/P/M\tm@corp.example\t\t\tM\xC3\xBCller\n");
    import_free(import);
}

static void test_export_refused(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *why;
    } cases[] = {
        {"", 0, "names of columns"},
        {"Obj-Class,Display Name\n", 23, "no column \"E-mail Addresses\""},
        {"Obj\0Class,x\n", 12, "NUL"},
        {"Obj-Class,Display Name,E-mail Addresses\nMailbox,\"x\n", 51, "no end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct import *import = import_new(NULL, 0);
        char *path = file_of(cases[i].text, cases[i].size);
        struct error err;

        assert_int_equal(import_csv(import, path, &err), -1);
        unlink(path);
        if (strstr(err.text, cases[i].why) == NULL || strstr(err.text, path) == NULL)
            fail_msg("case %zu: %s", i, err.text);
        import_free(import);
    }
}

static const char wizard[] = "PostOffice,OLD/PO1\r\nx,y\r\n"
                             "SFS_UserName,SFS_FullName,MigrateUser,Obj-Class,Common-Name\r\n"
                             "AAHLBERG,\"Ahlberg, Anna\",Y,Mailbox,Anna\r\n"
                             "BEN,Ben,N,Mailbox,Ben\r\n"
                             "CARA,Cara,Y,Remote,Cara\r\n"
                             "DAN,Dan,Y,Mailbox,no good\r\n";

static void test_wizard(void **state)
{
    struct import *import = import_new(NULL, 0);
    char *path = file_of(wizard, sizeof wizard - 1);
    struct error err;

    (void)state;
    assert_int_equal(import_wizard(import, path, "OLD/PO1", "corp.example", NULL, &err), 0);
    unlink(path);
    expect_text(import, "OLD/PO1/AAHLBERG\tAnna@corp.example\t\t\tAhlberg, Anna\n");
    expect_refusal(import, 0, "line 5", true, "MigrateUser");
    expect_refusal(import, 1, "line 6", true, "Obj-Class");
    expect_refusal(import, 2, "line 7", false, "not an SMTP address");
    import_free(import);
}

static void test_wizard_join(void **state)
{
    static const char other[] = "Obj-Class,Display Name,Alias Name,E-mail Addresses\n"
                                "Mailbox,Anna,ANNA,MS:O/S/ANNA%SMTP:anna.a@corp.example\n"
                                "Remote,Dan,no good,SMTP:dan@corp.example\n";
    struct import *import = import_new(NULL, 0);
    char *path = file_of(wizard, sizeof wizard - 1), *join = file_of(other, sizeof other - 1);
    struct error err;

    (void)state;
    assert_int_equal(import_wizard(import, path, "OLD/PO1", NULL, join, &err), 0);
    unlink(path);
    unlink(join);
    expect_text(import, "OLD/PO1/AAHLBERG\tanna.a@corp.example\t\t\tAhlberg, Anna\n");
    expect_refusal(import, 2, "line 7", false, "no mailbox of the export");
    import_free(import);
}

/* Q111840, Q112286: domains in their order; Q140951: the last line without its end. */
static void test_addrmap(void **state)
{
    static const char text[] =
        "net1/po1 abc.com\r\nNET1/PO1\tpo1.abc.com\r\n\r\nnet2/po2 .x.com\r\n"
        "net3 y.com\r\nnet4/po4\r\nnet5/po5 def.com";
    struct import *import = import_new(NULL, 0);
    char *path = file_of(text, sizeof text - 1);
    struct error err;

    (void)state;
    assert_int_equal(import_addrmap(import, path, &err), 0);
    unlink(path);
    expect_text(import, "net1/po1/*\t%u@abc.com\nNET1/PO1/*\t%u@po1.abc.com\n"
                        "net5/po5/*\t%u@def.com\n");
    assert_int_equal(import_refusals(import), 4);
    expect_refusal(import, 0, "line 4", true, "many domains");
    expect_refusal(import, 1, "line 5", false, "NET/PO");
    expect_refusal(import, 2, "line 6", false, "and a domain");
    expect_refusal(import, 3, "line 7", true, "Q140951");
    import_free(import);
}

/* Names that would be something else in a map: a comment, a rule, a type, an SMTP address. */
static void test_keys_that_look_otherwise(void **state)
{
    static const char *const values[] = {"SMTP:a@b",  "MS:#N/P/A@B.C", "MS:N/P/*",
                                         "MS:SMTP:x", "MS:  N/P/Z ",   "MS:N/P/A@B.C"};
    struct import *import = import_new(NULL, 0);

    (void)state;
    import_person(import, &(struct import_person){"x", "", values, 6, NULL, NULL, true});
    import_rule(import, "y", "nt:d/p", "%u@a.b");
    expect_text(import, "MS:#N/P/A@B.C\tN/P/Z\nN/P/A@B.C\tN/P/Z\nN/P/Z\ta@b\n");
    expect_refusal(import, 0, "x", false, "NET/PO/USER");
    expect_refusal(import, 1, "x", false, "NET/PO/USER");
    expect_refusal(import, 2, "y", false, "NET/PO");
    import_free(import);
}

/* As a directory server gives people. */
static void test_people(void **state)
{
    static const char *const anna[] = {"smtp:old@corp.example", "SMTP:anna@corp.example",
                                       "MS:N/P/ANNA", "ms:n/p/anna", "X400:c=us;"};
    static const char *const ben[] = {"MS:N/P/BEN"};
    static const char *const hostile[] = {"MS:N/P/X\nN/P/Y\tz@z", "SMTP:x@corp.example\r\n"};
    static const char *const routed[] = {"back.example"};
    struct import *import = import_new(routed, 1);

    (void)state;
    import_person(import, &(struct import_person){"cn=a", "A\tB\nC", anna, 5, NULL, NULL, true});
    import_person(import, &(struct import_person){"cn=b", "B", ben, 1, "ben@corp.example",
                                                  "MS:N/P/BEN", true});
    import_person(import,
                  &(struct import_person){"cn=c", "C", ben, 1, "ben@corp.example", NULL, false});
    import_person(import, &(struct import_person){"cn=d", "D", ben, 1, "ben@corp.example",
                                                  "SMTP:ben@back.example", false});
    import_person(import, &(struct import_person){"cn=e", "E", hostile, 2, NULL, NULL, true});
    import_person(import, &(struct import_person){"cn=f",
                                                  "\xFF"
                                                  "F",
                                                  ben, 1, "ben@corp.example",
                                                  "SMTP:ben@cloud.example", false});
    expect_text(import, "N/P/ANNA\tanna@corp.example\t\t\tA B C\n"
                        "N/P/BEN\tben@corp.example\t\t\t\xEF\xBF\xBD"
                        "F\n");
    expect_refusal(import, 0, "cn=b", true, "its target is MS:");
    expect_refusal(import, 1, "cn=c", true, "no mailbox");
    expect_refusal(import, 2, "cn=d", false, "would come back");
    expect_refusal(import, 3, "cn=e", false, "not an SMTP address");
    import_free(import);
}

static void test_write(void **state)
{
    char *path = file_of("old\n", 4), text[16] = "";
    struct error err;
    int fd;

    (void)state;
    assert_int_equal(import_write(path, "new\n", 4, &err), 0);
    fd = open(path, 0);
    assert_int_equal(read(fd, text, sizeof text), 4);
    close(fd);
    assert_string_equal(text, "new\n");
    unlink(path);
    assert_int_equal(import_write("/nonexistent/x", "new\n", 4, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_forms),
        cmocka_unit_test(test_csv_bad),
        cmocka_unit_test(test_export),
        cmocka_unit_test(test_export_utf16),
        cmocka_unit_test(test_export_refused),
        cmocka_unit_test(test_wizard),
        cmocka_unit_test(test_wizard_join),
        cmocka_unit_test(test_addrmap),
        cmocka_unit_test(test_keys_that_look_otherwise),
        cmocka_unit_test(test_people),
        cmocka_unit_test(test_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
