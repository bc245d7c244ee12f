/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/rtf-int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FONTS 256
#define COLOURS 256
#define WORD 32
#define PAGE_SIZE 12
#define RUN_LIMIT RTF_MAX

enum destination { TO_TEXT, TO_NOTHING, TO_FONTS, TO_COLOURS };

struct state {
    struct rtf_style style;
    enum destination destination;
    bool hidden;
    int font;
    int after_unicode; /* \uc: characters after \u for readers that do not know it */
};

struct parser {
    const char *at, *end;
    struct state stack[RTF_MAX_DEPTH];
    size_t depth;    /* of the group we are in; stack[depth] is the present state */
    size_t too_deep; /* groups that have no state */
    bool ended;
    bool ignorable; /* \* stood before */
    int to_skip;    /* characters that repeat a \u */
    uint32_t high;  /* first half of a pair of surrogates */
    int ansi_page;
    int font_page[FONTS]; /* 0: not said */
    uint32_t colour[COLOURS];
    size_t colours;
    uint32_t mixing;
    bool from_html;
    struct buf run; /* octets of one style and code page */
    struct rtf_out out;
};

struct word {
    char name[WORD];
    bool has_value;
    int value;
};

static struct state *now(struct parser *parser)
{
    return &parser->stack[parser->depth];
}

static bool shows(struct parser *parser)
{
    return parser->too_deep == 0 && now(parser)->destination == TO_TEXT && !now(parser)->hidden;
}

