/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a message: who, what, when, how urgent. */
#include "config.h"

#include "message/mime-int.h"

#include <string.h>

#define GROUP_MAX 50
#define WORD_MAX 60         /* longer words would be cut by GMime */
#define PIECE_MAX 45        /* octets of text in one encoded word of at most 75 (RFC 2047 2) */
#define FIRST_PIECE_MAX 36  /* the first word shares its line with the field's name */
#define ENCODED_LINE_MAX 76 /* of a line with an encoded word in it (RFC 2047 2) */

/* Whether GMime and a reader agree about this text: GMime drops blanks at the ends, takes what
 * looks like an encoded word for one, cuts long words into pieces, and in a display name may mix
 * quoted and encoded words. */
static bool is_plain(const char *utf8)
{
    size_t word = 0;
    const char *at;

    if (utf8[0] == ' ' || strstr(utf8, "=?") != NULL || strstr(utf8, "  ") != NULL)
        return false;
    for (at = utf8; *at != '\0'; at++) {
        if (*at < 0x20 || *at > 0x7E)
            return false;
        word = *at == ' ' ? 0 : word + 1;
        if (word > WORD_MAX)
            return false;
    }
    return at == utf8 || at[-1] != ' ';
}

/* The end of the next piece of an encoded word: between characters. All but the last piece are such
 * that base64 needs no padding, because some readers (GMime) stop at padding between words; where
 * there is no such place it is one character, which is written in quoted-printable. */
static const char *piece_end(const char *utf8, size_t max)
{
    const char *end = utf8, *unpadded = NULL;

    while (*end != '\0') {
        const char *next = g_utf8_find_next_char(end, NULL);

        if ((size_t)(next - utf8) > max)
            return unpadded != NULL ? unpadded : g_utf8_find_next_char(utf8, NULL);
        end = next;
        if ((end - utf8) % 3 == 0)
            unpadded = end;
    }
    return end;
}

static void add_word(GString *words, const char *utf8, const char *end)
{
    size_t size = (size_t)(end - utf8);
    char *base64;

    if (words->len != 0)
        g_string_append_c(words, ' ');
    if (*end == '\0' || size % 3 == 0) {
        base64 = g_base64_encode((const guchar *)utf8, (gsize)size);
        g_string_append_printf(words, "=?UTF-8?B?%s?=", base64);
        g_free(base64);
        return;
    }
    g_string_append(words, "=?UTF-8?Q?");
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(words, "=%02X", (unsigned char)utf8[i]);
    g_string_append(words, "?=");
}

char *header_text(const char *utf8)
{
    GString *words;

    if (is_plain(utf8))
        return g_strdup(utf8);
    words = g_string_new(NULL);
    while (*utf8 != '\0') {
        const char *end = piece_end(utf8, words->len == 0 ? FIRST_PIECE_MAX : PIECE_MAX);

        add_word(words, utf8, end);
        utf8 = end;
    }
    return g_string_free(words, FALSE);
}

void header_set(GMimeObject *object, const char *name, const char *utf8)
{
    char *text = header_text(utf8);

    g_mime_object_set_header(object, name, text, "utf-8");
    g_free(text);
}

void header_append(GMimeObject *object, const char *name, const char *utf8)
{
    char *text = header_text(utf8);

    g_mime_object_append_header(object, name, text, "utf-8");
    g_free(text);
}

char *header_cut(const char *utf8, size_t max)
{
    const char *end = utf8;

    for (; *end != '\0' && max > 0; max--)
        end = g_utf8_find_next_char(end, NULL);
    return g_strndup(utf8, (gsize)(end - utf8));
}

/* The name of an empty group tells people of an address too long to be written; GMime does not fold
 * it, and encoded words are no good there, so it is short and ASCII. */
static InternetAddress *party_group(const struct letter_party *party)
{
    char *name = header_cut(party->display, GROUP_MAX);
    char *ascii = g_str_to_ascii(name, "C");
    InternetAddress *group = internet_address_group_new(g_strdelimit(ascii, "?", '_'));

    g_free(ascii);
    g_free(name);
    return group;
}

