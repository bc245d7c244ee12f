/* SPDX-License-Identifier: BSD-2-Clause */
/* The two forms that rich text is written in. Only this file writes tags. */
#include "config.h"

#include "message/rtf-int.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/charset.h"

#define LIMIT (4 * (size_t)RTF_MAX)

void rtf_out_init(struct rtf_out *out)
{
    memset(out, 0, sizeof *out);
    buf_init(&out->text, LIMIT);
    buf_init(&out->html, LIMIT);
}

void rtf_out_clear(struct rtf_out *out)
{
    buf_clear(&out->text);
    buf_clear(&out->html);
}

static int too_large(struct error *err)
{
    return error_set(err, ERROR_DATA, "5.6.0", "formatted text: more than %zu octets, or no memory",
                     LIMIT);
}

static int html(struct rtf_out *out, const char *text, struct error *err)
{
    return buf_append_text(&out->html, text) != 0 ? too_large(err) : 0;
}

static bool same_style(const struct rtf_style *a, const struct rtf_style *b)
{
    return a->bold == b->bold && a->italic == b->italic && a->underline == b->underline &&
           a->strike == b->strike && a->colour == b->colour && a->size == b->size;
}

static bool in_span(const struct rtf_style *style)
{
    return style->colour != 0 || style->size != 0;
}

static int close_style(struct rtf_out *out, struct error *err)
{
    const struct rtf_style *open = &out->open;

    if ((in_span(open) && html(out, "</span>", err) != 0) ||
        (open->strike && html(out, "</s>", err) != 0) ||
        (open->underline && html(out, "</u>", err) != 0) ||
        (open->italic && html(out, "</i>", err) != 0) ||
        (open->bold && html(out, "</b>", err) != 0))
        return -1;
    out->open = (struct rtf_style){0};
    return 0;
}

static int open_span(struct rtf_out *out, struct error *err)
{
    const struct rtf_style *open = &out->open;

    if (!in_span(open))
        return 0;
    if (html(out, "<span style=\"", err) != 0 ||
        (open->colour != 0 && buf_printf(&out->html, "color:#%06x;", open->colour) != 0) ||
        (open->size != 0 && buf_printf(&out->html, "font-size:%d%spt;", open->size / 2,
                                       open->size % 2 != 0 ? ".5" : "") != 0))
        return too_large(err);
    return html(out, "\">", err);
}

static int use_style(struct rtf_out *out, const struct rtf_style *style, struct error *err)
{
    struct rtf_style wanted = *style;

    if (out->usual_size == 0)
        out->usual_size = style->size;
    if (wanted.size == out->usual_size)
        wanted.size = 0;
    if (same_style(&wanted, &out->open))
        return 0;
    if (close_style(out, err) != 0)
        return -1;
    out->open = wanted;
    out->formatted = true;
    if ((wanted.bold && html(out, "<b>", err) != 0) ||
        (wanted.italic && html(out, "<i>", err) != 0) ||
        (wanted.underline && html(out, "<u>", err) != 0) ||
        (wanted.strike && html(out, "<s>", err) != 0))
        return -1;
    return open_span(out, err);
}

/* One octet of UTF-8. Of several blanks all but the first are kept from being folded. */
static int escape(struct rtf_out *out, char octet, struct error *err)
{
    bool space = octet == ' ', second = space && out->after_space;

    out->after_space = space;
    switch (octet) {
    case '&':
        return html(out, "&amp;", err);
    case '<':
        return html(out, "&lt;", err);
    case '>':
        return html(out, "&gt;", err);
    case '"':
        return html(out, "&quot;", err);
    default:
        if (second)
            return html(out, "&nbsp;", err);
        return buf_append(&out->html, &octet, 1) != 0 ? too_large(err) : 0;
    }
}

static int utf8(struct rtf_out *out, const struct rtf_style *style, const char *text,
                struct error *err)
{
    if (*text == '\0')
        return 0;
    if (buf_append_text(&out->text, text) != 0)
        return too_large(err);
    if (use_style(out, style, err) != 0)
        return -1;
    for (; *text != '\0'; text++)
        if (escape(out, *text, err) != 0)
            return -1;
    return 0;
}

static bool is_plain(const struct buf *octets)
{
    size_t i;

    for (i = 0; i < octets->size; i++)
        if (octets->data[i] < 0x20 || octets->data[i] > 0x7E)
            return false;
    return true;
}

int rtf_out_octets(struct rtf_out *out, const struct rtf_style *style, const char *page,
                   const struct buf *octets, struct error *err)
{
    size_t bad = 0;
    char *text;
    int status;

    if (is_plain(octets))
        return utf8(out, style, buf_text(octets), err);
    if (charset_line(page, buf_text(octets), &text, &bad, err) != 0 &&
        (err->class != ERROR_SETUP ||
         charset_line("CP1252", buf_text(octets), &text, &bad, err) != 0))
        return -1;
    out->bad += bad;
    status = utf8(out, style, text, err);
    free(text);
    return status;
}

int rtf_out_character(struct rtf_out *out, const struct rtf_style *style, uint32_t character,
                      struct error *err)
{
    char text[8] = "";

    if (character < 0x20 || (character >= 0x7F && character < 0xA0))
        character = ' ';
    if (!g_unichar_validate(character)) {
        out->bad++;
        character = 0xFFFD;
    }
    text[g_unichar_to_utf8(character, text)] = '\0';
    return utf8(out, style, text, err);
}

int rtf_out_line(struct rtf_out *out, struct error *err)
{
    out->after_space = true; /* a blank that begins a line would be folded */
    if (buf_append_text(&out->text, "\n") != 0)
        return too_large(err);
    return html(out, "<br>\n", err);
}

int rtf_out_tab(struct rtf_out *out, struct error *err)
{
    out->after_space = true;
    if (buf_append_text(&out->text, "\t") != 0)
        return too_large(err);
    return html(out, "&nbsp;&nbsp;&nbsp; ", err);
}

int rtf_out_finish(struct rtf_out *out, struct rtf_result *result, struct error *err)
{
    static const char head[] =
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n";
    struct buf whole;

    if (close_style(out, err) != 0)
        return -1;
    buf_init(&whole, LIMIT + 256);
    if (buf_append_text(&whole, head) != 0 ||
        buf_append(&whole, buf_text(&out->html), out->html.size) != 0 ||
        buf_append_text(&whole, "\n</body></html>\n") != 0) {
        buf_clear(&whole);
        return too_large(err);
    }
    result->html = buf_steal(&whole);
    result->text = buf_steal(&out->text);
    result->formatted = out->formatted;
    result->bad = out->bad;
    if (result->html != NULL && result->text != NULL)
        return 0;
    rtf_clear(result);
    return error_sys(err, ERROR_SOFT, "4.3.0", "formatted text: no memory");
}
