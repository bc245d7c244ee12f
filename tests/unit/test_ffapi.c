/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "postoffice/door.h"

#define MAX_SIZE 65536
#define MAX_FILE 1048576

/* A GET program for tests: gives the files of a directory, one a run, as that directory says. */
#define GIVE                                                                                       \
    "f=$(ls \"$3\" | head -n 1); [ -z \"$f\" ] || mv \"$3/$f\" \"$1\"; echo \"$2\" >> \"$3.log\""

#define V "VERSION:3.00\r\n"
#define MAIL(to, subject)                                                                          \
    V "TO:CSI:A/B/" to "\r\nFROM:A/B/D\r\nSUBJECT:" subject "\r\nTEXT:3\r\nx\r\n"
#define BAD V "TO:CSI:A/B/C\r\nFROM:A/B/D\r\nCOLOUR:red\r\nTEXT:5\r\nred\r\n"

struct fixture {
    char top[64], spool[128], queue[128];
    char script[1024];
    const char *queues[2];
    size_t queue_count;
    struct door *door;
    struct error err;
    struct buf said;
};

static void hear(void *context, const char *line)
{
    struct fixture *f = context;

    assert_int_equal(buf_printf(&f->said, "%s\n", line), 0);
}

static int open_door(struct fixture *f, struct door **out)
{
    const char *command[] = {"/bin/sh", "-c", f->script, "get", "{file}", "{count}", f->queue};
    struct ffapi_settings settings = {.name = "NET/PO",
                                      .codepage = "CP850",
                                      .command = command,
                                      .command_count = 7,
                                      .queues = f->queues,
                                      .queue_count = f->queue_count,
                                      .directory = f->spool,
                                      .time_limit_s = 20,
                                      .max_size = MAX_SIZE,
                                      .report = hear,
                                      .report_context = f};

    return door_open_ffapi(out, &settings, &f->err);
}

static void reopen(struct fixture *f)
{
    door_free(f->door);
    f->door = NULL;
    assert_int_equal(open_door(f, &f->door), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    strcpy(f->top, "/tmp/test_ffapi.XXXXXX");
    assert_non_null(mkdtemp(f->top));
    snprintf(f->spool, sizeof f->spool, "%s/spool", f->top);
    snprintf(f->queue, sizeof f->queue, "%s/queue", f->top);
    assert_int_equal(mkdir(f->spool, 0700), 0);
    assert_int_equal(mkdir(f->queue, 0700), 0);
    strcpy(f->script, GIVE);
    buf_init(&f->said, MAX_FILE);
    assert_int_equal(open_door(f, &f->door), 0);
    alarm(120); /* nothing here may wait for ever */
    *state = f;
    return 0;
}

static void remove_all(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
    assert_int_equal(rmdir(directory), 0);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    alarm(0);
    door_free(f->door);
    remove_all(f->spool);
    remove_all(f->queue);
    remove_all(f->top);
    buf_clear(&f->said);
    free(f);
    return 0;
}

static void write_octets(const char *directory, const char *name, const void *data, size_t size)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put(const char *directory, const char *name, const char *text)
{
    write_octets(directory, name, text, strlen(text));
}

static bool exists(const struct fixture *f, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", f->spool, name);
    return access(path, F_OK) == 0;
}

static void assert_file(const char *directory, const char *name, const char *text)
{
    char path[512];
    struct error err;
    uint8_t *data;
    size_t size;
    int fd;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("%s is not there", path);
    assert_int_equal(file_read_all(fd, path, MAX_FILE, &data, &size, &err), 0);
    assert_string_equal((char *)data, text);
    free(data);
    close(fd);
}

/* The names in the spool directory, in order, each with a space behind it. */
static void assert_spool(const struct fixture *f, const char *expected)
{
    struct dirent **names;
    char all[1024] = "";
    int count = scandir(f->spool, &names, NULL, alphasort);

    assert_true(count >= 2);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.' && strcmp(names[i]->d_name, "get.lock") != 0)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", names[i]->d_name);
        free(names[i]);
    }
    free(names);
    assert_string_equal(all, expected);
}

