/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "pofixture.h"
#include "postoffice/door.h"
#include "postoffice/lock.h"

static const char *const queues[] = {"NORTH/SALES", "SMTP"};

struct fixture {
    struct po po;
    struct native_settings settings;
    struct door *door;
};

static void no_lines(void *context, enum log_level level, const char *token, const char *line)
{
    (void)context;
    (void)level;
    (void)token;
    (void)line;
}

/* Five records, the third deleted, not in the order of time; 63 is in both queues. */
static void make_mail(struct po *po)
{
    static const struct header sales[] = {{"00000063", "1997-04-07 09:00", "three"},
                                          {"00000061", "1997-04-07 08:00", "one"},
                                          {"00000060", "1996-04-07 08:00", "gone"},
                                          {"00000064", "1997-04-08 08:00", "four"},
                                          {"00000062", "1997-04-07 08:00", "two"}};
    static const struct header smtp[] = {{"00000063", "1997-04-07 09:00", "three"}};
    struct mail mail = {.counter = 1, .from = "NORTH/HQ/ADMIN", .date = "1997-04-07 08:00",
                        .to = {"NORTH/SALES/BO", "NORTH/HQ/ADMIN"}, .text = "Hello\r\n"};

    po_mailbag(po, "00000010", sales, 5, 1U << 2);
    po_mailbag(po, "00000011", smtp, 1, 0);
    mail.subject = "one";
    po_mail(po, "00000061", &mail);
    mail.subject = "two";
    mail.to[1] = "north/sales/bo";
    mail.cc[0] = "North/Sales/Li";
    po_mail(po, "00000062", &mail);
    mail.subject = "three";
    mail.counter = 2;
    mail.to[1] = "SMTP:x@y.example";
    mail.cc[0] = NULL;
    mail.attachments[0].id = "000000A1";
    mail.attachments[0].name = "A.TXT";
    po_mail(po, "00000063", &mail);
    po_write(po, "ATT/AT1/000000A1.ATT", "\x4A\x5B", 2);
    mail.subject = "four";
    mail.counter = 1;
    mail.attachments[0].id = "000000A2";
    po_mail(po, "00000064", &mail);
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
                                           .queue_count = 2,
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

static bool spool_is_empty(const struct fixture *f)
{
    struct dirent *entry;
    DIR *dir = opendir(f->po.spool);
    bool empty = true;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            empty = false;
    }
    closedir(dir);
    return empty;
}

/* A whole round: what came, as "subject@queue " or "!MAI " when it is damaged. ACCEPT holds the
 * first letters of the subjects to accept. */
static void round_trip(struct fixture *f, size_t limit, const char *accept, char *out)
{
    struct error err = {0};
    int begun;

    out[0] = '\0';
    while ((begun = door_begin(f->door, limit, &err)) != 0) {
        struct item *item;
        int more;
        if (begun < 0) {
            sprintf(out + strlen(out), "%s ", error_class_name(err.class));
            continue;
        }
        while ((more = door_next(f->door, &item, &err)) != 0) {
            if (more < 0 || door_load(f->door, item, &err) != 0) {
                assert_int_equal(err.class, ERROR_DATA);
                sprintf(out + strlen(out), "!%s ", item->place.mai);
                continue;
            }
            sprintf(out + strlen(out), "%s@%s ", item->message->subject, item->queue);
            if (strchr(accept, item->message->subject[0]) != NULL)
                door_accept(f->door, item);
        }
        if (door_finish(f->door, &err) != 0)
            sprintf(out + strlen(out), "finish:%s ", error_class_name(err.class));
    }
}

static void expect_round(struct fixture *f, size_t limit, const char *accept, const char *wanted)
{
    char found[1024];

    round_trip(f, limit, accept, found);
    assert_string_equal(found, wanted);
}

#define ALL "one@NORTH/SALES two@NORTH/SALES three@NORTH/SALES four@NORTH/SALES three@SMTP "