/* Windows' code page of a character set of fonts (\fcharset). */
static int page_of_charset(int charset)
{
    static const struct {
        int charset, page;
    } pages[] = {{77, 10000}, {128, 932},  {129, 949},  {134, 936},  {136, 950},  {161, 1253},
                 {162, 1254}, {163, 1258}, {177, 1255}, {178, 1256}, {186, 1257}, {204, 1251},
                 {222, 874},  {238, 1250}, {254, 437},  {255, 850}};
    size_t i;

    for (i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (pages[i].charset == charset)
            return pages[i].page;
    return 0;
}

static void page_name(struct parser *parser, char out[PAGE_SIZE])
{
    int font = now(parser)->font, page = 0;

    if (font >= 0 && font < FONTS)
        page = parser->font_page[font];
    if (page == 0)
        page = parser->ansi_page;
    if (page == 10000)
        snprintf(out, PAGE_SIZE, "MACINTOSH");
    else if (page == 65001)
        snprintf(out, PAGE_SIZE, "UTF-8");
    else
        snprintf(out, PAGE_SIZE, "CP%d", page);
}

static int flush(struct parser *parser, struct error *err)
{
    char page[PAGE_SIZE];
    int status = 0;

    if (parser->high != 0 && shows(parser))
        status = rtf_out_character(&parser->out, &now(parser)->style, parser->high, err);
    parser->high = 0;
    if (status != 0 || parser->run.size == 0)
        return status;
    page_name(parser, page);
    status = rtf_out_octets(&parser->out, &now(parser)->style, page, &parser->run, err);
    buf_consume(&parser->run, parser->run.size);
    return status;
}

static int add_octet(struct parser *parser, uint8_t octet, struct error *err)
{
    if (parser->to_skip > 0) {
        parser->to_skip--;
        return 0;
    }
    if (parser->too_deep == 0 && now(parser)->destination == TO_COLOURS && octet == ';') {
        if (parser->colours < COLOURS)
            parser->colour[parser->colours++] = parser->mixing;
        parser->mixing = 0;
    }
    if (!shows(parser) || octet == 0)
        return 0;
    if (parser->high != 0 && flush(parser, err) != 0)
        return -1;
    if (buf_append(&parser->run, &octet, 1) != 0)
        return error_set(err, ERROR_DATA, "5.6.0", "formatted text: too long");
    return 0;
}

static int add_character(struct parser *parser, uint32_t character, struct error *err)
{
    uint32_t high = parser->high;

    if (!shows(parser))
        return 0;
    if (high != 0 && character >= 0xDC00 && character <= 0xDFFF) {
        parser->high = 0;
        character = 0x10000 + ((high - 0xD800) << 10) + (character - 0xDC00);
    }
    if (flush(parser, err) != 0)
        return -1;
    if (character >= 0xD800 && character <= 0xDBFF) {
        parser->high = character;
        return 0;
    }
    return rtf_out_character(&parser->out, &now(parser)->style, character, err);
}

static int open_group(struct parser *parser, struct error *err)
{
    if (flush(parser, err) != 0)
        return -1;
    parser->to_skip = 0;
    parser->ignorable = false;
    if (parser->too_deep > 0 || parser->depth + 1 >= RTF_MAX_DEPTH) {
        parser->too_deep++;
        return 0;
    }
    parser->stack[parser->depth + 1] = parser->stack[parser->depth];
    parser->depth++;
    return 0;
}

static int close_group(struct parser *parser, struct error *err)
{
    if (flush(parser, err) != 0)
        return -1;
    parser->to_skip = 0;
    parser->ignorable = false;
    if (parser->too_deep > 0)
        parser->too_deep--;
    else if (parser->depth > 0)
        parser->depth--;
    parser->ended = parser->depth == 0 && parser->too_deep == 0;
    return 0;
}

static bool on(const struct word *word)
{
    return !word->has_value || word->value != 0;
}

/* How the characters look. */
static bool take_style(struct parser *parser, const struct word *word)
{
    struct rtf_style *style = &now(parser)->style;
    const char *name = word->name;

    if (strcmp(name, "b") == 0) {
        style->bold = on(word);
    } else if (strcmp(name, "i") == 0) {
        style->italic = on(word);
    } else if (strcmp(name, "ul") == 0 || strcmp(name, "uld") == 0 || strcmp(name, "uldb") == 0 ||
               strcmp(name, "ulw") == 0) {
        style->underline = on(word);
    } else if (strcmp(name, "ulnone") == 0) {
        style->underline = false;
    } else if (strcmp(name, "strike") == 0) {
        style->strike = on(word);
    } else if (strcmp(name, "cf") == 0) {
        style->colour = word->value >= 0 && (size_t)word->value < parser->colours
                            ? parser->colour[word->value]
                            : 0;
    } else if (strcmp(name, "fs") == 0) {
        style->size = word->value > 0 && word->value <= 400 ? word->value : 0;
    } else if (strcmp(name, "f") == 0) {
        now(parser)->font = word->value;
    } else if (strcmp(name, "v") == 0) {
        now(parser)->hidden = on(word);
    } else if (strcmp(name, "plain") == 0) {
        *style = (struct rtf_style){.size = 24};
        now(parser)->hidden = false;
    } else {
        return false;
    }
    return true;
}

/* Code pages, tables and where the text of a group goes. */
static bool take_setting(struct parser *parser, const struct word *word)
{
    static const struct {
        const char *name;
        enum destination destination;
    } groups[] = {{"fonttbl", TO_FONTS},      {"colortbl", TO_COLOURS}, {"stylesheet", TO_NOTHING},
                  {"info", TO_NOTHING},       {"pict", TO_NOTHING},     {"objdata", TO_NOTHING},
                  {"objclass", TO_NOTHING},   {"objname", TO_NOTHING},  {"fldinst", TO_NOTHING},
                  {"header", TO_NOTHING},     {"headerl", TO_NOTHING},  {"headerr", TO_NOTHING},
                  {"headerf", TO_NOTHING},    {"footer", TO_NOTHING},   {"footerl", TO_NOTHING},
                  {"footerr", TO_NOTHING},    {"footerf", TO_NOTHING},  {"footnote", TO_NOTHING},
                  {"annotation", TO_NOTHING}, {"xe", TO_NOTHING},       {"tc", TO_NOTHING},
                  {"bkmkstart", TO_NOTHING},  {"bkmkend", TO_NOTHING},  {"pntext", TO_TEXT}};
    static const struct {
        const char *name;
        int page;
    } pages[] = {{"ansi", 1252}, {"mac", 10000}, {"pc", 437}, {"pca", 850}};
    struct state *state = now(parser);
    size_t i;

    for (i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(word->name, groups[i].name) == 0) {
            if (state->destination == TO_TEXT)
                state->destination = groups[i].destination;
            return true;
        }
    for (i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (strcmp(word->name, pages[i].name) == 0) {
            parser->ansi_page = pages[i].page;
            return true;
        }
    if (strcmp(word->name, "ansicpg") == 0 && word->value > 0)
        parser->ansi_page = word->value;
    else if (strcmp(word->name, "deff") == 0)
        parser->stack[0].font = state->font = word->value;
    else if (strcmp(word->name, "uc") == 0)
        state->after_unicode = word->value >= 0 && word->value <= 8 ? word->value : 1;
    else if (strcmp(word->name, "fromhtml") == 0)
        parser->from_html = on(word);
    else
        return false;
    return true;
}

/* Inside the tables. */
static bool take_table(struct parser *parser, const struct word *word)
{
    struct state *state = now(parser);
    uint32_t part = (uint32_t)(word->value & 0xFF);

    if (state->destination == TO_COLOURS) {
        if (strcmp(word->name, "red") == 0)
            parser->mixing = (parser->mixing & 0x00FFFF) | part << 16;
        else if (strcmp(word->name, "green") == 0)
            parser->mixing = (parser->mixing & 0xFF00FF) | part << 8;
        else if (strcmp(word->name, "blue") == 0)
            parser->mixing = (parser->mixing & 0xFFFF00) | part;
        return true;
    }
    if (state->destination != TO_FONTS)
        return false;
    if (strcmp(word->name, "f") == 0)
        state->font = word->value;
    else if (strcmp(word->name, "fcharset") == 0 && state->font >= 0 && state->font < FONTS)
        parser->font_page[state->font] = page_of_charset(word->value);
    return true;
}

/* Words that stand for characters. */
static int take_character(struct parser *parser, const struct word *word, struct error *err)
{
    static const struct {
        const char *name;
        uint32_t character;
    } characters[] = {{"bullet", 0x2022},    {"lquote", 0x2018},    {"rquote", 0x2019},
                      {"ldblquote", 0x201C}, {"rdblquote", 0x201D}, {"endash", 0x2013},
                      {"emdash", 0x2014},    {"enspace", 0x2002},   {"emspace", 0x2003}};
    static const char *const lines[] = {"par", "line", "sect", "page", "row"};
    size_t i;

    for (i = 0; i < sizeof characters / sizeof characters[0]; i++)
        if (strcmp(word->name, characters[i].name) == 0)
            return add_character(parser, characters[i].character, err);
    if (!shows(parser))
        return 0;
    for (i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strcmp(word->name, lines[i]) == 0)
            return rtf_out_line(&parser->out, err);
    if (strcmp(word->name, "tab") == 0 || strcmp(word->name, "cell") == 0)
        return rtf_out_tab(&parser->out, err);
    return 0;
}

static int take_word(struct parser *parser, const struct word *word, struct error *err)
{
    bool ignorable = parser->ignorable;

    parser->ignorable = false;
    if (strcmp(word->name, "bin") == 0) { /* octets that are no text follow */
        size_t left = (size_t)(parser->end - parser->at);
        size_t size = word->value > 0 ? (size_t)word->value : 0;
        parser->at += size < left ? size : left;
        return 0;
    }
    if (parser->too_deep > 0)
        return 0;
    if (strcmp(word->name, "u") == 0) {
        int status = add_character(parser, (uint32_t)word->value & 0xFFFF, err);
        parser->to_skip = now(parser)->after_unicode;
        return status;
    }
    if (flush(parser, err) != 0)
        return -1;
    parser->to_skip = 0;
    if (ignorable) { /* nothing of what is marked so is text */
        if (now(parser)->destination == TO_TEXT)
            now(parser)->destination = TO_NOTHING;
        return 0;
    }
    if (take_table(parser, word) || take_setting(parser, word) || take_style(parser, word))
        return 0;
    return take_character(parser, word, err);
}

static void read_word(struct parser *parser, struct word *word)
{
    size_t used = 0, digits = 0;
    bool minus = false;

    memset(word, 0, sizeof *word);
    for (; parser->at < parser->end && isalpha((unsigned char)*parser->at); parser->at++)
        if (used + 1 < sizeof word->name)
            word->name[used++] = *parser->at;
    if (parser->end - parser->at >= 2 && *parser->at == '-' &&
        isdigit((unsigned char)parser->at[1])) {
        minus = true;
        parser->at++;
    }
    for (; parser->at < parser->end && isdigit((unsigned char)*parser->at); parser->at++)
        if (digits++ < 8)
            word->value = word->value * 10 + (*parser->at - '0');
    word->has_value = digits > 0;
    if (minus)
        word->value = -word->value;
    if (parser->at < parser->end && *parser->at == ' ')
        parser->at++;
}

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit = (char)(digit | 0x20);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* \'hh */
static int take_hex(struct parser *parser, struct error *err)
{
    int high, low;

    if (parser->end - parser->at < 2)
        return 0;
    high = hex(parser->at[0]);
    low = hex(parser->at[1]);
    if (high < 0 || low < 0)
        return 0;
    parser->at += 2;
    return add_octet(parser, (uint8_t)(high << 4 | low), err);
}

static int take_control(struct parser *parser, struct error *err)
{
    struct word word;
    char symbol;

    if (parser->at >= parser->end)
        return 0;
    if (isalpha((unsigned char)*parser->at)) {
        read_word(parser, &word);
        return take_word(parser, &word, err);
    }
    symbol = *parser->at++;
    switch (symbol) {
    case '\'':
        return take_hex(parser, err);
    case '*':
        parser->ignorable = true;
        return 0;
    case '~':
        return add_character(parser, 0xA0, err);
    case '_':
        return add_character(parser, 0x2011, err);
    case '\r':
    case '\n':
        return flush(parser, err) != 0 ? -1 : shows(parser) ? rtf_out_line(&parser->out, err) : 0;
    case '\\':
    case '{':
    case '}':
        return add_octet(parser, (uint8_t)symbol, err);
    default:
        return 0;
    }
}

static int take_next(struct parser *parser, struct error *err)
{
    char octet = *parser->at++;

    switch (octet) {
    case '{':
        return open_group(parser, err);
    case '}':
        return close_group(parser, err);
    case '\\':
        return take_control(parser, err);
    case '\r':
    case '\n':
        return 0;
    case '\t':
        if (flush(parser, err) != 0)
            return -1;
        return shows(parser) ? rtf_out_tab(&parser->out, err) : 0;
    default:
        return add_octet(parser, (uint8_t)octet, err);
    }
}

static int parse(struct parser *parser, struct error *err)
{
    while (parser->at < parser->end && !parser->ended)
        if (take_next(parser, err) != 0)
            return -1;
    return flush(parser, err);
}

int rtf_convert(const char *rtf, size_t size, struct rtf_result *out, struct error *err)
{
    struct parser *parser;
    int status;

    memset(out, 0, sizeof *out);
    if (size < 5 || size > RTF_MAX || memcmp(rtf, "{\\rtf", 5) != 0)
        return error_set(err, ERROR_DATA, "5.6.0", "formatted text: %zu octets are not RTF", size);
    parser = calloc(1, sizeof *parser);
    if (parser == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "formatted text: no memory");
    parser->at = rtf;
    parser->end = rtf + size;
    parser->ansi_page = 1252;
    parser->stack[0].after_unicode = 1;
    buf_init(&parser->run, RUN_LIMIT);
    rtf_out_init(&parser->out);
    status = parse(parser, err);
    if (status == 0)
        status = rtf_out_finish(&parser->out, out, err);
    out->from_html = parser->from_html;
    rtf_out_clear(&parser->out);
    buf_clear(&parser->run);
    free(parser);
    return status;
}

void rtf_clear(struct rtf_result *result)
{
    free(result->text);
    free(result->html);
    *result = (struct rtf_result){0};
}
