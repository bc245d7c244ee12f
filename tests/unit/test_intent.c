/* SPDX-License-Identifier: BSD-2-Clause */
/* A removal that was cut off anywhere is finished exactly once. */
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

#include "base/log.h"
#include "pofixture.h"
#include "postoffice/door.h"
#include "postoffice/intent.h"
#include "postoffice/released.h"

#define MAILBAG "00000010"
#define MAI_FILE "MAI/MA1/00000061.MAI"
#define ATT_FILE "ATT/AT1/000000A1.ATT"

static const char *const queues[] = {"NORTH/SALES"};
static const struct header header = {"00000061", "1997-04-07 08:00", "one"};
static const struct header other = {"00000099", "1997-04-09 08:00", "other"};

static void no_lines(void *context, enum log_level level, const char *token, const char *line)
{
    (void)context;
    (void)level;
    (void)token;
    (void)line;
}

struct state {
    const char *name;
    /* what the cut-off removal left */
    enum intent_stage stage;
    enum intent_mark mark;
    unsigned started;
    const struct header *record; /* what lies in record 0 now; NULL: the mailbag was emptied */
    bool deleted;
    unsigned counter; /* 0: the message file is gone */
    /* what must be afterwards */
    unsigned key_count, key_bits, counter_after;
};

/* The item's counter was 2 when it was read. */
static const struct state states[] = {
    {"before KEY", 'K', '-', 0, &header, false, 2, 0, 1, 1},
    {"KEY written, not noted", 'K', '-', 0, &header, true, 2, 0, 1, 1},
    {"KEY noted", 'M', '-', 0, &header, true, 2, 0, 1, 1},
    {"KEY noted, not on the disk", 'M', '-', 0, &header, false, 2, 0, 1, 1},
    {"counter announced", 'M', 's', 2, &header, true, 2, 0, 1, 1},
    {"counter written", 'M', 's', 2, &header, true, 1, 0, 1, 1},
    {"counter done", 'M', 'd', 2, &header, true, 1, 0, 1, 1},
    {"others went first", 'M', '-', 0, &header, true, 1, 0, 1, 0},
    {"message gone", 'M', '-', 0, &header, true, 0, 0, 1, 0},
    {"message gone, announced", 'M', 's', 2, &header, true, 0, 0, 1, 0},
    {"another agent removed it", 'K', '-', 0, &header, true, 1, 0, 1, 1},
    {"another agent removed all", 'K', '-', 0, &header, true, 0, 0, 1, 0},
    {"the record is in use again", 'M', '-', 0, &other, false, 2, 1, 0, 1},
    {"in use again, other agent", 'K', '-', 0, &other, false, 1, 1, 0, 1},
    {"the mailbag was reset", 'M', '-', 0, NULL, false, 2, 0, 0, 1},
};

static void make_state(const struct po *po, const struct state *state)
{
    struct mail mail = {.counter = state->counter,
                        .from = "NORTH/HQ/A",
                        .to = {"NORTH/SALES/B"},
                        .date = "1997-04-07 08:00",
                        .subject = "one",
                        .text = "T",
                        .attachments = {{"000000A1", "A", 1}}};

    po_mailbag(po, MAILBAG, state->record, state->record != NULL ? 1 : 0, state->deleted);
    if (state->counter != 0) {
        po_mail(po, "00000061", &mail);
        po_write(po, ATT_FILE, "x", 1);
    }
}

static void place_of(const struct po *po, struct intent_place *out)
{
    out->directory = po->spool;
    out->postoffice = "NORTH/HQ";
    out->path = po->path;
    out->mailbag = MAILBAG;
}

static void make_intent(const struct po *po, const struct state *state)
{
    struct bytes *record = calloc(1, sizeof *record);
    struct intent_item item = {.mai = "00000061", .before = 2, .mark = INTENT_WAITING};
    struct intent_place place;
    struct intent *intent;
    struct error err = {0};

    assert_non_null(record);
    put_record(record, &header);
    memcpy(item.raw, record->data, sizeof item.raw);
    free(record);
    place_of(po, &place);
    assert_int_equal(intent_create(&intent, &place, &item, 1, &err), 0);
    if (state->stage == INTENT_MAI)
        assert_int_equal(intent_key_written(intent, &err), 0);
    if (state->mark != INTENT_WAITING)
        assert_int_equal(intent_set_mark(intent, 0, state->mark, (uint16_t)state->started, &err),
                         0);
    intent_free(intent);
}

