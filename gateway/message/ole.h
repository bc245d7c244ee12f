/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OLE 1 objects that Windows clients embed (MS Mail is OLE 1 only, Q200661; [MS-OLEDS] 2.2): the
 * class of the object, and its picture when it can be taken out.
 */
#ifndef MESSAGE_OLE_H
#define MESSAGE_OLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"
#include "message/tnef.h"

#define OLE_MAX_CLASS 128

struct ole {
    bool known;                     /* an OLE 1 stream whose parts were understood */
    char class_name[OLE_MAX_CLASS]; /* "PBrush"; printable ASCII, or "" */
    struct tnef_range native;       /* the server's own data */
    struct tnef_range picture;      /* a WMF without the placeable header */
    int32_t width, height;          /* of the picture in 0.01 mm, or 0 */
};

/* Never fails for what the object holds; errors of content_read only. */
int ole_read(const struct content *content, const struct tnef_range *range, struct ole *out,
             struct error *err) WARN_UNUSED;

/*
 * The WMF file of a picture: the placeable header ([MS-WMF] 2.3.2.3) in front of the RANGE of
 * CONTENT, so that viewers know its size. WIDTH and HEIGHT in 0.01 mm; 0: as 10 cm. *OUT is NULL
 * when the range is not a metafile.
 */
int ole_picture(const struct content *content, const struct tnef_range *range, int32_t width,
                int32_t height, const char *directory, struct content **out,
                struct error *err) WARN_UNUSED;

#endif
