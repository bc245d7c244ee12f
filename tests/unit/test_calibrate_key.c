/* SPDX-License-Identifier: BSD-2-Clause */
/* The cipher half of calibration, on texts that are enciphered here with keys of any period. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postoffice/calibrate-int.h"

#define KNOWN_SIZE 4000
#define PLAIN_SIZE 40 /* positions that subjects give */

struct office {
    struct calibration *cal;
    struct calibrate_options options;
    uint8_t key[CAL_MAX_KEY];
    unsigned seed;
    char known[KNOWN_SIZE + 1];
};

static unsigned next(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

static void write_words(unsigned *seed, char *out, size_t size)
{
    static const char *const words[] = {
        "the",   "order",  "of",     "Friday", "was",    "sent",  "to",       "us",    "with",
        "price", "list",   "please", "answer", "before", "noon",  "machine",  "and",   "three",
        "parts", "report", "in",     "March",  "visit",  "hotel", "quarters", "about", "your",
    };
    size_t used = 0;

    while (used + 12 < size) {
        const char *word = words[next(seed, sizeof words / sizeof words[0])];
        used += (size_t)snprintf(out + used, size - used, "%s%s", word,
                                 next(seed, 9) == 0 ? ",\r\n" : " ");
    }
    memset(out + used, 'e', size - used);
    out[size] = '\0';
}

/* PERIOD 0: none. The first positions are known from subjects. */
static void open_office(struct office *office, size_t period, unsigned seed)
{
    memset(office, 0, sizeof *office);
    office->cal = calloc(1, sizeof *office->cal);
    assert_non_null(office->cal);
    office->seed = seed;
    for (size_t i = 0; i < CAL_MAX_KEY; i++) {
        office->key[i] = (uint8_t)next(&office->seed, 128);
        if (period != 0 && i >= period)
            office->key[i] = office->key[i - period];
        office->cal->table[i] = PROFILE_KEY_UNKNOWN;
    }
    for (size_t i = 0; i < PLAIN_SIZE && (period == 0 || i < period); i++) {
        office->cal->table[i] = office->key[i];
        office->cal->key[i] =
            (struct cal_position){.agree = 10, .value = office->key[i], .source = CAL_PLAIN};
    }
    office->cal->options = &office->options;
    write_words(&office->seed, office->known, KNOWN_SIZE);
}

/* One string of the text of message MAIL. */
static void add_string(struct office *office, size_t mail, const char *plain, size_t size)
{
    struct calibration *cal = office->cal;
    struct cal_text *text;
    uint8_t previous = 0;

    cal->texts = realloc(cal->texts, (cal->text_count + 1) * sizeof *cal->texts);
    assert_non_null(cal->texts);
    text = &cal->texts[cal->text_count++];
    *text =
        (struct cal_text){.octets = malloc(size + 1), .size = size, .mail = mail, .length = size};
    assert_non_null(text->octets);
    for (size_t i = 0; i < size; i++)
        previous = text->octets[i] = (uint8_t)((uint8_t)plain[i] ^ previous ^ office->key[i]);
    if (cal->mail_count <= mail) {
        cal->mails = realloc(cal->mails, (mail + 1) * sizeof *cal->mails);
        assert_non_null(cal->mails);
        memset(cal->mails + cal->mail_count, 0, (mail + 1 - cal->mail_count) * sizeof *cal->mails);
        cal->mail_count = mail + 1;
    }
}

/* Messages of SIZE octets; FLIP: a position whose character has the other case in each of them. */
static void add_letters(struct office *office, size_t count, size_t size, size_t flip)
{
    char plain[8001];

    for (size_t n = 0; n < count; n++) {
        write_words(&office->seed, plain, size);
        if (flip != 0)
            plain[flip] = (char)(plain[flip] ^ 0x20);
        add_string(office, office->cal->mail_count, plain, size);
    }
}

/* BEFORE octets of other text, the known text cut into strings of at most CUT octets. */
static void add_known(struct office *office, size_t before, size_t cut)
{
    char plain[8001];
    size_t mail = office->cal->mail_count, size = before + KNOWN_SIZE;

    write_words(&office->seed, plain, before);
    memcpy(plain + before, office->known, KNOWN_SIZE);
    for (size_t at = 0; at < size; at += cut)
        add_string(office, mail, plain + at, size - at < cut ? size - at : cut);
    office->options.known_text = (const uint8_t *)office->known;
    office->options.known_size = KNOWN_SIZE;
}

static void sort_by_size(struct calibration *cal)
{
    cal->by_size = malloc((cal->text_count + 1) * sizeof *cal->by_size);
    assert_non_null(cal->by_size);
    for (size_t t = 0; t < cal->text_count; t++) {
        size_t place = t;
        for (; place > 0 && cal->texts[cal->by_size[place - 1]].size < cal->texts[t].size; place--)
            cal->by_size[place] = cal->by_size[place - 1];
        cal->by_size[place] = (uint32_t)t;
    }
}

static void close_office(struct office *office)
{
    struct calibration *cal = office->cal;

    for (size_t t = 0; t < cal->text_count; t++)
        free(cal->texts[t].octets);
    free(cal->texts);
    free(cal->by_size);
    free(cal->mails);
    free(cal->strings);
    free(cal);
}

/* How many positions are known; each is right, except WRONG when that is not 0. */
static size_t count_right(const struct office *office, size_t wrong)
{
    size_t known = 0;

    for (size_t i = 0; i < CAL_MAX_KEY; i++) {
        int key = cal_key_at(office->cal, i);
        if (key == PROFILE_KEY_UNKNOWN)
            continue;
        if (key != office->key[i] && (wrong == 0 || i != wrong))
            fail_msg("position %zu: %02X, not %02X, source %u", i, (unsigned)key, office->key[i],
                     office->cal->key[i].source);
        known++;
    }
    return known;
}

static bool vote_known(struct office *office)
{
    struct error err = {0};
    struct cal_model *model = cal_model_new(office->cal, &err);
    bool found;

    assert_non_null(model);
    assert_int_equal(cal_vote_known_text(office->cal, model, &found, &err), 0);
    free(model);
    return found;
}

static void learn_columns(struct office *office)
{
    struct error err = {0};
    struct cal_model *model = cal_model_new(office->cal, &err);

    assert_non_null(model);
    assert_int_equal(cal_learn_columns(office->cal, model, &err), 0);
    free(model);
}

/* ---- known text ---- */

static void test_known_text(void **state)
{
    static const struct {
        size_t letters, size, before, cut;
        bool found;
        size_t most; /* positions that it teaches */
    } cases[] = {
        {20, 900, 0, 65535, true, KNOWN_SIZE},
        {20, 900, 300, 65535, true, 300 + KNOWN_SIZE},
        {3, 600, 300, 65535, true, 300 + KNOWN_SIZE},
        {20, 900, 0, 250, true, 250},
        {0, 0, 300, 250, true, 250},
        {0, 0, 0, 65535, true, KNOWN_SIZE},
        {0, 0, 300, 65535, false, 0},    /* nothing shows that it stands there */
        {20, 250, 300, 65535, false, 0}, /* no other text reaches it */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct office office;
        size_t known;
        open_office(&office, 0, (unsigned)i + 5);
        add_letters(&office, cases[i].letters, cases[i].size, 0);
        add_known(&office, cases[i].before, cases[i].cut);
        sort_by_size(office.cal);
        assert_int_equal(vote_known(&office), cases[i].found);
        known = count_right(&office, 0);
        if (!cases[i].found)
            assert_int_equal(known, PLAIN_SIZE);
        else if (cases[i].before == 0 || cases[i].cut < 4000)
            assert_int_equal(known, cases[i].most);
        else
            assert_int_equal(known, cases[i].most - cases[i].before + PLAIN_SIZE);
        close_office(&office);
    }
}

/* A text that was never sent is found nowhere; one that was sent twice teaches as one does. */
static void test_known_number(void **state)
{
    struct office office;

    (void)state;
    open_office(&office, 0, 77);
    add_letters(&office, 20, 5000, 0);
    add_known(&office, 0, 65535);
    write_words(&office.seed, office.known, KNOWN_SIZE);
    sort_by_size(office.cal);
    assert_false(vote_known(&office));
    assert_int_equal(count_right(&office, 0), PLAIN_SIZE);
    close_office(&office);

    open_office(&office, 0, 78);
    add_letters(&office, 20, 900, 0);
    add_known(&office, 0, 65535);
    add_known(&office, 200, 65535);
    sort_by_size(office.cal);
    assert_true(vote_known(&office));
    assert_true(count_right(&office, 0) >= KNOWN_SIZE);
    close_office(&office);
}

/* A character that the client changed: the others contradict what it taught, so it is unknown. */
static void test_known_changed(void **state)
{
    struct office office;

    (void)state;
    open_office(&office, 0, 9);
    add_letters(&office, 60, 900, 0);
    add_known(&office, 0, 65535);
    office.known[500] = office.known[500] == 'x' ? 'y' : 'x';
    sort_by_size(office.cal);
    assert_true(vote_known(&office));
    assert_int_not_equal(office.cal->table[500], office.key[500]);
    learn_columns(&office);
    assert_int_equal(office.cal->table[500], PROFILE_KEY_UNKNOWN);
    assert_int_equal(office.cal->withdrawn, 1);
    assert_int_equal(count_right(&office, 0), KNOWN_SIZE - 1);
    close_office(&office);
}

/* A line end more in the middle: only what other texts confirm is taken, and nothing wrong. */
static void test_known_shifted(void **state)
{
    struct office office;
    char plain[KNOWN_SIZE + 3];

    (void)state;
    open_office(&office, 0, 10);
    add_letters(&office, 60, 2500, 0);
    write_words(&office.seed, office.known, KNOWN_SIZE);
    memcpy(plain, office.known, 1024);
    memcpy(plain + 1024, "\r\n", 2);
    memcpy(plain + 1026, office.known + 1024, KNOWN_SIZE - 1024);
    add_string(&office, office.cal->mail_count, plain, KNOWN_SIZE + 2);
    office.options.known_text = (const uint8_t *)office.known;
    office.options.known_size = KNOWN_SIZE;
    sort_by_size(office.cal);
    vote_known(&office);
    learn_columns(&office);
    assert_true(count_right(&office, 0) >= PLAIN_SIZE);
    close_office(&office);
}

/* Labels that all other messages have, unlike anything known, in the only columns of a run that are
 * open: however many copies there are, they are one label, and the run is taken. */
static void test_known_labels(void **state)
{
    struct office office;
    char plain[901];

    (void)state;
    open_office(&office, 0, 13);
    for (size_t i = 104; i < 256; i++) {
        office.cal->table[i] = office.key[i];
        office.cal->key[i] =
            (struct cal_position){.agree = 10, .value = office.key[i], .source = CAL_BLOCK};
    }
    for (size_t n = 0; n < 60; n++) {
        write_words(&office.seed, plain, 900);
        for (size_t i = 60; i < 104; i++)
            plain[i] = (char)(0xC0 + i % 31);
        add_string(&office, n, plain, 900);
    }
    add_known(&office, 0, 65535);
    sort_by_size(office.cal);
    assert_true(vote_known(&office));
    assert_int_equal(count_right(&office, 0), KNOWN_SIZE);
    close_office(&office);
}

/* ---- statistics ---- */

/* All texts lie alike in one column: what they teach is withdrawn when known text contradicts. */
static void test_withdrawn(void **state)
{
    struct office office;

    (void)state;
    open_office(&office, 0, 11);
    add_letters(&office, 80, 900, 100);
    add_known(&office, 0, 65535);
    sort_by_size(office.cal);
    learn_columns(&office);
    assert_int_equal(office.cal->table[100], office.key[100] ^ 0x20);
    assert_true(count_right(&office, 100) > 500);
    assert_int_equal(office.cal->withdrawn, 0);
    assert_true(vote_known(&office));
    assert_int_equal(office.cal->table[100], office.key[100]);
    assert_int_equal(office.cal->withdrawn, 1);
    assert_int_equal(count_right(&office, 0), KNOWN_SIZE);
    close_office(&office);
}

/* Octets that are no text teach nothing. */
static void test_no_text(void **state)
{
    struct office office;
    char noise[900];

    (void)state;
    open_office(&office, 0, 12);
    for (size_t n = 0; n < 100; n++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)next(&office.seed, 256);
        add_string(&office, n, noise, sizeof noise);
    }
    sort_by_size(office.cal);
    learn_columns(&office);
    assert_int_equal(count_right(&office, 0), PLAIN_SIZE);
    assert_int_equal(office.cal->profile.key_period, 0);
    close_office(&office);
}