static void open_door(const struct po *po, struct door **door)
{
    struct native_settings settings = {.path = po->path,
                                       .profile = po->profile,
                                       .name = "NORTH/HQ",
                                       .queues = queues,
                                       .queue_count = 1,
                                       .directory = po->spool,
                                       .max_size = 1000};
    struct error err = {0};

    if (door_open_native(door, &settings, &err) != 0)
        fail_msg("%s", err.text);
}

static bool intent_is_there(const struct po *po)
{
    char path[160];

    snprintf(path, sizeof path, "%s/NORTH_HQ." MAILBAG ".removal", po->spool);
    return access(path, F_OK) == 0;
}

static unsigned counter_now(const struct po *po)
{
    uint8_t octets[16];

    if (!po_has(po, MAI_FILE))
        return 0;
    assert_int_equal(po_read(po, MAI_FILE, octets, sizeof octets), sizeof octets);
    return octets[0x0B];
}

/* Twice: the second time there is nothing left to do. */
static void check_state(const struct po *po, const struct state *state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct error err = {0};
        struct door *door;
        uint8_t key[560];
        open_door(po, &door);
        if (door_begin(door, 10, &err) < 0)
            fail_msg("%s: %s", state->name, err.text);
        door_free(door);
        assert_int_equal(po_read(po, "KEY/" MAILBAG ".KEY", key, sizeof key), sizeof key);
        if (key[0x30] != state->key_bits || key[4] != state->key_count ||
            counter_now(po) != state->counter_after)
            fail_msg("%s: bits %02X, live %u, counter %u", state->name, key[0x30], key[4],
                     counter_now(po));
        assert_int_equal(po_has(po, ATT_FILE), state->counter_after != 0);
        assert_false(intent_is_there(po));
        assert_false(po_has(po, "P1/" MAILBAG ".0LK"));
    }
}

static void test_states(void **state)
{
    (void)state;
    log_set_sink(no_lines, NULL);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct po po;
        po_make(&po);
        make_state(&po, &states[i]);
        make_intent(&po, &states[i]);
        check_state(&po, &states[i]);
        po_clear(&po);
    }
    log_set_sink(NULL, NULL);
}

static void intent_path(const struct po *po, char out[160])
{
    snprintf(out, 160, "%s/NORTH_HQ." MAILBAG ".removal", po->spool);
}