/* Oldest first, and each once a round, however small the batches. */
static void test_order(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    for (size_t limit = 1; limit < 6; limit++)
        expect_round(&f, limit, "", ALL);
    expect_round(&f, 0, "", ALL);
    assert_false(po_has(&f.po, "P1/00000010.0LK"));
    end(&f);
}

static void check_recipients(const struct item *item, const char *wanted)
{
    char found[256] = "";

    for (size_t i = 0; i < item->recipient_count; i++) {
        strcat(found, item->message->addresses[item->recipients[i]].text);
        strcat(found, " ");
    }
    assert_string_equal(found, wanted);
}

static void test_item(void **state)
{
    struct error err = {0};
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    assert_int_equal(door_begin(f.door, 10, &err), 1);
    assert_int_equal(door_next(f.door, &item, &err), 1);
    check_recipients(item, "NORTH/SALES/BO ");
    assert_string_equal(item->place.mailbag, "00000010");
    assert_string_equal(item->place.mai, "00000061");
    assert_int_equal(item->place.record, 1);
    assert_true(item->removable);
    assert_string_equal(item->message->postoffice, "NORTH/HQ");
    assert_string_equal(item->message->codepage, "CP850");
    assert_int_equal(door_next(f.door, &item, &err), 1);
    check_recipients(item, "NORTH/SALES/BO north/sales/bo North/Sales/Li ");
    assert_int_equal(door_next(f.door, &item, &err), 1);
    assert_int_equal(door_load(f.door, item, &err), 0);
    assert_int_equal(item->message->attachment_count, 1);
    assert_non_null(item->message->attachments[0].content);
    assert_int_equal(door_next(f.door, &item, &err), 1);
    assert_int_equal(door_load(f.door, item, &err), 0);
    assert_null(item->message->attachments[0].content);
    assert_int_equal(door_next(f.door, &item, &err), 0);
    door_abandon(f.door);
    assert_int_equal(door_begin(f.door, 10, &err), 1);
    assert_int_equal(door_next(f.door, &item, &err), 1);
    check_recipients(item, "SMTP:x@y.example ");
    end(&f);
}

static void check_key(const struct fixture *f, const char *id, unsigned live, unsigned bits)
{
    uint8_t key[600];
    char name[32];

    snprintf(name, sizeof name, "KEY/%s.KEY", id);
    assert_int_equal(po_read(&f->po, name, key, sizeof key), 560);
    assert_int_equal(key[0], live);
    assert_int_equal(key[2], live);
    assert_int_equal(key[4], live);
    assert_int_equal(key[0x30], bits);
}

static unsigned counter_of(const struct fixture *f, const char *name)
{
    uint8_t octets[16];

    assert_int_equal(po_read(&f->po, name, octets, sizeof octets), sizeof octets);
    return octets[0x0B];
}

static void test_removal(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    expect_round(&f, 2, "tf", ALL);
    check_key(&f, "00000010", 1, 0x1D);
    check_key(&f, "00000011", 0, 0x01);
    assert_true(po_has(&f.po, "MAI/MA1/00000061.MAI"));
    assert_false(po_has(&f.po, "MAI/MA2/00000062.MAI"));
    assert_false(po_has(&f.po, "MAI/MA3/00000063.MAI"));
    assert_false(po_has(&f.po, "ATT/AT1/000000A1.ATT"));
    assert_false(po_has(&f.po, "MAI/MA4/00000064.MAI"));
    assert_false(po_has(&f.po, "P1/00000010.0LK"));
    assert_true(spool_is_empty(&f));
    expect_round(&f, 2, "", "one@NORTH/SALES ");
    end(&f);
}

