/* SPDX-License-Identifier: BSL-1.0
 * run_vectors.h - what the judges of known answers share: a case's memory, its fields, and its verdict. */
#ifndef SCHAT_TESTS_VECTORS_RUN_VECTORS_H
#define SCHAT_TESTS_VECTORS_RUN_VECTORS_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "crypto/crypto.h"
#include "tl/tl.h"

#define TYPE_NAMES 128u
#define FILL 0xa5 /* what memory holds that nobody may write to */
#define GUARD 32u

typedef struct memory {
  struct memory *next;
} memory;

struct stand; /* chats that messages of cases are given to; stand.h */

typedef struct {
  schat__crypto *crypto;
  schat__arena arena;
  memory *kept; /* of this case */
  const char *file;
  size_t number; /* of this case, from 1 */
  size_t passed, failed;
  size_t refused, taken;      /* of the negative vectors, as their verdicts say */
  char types[TYPE_NAMES][64]; /* the name of a schat__tl_type, as this file uses it */
  struct stand *stands[2];    /* by whether the account has started the chat; NULL until they are needed */
} run;

/* fields.c: memory and JSON ---------------------------------------------------------------------------------------------------- */

void *checked(void *p); /* ends the program without memory */
/* A block of its own and of exactly that size, so that a memory checker sees every byte too far; freed after the case. */
uint8_t *keep(run *r, size_t size);
uint8_t *keep_copy(run *r, const uint8_t *data, size_t size);
void drop_kept(run *r);

/* Says what is wrong with the case: 0. */
int fail(run *r, const char *what);
#define REQUIRE(condition, what)              \
  do {                                        \
    if (!(condition)) return fail(r, (what)); \
  } while (0)

int hex_value(run *r, const json_t *value, schat_bytes *out);
int hex_field(run *r, const json_t *c, const char *name, schat_bytes *out);
/* NULL when the field is absent or has another size. */
const uint8_t *fixed_field(run *r, const json_t *c, const char *name, size_t size);
/* A big-endian number, filled up with zeros to 256 bytes; NULL when it is longer. */
const uint8_t *number_field(run *r, const json_t *c, const char *name);
int long_value(const json_t *value, int64_t *out);
int int_value(const json_t *value, int32_t *out);
int int_field(const json_t *c, const char *name, int32_t *out);
/* "" when the field is absent. */
const char *text_field(const json_t *c, const char *name);
int is_filled(const uint8_t *p, size_t size, int byte);
int same(const uint8_t *a, const uint8_t *b, size_t size);

/* The judges, one for each format of vectors/README.md: 1 when the library does what the case says ------------------------------ */

int case_ige(run *r, const json_t *c);
int case_kdf(run *r, const json_t *c);
int case_envelope(run *r, const json_t *c);
int case_envelope_reject(run *r, const json_t *c);
int case_dh(run *r, const json_t *c);
int case_dh_config(run *r, const json_t *c);
int case_tl(run *r, const json_t *c);
int case_schema(run *r, const char *line, long layer);

int case_negative_envelope(run *r, const json_t *c);
int case_negative_dh(run *r, const json_t *c);
int case_negative_rekey(run *r, const json_t *c);
int case_negative_file(run *r, const json_t *c);
int case_negative_tl(run *r, const json_t *c);

/* tl.c: within a file a type's name is one number, and the other way round. */
int type_is(run *r, const char *name, size_t length, unsigned type);

#endif