static void test_periods(void **state)
{
    static const size_t periods[] = {20, 21, 38, 40, 64, 127, 128, 250, 251, 600, 1024, 0};

    (void)state;
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        struct office office;
        open_office(&office, periods[i], (unsigned)i + 40);
        add_letters(&office, 60, 2400, 0);
        sort_by_size(office.cal);
        learn_columns(&office);
        assert_int_equal(office.cal->profile.key_period, periods[i]);
        assert_true(count_right(&office, 0) > 500);
        close_office(&office);
    }
}

/* ---- header blocks ---- */

static void add_address(struct office *office, struct cal_mail *mail, unsigned code,
                        const char *name)
{
    struct calibration *cal = office->cal;
    struct cal_string *string;
    uint8_t previous = 0;

    cal->strings = realloc(cal->strings, (cal->string_count + 1) * sizeof *string);
    assert_non_null(cal->strings);
    string = &cal->strings[cal->string_count];
    *string = (struct cal_string){.code = (uint8_t)code, .length = (uint32_t)strlen(name) + 1};
    for (size_t i = 0; i < string->length; i++)
        previous = string->head[i] = (uint8_t)((uint8_t)name[i] ^ previous ^ office->key[i]);
    mail->first = mail->count++ == 0 ? cal->string_count : mail->first;
    cal->string_count++;
}