static InternetAddress *party_mailbox(const struct letter_party *party)
{
    char *name = header_text(party->display);
    InternetAddress *mailbox =
        internet_address_mailbox_new(*name != '\0' ? name : NULL, party->smtp);

    g_free(name);
    return mailbox;
}

static void party_add(const struct letter_party *party, InternetAddressList *list)
{
    InternetAddress *address = party->smtp[0] != '\0' ? party_mailbox(party) : party_group(party);

    internet_address_list_add(list, address);
    g_object_unref(address);
}

static void fill_from(GMimeMessage *out, const struct letter *letter)
{
    party_add(&letter->parties[0], g_mime_message_get_addresses(out, GMIME_ADDRESS_TYPE_FROM));
    if (letter->asks_receipt)
        g_mime_object_set_header(GMIME_OBJECT(out), "Disposition-Notification-To",
                                 letter->parties[0].smtp, "utf-8");
    if (letter->legacy_receipt)
        g_mime_object_set_header(GMIME_OBJECT(out), "Return-Receipt-To", letter->parties[0].smtp,
                                 "utf-8");
}

/* The list is filled apart: each change of a message's own list writes its header anew. */
static void fill_people(GMimeMessage *out, const struct letter *letter, enum address_role role)
{
    InternetAddressList *list = internet_address_list_new();
    GMimeAddressType type = role == ADDRESS_FROM ? GMIME_ADDRESS_TYPE_FROM
                            : role == ADDRESS_TO ? GMIME_ADDRESS_TYPE_TO
                                                 : GMIME_ADDRESS_TYPE_CC;
    size_t i;

    for (i = 0; i < letter->party_count; i++)
        if (letter->parties[i].role == role)
            party_add(&letter->parties[i], list);
    if (internet_address_list_length(list) != 0)
        internet_address_list_append(g_mime_message_get_addresses(out, type), list);
    g_object_unref(list);
}

static void fill_undisclosed(GMimeMessage *out)
{
    InternetAddressList *to = g_mime_message_get_addresses(out, GMIME_ADDRESS_TYPE_TO);
    InternetAddress *group;

    if (internet_address_list_length(to) != 0 ||
        internet_address_list_length(g_mime_message_get_addresses(out, GMIME_ADDRESS_TYPE_CC)) != 0)
        return;
    group = internet_address_group_new("undisclosed-recipients");
    internet_address_list_add(to, group);
    g_object_unref(group);
}

/* What each priority means: Q100457, Q112915, Q118862. X-Priority counts the other way round, and
 * its 2 and 4 are read as 1 and 5, so they are never written. */
static void fill_priority(GMimeObject *out, char priority)
{
    char raw[2] = {priority, '\0'};
    bool high = priority == '4' || priority == '5' || priority == 'R';

    if (high || priority == '1') {
        header_set(out, "Importance", high ? "high" : "low");
        header_set(out, "X-Priority", high ? "1" : "5");
        header_set(out, "X-MSMail-Priority", high ? "High" : "Low");
    } else if (priority == 'C') {
        header_set(out, "Auto-Submitted", "auto-replied");
    } else if (priority != '2' && priority != '3' && g_ascii_isgraph(priority)) {
        header_set(out, "X-MSMail-Priority-Raw", raw);
    }
    if (priority == '5')
        header_set(out, "Priority", "urgent");
}

/* A date that is not taken is still shown (Q158399). */
static void fill_date(GMimeMessage *out, const struct letter *letter)
{
    char line[DATE_RFC5322_SIZE];

    date_rfc5322(letter->date.unix_s, letter->date.offset_s, line);
    g_mime_object_set_header(GMIME_OBJECT(out), "Date", line, "utf-8");
    if (letter->date.original[0] != '\0')
        header_set(GMIME_OBJECT(out), "X-MSMail-Date", letter->date.original);
}

/* The last blank of a line where it may end: something other than blanks is on both sides. */
static size_t fold_at(const char *line, size_t used, size_t size)
{
    size_t at = ENCODED_LINE_MAX - used;

    while (at > 0) {
        bool blank = line[at] == ' ' || line[at] == '\t';
        if (blank && strspn(line, " \t") < at && line[at + 1] != ' ' && line[at + 1] != '\t' &&
            at + 1 < size)
            return at;
        at--;
    }
    return 0;
}

