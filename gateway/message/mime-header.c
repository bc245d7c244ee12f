/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a message: who, what, when, how urgent. */
#include "config.h"

#include "message/mime-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/address.h"
#include "message/charset.h"
#include "message/lookup.h"

#define SUBJECT_MAX 255 /* characters that Exchange keeps of a subject */
#define DISPLAY_MAX 255
#define GROUP_MAX 50
#define WORD_MAX 60          /* longer words would be cut by GMime */
#define PIECE_MAX 45         /* octets of text in one encoded word of at most 75 (RFC 2047 2) */
#define FIRST_PIECE_MAX 36   /* the first word shares its line with the field's name */
#define ENCODED_LINE_MAX 76  /* of a line with an encoded word in it (RFC 2047 2) */

/* One header address, ready to be written. */
struct party {
    char smtp[LOOKUP_SMTP_MAX + 1]; /* "" when none can be made */
    char *display;                   /* UTF-8, "" when none; g_free */
};

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

/* The end of the next piece of an encoded word: between characters, and, when possible, such that
 * base64 needs no padding, because some readers stop at padding between words. */
static const char *piece_end(const char *utf8, size_t max)
{
    const char *end = utf8, *unpadded = NULL;

    while (*end != '\0') {
        const char *next = g_utf8_find_next_char(end, NULL);

        if ((size_t)(next - utf8) > max)
            return unpadded != NULL ? unpadded : end;
        end = next;
        if ((end - utf8) % 3 == 0)
            unpadded = end;
    }
    return end;
}