/* The file stays as long as another mailbag needs it. */
static void test_shared(void **state)
{
    struct error err = {0};
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    assert_int_equal(door_begin(f.door, 10, &err), 1);
    while (door_next(f.door, &item, &err) == 1)
        door_accept(f.door, item);
    assert_int_equal(counter_of(&f, "MAI/MA3/00000063.MAI"), 2);
    assert_true(po_has(&f.po, "P1/00000010.0LK"));
    assert_int_equal(door_finish(f.door, &err), 0);
    assert_false(po_has(&f.po, "P1/00000010.0LK"));
    assert_int_equal(counter_of(&f, "MAI/MA3/00000063.MAI"), 1);
    assert_true(po_has(&f.po, "ATT/AT1/000000A1.ATT"));
    expect_round(&f, 10, "", "three@SMTP ");
    end(&f);
}

static void test_read_only(void **state)
{
    uint8_t before[560], after[560];
    struct error err = {0};
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.read_only = true;
    po_read(&f.po, "KEY/00000010.KEY", before, sizeof before);
    po_remove(&f.po, "P1");
    open_door(&f);
    assert_int_equal(door_begin(f.door, 10, &err), 1);
    while (door_next(f.door, &item, &err) == 1)
        door_accept(f.door, item);
    assert_int_equal(door_finish(f.door, &err), 0);
    po_read(&f.po, "KEY/00000010.KEY", after, sizeof after);
    assert_memory_equal(before, after, sizeof before);
    assert_true(po_has(&f.po, "MAI/MA1/00000061.MAI"));
    end(&f);
}

static void test_locked(void **state)
{
    struct error err = {0};
    struct root *root;
    struct lock *lock;
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    assert_int_equal(root_open(&root, f.po.path, &err), 0);
    assert_int_equal(lock_take(&lock, root, "00000010", &err), 0);
    expect_round(&f, 10, "otf", "soft three@SMTP ");
    lock_release(lock);
    expect_round(&f, 10, "", "one@NORTH/SALES two@NORTH/SALES three@NORTH/SALES four@NORTH/SALES ");
    root_free(root);
    end(&f);
}

