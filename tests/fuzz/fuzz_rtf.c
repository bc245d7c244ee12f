/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: any octets as compressed and as plain RTF. The results are UTF-8, and the HTML has
 * only tags of ours. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/rtf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tags(const char *html)
{
    static const char *const tags[] = {"!DOCTYPE html>",
                                       "html>",
                                       "/html>",
                                       "head>",
                                       "/head>",
                                       "meta charset=",
                                       "body>",
                                       "/body>",
                                       "b>",
                                       "/b>",
                                       "i>",
                                       "/i>",
                                       "u>",
                                       "/u>",
                                       "s>",
                                       "/s>",
                                       "/span>",
                                       "br>",
                                       "span style=\""};
    const char *at;
    size_t i;

    for (at = strchr(html, '<'); at != NULL; at = strchr(at + 1, '<')) {
        for (i = 0; i < sizeof tags / sizeof tags[0]; i++)
            if (strncmp(at + 1, tags[i], strlen(tags[i])) == 0)
                break;
        if (i == sizeof tags / sizeof tags[0])
            abort();
    }
}

static void convert(const char *rtf, size_t size)
{
    struct rtf_result result;
    struct error err = {0};

    if (rtf_convert(rtf, size, &result, &err) != 0) {
        if (err.class == ERROR_NONE || err.text[0] == '\0')
            abort();
        return;
    }
    if (!g_utf8_validate(result.text, -1, NULL) || !g_utf8_validate(result.html, -1, NULL))
        abort();
    check_tags(result.html);
    rtf_clear(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    size_t out_size;
    char *out;

    if (rtf_decompress(data, size, &out, &out_size, &err) == 0) {
        convert(out, out_size);
        free(out);
    }
    convert((const char *)data, size);
    return 0;
}