char *header_text(const char *utf8)
{
    GString *words;

    if (is_plain(utf8))
        return g_strdup(utf8);
    words = g_string_new(NULL);
    while (*utf8 != '\0') {
        const char *end = piece_end(utf8, words->len == 0 ? FIRST_PIECE_MAX : PIECE_MAX);
        char *base64 = g_base64_encode((const guchar *)utf8, (gsize)(end - utf8));

        g_string_append_printf(words, "%s=?UTF-8?B?%s?=", words->len != 0 ? " " : "", base64);
        g_free(base64);
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

/* Decodes TEXT and keeps at most MAX characters; *OUT is for g_free. */
static int decode_cut(const char *codepage, const char *text, size_t max, char **out, size_t *bad,
                      struct error *err)
{
    char *line;

    if (charset_line(codepage, text, &line, bad, err) != 0)
        return -1;
    *out = header_cut(line, max);
    free(line);
    return 0;
}

/* Who is not in the map is shown by his old address. */
static int party_resolve(struct party *party, const char *address, const struct message *message,
                         const struct mime_options *options, struct mime_facts *facts,
                         struct error *err)
{
    struct lookup_options lookup = {
        .map = options->map, .domain = options->domain, .rules = options->rules};
    struct lookup found;
    enum lookup_kind kind = lookup_header(&lookup, address, &found);

    snprintf(party->smtp, sizeof party->smtp, "%s", found.smtp);
    if (kind == LOOKUP_ENTRY || kind == LOOKUP_TYPED) {
        party->display = header_cut(found.display, DISPLAY_MAX);
        return 0;
    }
    return decode_cut(message->codepage, address, DISPLAY_MAX, &party->display, &facts->undecodable,
                      err);
}

/* The name of an empty group tells people of an address too long to be written; GMime does not fold
 * it, and encoded words are no good there, so it is short and ASCII. */
static InternetAddress *party_group(const struct party *party)
{
    char *name = header_cut(party->display, GROUP_MAX);
    char *ascii = g_str_to_ascii(name, "C");
    InternetAddress *group = internet_address_group_new(g_strdelimit(ascii, "?", '_'));

    g_free(ascii);
    g_free(name);
    return group;
}

static InternetAddress *party_mailbox(const struct party *party)
{
    char *name = header_text(party->display);
    InternetAddress *mailbox =
        internet_address_mailbox_new(*name != '\0' ? name : NULL, party->smtp);

    g_free(name);
    return mailbox;
}

static void party_add(const struct party *party, InternetAddressList *list)
{
    InternetAddress *address = party->smtp[0] != '\0' ? party_mailbox(party) : party_group(party);

    internet_address_list_add(list, address);
    g_object_unref(address);
}

/* Mail of these must never be answered by a report (Q98067). */
static bool has_null_sender(const struct message *message, const char *from)
{
    const char *box = strrchr(from, '/');

    return message->priority == 'C' ||
           (box != NULL && g_ascii_strcasecmp(box + 1, "POSTMASTER") == 0);
}

static int fill_from(GMimeMessage *out, const struct message *message,
                     const struct mime_options *options, struct mime_facts *facts,
                     struct error *err)
{
    const struct message_address *from = message_from(message);
    InternetAddressList *list = g_mime_message_get_addresses(out, GMIME_ADDRESS_TYPE_FROM);
    struct party party = {.display = NULL};

    if (from == NULL)
        return error_set(err, ERROR_DATA, "5.1.7", "the message has no sender");
    if (party_resolve(&party, from->text, message, options, facts, err) != 0)
        return -1;
    if (party.smtp[0] == '\0' || strlen(party.smtp) > ADDRESS_SMTP_MAX) {
        g_free(party.display);
        return error_set(err, ERROR_DATA, "5.1.7",
                         "no SMTP address can be made from the sender \"%.60s\"; add it to the map",
                         from->text);
    }
    party_add(&party, list);
    if (message->priority == 'R')
        g_mime_object_set_header(GMIME_OBJECT(out), "Disposition-Notification-To", party.smtp,
                                 "utf-8");
    facts->sender = strdup(has_null_sender(message, from->text) ? "" : party.smtp);
    g_free(party.display);
    return facts->sender != NULL ? 0 : error_sys(err, ERROR_SOFT, "4.3.0", "no memory");
}

/* The list is filled apart: each change of a message's own list writes its header anew. */
static int fill_recipients(GMimeMessage *out, const struct message *message, enum address_role role,
                           const struct mime_options *options, struct mime_facts *facts,
                           struct error *err)
{
    InternetAddressList *list = internet_address_list_new();
    GMimeAddressType type = role == ADDRESS_TO ? GMIME_ADDRESS_TYPE_TO : GMIME_ADDRESS_TYPE_CC;
    int status = 0;
    size_t i;

    for (i = 0; i < message->address_count && status == 0; i++) {
        struct party party = {.display = NULL};

        if (message->addresses[i].role != role)
            continue;
        status = party_resolve(&party, message->addresses[i].text, message, options, facts, err);
        if (status == 0)
            party_add(&party, list);
        g_free(party.display);
    }
    if (status == 0 && internet_address_list_length(list) != 0)
        internet_address_list_append(g_mime_message_get_addresses(out, type), list);
    g_object_unref(list);
    return status;
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

static int fill_subject(GMimeMessage *out, const struct message *message, struct mime_facts *facts,
                        struct error *err)
{
    char *subject;

    if (decode_cut(message->codepage, message->subject, SUBJECT_MAX, &subject, &facts->undecodable,
                   err) != 0)
        return -1;
    header_set(GMIME_OBJECT(out), "Subject", subject);
    facts->subject = strdup(subject);
    g_free(subject);
    return facts->subject != NULL ? 0 : error_sys(err, ERROR_SOFT, "4.3.0", "no memory");
}

static int fill_date(GMimeMessage *out, const struct message *message,
                     const struct mime_options *options, struct error *err)
{
    GDateTime *date;

    if (date_of(&message->date, options, &date, err) != 0)
        return -1;
    g_mime_message_set_date(out, date);
    g_date_time_unref(date);
    return 0;
}

static int fill_extras(GMimeMessage *out, const struct message *message, struct mime_facts *facts,
                       struct error *err)
{
    size_t i;

    for (i = 0; i < message->extra_count; i++) {
        const struct message_extra *extra = &message->extras[i];
        char *raw = g_strconcat(extra->kind, extra->kind[0] != '\0' ? ":" : "", extra->name, "=",
                                extra->value, NULL);
        char *line = NULL;
        int status = charset_line(message->codepage, raw, &line, &facts->undecodable, err);

        g_free(raw);
        if (status != 0)
            return -1;
        header_append(GMIME_OBJECT(out), "X-MSMail-Ext", line);
        free(line);
    }
    return 0;
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

int header_fill(GMimeMessage *out, const struct message *message,
                const struct mime_options *options, struct mime_facts *facts, struct error *err)
{
    char *source;

    if (fill_from(out, message, options, facts, err) != 0 ||
        fill_recipients(out, message, ADDRESS_TO, options, facts, err) != 0 ||
        fill_recipients(out, message, ADDRESS_CC, options, facts, err) != 0)
        return -1;
    fill_undisclosed(out);
    if (fill_subject(out, message, facts, err) != 0 || fill_date(out, message, options, err) != 0)
        return -1;
    g_mime_object_set_header(GMIME_OBJECT(out), "Message-Id", facts->message_id, "utf-8");
    fill_priority(GMIME_OBJECT(out), message->priority);
    if (charset_line(message->codepage, message->postoffice, &source, &facts->undecodable, err) !=
        0)
        return -1;
    header_set(GMIME_OBJECT(out), "X-MSMail-Source", source);
    free(source);
    if (fill_extras(out, message, facts, err) != 0)
        return -1;
    fold_encoded(GMIME_OBJECT(out), "From");
    fold_encoded(GMIME_OBJECT(out), "To");
    fold_encoded(GMIME_OBJECT(out), "Cc");
    return 0;
}
