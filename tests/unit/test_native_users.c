/* SPDX-License-Identifier: BSD-2-Clause */
/* The native door on users' mailbags. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "pofixture.h"
#include "postoffice/door.h"
#include "postoffice/stamp.h"

static const char *const queues[] = {"NORTH/SALES"};
static const struct native_user users[] = {
    {"NORTH/HQ/ANN", "00000021"}, {"NORTH/HQ/BOB", "00000022"}, {"NORTH/HQ/CY", "00000023"}};

struct fixture {
    struct po po;
    struct native_settings settings;
    struct door *door;
    char told[1024];     /* by the watch */
    const char *skipped; /* MAI that is to be left */
    volatile int stop;
};

static void no_lines(void *context, enum log_level level, const char *token, const char *line)
{
    (void)context;
    (void)level;
    (void)token;
    (void)line;
}

static void seen(void *context, const struct native_view *view)
{
    struct fixture *f = context;

    sprintf(f->told + strlen(f->told), "%s:%s%s:%zu/%zu ", view->queue, view->mailbag,
            view->user ? "" : ":queue", view->live_count, view->count);
    for (size_t r = 0, live = 0; r <= view->count; r++) {
        if (r == view->count)
            assert_int_equal(live, view->live_count);
        else
            live += view->live[r];
    }
    assert_string_not_equal(view->stamp, "");
}

static bool is_left(void *context, const char *queue, uint32_t record, const uint8_t *raw)
{
    const struct fixture *f = context;

    assert_string_not_equal(queue, "NORTH/SALES");
    assert_in_range(record, 0, 2);
    return f->skipped != NULL && memcmp(raw + 0x43, f->skipped, 8) == 0;
}

static void removed(void *context, const char *queue, const char *mailbag, const struct error *why)
{
    struct fixture *f = context;

    sprintf(f->told + strlen(f->told), "removed:%s:%s:%s ", queue, mailbag,
            why == NULL ? "done" : error_class_name(why->class));
}

static void taken(void *context, const struct item *item)
{
    struct fixture *f = context;

    sprintf(f->told + strlen(f->told), "taken:%s ", item->place.mai);
}

/* 61 is for all three, 62 for Ann as Bcc (it names others only), 63 for Bob and the queue. */
static void make_mail(struct po *po)
{
    static const struct header ann[] = {{"00000062", "1997-04-07 08:30", "two"},
                                        {"00000061", "1997-04-07 08:00", "one"}};
    static const struct header bob[] = {{"00000060", "1997-01-01 08:00", "gone"},
                                        {"00000061", "1997-04-07 08:00", "one"},
                                        {"00000063", "1997-04-07 09:00", "three"}};
    static const struct header cy[] = {{"00000061", "1997-04-07 08:00", "one"}};
    static const struct header sales[] = {{"00000063", "1997-04-07 09:00", "three"}};
    struct mail mail = {.counter = 3,
                        .from = "NORTH/HQ/ADMIN",
                        .date = "1997-04-07 08:00",
                        .to = {"NORTH/HQ/ANN", "NORTH/HQ/BOB", "NORTH/HQ/CY"},
                        .text = "Hello\r\n",
                        .subject = "one",
                        .attachments = {{.id = "000000A1", .name = "A.TXT"}}};

    po_mailbag(po, "00000021", ann, 2, 0);
    po_mailbag(po, "00000022", bob, 3, 1);
    po_mailbag(po, "00000023", cy, 1, 0);
    po_mailbag(po, "00000010", sales, 1, 0);
    po_mail(po, "00000061", &mail);
    po_write(po, "ATT/AT1/000000A1.ATT", "\x4A\x5B", 2);
    mail = (struct mail){.counter = 1,
                         .from = "NORTH/HQ/ADMIN",
                         .date = "1997-04-07 08:30",
                         .to = {"NORTH/SALES/BO", "NORTH/HQ/BOB"},
                         .subject = "two",
                         .text = "2"};
    po_mail(po, "00000062", &mail);
    mail.counter = 2;
    mail.subject = "three";
    mail.date = "1997-04-07 09:00";
    po_mail(po, "00000063", &mail);
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    log_set_sink(no_lines, NULL);
    po_make(&f->po);
    make_mail(&f->po);
    f->settings = (struct native_settings){.path = f->po.path,
                                           .profile = f->po.profile,
                                           .name = "NORTH/HQ",
                                           .queues = queues,
                                           .queue_count = 1,
                                           .users = users,
                                           .user_count = 3,
                                           .watch = {.context = f,
                                                     .seen = seen,
                                                     .skip = is_left,
                                                     .removed = removed,
                                                     .taken = taken,
                                                     .stop = &f->stop},
                                           .directory = f->po.spool,
                                           .max_size = 1000};
}

static void open_door(struct fixture *f)
{
    struct error err = {0};

    if (door_open_native(&f->door, &f->settings, &err) != 0)
        fail_msg("%s", err.text);
}

static void end(struct fixture *f)
{
    door_free(f->door);
    po_clear(&f->po);
    log_set_sink(NULL, NULL);
}