/* Another program took, moved or replaced headers although the mailbag is locked. */
static void test_changed_under_us(void **state)
{
    static const struct header moved[] = {{"00000061", "1997-04-07 08:00", "one"},
                                          {"00000070", "1997-04-09 08:00", "new"},
                                          {"00000063", "1997-04-07 09:00", "three"}};
    struct error err = {0};
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    assert_int_equal(door_begin(f.door, 10, &err), 1);
    while (door_next(f.door, &item, &err) == 1)
        door_accept(f.door, item);
    po_mailbag(&f.po, "00000010", moved, 3, 1U << 2);
    assert_int_equal(door_finish(f.door, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    assert_non_null(strstr(err.text, "3 records were changed"));
    check_key(&f, "00000010", 1, 0x05);
    assert_false(po_has(&f.po, "MAI/MA1/00000061.MAI"));
    assert_int_equal(counter_of(&f, "MAI/MA3/00000063.MAI"), 2);
    assert_true(spool_is_empty(&f));
    end(&f);
}

/* The caller may end a batch before its last item: a disk's limit, or an item that stops it. */
static void test_ended_early(void **state)
{
    struct error err = {0};
    char found[512] = "";
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    open_door(&f);
    for (int i = 0; door_begin(f.door, 10, &err) == 1; i++) {
        assert_in_range(i, 0, 4);
        assert_int_equal(door_next(f.door, &item, &err), 1);
        sprintf(found + strlen(found), "%s@%s ", item->message->subject, item->queue);
        door_accept(f.door, item);
        if (i == 1)
            door_abandon(f.door);
        else
            assert_int_equal(door_finish(f.door, &err), 0);
    }
    assert_string_equal(found, ALL);
    expect_round(&f, 10, "", "two@NORTH/SALES ");
    for (int i = 0; door_begin(f.door, 10, &err) != 0; i++) {
        assert_int_equal(i, 0);
        door_abandon(f.door);
    }
    end(&f);
}

/* Whoever's mail lies in the mailbag is a recipient of its items, also when only one of the names is
 * a queue of ours. */
static void test_sharers(void **state)
{
    uint8_t network[4 * 122] = {0};
    struct error err = {0};
    struct item *item;
    struct fixture f;

    (void)state;
    begin(&f);
    po_read(&f.po, "GLB/NETWORK.GLB", network, 2 * 122);
    memcpy(network + 2 * 122, network + 122, 122);
    memcpy(network + 2 * 122 + 0x02, "ATT", 4);
    memcpy(network + 2 * 122 + 0x21, "00000010", 9);
    memcpy(network + 3 * 122, network + 2 * 122, 122);
    memcpy(network + 3 * 122 + 0x02, "GONE", 5);
    network[3 * 122] = 0;
    po_write(&f.po, "GLB/NETWORK.GLB", network, sizeof network);
    po_mail(&f.po, "00000061",
            &(struct mail){.counter = 1, .from = "NORTH/HQ/ADMIN", .date = "1997-04-07 08:00",
                           .to = {"NORTH/SALES/BO", "att:someone", "GONE:x", "SMTP:x@y.example"},
                           .subject = "one", .text = "Hello\r\n"});
    f.settings.queue_count = 1;
    open_door(&f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(door_begin(f.door, 1, &err), 1);
        assert_int_equal(door_next(f.door, &item, &err), 1);
        check_recipients(item, i == 0 ? "NORTH/SALES/BO att:someone "
                                      : "NORTH/SALES/BO north/sales/bo North/Sales/Li ");
        door_abandon(f.door);
    }
    end(&f);
}

/* A message that two records of one mailbag name is not taken away from another mailbag. */
static void test_named_twice(void **state)
{
    static const struct header twice[] = {{"00000063", "1997-04-07 09:00", "three"},
                                          {"00000063", "1997-04-07 09:00", "three"}};
    struct fixture f;

    (void)state;
    begin(&f);
    po_mailbag(&f.po, "00000010", twice, 2, 0);
    f.settings.queue_count = 1;
    open_door(&f);
    expect_round(&f, 10, "t", "three@NORTH/SALES three@NORTH/SALES ");
    check_key(&f, "00000010", 0, 0x03);
    assert_int_equal(counter_of(&f, "MAI/MA3/00000063.MAI"), 1);
    assert_true(po_has(&f.po, "ATT/AT1/000000A1.ATT"));
    assert_true(spool_is_empty(&f));
    end(&f);
}

static void write_nothing(struct po *po, const char *name)
{
    po_write(po, name, "", 0);
}

static void cut_by_one(struct po *po, const char *name)
{
    uint8_t data[4096];
    size_t size = po_read(po, name, data, sizeof data);

    po_write(po, name, data, size - 1);
}

static void add_one(struct po *po, const char *name)
{
    uint8_t data[4097];
    size_t size = po_read(po, name, data, sizeof data - 1);

    data[size] = 0;
    po_write(po, name, data, size + 1);
}

static void make_link(struct po *po, const char *name)
{
    char path[160];

    po_remove(po, name);
    snprintf(path, sizeof path, "%s/%s", po->path, name);
    assert_int_equal(symlink("/etc/passwd", path), 0);
}

static void make_fifo(struct po *po, const char *name)
{
    char path[160];

    po_remove(po, name);
    snprintf(path, sizeof path, "%s/%s", po->path, name);
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void make_directory(struct po *po, const char *name)
{
    char path[160];

    po_remove(po, name);
    snprintf(path, sizeof path, "%s/%s", po->path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void remove_file(struct po *po, const char *name)
{
    po_remove(po, name);
}

static void two_cases(struct po *po, const char *name)
{
    (void)name;
    po_remove(po, "KEY/00000010.KEY");
    po_write(po, "KEY/00000010.Key", "", 0);
    po_write(po, "KEY/00000010.kEY", "", 0);
}

static void number_with_path(struct po *po, const char *name)
{
    uint8_t data[580];

    po_read(po, name, data, sizeof data);
    memcpy(data + 116 + 0x43, "../../P1", 8);
    po_write(po, name, data, sizeof data);
}

static void number_with_backslash(struct po *po, const char *name)
{
    uint8_t data[580];

    po_read(po, name, data, sizeof data);
    memcpy(data + 116 + 0x43, "..\\..\\A\0", 8);
    po_write(po, name, data, sizeof data);
}

static void wrong_counter(struct po *po, const char *name)
{
    uint8_t data[4096];
    size_t size = po_read(po, name, data, sizeof data);

    data[9] = 0x21;
    po_write(po, name, data, size);
}

static void huge_length(struct po *po, const char *name)
{
    uint8_t data[4096];
    size_t size = po_read(po, name, data, sizeof data);

    memcpy(data + 0x14, "\x4C\x84\xFF\xFF\xFF\xFF", 6);
    po_write(po, name, data, size);
}

#define SALES_REST "two@NORTH/SALES three@NORTH/SALES four@NORTH/SALES three@SMTP "
#define NO_SALES "data three@SMTP "

static const struct {
    const char *name;
    void (*damage)(struct po *po, const char *name);
    const char *file, *wanted;
} damages[] = {
    {"KEY cut", cut_by_one, "KEY/00000010.KEY", NO_SALES},
    {"KEY too long", add_one, "KEY/00000010.KEY", NO_SALES},
    {"KEY empty", write_nothing, "KEY/00000010.KEY", NO_SALES},
    {"KEY missing", remove_file, "KEY/00000010.KEY", NO_SALES},
    {"KEY a link", make_link, "KEY/00000010.KEY", NO_SALES},
    {"KEY a fifo", make_fifo, "KEY/00000010.KEY", NO_SALES},
    {"KEY a directory", make_directory, "KEY/00000010.KEY", NO_SALES},
    {"KEY twice", two_cases, "", NO_SALES},
    {"MBG cut", cut_by_one, "MBG/00000010.MBG", NO_SALES},
    {"MBG too long", add_one, "MBG/00000010.MBG", NO_SALES},
    {"MBG missing", remove_file, "MBG/00000010.MBG", NO_SALES},
    {"MBG a link", make_link, "MBG/00000010.MBG", NO_SALES},
    {"MBG emptied", write_nothing, "MBG/00000010.MBG", "three@SMTP "},
    {"MAI missing", remove_file, "MAI/MA1/00000061.MAI", "!00000061 " SALES_REST},
    {"MAI empty", write_nothing, "MAI/MA1/00000061.MAI", "!00000061 " SALES_REST},
    {"MAI cut", cut_by_one, "MAI/MA1/00000061.MAI", "!00000061 " SALES_REST},
    {"MAI a link", make_link, "MAI/MA1/00000061.MAI", "!00000061 " SALES_REST},
    {"MAI a fifo", make_fifo, "MAI/MA1/00000061.MAI", "!00000061 " SALES_REST},
    {"MAI a directory", make_directory, "MAI/MA1/00000061.MAI", "!00000061 " SALES_REST},
    {"MAI with more behind", add_one, "MAI/MA1/00000061.MAI", ALL},
    {"MAI of 4 GB", huge_length, "MAI/MA1/00000061.MAI", "!00000061 " SALES_REST},
    {"counter not where it should be", wrong_counter, "MAI/MA1/00000061.MAI",
     "!00000061 " SALES_REST},
    {"number is a path", number_with_path, "MBG/00000010.MBG", "! " SALES_REST},
    {"number is a DOS path", number_with_backslash, "MBG/00000010.MBG", "! " SALES_REST},
    {"ATT missing", remove_file, "ATT/AT1/000000A1.ATT", ALL},
    {"ATT empty", write_nothing, "ATT/AT1/000000A1.ATT", ALL},
    {"XTN missing", remove_file, "XTN/00000020.XTN", "setup three@SMTP "},
    {"XTN cut", cut_by_one, "XTN/00000020.XTN", "setup three@SMTP "},
    {"NETWORK cut", cut_by_one, "GLB/NETWORK.GLB", "data data "},
    {"NETWORK missing", remove_file, "GLB/NETWORK.GLB", "data data "},
};

/* One thing is damaged; everything else still comes, and no file is made or lost. */
static void test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct fixture f;
        char found[1024];
        begin(&f);
        open_door(&f);
        damages[i].damage(&f.po, damages[i].file);
        round_trip(&f, 10, "", found);
        if (strcmp(found, damages[i].wanted) != 0)
            fail_msg("%s: %s", damages[i].name, found);
        round_trip(&f, 10, "otf", found);
        if (strcmp(found, damages[i].wanted) != 0)
            fail_msg("%s, second round: %s", damages[i].name, found);
        assert_true(spool_is_empty(&f));
        assert_false(po_has(&f.po, "P1/00000010.0LK"));
        end(&f);
    }
}

static const struct {
    const char *from, *to; /* in the profile */
    const char *error;
    bool read_only_works;
} profiles[] = {
    {"verdict = proven", "verdict = readable", "verdict", true},
    {"verdict = proven", "verdict = insufficient", "verdict", true},
    {"key.bitmap_offset = 0x30\n", "", "key.bitmap_offset", false},
    {"key.bitmap_set = deleted\n", "", "key.bitmap_set", false},
    {"mai.counter_offset = 0x0B\n", "", "mai.counter_offset", false},
    {"mai.field.text = 4\n", "", "mai.field.text", false},
    {"codepage = 850\n", "", "codepage", false},
};

static void test_profiles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        char text[4096], *at;
        struct error err = {0};
        struct fixture f;
        begin(&f);
        strcpy(text, po_profile());
        at = strstr(text, profiles[i].from);
        assert_non_null(at);
        sprintf(at, "%s%s", profiles[i].to,
                strstr(po_profile(), profiles[i].from) + strlen(profiles[i].from));
        po_write_profile(&f.po, text);
        assert_int_equal(door_open_native(&f.door, &f.settings, &err), -1);
        assert_int_equal(err.class, ERROR_SETUP);
        if (strstr(err.text, profiles[i].error) == NULL)
            fail_msg("%s", err.text);
        f.settings.read_only = true;
        assert_int_equal(door_open_native(&f.door, &f.settings, &err),
                         profiles[i].read_only_works ? 0 : -1);
        if (!profiles[i].read_only_works)
            f.door = NULL;
        end(&f);
    }
}

/* Learnt from one postoffice and used for another. */
static void test_other_postoffice(void **state)
{
    char text[4200];
    struct error err = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    snprintf(text, sizeof text, "%spostoffice = SOUTH/HQ\n", po_profile());
    po_write_profile(&f.po, text);
    assert_int_equal(door_open_native(&f.door, &f.settings, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "was learnt from SOUTH/HQ, and this is postoffice NORTH/HQ"));
    f.settings.name = "south/hq";
    open_door(&f);
    end(&f);
}

static void change_record(struct po *po, size_t at, const char *text)
{
    uint8_t data[580];

    po_read(po, "MBG/00000010.MBG", data, sizeof data);
    memcpy(data + 116 + at, text, strlen(text) + 1);
    po_write(po, "MBG/00000010.MBG", data, sizeof data);
}

/* What the mailbag says in clear is what the message must say. */
static void test_profile_fits(void **state)
{
    static const struct {
        size_t at;
        const char *text, *wanted;
    } records[] = {
        {0x0D, "oNe", "!00000061 " SALES_REST}, {0x0D, "", "!00000061 " SALES_REST},
        {0x0D, "one more", "!00000061 " SALES_REST}, {0x02, "SOMEBODY", "!00000061 " SALES_REST},
        {0x02, "ADMINISTRA", "!00000061 " SALES_REST}, {0x02, "admin", ALL}, {0x02, "", ALL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        struct fixture f;
        begin(&f);
        change_record(&f.po, records[i].at, records[i].text);
        open_door(&f);
        expect_round(&f, 10, "", records[i].wanted);
        end(&f);
    }
}

/* The fixture's profile without Cc, and with what may be ignored. */
static void write_without_cc(const struct po *po, const char *ignored)
{
    const char *all = po_profile(), *cc = strstr(all, "mai.field.cc = 6\n");
    char text[4200];

    snprintf(text, sizeof text, "%.*s%smai.ignored = %s\n", (int)(cc - all), all,
             strchr(cc, '\n') + 1, ignored);
    po_write_profile(po, text);
}

/* A field that nobody had used when the profile was made is not lost: the message stays, and goes
 * as soon as the profile knows the field. */
static void test_unknown_part(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    write_without_cc(&f.po, "none");
    open_door(&f);
    expect_round(&f, 10, "otf", "one@NORTH/SALES !00000062 three@NORTH/SALES four@NORTH/SALES "
                                "three@SMTP ");
    expect_round(&f, 10, "otf", "!00000062 ");
    door_free(f.door);
    po_write_profile(&f.po, po_profile());
    open_door(&f);
    expect_round(&f, 10, "otf", "two@NORTH/SALES ");
    expect_round(&f, 10, "otf", "");
    end(&f);
    begin(&f);
    write_without_cc(&f.po, "field:06");
    open_door(&f);
    expect_round(&f, 10, "", ALL);
    end(&f);
}

static void test_settings(void **state)
{
    static const char *const unknown[] = {"NORTH/NOBODY"};
    struct error err = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.queues = unknown;
    f.settings.queue_count = 1;
    assert_int_equal(door_open_native(&f.door, &f.settings, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "NORTH/NOBODY"));
    f.settings.queues = queues;
    f.settings.path = "/nonexistent";
    assert_int_equal(door_open_native(&f.door, &f.settings, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    f.settings.path = f.po.path;
    po_remove(&f.po, "GLB/NETWORK.GLB");
    assert_int_equal(door_open_native(&f.door, &f.settings, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    f.door = NULL;
    end(&f);
}

/* A queue that leads nowhere, or where another one leads, is no reason to leave the others. */
static void test_routes(void **state)
{
    static const char *const partly[] = {"NORTH/NOBODY", "NORTH/SALES"};
    static const char *const twice[] = {"NORTH/SALES", "SMTP", "north/sales"};
    char out[512];
    struct fixture f;

    (void)state;
    begin(&f);
    f.settings.queues = partly;
    open_door(&f);
    round_trip(&f, 10, "", out);
    if (strncmp(out, "setup ", 6) != 0 || strstr(out, "@NORTH/SALES") == NULL)
        fail_msg("%s", out);
    door_free(f.door);
    f.settings.queues = twice;
    f.settings.queue_count = 3;
    open_door(&f);
    round_trip(&f, 10, "", out);
    if (strncmp(out, "setup ", 6) != 0 || strstr(out, "@SMTP") == NULL ||
        strstr(out, "@NORTH/SALES") != NULL || strcmp(out + strlen(out) - 6, "setup ") != 0)
        fail_msg("%s", out);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),    cmocka_unit_test(test_item),
        cmocka_unit_test(test_removal),  cmocka_unit_test(test_shared),
        cmocka_unit_test(test_read_only), cmocka_unit_test(test_locked),
        cmocka_unit_test(test_changed_under_us), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_profiles), cmocka_unit_test(test_settings), cmocka_unit_test(test_other_postoffice),
        cmocka_unit_test(test_profile_fits), cmocka_unit_test(test_unknown_part),
        cmocka_unit_test(test_routes),    cmocka_unit_test(test_ended_early),
        cmocka_unit_test(test_named_twice), cmocka_unit_test(test_sharers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
