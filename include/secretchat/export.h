/* SPDX-License-Identifier: BSL-1.0
 * export.h - which symbols a library shows, and how a user of it imports them. */
#ifndef SECRETCHAT_EXPORT_H
#define SECRETCHAT_EXPORT_H

/* SCHAT_STATIC is defined by the static CMake target and by `pkg-config --static`. */
#if defined(SCHAT_STATIC)
#define SCHAT_API
#elif defined(_WIN32) || defined(__CYGWIN__)
#if defined(SCHAT_BUILDING)
#define SCHAT_API __declspec(dllexport)
#else
#define SCHAT_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define SCHAT_API __attribute__((visibility("default")))
#else
#define SCHAT_API
#endif

#endif
