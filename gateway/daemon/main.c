/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/parent.h"

int main(int argc, char **argv)
{
    return parent_main(argc, argv);
}