static int begin(struct fixture *f)
{
    error_clear(&f->err);
    return door_begin(f->door, 50, &f->err);
}

static void assert_begun(struct fixture *f)
{
    if (begin(f) != 1)
        fail_msg("no batch: %s", f->err.text);
}

static void assert_failed(const struct fixture *f, int status, enum error_class class,
                          const char *part)
{
    assert_int_equal(status, -1);
    assert_int_equal(f->err.class, class);
    if (strstr(f->err.text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, f->err.text);
}

/* Reads the batch: subjects of the good, "!" for the malformed. Accepts but for SPARE. */
static void assert_batch(struct fixture *f, const char *expected, const char *spare)
{
    struct item *item;
    char all[1024] = "";
    int status;

    while ((status = door_next(f->door, &item, &f->err)) != 0) {
        const char *subject = "!";

        assert_non_null(item);
        if (status < 0) {
            assert_int_equal(f->err.class, ERROR_DATA);
            assert_null(item->message);
        } else {
            assert_int_equal(door_load(f->door, item, &f->err), 0);
            subject = item->message->subject;
            if (spare == NULL || strcmp(subject, spare) != 0)
                door_accept(f->door, item);
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", subject);
    }
    assert_string_equal(all, expected);
}

static void finish(struct fixture *f)
{
    if (door_finish(f->door, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

static void expect_round(struct fixture *f, const char *expected)
{
    assert_begun(f);
    assert_batch(f, expected, NULL);
    finish(f);
}

/* ---- the way it should be ---- */

static void test_rounds(void **state)
{
    struct fixture *f = *state;

    put(f->queue, "1", MAIL("C", "one") MAIL("E", "two"));
    put(f->queue, "2", MAIL("C", "three"));
    expect_round(f, "one two ");
    expect_round(f, "three ");
    assert_int_equal(begin(f), 0);
    assert_spool(f, "");
    assert_int_equal(begin(f), 0);
    put(f->queue, "3", MAIL("C", "four"));
    expect_round(f, "four ");
    assert_int_equal(begin(f), 0);
    assert_spool(f, "");
    assert_non_null(strstr(buf_text(&f->said), "ended with status 0"));
}

static void test_item(void **state)
{
    struct fixture *f = *state;
    struct item *item, *second;

    put(f->queue, "1",
        V "TO:A/B/C\r\nFROM:A/B/D\r\nCC:SMTP:x@y.example\r\nTEXT:2\r\nhi" MAIL("C", "two"));
    assert_begun(f);
    assert_int_equal(door_next(f->door, &item, &f->err), 1);
    assert_int_equal(door_next(f->door, &second, &f->err), 1);
    assert_string_equal(item->place.file, "get-00000001.mmf");
    assert_string_equal(item->place.mailbag, "");
    assert_string_equal(item->place.mai, "");
    assert_int_equal(item->place.record, 1);
    assert_int_equal(second->place.record, 2);
    assert_string_equal(item->queue, "");
    assert_false(item->removable);
    assert_int_equal(item->recipient_count, 2);
    assert_int_equal(item->recipients[0], 0);
    assert_int_equal(item->recipients[1], 2);
    assert_string_equal(item->message->postoffice, "NET/PO");
    assert_string_equal(item->message->codepage, "CP850");
    assert_int_equal(content_size(item->message->text), 2);
    assert_true(item->number != second->number);
}

/* The places in TO (A/B/C, a/b/e, A/BC/F, SMTP:g@h.example, SMTP/I) that the queues choose. */
static const struct {
    const char *queues[2];
    size_t queue_count;
    const char *chosen;
} queue_cases[] = {
    {{NULL}, 0, "01345"},          {{"a/b"}, 1, "01"},           {{"A/BC"}, 1, "3"},
    {{"smtp"}, 1, "45"},           {{"A/B", "SMTP"}, 2, "0145"}, {{"A"}, 1, "013"},
    {{"NOBODY/HERE"}, 1, "01345"},
};

static void test_queues(void **state)
{
    struct fixture *f = *state;
    struct item *item;

    for (size_t i = 0; i < sizeof queue_cases / sizeof *queue_cases; i++) {
        char chosen[16] = "";

        memcpy(f->queues, queue_cases[i].queues, sizeof f->queues);
        f->queue_count = queue_cases[i].queue_count;
        reopen(f);
        put(f->queue, "1",
            V "TO:A/B/C\r\nTO:CSI:a/b/e\r\nFROM:A/B/D\r\nTO:A/BC/F\r\nTO:SMTP:g@h.example\r\n"
              "TO:SMTP/I/J\r\nTEXT:2\r\nhi");
        assert_begun(f);
        assert_int_equal(door_next(f->door, &item, &f->err), 1);
        for (size_t r = 0; r < item->recipient_count; r++)
            chosen[r] = (char)('0' + item->recipients[r]);
        assert_string_equal(chosen, queue_cases[i].chosen);
        door_accept(f->door, item);
        assert_int_equal(door_next(f->door, &item, &f->err), 0);
        assert_int_equal(door_finish(f->door, &f->err), 0);
    }
}

static void test_count(void **state)
{
    static const size_t limits[] = {0, 1, 7, 50, 1000};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        assert_int_equal(door_begin(f->door, limits[i], &f->err), 0);
    assert_file(f->top, "queue.log", "1\n1\n7\n50\n50\n");
}

/* ---- again after a crash ---- */

static void fingerprints(struct fixture *f, uint8_t out[3][FINGERPRINT_SIZE])
{
    struct item *item;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(door_next(f->door, &item, &f->err), 1);
        assert_int_equal(message_fingerprint(item->message, out[i], &f->err), 0);
    }
    assert_int_equal(door_next(f->door, &item, &f->err), 0);
}

static void test_same_again(void **state)
{
    struct fixture *f = *state;
    uint8_t first[3][FINGERPRINT_SIZE], again[3][FINGERPRINT_SIZE];

    put(f->queue, "1", MAIL("C", "one") MAIL("E", "two") MAIL("E", "three"));
    put(f->queue, "2", MAIL("C", "four"));
    assert_begun(f);
    fingerprints(f, first);
    door_abandon(f->door);
    assert_spool(f, "get-00000001.mmf ");
    assert_begun(f);
    fingerprints(f, again);
    assert_memory_equal(first, again, sizeof first);
    reopen(f);
    assert_begun(f);
    fingerprints(f, again);
    assert_memory_equal(first, again, sizeof first);
    door_abandon(f->door);
    expect_round(f, "one two three ");
    expect_round(f, "four ");
    assert_int_equal(begin(f), 0);
}

/* A process that dies between accepting and finishing has changed nothing. */
static void test_killed(void **state)
{
    struct fixture *f = *state;
    int status;
    pid_t pid;

    put(f->queue, "1", MAIL("C", "one") BAD MAIL("C", "two"));
    door_free(f->door);
    f->door = NULL;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (open_door(f, &f->door) == 0 && begin(f) == 1) {
            assert_batch(f, "one ! two ", NULL);
            _exit(7);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_spool(f, "get-00000001.mmf held-00000001-2.mmf ");
    reopen(f);
    expect_round(f, "one ! two ");
    assert_spool(f, "held-00000001-2.mmf ");
    assert_file(f->spool, "held-00000001-2.mmf", BAD);
}

static void test_leftover_order(void **state)
{
    struct fixture *f = *state;

    put(f->queue, "1", MAIL("C", "new"));
    put(f->spool, "get-0000000A.mmf", MAIL("C", "ten"));
    put(f->spool, "get-00000009.mmf", MAIL("C", "nine"));
    put(f->spool, "g000000b.tmp", MAIL("C", "eleven"));
    put(f->spool, "get-x.mmf", "not ours");
    put(f->spool, "held-0000000F-1.mmf", "held before");
    expect_round(f, "nine ");
    expect_round(f, "ten ");
    expect_round(f, "eleven ");
    assert_begun(f);
    assert_spool(f, "get-00000010.mmf get-x.mmf held-0000000F-1.mmf ");
    assert_batch(f, "new ", NULL);
    finish(f);
    assert_int_equal(begin(f), 0);
}

/* Numbers are not used again, also when nothing shows that they were used. */
static void test_numbers(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(begin(f), 0);
    assert_int_equal(begin(f), 0);
    assert_file(f->spool, "get.lock", "00000002");
    reopen(f);
    put(f->queue, "1", MAIL("C", "one"));
    assert_begun(f);
    assert_spool(f, "get-00000003.mmf ");
    door_abandon(f->door);
    put(f->spool, "held-0FFFFFFF-1.mmf", "");
    expect_round(f, "one ");
    assert_failed(f, begin(f), ERROR_SETUP, "used up");
}

static void test_incomplete_run(void **state)
{
    struct fixture *f = *state;

    strcpy(f->script, "cat \"$3/1\" > \"$1\"; echo disk full; exit 3");
    reopen(f);
    put(f->queue, "1", MAIL("C", "one") V "TO:CSI:A/B/C\r\nFROM:A/B/D\r\nTEXT:500\r\nhal");
    assert_failed(f, begin(f), ERROR_SOFT, "G0000001.TMP is kept and read next time: GET program");
    assert_non_null(strstr(f->err.text, "status 3; it said last: disk full"));
    assert_spool(f, "G0000001.TMP ");
    expect_round(f, "one ! ");
    assert_file(f->spool, "held-00000001-2.mmf", V "TO:CSI:A/B/C\r\nFROM:A/B/D\r\nTEXT:500\r\nhal");
    assert_spool(f, "held-00000001-2.mmf ");
}

static void test_failed_run_without_file(void **state)
{
    struct fixture *f = *state;

    strcpy(f->script, "exit 1");
    reopen(f);
    assert_failed(f, begin(f), ERROR_SOFT, "ended with status 1");
    assert_null(strstr(f->err.text, "kept"));
}

/* ---- nothing in it ---- */

static void test_empty_files(void **state)
{
    struct fixture *f = *state;

    put(f->spool, "G0000001.TMP", "");
    put(f->spool, "G0000002.TMP", "\x1a");
    put(f->queue, "1", "");
    put(f->queue, "2", "\r\n\x1a");
    assert_int_equal(begin(f), 0);
    assert_spool(f, "");
    assert_int_equal(begin(f), 0);
    assert_spool(f, "");
    put(f->queue, "3", MAIL("C", "one"));
    expect_round(f, "one ");
}

static void test_refusal(void **state)
{
    struct fixture *f = *state;

    strcpy(f->script, "echo 201-000-000 mailbag is locked");
    reopen(f);
    assert_failed(f, begin(f), ERROR_SOFT, "201-000-000 mailbag is locked");
    strcpy(f->script, "echo 144-001-000 one was skipped; " GIVE);
    reopen(f);
    put(f->queue, "1", MAIL("C", "one"));
    expect_round(f, "one ");
}

/* ---- malformed, not accepted ---- */

static void test_held(void **state)
{
    struct fixture *f = *state;
    struct item *item;

    put(f->queue, "1", BAD MAIL("C", "one"));
    assert_begun(f);
    assert_failed(f, door_next(f->door, &item, &f->err), ERROR_DATA,
                  "get-00000001.mmf offset 40: 141-001-004 cannot match token COLOUR");
    assert_non_null(strstr(f->err.text, "(held: held-00000001-1.mmf)"));
    assert_string_equal(item->place.file, "get-00000001.mmf");
    assert_int_equal(item->place.record, 1);
    assert_int_equal(item->recipient_count, 0);
    door_accept(f->door, item); /* means nothing: it is no item */
    assert_file(f->spool, "held-00000001-1.mmf", BAD);
    assert_int_equal(door_next(f->door, &item, &f->err), 1);
    door_accept(f->door, item);
    assert_int_equal(door_next(f->door, &item, &f->err), 0);
    finish(f);
    assert_spool(f, "held-00000001-1.mmf ");
    assert_int_equal(begin(f), 0);
}

static void test_cannot_hold(void **state)
{
    struct fixture *f = *state;
    struct item *item;
    char path[256];

    put(f->queue, "1", BAD MAIL("C", "one"));
    snprintf(path, sizeof path, "%s/held.part", f->spool);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_begun(f);
    assert_failed(f, door_next(f->door, &item, &f->err), ERROR_SOFT, "held.part");
    door_abandon(f->door);
    assert_int_equal(rmdir(path), 0);
    expect_round(f, "! one ");
}

static void test_not_accepted(void **state)
{
    struct fixture *f = *state;

    put(f->queue, "1", MAIL("C", "one") MAIL("C", "two"));
    put(f->queue, "2", MAIL("C", "three"));
    assert_begun(f);
    assert_batch(f, "one two ", "two");
    assert_failed(f, door_finish(f->door, &f->err), ERROR_SOFT, "1 of its 2 messages");
    assert_spool(f, "get-00000001.mmf ");
    expect_round(f, "three "); /* it does not stop those behind it */
    assert_int_equal(begin(f), 0);
    expect_round(f, "one two ");
    assert_spool(f, "");
}

static void test_not_read_to_the_end(void **state)
{
    struct fixture *f = *state;
    struct item *item;

    put(f->queue, "1", MAIL("C", "one") MAIL("C", "two"));
    assert_begun(f);
    assert_int_equal(door_next(f->door, &item, &f->err), 1);
    door_accept(f->door, item);
    assert_failed(f, door_finish(f->door, &f->err), ERROR_SOFT, "not read to its end");
    assert_spool(f, "get-00000001.mmf ");
}

static void test_changed_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct item *item;

    put(f->queue, "1", MAIL("C", "one"));
    assert_begun(f);
    assert_int_equal(door_next(f->door, &item, &f->err), 1);
    put(f->spool, "get-00000001.mmf", MAIL("C", "one") "x");
    assert_failed(f, door_load(f->door, item, &f->err), ERROR_SOFT, "was changed");
}

/* ---- files beside it ---- */

#define WITH_FILES                                                                                 \
    V "TO:A/B/C\r\nFROM:A/B/D\r\nSUBJECT:files\r\nXATTACH:A.BIN,a.doc\r\nXTEXT:B.TXT\r\n"
#define BAD_FILES V "TO:A/B/C\r\nFROM:A/B/D\r\nCOLOUR:red\r\nXATTACH:C.BIN\r\nTEXT:0\r\n"

static void test_external_removed(void **state)
{
    struct fixture *f = *state;

    put(f->queue, "1", WITH_FILES BAD_FILES);
    put(f->spool, "A.BIN", "aa");
    put(f->spool, "b.txt", "bb");
    put(f->spool, "C.BIN", "cc");
    put(f->spool, "OTHER.BIN", "");
    expect_round(f, "files ! ");
    assert_spool(f, "OTHER.BIN held-00000001-2-C.BIN held-00000001-2.mmf ");
    assert_file(f->spool, "held-00000001-2-C.BIN", "cc");
}

static void test_external_kept(void **state)
{
    struct fixture *f = *state;

    put(f->queue, "1", WITH_FILES);
    put(f->queue, "2", MAIL("C", "two"));
    put(f->spool, "A.BIN", "aa");
    put(f->spool, "B.TXT", "bb");
    assert_begun(f);
    assert_batch(f, "files ", "files");
    assert_failed(f, door_finish(f->door, &f->err), ERROR_SOFT, "kept");
    assert_spool(f, "A.BIN B.TXT get-00000001.mmf ");
    assert_failed(f, begin(f), ERROR_SOFT, "could overwrite them");
    expect_round(f, "files ");
    assert_spool(f, "");
    expect_round(f, "two ");
}

/* ---- lock, names that are not ours, settings ---- */

static void test_lock(void **state)
{
    struct fixture *f = *state;
    struct door *second;

    assert_int_equal(open_door(f, &second), 0);
    put(f->queue, "1", MAIL("C", "one"));
    assert_begun(f);
    assert_int_equal(door_begin(second, 50, &f->err), -1);
    assert_failed(f, -1, ERROR_SOFT, "get.lock");
    assert_failed(f, door_begin(f->door, 50, &f->err), ERROR_SETUP, "open already");
    assert_batch(f, "one ", NULL);
    finish(f);
    assert_int_equal(door_begin(second, 50, &f->err), 0);
    door_free(second);
    assert_int_equal(begin(f), 0);
}

static void test_no_batch(void **state)
{
    struct fixture *f = *state;
    struct item *item;

    assert_failed(f, door_next(f->door, &item, &f->err), ERROR_SETUP, "no batch");
    assert_failed(f, door_finish(f->door, &f->err), ERROR_SETUP, "no batch");
    door_abandon(f->door);
}

static void test_no_regular_file(void **state)
{
    static const char *const names[] = {"G0000001.TMP", "get-00000001.mmf", "get.lock"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];

        snprintf(path, sizeof path, "%s/%s", f->spool, names[i]);
        (void)unlink(path);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_failed(f, begin(f), ERROR_SETUP, names[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(begin(f), -1);
        assert_true(exists(f, names[i]));
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(begin(f), 0);
}

static void test_settings(void **state)
{
    struct fixture *f = *state;
    const char *command[] = {"/bin/true"};
    struct ffapi_settings settings = {.name = "NET/PO",
                                      .codepage = "CP850",
                                      .command = command,
                                      .directory = f->spool,
                                      .time_limit_s = 1};
    struct door *door;

    assert_failed(f, door_open_ffapi(&door, &settings, &f->err), ERROR_SETUP, "command");
    settings.command_count = 1;
    settings.directory = "/nonexistent/spool";
    assert_failed(f, door_open_ffapi(&door, &settings, &f->err), ERROR_SETUP, "/nonexistent/spool");
}

static void test_program_is_absent(void **state)
{
    struct fixture *f = *state;
    const char *command[] = {"/nonexistent/gtwget", "{file}"};
    struct ffapi_settings settings = {.name = "NET/PO",
                                      .codepage = "CP850",
                                      .command = command,
                                      .command_count = 2,
                                      .directory = f->spool,
                                      .time_limit_s = 1,
                                      .max_size = 1};
    struct door *door;

    assert_int_equal(door_open_ffapi(&door, &settings, &f->err), 0);
    assert_int_equal(door_begin(door, 1, &f->err), -1);
    assert_failed(f, -1, ERROR_SETUP, "/nonexistent/gtwget");
    door_free(door);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_rounds),
        WITH_FIXTURE(test_item),
        WITH_FIXTURE(test_queues),
        WITH_FIXTURE(test_count),
        WITH_FIXTURE(test_same_again),
        WITH_FIXTURE(test_killed),
        WITH_FIXTURE(test_leftover_order),
        WITH_FIXTURE(test_numbers),
        WITH_FIXTURE(test_incomplete_run),
        WITH_FIXTURE(test_failed_run_without_file),
        WITH_FIXTURE(test_empty_files),
        WITH_FIXTURE(test_refusal),
        WITH_FIXTURE(test_held),
        WITH_FIXTURE(test_cannot_hold),
        WITH_FIXTURE(test_not_accepted),
        WITH_FIXTURE(test_not_read_to_the_end),
        WITH_FIXTURE(test_changed_meanwhile),
        WITH_FIXTURE(test_external_removed),
        WITH_FIXTURE(test_external_kept),
        WITH_FIXTURE(test_lock),
        WITH_FIXTURE(test_no_batch),
        WITH_FIXTURE(test_no_regular_file),
        WITH_FIXTURE(test_settings),
        WITH_FIXTURE(test_program_is_absent),
    };

    return cmocka_run_group_tests_name("ffapi", tests, NULL, NULL);
}