/* A text with a block in which LABELS names the values. WRONG_SUBJECT: another than the record's.
 */
static void add_block(struct office *office, const char *const labels[4], bool wrong_subject)
{
    static const char *const boxes[] = {"BOND", "MONEY", "LI", "OBRIEN", "ANDERSSON", "ADMIN"};
    size_t n = office->cal->mail_count;
    const char *from = boxes[next(&office->seed, 6)], *to = boxes[next(&office->seed, 6)];
    char plain[2000], subject[48], body[301], name[40];
    struct cal_mail *mail;
    int size;

    write_words(&office->seed, subject, 12 + next(&office->seed, 28));
    for (char *at = subject; *at != '\0'; at++)
        *at = *at == '\r' || *at == '\n' ? '.' : *at;
    write_words(&office->seed, body, 300);
    size = snprintf(plain, sizeof plain,
                    "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\n%s: %s\r\n%s: %s\r\n%s: %s\r\n"
                    "%s: 1997-04-%02zu 08:%02zu\r\n\r\n%s",
                    labels[0], from, labels[1], to, labels[2], subject, labels[3], n % 28 + 1,
                    n % 60, body);
    add_string(office, n, plain, (size_t)size);
    mail = &office->cal->mails[n];
    mail->paired = mail->readable = true;
    snprintf(mail->header.sender, sizeof mail->header.sender, "%s", from);
    if (wrong_subject)
        write_words(&office->seed, subject, strlen(subject));
    snprintf(mail->header.subject, sizeof mail->header.subject, "%s", subject);
    mail->header.date.set = true;
    mail->header.date.year = 1997;
    mail->header.date.month = 4;
    mail->header.date.day = (int)(n % 28) + 1;
    mail->header.date.hour = 8;
    mail->header.date.minute = (int)(n % 60);
    snprintf(name, sizeof name, "NORTH/HQ/%s", to);
    add_address(office, mail, CAL_TO, name);
    snprintf(name, sizeof name, "NORTH/HQ/%s", from);
    add_address(office, mail, CAL_FROM, name);
}