/* GMime folds addresses at 78, one or two more than a line with an encoded word may have. Only
 * blanks that are there become folds, so that the value stays what it is. */
static void fold_encoded(GMimeObject *out, const char *name)
{
    GMimeHeader *header = g_mime_header_list_get_header(g_mime_object_get_header_list(out), name);
    const char *line = header != NULL ? g_mime_header_get_raw_value(header) : NULL;
    size_t used = strlen(name) + 1;
    GString *folded;

    if (line == NULL)
        return;
    folded = g_string_new(NULL);
    while (*line != '\0') {
        size_t size = strcspn(line, "\n"), at = 0;
        bool encoded = g_strstr_len(line, (gssize)size, "=?") != NULL;

        if (encoded && used + size > ENCODED_LINE_MAX)
            at = fold_at(line, used, size);
        if (at == 0)
            at = size + (line[size] == '\n');
        g_string_append_len(folded, line, (gssize)at);
        line += at;
        if (line[-1] != '\n' && *line != '\0')
            g_string_append_c(folded, '\n');
        used = 0;
    }
    g_mime_header_set_raw_value(header, folded->str);
    g_string_free(folded, TRUE);
}

/* IDS, divided by blanks: one a line, and never encoded or cut, however long they are. */
static void fill_ids(GMimeObject *out, const char *name, const char *ids)
{
    GString *raw = g_string_new(NULL);

    for (const char *at = ids; *at != '\0';) {
        size_t size = strcspn(at, " ");

        g_string_append_c(raw, ' ');
        g_string_append_len(raw, at, (gssize)size);
        g_string_append_c(raw, '\n');
        at += size + strspn(at + size, " ");
    }
    g_mime_object_set_header(out, name, ids, "utf-8");
    g_mime_header_set_raw_value(
        g_mime_header_list_get_header(g_mime_object_get_header_list(out), name), raw->str);
    g_string_free(raw, TRUE);
}

static void fill_thread(GMimeObject *out, const struct letter *letter)
{
    if (letter->in_reply_to != NULL)
        fill_ids(out, "In-Reply-To", letter->in_reply_to);
    if (letter->references != NULL)
        fill_ids(out, "References", letter->references);
    if (letter->thread_index != NULL)
        fill_ids(out, "Thread-Index", letter->thread_index);
}

/* What is known of the letter besides, and the last touch to what is there already. */
static void fill_own(GMimeMessage *out, const struct letter *letter)
{
    size_t i;

    for (i = 0; i < letter->header_count; i++)
        header_append(GMIME_OBJECT(out), letter->headers[i].name, letter->headers[i].value);
    fold_encoded(GMIME_OBJECT(out), "From");
    fold_encoded(GMIME_OBJECT(out), "To");
    fold_encoded(GMIME_OBJECT(out), "Cc");
}

void header_fill(GMimeMessage *out, const struct letter *letter)
{
    fill_from(out, letter);
    fill_people(out, letter, ADDRESS_TO);
    fill_people(out, letter, ADDRESS_CC);
    fill_undisclosed(out);
    header_set(GMIME_OBJECT(out), "Subject", letter->subject);
    fill_date(out, letter);
    g_mime_object_set_header(GMIME_OBJECT(out), "Message-Id", letter->message_id, "utf-8");
    fill_thread(GMIME_OBJECT(out), letter);
    fill_priority(GMIME_OBJECT(out), letter->priority);
    if (letter->report != NULL && letter->priority != 'C')
        header_set(GMIME_OBJECT(out), "Auto-Submitted", "auto-replied");
    fill_own(out, letter);
}

void header_fill_copy(GMimeMessage *out, const struct letter *copy)
{
    fill_people(out, copy, ADDRESS_FROM);
    fill_people(out, copy, ADDRESS_TO);
    fill_people(out, copy, ADDRESS_CC);
    if (copy->subject != NULL)
        header_set(GMIME_OBJECT(out), "Subject", copy->subject);
    fill_own(out, copy);
}