/* Reads the file back as it was written, marks and all. */
static void test_round_trip(void **state)
{
    struct intent_item items[3] = {{.record = 4095, .mai = "FFFFFFFF", .before = 65535},
                                   {.record = 0, .mai = "00000001", .before = 0},
                                   {.record = 7, .mai = "0000000A", .before = 300}};
    struct intent_place place;
    struct intent *intent;
    struct error err = {0};
    struct po po;

    (void)state;
    po_make(&po);
    place_of(&po, &place);
    for (size_t i = 0; i < 3; i++) {
        items[i].mark = INTENT_WAITING;
        memset(items[i].raw, (int)(0xF0 + i), sizeof items[i].raw);
    }
    assert_int_equal(intent_create(&intent, &place, items, 3, &err), 0);
    assert_int_equal(intent_set_mark(intent, 1, INTENT_STARTED, 65535, &err), 0);
    assert_int_equal(intent_set_mark(intent, 2, INTENT_DONE, 0, &err), 0);
    intent_free(intent);
    assert_int_equal(intent_create(&intent, &place, items, 3, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    assert_int_equal(intent_load(&intent, &place, &err), 0);
    assert_non_null(intent);
    assert_int_equal(intent_get_stage(intent), INTENT_KEY);
    assert_int_equal(intent_count(intent), 3);
    items[1].mark = INTENT_STARTED;
    items[1].started = 65535;
    items[2].mark = INTENT_DONE;
    for (size_t i = 0; i < 3; i++) {
        const struct intent_item *item = intent_get(intent, i);
        assert_int_equal(item->record, items[i].record);
        assert_string_equal(item->mai, items[i].mai);
        assert_int_equal(item->before, items[i].before);
        assert_int_equal(item->mark, items[i].mark);
        assert_int_equal(item->started, items[i].started);
        assert_memory_equal(item->raw, items[i].raw, sizeof item->raw);
    }
    assert_int_equal(intent_end(intent, &err), 0);
    assert_int_equal(intent_load(&intent, &place, &err), 0);
    assert_null(intent);
    po_clear(&po);
}

/* Cut off while it was written: nothing had been changed, so it is none. */
static void test_cut_off(void **state)
{
    char path[160];
    struct intent_place place;
    struct intent *intent;
    struct error err = {0};
    struct po po;

    (void)state;
    po_make(&po);
    place_of(&po, &place);
    intent_path(&po, path);
    for (off_t size = 0; size < 350; size += 7) {
        make_intent(&po, &states[0]);
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(intent_load(&intent, &place, &err), 0);
        assert_null(intent);
        assert_false(intent_is_there(&po));
    }
    po_clear(&po);
}

static void change(const char *path, off_t at, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
    close(fd);
}

/* Damaged, or of another path: refused with the file's name, and kept. */
static void test_refused(void **state)
{
    char path[160];
    struct intent_place place;
    struct intent *intent;
    struct error err = {0};
    struct po po;

    (void)state;
    po_make(&po);
    intent_path(&po, path);
    make_intent(&po, &states[0]);
    place_of(&po, &place);
    place.path = "/elsewhere";
    assert_int_equal(intent_load(&intent, &place, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "of another path"));
    assert_int_equal(unlink(path), 0);
    place_of(&po, &place);
    for (off_t at = 0; at < 18; at += 3) {
        make_intent(&po, &states[0]);
        change(path, at, "?");
        assert_int_equal(intent_load(&intent, &place, &err), -1);
        assert_int_equal(err.class, ERROR_SETUP);
        assert_non_null(strstr(err.text, "NORTH_HQ." MAILBAG ".removal"));
        assert_true(intent_is_there(&po));
        assert_int_equal(unlink(path), 0);
    }
    po_clear(&po);
}

static int collect(void *context, const char *mailbag, struct error *err)
{
    (void)err;
    strcat(context, mailbag);
    return 0;
}

static void touch(const struct po *po, const char *name)
{
    char path[160];
    int fd;

    snprintf(path, sizeof path, "%s/%s", po->spool, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void test_each(void **state)
{
    char found[64] = "";
    struct error err = {0};
    struct po po;

    (void)state;
    po_make(&po);
    touch(&po, "NORTH_HQ.0000001A.removal");
    touch(&po, "NORTH_HQ.0000001.removal");
    touch(&po, "NORTH_HQ.XYZ0001A.removal");
    touch(&po, "NORTH_HQ2.0000001B.removal");
    touch(&po, "NORTH_H.0000001C.removal");
    touch(&po, "NORTH_HQ.0000001A.removal~");
    assert_int_equal(intent_each(po.spool, "north/hq", collect, found, &err), 0);
    assert_string_equal(found, "0000001A");
    assert_int_equal(intent_each("/nonexistent", "north/hq", collect, found, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    po_clear(&po);
}

static void add_released(const struct intent_place *place, uint16_t first, size_t count,
                         uint16_t left)
{
    struct intent_item *items = calloc(count, sizeof *items);
    struct intent *intent;
    struct error err = {0};

    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        uint16_t number = (uint16_t)(first + i);
        items[i] = (struct intent_item){.mai = "00000061", .mark = INTENT_DONE, .started = left};
        memcpy(items[i].raw, &number, sizeof number);
    }
    assert_int_equal(intent_create(&intent, place, items, count, &err), 0);
    if (released_add(place, intent, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(intent_end(intent, &err), 0);
    free(items);
}

static int released_left(const struct intent_place *place, uint16_t number)
{
    uint8_t raw[MBG_RECORD_SIZE] = {0};
    struct released *released;
    struct error err = {0};
    uint16_t left = 0;
    bool found;

    memcpy(raw, &number, sizeof number);
    if (released_load(&released, place, &err) != 0)
        fail_msg("%s", err.text);
    found = released_find(released, raw, &left);
    released_free(released);
    return found ? left : -1;
}

/* The last 4,096 headers are known, the latest line counts, a line that was cut off is none. */
static void test_released(void **state)
{
    struct intent_place place;
    char path[200];
    struct po po;

    (void)state;
    po_make(&po);
    place_of(&po, &place);
    assert_int_equal(released_left(&place, 7), -1);
    add_released(&place, 1, 10, 3);
    add_released(&place, 7, 1, 65535);
    assert_int_equal(released_left(&place, 7), 65535);
    assert_int_equal(released_left(&place, 1), 3);
    snprintf(path, sizeof path, "%s/NORTH_HQ." MAILBAG ".released", po.spool);
    assert_int_equal(truncate(path, 11 * 239 - 1), 0);
    assert_int_equal(released_left(&place, 7), 3);
    add_released(&place, 11, 1, 2);
    assert_int_equal(released_left(&place, 11), 2);
    for (uint16_t first = 1000; first < 1000 + 9 * 1024; first += 1024)
        add_released(&place, first, 1024, 1);
    assert_int_equal(released_left(&place, 1), -1);
    for (unsigned back = 1; back <= 4096; back += 63)
        assert_int_equal(released_left(&place, (uint16_t)(1000 + 9 * 1024 - back)), 1);
    po_clear(&po);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),  cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut_off), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_each),    cmocka_unit_test(test_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
