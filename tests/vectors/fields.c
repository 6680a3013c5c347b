/* SPDX-License-Identifier: BSL-1.0
 * fields.c - the memory of one case, and its fields as JSON holds them. */
#include <errno.h>

#include "run_vectors.h"

void *checked(void *p) {
  if (p == NULL) {
    fputs("no memory\n", stderr);
    exit(2);
  }
  return p;
}

/* A block of its own and of exactly that size, so that a memory checker sees every byte too far; freed after the case. */
uint8_t *keep(run *r, size_t size) {
  uint8_t *bytes = checked(malloc(size > 0 ? size : 1));
  struct holder {
    memory head;
    uint8_t *bytes;
  } *holder = checked(malloc(sizeof *holder));
  holder->bytes = bytes;
  holder->head.next = r->kept;
  r->kept = &holder->head;
  return bytes;
}

uint8_t *keep_copy(run *r, const uint8_t *data, size_t size) {
  uint8_t *copy = keep(r, size);
  if (size > 0) memcpy(copy, data, size);
  return copy;
}

void drop_kept(run *r) {
  struct holder {
    memory head;
    uint8_t *bytes;
  };
  while (r->kept != NULL) {
    memory *next = r->kept->next;
    struct holder *holder = (struct holder *)(void *)r->kept;
    free(holder->bytes);
    free(holder);
    r->kept = next;
  }
  schat__arena_reset(&r->arena);
}

int fail(run *r, const char *what) {
  if (r->number > 0) {
    printf("FAIL %s: case %zu: %s\n", r->file, r->number, what);
  } else {
    printf("FAIL %s: %s\n", r->file, what);
  }
  return 0;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int hex_value(run *r, const json_t *value, schat_bytes *out) {
  const char *text = json_string_value(value);
  if (text == NULL || json_string_length(value) % 2 != 0) return 0;
  size_t size = json_string_length(value) / 2;
  uint8_t *bytes = keep(r, size);
  for (size_t i = 0; i < size; i++) {
    int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return 0;
    bytes[i] = (uint8_t)(high * 16 + low);
  }
  out->data = bytes;
  out->size = size;
  return 1;
}

int hex_field(run *r, const json_t *c, const char *name, schat_bytes *out) {
  return hex_value(r, json_object_get(c, name), out);
}

/* NULL when the field is absent or has another size. */
const uint8_t *fixed_field(run *r, const json_t *c, const char *name, size_t size) {
  schat_bytes bytes = {NULL, 0};
  return hex_field(r, c, name, &bytes) && bytes.size == size ? bytes.data : NULL;
}

/* A big-endian number, filled up with zeros to 256 bytes; NULL when it is longer. */
const uint8_t *number_field(run *r, const json_t *c, const char *name) {
  schat_bytes bytes = {NULL, 0};
  if (!hex_field(r, c, name, &bytes)) return NULL;
  while (bytes.size > SCHAT__DH_SIZE && bytes.data[0] == 0) {
    bytes.data++;
    bytes.size--;
  }
  if (bytes.size > SCHAT__DH_SIZE) return NULL;
  uint8_t *padded = keep(r, SCHAT__DH_SIZE);
  memset(padded, 0, SCHAT__DH_SIZE);
  if (bytes.size > 0) memcpy(padded + SCHAT__DH_SIZE - bytes.size, bytes.data, bytes.size);
  return padded;
}

int long_value(const json_t *value, int64_t *out) {
  if (json_is_integer(value)) {
    *out = json_integer_value(value);
    return 1;
  }
  const char *text = json_string_value(value);
  if (text == NULL || *text == 0) return 0;
  char *end = NULL;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return errno == 0 && *end == 0;
}

int int_value(const json_t *value, int32_t *out) {
  json_int_t number = json_integer_value(value);
  if (!json_is_integer(value) || number < INT32_MIN || number > INT32_MAX) return 0;
  *out = (int32_t)number;
  return 1;
}

int is_filled(const uint8_t *p, size_t size, int byte) {
  for (size_t i = 0; i < size; i++) {
    if (p[i] != (uint8_t)byte) return 0;
  }
  return 1;
}

int same(const uint8_t *a, const uint8_t *b, size_t size) {
  return size == 0 || memcmp(a, b, size) == 0;
}

int int_field(const json_t *c, const char *name, int32_t *out) {
  return int_value(json_object_get(c, name), out);
}

const char *text_field(const json_t *c, const char *name) {
  const char *text = json_string_value(json_object_get(c, name));
  return text != NULL ? text : "";
}