/* A whole round in batches of LIMIT: "subject@queue " of each item, errors by class. ACCEPT holds
 * the first letters of the subjects to accept. */
static void round_trip(struct fixture *f, size_t limit, const char *accept, const char *wanted)
{
    struct error err = {0};
    char out[1024] = "";
    int begun;

    f->told[0] = '\0';
    while ((begun = door_begin(f->door, limit, &err)) != 0) {
        struct item *item;
        if (begun < 0) {
            sprintf(out + strlen(out), "%s ", error_class_name(err.class));
            continue;
        }
        while (door_next(f->door, &item, &err) == 1) {
            assert_int_equal(door_load(f->door, item, &err), 0);
            sprintf(out + strlen(out), "%s@%s ", item->message->subject, item->queue);
            if (strchr(accept, item->message->subject[0]) != NULL)
                door_accept(f->door, item);
        }
        if (door_finish(f->door, &err) != 0)
            sprintf(out + strlen(out), "finish:%s ", error_class_name(err.class));
    }
    assert_string_equal(out, wanted);
}

static unsigned counter_of(const struct fixture *f, const char *name)
{
    uint8_t octets[16];

    assert_int_equal(po_read(&f->po, name, octets, sizeof octets), sizeof octets);
    return octets[0x0B];
}

#define ALL                                                                                        \
    "three@NORTH/SALES one@NORTH/HQ/ANN two@NORTH/HQ/ANN one@NORTH/HQ/BOB three@NORTH/HQ/BOB "     \
    "one@NORTH/HQ/CY "
#define SEEN                                                                                       \
    "NORTH/SALES:00000010:queue:1/1 NORTH/HQ/ANN:00000021:2/2 NORTH/HQ/BOB:00000022:2/3 "          \
    "NORTH/HQ/CY:00000023:1/1 "

/* Each mailbag is told once a round, however many batches it takes. */
static void test_round(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    for (size_t limit = 1; limit < 4; limit++) {
        round_trip(&f, limit, "", ALL);
        assert_string_equal(f.told, SEEN);
    }
    assert_false(po_has(&f.po, "P1/00000021.0LK"));
    end(&f);
}

/* He alone, whoever the text names: also when it names others only (Q159181). */
static void test_owner(void **state)
{
    uint8_t digest[FINGERPRINT_SIZE], raw[600];
    struct error err = {0};
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.queue_count = 0;
    open_door(&f);
    assert_int_equal(door_begin(f.door, 10, &err), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(door_next(f.door, &item, &err), 1);
        assert_string_equal(item->owner, "NORTH/HQ/ANN");
        assert_string_equal(item->queue, "NORTH/HQ/ANN");
        assert_string_equal(item->place.mailbag, "00000021");
        assert_int_equal(item->recipient_count, 0);
    }
    assert_string_equal(item->message->subject, "two");
    assert_string_equal(item->message->addresses[1].text, "NORTH/SALES/BO");
    assert_int_equal(po_read(&f.po, "MBG/00000021.MBG", raw, sizeof raw), 2 * 116);
    fingerprint_octets(raw, 116, digest);
    assert_memory_equal(item->header, digest, sizeof digest);
    end(&f);
}

/* One file in three mailbags: it goes with the last of them (Q77926). */
static void test_shared(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.queue_count = 0;
    f.settings.user_count = 2;
    open_door(&f);
    round_trip(&f, 10, "o",
               "one@NORTH/HQ/ANN two@NORTH/HQ/ANN one@NORTH/HQ/BOB three@NORTH/HQ/BOB ");
    assert_int_equal(counter_of(&f, "MAI/MA1/00000061.MAI"), 1);
    assert_true(po_has(&f.po, "ATT/AT1/000000A1.ATT"));
    door_free(f.door);
    f.settings.users = users + 2;
    f.settings.user_count = 1;
    open_door(&f);
    round_trip(&f, 10, "o", "one@NORTH/HQ/CY ");
    assert_string_equal(f.told, "NORTH/HQ/CY:00000023:1/1 removed:NORTH/HQ/CY:00000023:done ");
    assert_false(po_has(&f.po, "MAI/MA1/00000061.MAI"));
    assert_false(po_has(&f.po, "ATT/AT1/000000A1.ATT"));
    assert_true(po_has(&f.po, "MAI/MA2/00000062.MAI"));
    assert_int_equal(counter_of(&f, "MAI/MA3/00000063.MAI"), 2);
    end(&f);
}

/* What is to be left alone is not even opened; the end of a round can be asked for. */
static void test_skip(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    f.skipped = "00000061";
    po_remove(&f.po, "MAI/MA1/00000061.MAI");
    open_door(&f);
    round_trip(&f, 1, "", "three@NORTH/SALES two@NORTH/HQ/ANN three@NORTH/HQ/BOB ");
    assert_string_equal(f.told, SEEN);
    f.stop = 1;
    round_trip(&f, 1, "", "");
    assert_string_equal(f.told, "");
    end(&f);
}

