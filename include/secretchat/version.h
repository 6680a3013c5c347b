/* SPDX-License-Identifier: BSL-1.0
 * version.h - the one place where the version stands; the build reads it from here. */
#ifndef SECRETCHAT_VERSION_H
#define SECRETCHAT_VERSION_H

#define SCHAT_VERSION_MAJOR 0
#define SCHAT_VERSION_MINOR 1
#define SCHAT_VERSION_PATCH 0
#define SCHAT_VERSION_STRING "0.1.0"

/* 0x00MMmmpp, for comparisons by the preprocessor. */
#define SCHAT_VERSION_NUMBER 0x000100

#endif
