/* SPDX-License-Identifier: BSL-1.0
 * text.h - lines, words, numbers and hex: the outer form of what the line peer reads and writes. */
#ifndef SCHAT_TESTS_LINE_PEER_TEXT_H
#define SCHAT_TESTS_LINE_PEER_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "secretchat/secretchat.h"

#define TEXT_LINE_MAX ((size_t)16 << 20)

typedef struct {
  char *at; /* terminated */
  size_t size, capacity;
} text_line;

typedef enum { TEXT_LINE, TEXT_UNREADABLE, TEXT_END } text_read_result;

/* Reads up to the next line feed, which is left out, like a carriage return before it. UNREADABLE: the line was longer than
 * TEXT_LINE_MAX, or holds a NUL; it has been passed over. END: nothing is left. */
text_read_result text_read(FILE *in, text_line *line);

/* Cuts the next word off: words stand between spaces. NULL when none is left. */
char *text_word(char **rest);
/* Decimal numbers; 0 when the word is NULL or anything else. */
int text_int64(const char *word, int64_t *value);
int text_int32(const char *word, int32_t *value);
int text_uint64(const char *word, uint64_t *value);
/* Turns hex into bytes in place. 0 when the word is NULL, odd or no hex. The bytes borrow from the word. */
int text_hex(char *word, schat_bytes *bytes);

void text_put_hex(schat_bytes bytes);
/* Text of unknown origin: what would break a line becomes a question mark. */
void text_put_plain(const char *text, size_t size);

/* Memory for a test program: ends it when there is none. */
void *text_grow(void *memory, size_t size);

#endif
