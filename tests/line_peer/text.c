/* SPDX-License-Identifier: BSL-1.0
 * text.c - reads lines of any length and takes them apart without trusting them. */
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *text_grow(void *memory, size_t size) {
  void *grown = realloc(memory, size);
  if (grown != NULL) return grown;
  fputs("line_peer: no memory\n", stderr);
  exit(1);
}

static void append(text_line *line, char c) {
  if (line->size + 1 >= line->capacity) {
    line->capacity = line->capacity == 0 ? 256 : line->capacity * 2;
    line->at = text_grow(line->at, line->capacity);
  }
  line->at[line->size++] = c;
  line->at[line->size] = '\0';
}

text_read_result text_read(FILE *in, text_line *line) {
  int c, readable = 1, any = 0;
  line->size = 0;
  while ((c = getc(in)) != EOF && c != '\n') {
    any = 1;
    if (c == '\0' || line->size >= TEXT_LINE_MAX) readable = 0;
    if (readable) append(line, (char)c);
  }
  if (c == EOF && !any) return TEXT_END;
  if (!readable) return TEXT_UNREADABLE;
  append(line, '\0'); /* an empty line is a string, too */
  line->size--;
  if (line->size > 0 && line->at[line->size - 1] == '\r') line->at[--line->size] = '\0';
  return TEXT_LINE;
}

char *text_word(char **rest) {
  char *word = *rest;
  while (*word == ' ') word++;
  if (*word == '\0') return NULL;
  char *end = strchr(word, ' ');
  if (end == NULL) end = word + strlen(word);
  *rest = end;
  if (*end == ' ') {
    *end = '\0';
    *rest = end + 1;
  }
  return word;
}

static int is_decimal(const char *word) {
  if (word == NULL) return 0;
  if (*word == '-') word++;
  if (*word == '\0') return 0;
  return word[strspn(word, "0123456789")] == '\0';
}

int text_int64(const char *word, int64_t *value) {
  if (!is_decimal(word)) return 0;
  errno = 0;
  long long number = strtoll(word, NULL, 10);
  if (errno != 0) return 0;
  *value = number;
  return 1;
}

int text_int32(const char *word, int32_t *value) {
  int64_t wide;
  if (!text_int64(word, &wide) || wide < INT32_MIN || wide > INT32_MAX) return 0;
  *value = (int32_t)wide;
  return 1;
}

int text_uint64(const char *word, uint64_t *value) {
  if (!is_decimal(word) || *word == '-') return 0;
  errno = 0;
  unsigned long long number = strtoull(word, NULL, 10);
  if (errno != 0) return 0;
  *value = number;
  return 1;
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int text_hex(char *word, schat_bytes *bytes) {
  if (word == NULL) return 0;
  size_t length = strlen(word);
  if (length % 2 != 0) return 0;
  uint8_t *out = (uint8_t *)word;
  for (size_t i = 0; i < length; i += 2) {
    int high = digit(word[i]), low = digit(word[i + 1]);
    if (high < 0 || low < 0) return 0;
    out[i / 2] = (uint8_t)(high * 16 + low);
  }
  bytes->data = out;
  bytes->size = length / 2;
  return 1;
}

void text_put_hex(schat_bytes bytes) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes.size; i++) {
    putchar(digits[bytes.data[i] >> 4]);
    putchar(digits[bytes.data[i] & 15]);
  }
}

void text_put_plain(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    putchar(c < 0x20 || c == 0x7f ? '?' : (int)c);
  }
}