static void test_block(void **state)
{
    static const char *const labels[][4] = {
        {"From", "To", "Subject", "Date"},
        {"Von", "An", "Betreff", "Datum"},
        {"\xC0\xC1\xC2", "\xC3\xC4\xC5\xC6", "\xC7\xC8", "\xC9\xCA\xCB\xCC\xCD"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        struct office office;
        struct error err = {0};
        open_office(&office, 0, (unsigned)i + 60);
        for (size_t n = 0; n < 25; n++)
            add_block(&office, labels[i], false);
        sort_by_size(office.cal);
        assert_int_equal(cal_vote_block(office.cal, &err), 0);
        assert_true(count_right(&office, 0) > PLAIN_SIZE + 50);
        assert_int_equal(office.cal->contradictions, 0);
        assert_non_null(strstr(office.cal->evidence[PROFILE_FIELD_TEXT].how, "25 begin with"));
        close_office(&office);
    }
}

/* The records say other subjects than the blocks: nothing of them votes. */
static void test_block_differs(void **state)
{
    static const char *const labels[4] = {"From", "To", "Subject", "Date"};
    struct office office;
    struct error err = {0};

    (void)state;
    open_office(&office, 0, 70);
    for (size_t n = 0; n < 25; n++)
        add_block(&office, labels, true);
    sort_by_size(office.cal);
    assert_int_equal(cal_vote_block(office.cal, &err), 0);
    count_right(&office, 0);
    close_office(&office);
}

/* How many strings of each kind the same table opens is told beside cipher.chain. */
static void test_shared(void **state)
{
    struct office office;

    (void)state;
    open_office(&office, 0, 71);
    add_letters(&office, 1, 100, 0);
    add_address(&office, &office.cal->mails[0], CAL_TO, "NORTH/HQ/BOND");
    add_address(&office, &office.cal->mails[0], CAL_TO, "NORTH/HQ/MONEY");
    add_address(&office, &office.cal->mails[0], CAL_FROM, "NORTH/HQ/ADMIN");
    office.cal->strings[1].head[5] ^= 0x4C; /* the H becomes a control */
    cal_report_shared(office.cal);
    if (strstr(office.cal->evidence[PROFILE_CHAIN].how, "2 of 3 addresses, 0 of 0 texts") == NULL)
        fail_msg("%s", office.cal->evidence[PROFILE_CHAIN].how);
    close_office(&office);
}

/* ---- the code page ---- */

static void test_page(void **state)
{
    static const struct {
        const char *page, *words; /* page "": none is accepted */
        const char *how;
    } cases[] = {
        {"CP866",
         "\x8f\xae\xa6\xa0\xab\xe3\xa9\xe1\xe2\xa0, \xae\xe2\xa2\xa5\xe2\xec\xe2\xa5 "
         "\xa4\xae \xaa\xae\xad\xe6\xa0 \xad\xa5\xa4\xa5\xab\xa8. "
         "\x8c\xe3 \xa2\xe7\xa5\xe0\xa0 \xa3\xae\xa2\xae\xe0\xa8\xab\xa8 \xae\xa1 "
         "\xed\xe2\xae\xac. "
         "\x8c\xeb \xa1\xeb\xab\xa8 \xe0\xa0\xa4\xeb: \xed\xe2\xa8 \xad\xae\xa2\xeb\xa5 "
         "\xab\xee\xa4\xa8 \xe7\xa8\xe2\xa0\xee\xe2 \xa1\xeb\xe1\xe2\xe0\xae, \xef "
         "\xa7\xad\xa0\xee \xef\xa7\xeb\xaa; \xa5\xe9\xf1 \xa2\xeb\xe8\xab\xa8 "
         "\xa4\xa2\xa0 \xae\xa1\xea\xef\xa2\xab\xa5\xad\xa8\xef, \xac\xae\xa8, "
         "\xe2\xa2\xae\xf1, \xa5\xf1 \xa4\xe0\xe3\xa7\xec\xef, \xe1\xe2\xa0\xe2\xec\xef, "
         "\xe1\xa5\xac\xec\xef, \xa4\xa5\xad\xec, \xe1\xae\xab\xec, \xaf\xeb\xab\xec, "
         "\xa4\xeb\xac, \xed\xe5\xae, \xee\xa3",
         "nats before the next"},
        {"CP852",
         "Rozmawia\x88"
         "em o tym z Ma\x88gorzat\xa5, \xbe"
         "e mo\xbe"
         "e jeszcze poczeka\x86. "
         "Ci\xa9\xbe"
         "ar\xa2wka wyjecha\x88"
         "a dzi\x98 rano; w \x98rod\xa9 dzi\xa9kuj\xa9 za "
         "odpowied\xab. P\xa2\xab\x9fniej k\x88opot\xa2w mo\xbe"
         "na unikn\xa5\x86",
         "nats before the next"},
        {"",
         "K\xf6nnten Sie mir f\xfcr n\xe4"
         "chste Woche sagen, ob der Schl\xfcssel f\xfcr das "
         "B\xfcro gr\xf6\xdf"
         "er ist? Viele Gr\xfc\xdf"
         "e, J\xfcrgen M\xfcller und K\xe4the. "
         "M\xfc\xdfte h\xe4ngen, \xc4rger, \xd6"
         "ffnung, \xdc"
         "bung, h\xf6her, w\xfcrde, d\xfcnn",
         "alike"},
        {"",
         "K\x94nnten Sie mir f\x81r n\x84"
         "chste Woche sagen, ob der Schl\x81ssel f\x81r das "
         "B\x81ro gr\x94\xe1"
         "er ist? Viele Gr\x81\xe1"
         "e, J\x81rgen M\x81ller und K\x84the. "
         "M\x81\xe1te h\x84ngen, \x8erger, \x99"
         "ffnung, \x9a"
         "bung, h\x94her, w\x81rde, d\x81nn",
         "alike"},
        {"", "Could you please send me the price list before Friday?", "no letter beyond ASCII"},
        {"", "na\x8bve", "too few"},
        {"", /* cp932 */
         "\x89\xbf\x8ai\x95\\\x82\xf0\x91\x97\x82\xc1\x82\xc4\x82\xad\x82\xbe\x82\xb3"
         "\x82\xa2\x81"
         "B\x8b\xe0\x97j\x93\xfa\x82\xcc\x89\xef\x8b"
         "c\x82\xcd\x8eO\x8e"
         "\x9e\x82\xa9\x82\xe7\x82\xc5\x82\xb7\x81"
         "B\x90V\x82\xb5\x82\xa2\x8c_\x96\xf1"
         "\x8f\x91\x82\xf0\x8am\x94"
         "F\x82\xb5\x82\xdc\x82\xb5\x82\xbd\x81"
         "B\x82\xa0"
         "\x82\xe8\x82\xaa\x82\xc6\x82\xa4\x82\xb2\x82\xb4\x82\xa2\x82\xdc\x82\xb7\x81"
         "B",
         "no code page"},
        {"", /* koi8-r */
         "\xed\xd9 \xc2\xd9\xcc\xc9 \xd2\xc1\xc4\xd9: \xdc\xd4\xc9 \xce\xcf\xd7\xd9\xc5 "
         "\xcc\xc0\xc4\xc9 \xde\xc9\xd4\xc1\xc0\xd4 \xc2\xd9\xd3\xd4\xd2\xcf, \xd1 \xda"
         "\xce\xc1\xc0 \xd1\xda\xd9\xcb; \xc5\xdd\xa3 \xd7\xd9\xdb\xcc\xc9 \xc4\xd7\xc1 "
         "\xcf\xc2\xdf\xd1\xd7\xcc\xc5\xce\xc9\xd1, \xcd\xcf\xc9, \xd4\xd7\xcf\xa3, \xc5"
         "\xa3 \xc4\xd2\xd5\xda\xd8\xd1. \xf3\xd0\xc1\xd3\xc9\xc2\xcf \xda\xc1 \xd0\xc9"
         "\xd3\xd8\xcd\xcf",
         ""},
        {"", /* cp1251 */
         "\xcc\xfb \xe1\xfb\xeb\xe8 \xf0\xe0\xe4\xfb: \xfd\xf2\xe8 \xed\xee\xe2\xfb\xe5 "
         "\xeb\xfe\xe4\xe8 \xf7\xe8\xf2\xe0\xfe\xf2 \xe1\xfb\xf1\xf2\xf0\xee, \xff \xe7"
         "\xed\xe0\xfe \xff\xe7\xfb\xea; \xe5\xf9\xb8 \xe2\xfb\xf8\xeb\xe8 \xe4\xe2\xe0 "
         "\xee\xe1\xfa\xff\xe2\xeb\xe5\xed\xe8\xff, \xec\xee\xe8, \xf2\xe2\xee\xb8, \xe5"
         "\xb8 \xe4\xf0\xf3\xe7\xfc\xff. \xd1\xef\xe0\xf1\xe8\xe1\xee \xe7\xe0 \xef\xe8"
         "\xf1\xfc\xec\xee",
         ""},
        {"", /* cp936 */
         "\xc7\xeb\xb0\xd1\xbc\xdb\xb8\xf1\xb1\xed\xb7\xa2\xb8\xf8\xce\xd2\xa1\xa3\xd0"
         "\xc7\xc6\xda\xce\xe5\xb5\xc4\xbb\xe1\xd2\xe9\xc8\xfd\xb5\xe3\xbf\xaa\xca\xbc"
         "\xa1\xa3\xd0\xc2\xb5\xc4\xba\xcf\xcd\xac\xd2\xd1\xbe\xad\xc8\xb7\xc8\xcf\xa3"
         "\xac\xd0\xbb\xd0\xbb\xa1\xa3\xce\xd2\xc3\xc7\xcf\xc2\xd6\xdc\xd4\xd9\xcc\xb8"
         "\xd5\xe2\xb8\xf6\xce\xca\xcc\xe2\xa1\xa3",
         ""},
        {"", /* cp949 */
         "\xb0\xa1\xb0\xdd\xc7\xa5\xb8\xa6 \xba\xb8\xb3\xbb \xc1\xd6\xbd\xca\xbd\xc3\xbf"
         "\xc0. \xb1\xdd\xbf\xe4\xc0\xcf \xc8\xb8\xc0\xc7\xb4\xc2 \xbc\xbc \xbd\xc3\xbf"
         "\xa1 \xbd\xc3\xc0\xdb\xc7\xd5\xb4\xcf\xb4\xd9. \xbb\xf5 \xb0\xe8\xbe\xe0\xbc"
         "\xad\xb8\xa6 \xc8\xae\xc0\xce\xc7\xdf\xbd\xc0\xb4\xcf\xb4\xd9. \xb0\xa8\xbb"
         "\xe7\xc7\xd5\xb4\xcf\xb4\xd9",
         ""},
        {"CP852", /* cp852 */
         "Pros\xa1m, po\xe7lete mi cen\xa1k do p\xa0tku. Sch\x85ze za\x9f\xa1n\xa0 ve t"
         "\xfdi hodiny. P\xfd\xa1li\xe7 \xa7lu\x9cou\x9fk\xec k\x85\xe5 \xa3p\xd8l \xd4"
         "\xa0"
         "belsk\x82 \xa2"
         "dy"
         " \xa6\xa0"
         "d\xa0me v\xa0s o zasl\xa0n\xa1 \xa3\x9ftenky, d\xd8kuji. \xfc\xa1ka"
         "l, \xa7"
         "e p\xfdijde pozd\xd8ji; v\xe7ichni \x9f"
         "ek\xa0me, n\xd8kte\xfd\xa1 o"
         "de\xe7li, v\xec"
         "b\xd8r, ob\xd8"
         "d, \xfd"
         "editel, m\xd8s\xa1"
         "c, z\xa1tra, t"
         "\xfd"
         "et\xa1, dve\xfd"
         "e, rychlej\xe7\xa1, \xa3\xfd"
         "ad, k\x85\xa7"
         "e, d\x85le"
         "\xa7it\xec, zm\xd8na, na\xe7"
         "e, je\xe7t\xd8",
         "nats"},
        {"", /* cp1250 */
         "Pros\xedm, po\x9alete mi cen\xedk do p\xe1tku. Sch\xf9ze za\xe8\xedn\xe1 ve t"
         "\xf8i hodiny. P\xf8\xedli\x9a \x9elu\x9dou\xe8k\xfd k\xf9\xf2 \xfap\xecl \xef"
         "\xe1"
         "belsk\xe9 \xf3"
         "dy"
         " \x8e\xe1"
         "d\xe1me v\xe1s o zasl\xe1n\xed \xfa\xe8tenky, d\xeckuji. \xd8\xedka"
         "l, \x9e"
         "e p\xf8ijde pozd\xecji; v\x9aichni \xe8"
         "ek\xe1me, n\xeckte\xf8\xed o"
         "de\x9ali, v\xfd"
         "b\xecr, ob\xec"
         "d, \xf8"
         "editel, m\xecs\xed"
         "c, z\xedtra, t"
         "\xf8"
         "et\xed, dve\xf8"
         "e, rychlej\x9a\xed, \xfa\xf8"
         "ad, k\xf9\x9e"
         "e, d\xf9le"
         "\x9eit\xfd, zm\xecna, na\x9a"
         "e, je\x9at\xec",
         ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct office office;
        struct error err = {0};
        open_office(&office, PLAIN_SIZE, (unsigned)i + 80);
        office.cal->profile.key_period = PLAIN_SIZE;
        add_string(&office, 0, cases[i].words, strlen(cases[i].words));
        sort_by_size(office.cal);
        assert_int_equal(cal_learn_page(office.cal, &err), 0);
        if (strcmp(office.cal->profile.codepage, cases[i].page) != 0)
            fail_msg("%zu: \"%s\": %s", i, office.cal->profile.codepage,
                     office.cal->evidence[PROFILE_CODEPAGE].how);
        assert_int_equal(profile_knows(&office.cal->profile, PROFILE_CODEPAGE),
                         cases[i].page[0] != '\0');
        if (strstr(office.cal->evidence[PROFILE_CODEPAGE].how, cases[i].how) == NULL)
            fail_msg("%zu: %s", i, office.cal->evidence[PROFILE_CODEPAGE].how);
        close_office(&office);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_text),    cmocka_unit_test(test_known_number),
        cmocka_unit_test(test_known_changed), cmocka_unit_test(test_known_shifted),
        cmocka_unit_test(test_known_labels),  cmocka_unit_test(test_withdrawn),
        cmocka_unit_test(test_no_text),       cmocka_unit_test(test_periods),
        cmocka_unit_test(test_block),         cmocka_unit_test(test_block_differs),
        cmocka_unit_test(test_shared),        cmocka_unit_test(test_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