/* A KEY that another program holds: that mailbag waits with all its mail, the others go on. */
static void test_key_held(void **state)
{
    char path[128];
    struct fixture f;
    int fd;

    (void)state;
    begin(&f);
    snprintf(path, sizeof path, "%s/KEY/00000021.KEY", f.po.path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    f.settings.queue_count = 0;
    open_door(&f);
    for (int i = 0; i < 2; i++) {
        round_trip(&f, 1, "o",
                   i == 0 ? "one@NORTH/HQ/ANN finish:soft one@NORTH/HQ/BOB three@NORTH/HQ/BOB "
                            "one@NORTH/HQ/CY "
                          : "one@NORTH/HQ/ANN finish:soft three@NORTH/HQ/BOB ");
        assert_non_null(strstr(f.told, "removed:NORTH/HQ/ANN:00000021:soft "));
        assert_false(po_has(&f.po, "P1/00000021.0LK"));
    }
    assert_int_equal(counter_of(&f, "MAI/MA1/00000061.MAI"), 1);
    close(fd);
    round_trip(&f, 10, "o", "one@NORTH/HQ/ANN two@NORTH/HQ/ANN three@NORTH/HQ/BOB ");
    assert_false(po_has(&f.po, "MAI/MA1/00000061.MAI"));
    end(&f);
}

/* A client that does not know the lock deleted the item while we read it. */
static void test_taken(void **state)
{
    static const struct header ann[] = {{"00000062", "1997-04-07 08:30", "two"},
                                        {"00000061", "1997-04-07 08:00", "one"}};
    struct error err = {0};
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.queue_count = 0;
    open_door(&f);
    assert_int_equal(door_begin(f.door, 10, &err), 1);
    while (door_next(f.door, &item, &err) == 1)
        door_accept(f.door, item);
    po_mailbag(&f.po, "00000021", ann, 2, 2);
    assert_int_equal(door_finish(f.door, &err), 0);
    assert_string_equal(f.told, "NORTH/HQ/ANN:00000021:2/2 taken:00000061 "
                                "removed:NORTH/HQ/ANN:00000021:done ");
    assert_int_equal(counter_of(&f, "MAI/MA1/00000061.MAI"), 3);
    assert_false(po_has(&f.po, "MAI/MA2/00000062.MAI"));
    end(&f);
}

/* Two names for one mailbag, or a mailbag that is a queue's: nothing is taken for either. */
static void test_not_alone(void **state)
{
    static const struct native_user twice[] = {{"NORTH/HQ/ANN", "00000021"},
                                               {"NORTH/HQ/BOB", "0000002"
                                                                "1"},
                                               {"NORTH/HQ/CY", "00000010"}};
    static const struct native_user bad[] = {{"NORTH/HQ/ANN", "../../etc"}};
    struct error err = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.users = twice;
    open_door(&f);
    round_trip(&f, 10, "ot", "setup setup setup setup ");
    assert_string_equal(f.told, "");
    door_free(f.door);
    f.settings.users = bad;
    f.settings.user_count = 1;
    assert_int_equal(door_open_native(&f.door, &f.settings, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    f.door = NULL;
    end(&f);
}

static void test_read_only(void **state)
{
    uint8_t before[560], after[560];
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.read_only = true;
    po_read(&f.po, "KEY/00000021.KEY", before, sizeof before);
    po_remove(&f.po, "P1");
    open_door(&f);
    round_trip(&f, 1, "ot", ALL);
    assert_string_equal(f.told, SEEN);
    po_read(&f.po, "KEY/00000021.KEY", after, sizeof after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(counter_of(&f, "MAI/MA1/00000061.MAI"), 3);
    end(&f);
}

/* No file of the mailbag can change without its stamp, and looking changes nothing. */
static void test_stamp(void **state)
{
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char first[STAMP_SIZE], second[STAMP_SIZE], path[128];
    struct error err = {0};
    struct root *root;
    struct fixture f;
    int64_t newest;

    (void)state;
    begin(&f);
    assert_int_equal(root_open(&root, f.po.path, &err), 0);
    assert_int_equal(stamp_take(root, "00000021", first, &newest, &err), 0);
    assert_int_equal(stamp_take(root, "00000021", second, NULL, &err), 0);
    assert_string_equal(first, second);
    assert_true(newest > INT64_C(1000000000000));
    snprintf(path, sizeof path, "%s/KEY/00000021.KEY", f.po.path);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(stamp_take(root, "00000021", second, NULL, &err), 0);
    assert_string_not_equal(first, second);
    po_write(&f.po, "MBG/00000021.MBG", "", 0);
    assert_int_equal(stamp_take(root, "00000021", first, NULL, &err), 0);
    assert_string_not_equal(first, second);
    po_remove(&f.po, "MBG/00000021.MBG");
    assert_int_equal(stamp_take(root, "00000021", first, NULL, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    po_write(&f.po, "MBG/00000021.mbg", "", 0);
    assert_int_equal(stamp_take(root, "00000021", first, NULL, &err), 0);
    root_free(root);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),     cmocka_unit_test(test_owner),
        cmocka_unit_test(test_shared),    cmocka_unit_test(test_key_held),
        cmocka_unit_test(test_taken),     cmocka_unit_test(test_not_alone),
        cmocka_unit_test(test_read_only), cmocka_unit_test(test_stamp),
        cmocka_unit_test(test_skip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
