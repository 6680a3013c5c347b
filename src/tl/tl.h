/* SPDX-License-Identifier: BSL-1.0
 * tl.h - the secret-chat schema as a table, and one interpreter each to decode, encode and skip.
 *
 * Only the canonical form is accepted: known constructors of the expected type, minimal string lengths, zero padding, vector
 * counts that fit the bytes, no flag bit that the schema does not define (it may stand for a field), nothing after the object. Depth,
 * count and memory are bounded: an object, and the model made of it (model.h), take at most 12 times its bytes of the arena. */
#ifndef SCHAT_TL_TL_H
#define SCHAT_TL_TL_H

#include <stddef.h>
#include <stdint.h>

#include "../common/mem.h"
#include "secretchat/secretchat.h"

/* schema.inc, made by tlgen.py from e2e.tl and cloud.tl, holds the rows behind these types; schema_enum.inc an enum value for every
 * constructor, type and name of a field: SCHAT__TL_decryptedMessageLayer …, SCHAT__TYPE_DecryptedMessage …, SCHAT__WORD_random_id …. */
typedef enum {
  SCHAT__TL_INT,
  SCHAT__TL_LONG,
  SCHAT__TL_DOUBLE,
  SCHAT__TL_STRING, /* strings and bytes */
  SCHAT__TL_OBJECT,
  SCHAT__TL_VECTOR_LONG,
  SCHAT__TL_VECTOR_OBJECT,
  SCHAT__TL_FLAGS, /* the # field; first where there is one */
  SCHAT__TL_TRUE,  /* flags.N?true: no bytes */
  SCHAT__TL_VECTOR_INT
} schat__tl_kind;

#define SCHAT__TL_ALWAYS 0xffu

typedef struct {
  const char *name;
  uint8_t kind;     /* schat__tl_kind */
  uint8_t flag_bit; /* present when this bit of flags is set; SCHAT__TL_ALWAYS */
  uint8_t type;     /* of objects and vector items: schat__tl_type */
  uint8_t is_bytes; /* of strings: the schema says bytes (hex in the vectors) */
  uint8_t word;     /* SCHAT__WORD_…: the same for every field of this name */
} schat__tl_field;

typedef struct {
  const char *name; /* as in e2e.tl */
  uint32_t id;
  uint32_t flag_bits; /* of flags: those that stand for a field */
  uint8_t type;       /* schat__tl_type */
  uint8_t layer;      /* that first had this form; 0 for cloud constructors that are known only to be skipped (F10) */
  uint8_t field_count;
  uint16_t first_field; /* index into the table of fields */
} schat__tl_constructor;

union schat__tl_value;

/* An object lives in the arena it was decoded into; its strings borrow from the bytes it was decoded from. */
typedef struct schat__tl_object {
  const schat__tl_constructor *constructor;
  union schat__tl_value *fields; /* constructor->field_count of them, in order; absent ones are zero, TRUE and FLAGS are ints */
} schat__tl_object;

typedef union schat__tl_value {
  int32_t i; /* INT, FLAGS; TRUE: 0 or 1 */
  int64_t l;
  double d;
  schat_bytes s;
  schat__tl_object *object; /* NULL when absent */
  struct {
    size_t count;
    union schat__tl_value *items; /* .i, .l or .object; NULL when absent, not when empty */
  } vector;
} schat__tl_value;

/* Objects inside one another. No type of the schema can contain itself (tlgen.py), so that types alone bound it. */
#define SCHAT__TL_DEPTH 8u

#include "schema_enum.inc"

/* Tables, for tests and tools. */
size_t schat__tl_constructor_count(void);
const schat__tl_constructor *schat__tl_constructor_at(size_t index); /* the enum value SCHAT__TL_… is the index */
const schat__tl_constructor *schat__tl_find_id(uint32_t id);         /* NULL: not known */
const schat__tl_constructor *schat__tl_find_name(const char *name);
const schat__tl_field *schat__tl_field_of(const schat__tl_constructor *c, size_t index);
/* The place of the field of that name (SCHAT__WORD_…) in the object, or NULL when its constructor has none. */
schat__tl_value *schat__tl_get(const schat__tl_object *object, unsigned word);
/* The constructor of the object as SCHAT__TL_…. */
size_t schat__tl_index(const schat__tl_object *object);

/* Decodes one boxed object of `type` from the start of the bytes. *used: its length; the caller decides what may follow.
 * SCHAT_OK, SCHAT_E_MALFORMED or SCHAT_E_NOMEM (also: over the arena's limit). */
int schat__tl_decode(schat__arena *arena, unsigned type, const uint8_t *data, size_t size, schat__tl_object **object, size_t *used);
/* Length of one boxed object, without building it; refuses what schat__tl_decode refuses. */
int schat__tl_skip(unsigned type, const uint8_t *data, size_t size, size_t *used);
/* Encodes. The flags field is computed from which optional fields are present: objects and vectors by their pointer, strings by
 * data != NULL, TRUE by its int, numbers by the bit in the flags field as given. *size is what is needed; nothing is written past capacity.
 * SCHAT_OK, SCHAT_E_BUFFER or SCHAT_E_INVALID (a required field is absent, an object has the wrong type, a string over 2^24 - 1). */
int schat__tl_encode(const schat__tl_object *object, uint8_t *out, size_t capacity, size_t *size);
/* A new object in the arena, all fields zero. */
schat__tl_object *schat__tl_new(schat__arena *arena, unsigned constructor);

#endif
