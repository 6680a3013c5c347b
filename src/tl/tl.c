/* SPDX-License-Identifier: BSL-1.0
 * tl.c - the interpreters of the schema's table: decode, skip, encode. */
#include "tl.h"

#include <string.h>

#include "../common/bytes.h"
#include "schema.inc"
#include "wire.h"

_Static_assert(SCHEMA_DEPTH <= SCHAT__TL_DEPTH, "the schema nests deeper than its interpreters may");
_Static_assert(sizeof all_constructors / sizeof *all_constructors == SCHAT__TL_COUNT, "one row for each constructor");
_Static_assert(sizeof least_size / sizeof *least_size == SCHAT__TYPE_COUNT, "one row for each type");

/* Tables ------------------------------------------------------------------------------------------------------------------- */

size_t schat__tl_constructor_count(void) {
  return SCHAT__TL_COUNT;
}

const schat__tl_constructor *schat__tl_constructor_at(size_t index) {
  return index < SCHAT__TL_COUNT ? &all_constructors[index] : NULL;
}

const schat__tl_constructor *schat__tl_find_id(uint32_t id) {
  const unsigned found = by_hash[(uint32_t)(id * HASH_MULTIPLIER) >> HASH_SHIFT];
  return found != 0 && all_constructors[found - 1].id == id ? &all_constructors[found - 1] : NULL;
}

const schat__tl_constructor *schat__tl_find_name(const char *name) {
  for (size_t i = 0; i < SCHAT__TL_COUNT; i++) {
    if (strcmp(all_constructors[i].name, name) == 0) return &all_constructors[i];
  }
  return NULL;
}

const schat__tl_field *schat__tl_field_of(const schat__tl_constructor *c, size_t index) {
  return index < c->field_count ? &all_fields[c->first_field + index] : NULL;
}

schat__tl_value *schat__tl_get(const schat__tl_object *object, unsigned word) {
  const schat__tl_field *fields = &all_fields[object->constructor->first_field];
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    if (fields[i].word == word) return &object->fields[i];
  }
  return NULL;
}

size_t schat__tl_index(const schat__tl_object *object) {
  return (size_t)(object->constructor - all_constructors);
}

static int is_present(const schat__tl_field *field, uint32_t flags) {
  return field->flag_bit == SCHAT__TL_ALWAYS || (flags >> field->flag_bit & 1u) != 0;
}

/* One block for the object and its fields. */
static schat__tl_object *new_object(schat__arena *arena, const schat__tl_constructor *c) {
  const size_t head = (sizeof(schat__tl_object) + 15) / 16 * 16;
  uint8_t *block = schat__arena_take(arena, head + c->field_count * sizeof(schat__tl_value));
  if (block == NULL) return NULL;
  schat__tl_object *object = (void *)block;
  object->constructor = c;
  object->fields = (void *)(block + head);
  return object;
}

schat__tl_object *schat__tl_new(schat__arena *arena, unsigned constructor) {
  return constructor < SCHAT__TL_COUNT ? new_object(arena, &all_constructors[constructor]) : NULL;
}

/* Reading, for decode and skip --------------------------------------------------------------------------------------------- */

static const schat__tl_constructor *read_constructor(schat__reader *r, unsigned type) {
  const schat__tl_constructor *c = schat__tl_find_id(schat__read32(r));
  if (r->failed || c == NULL || c->type != type) {
    r->failed = 1;
    return NULL;
  }
  return c;
}

/* A bit that stands for no field we know may stand for one we do not: what follows could not be told apart. */
static uint32_t read_flags(schat__reader *r, const schat__tl_constructor *c) {
  const uint32_t flags = schat__read32(r);
  if ((flags & ~c->flag_bits) != 0) r->failed = 1;
  return flags;
}

static size_t least_item(const schat__tl_field *field) {
  if (field->kind == SCHAT__TL_VECTOR_OBJECT) return least_size[field->type];
  return field->kind == SCHAT__TL_VECTOR_LONG ? 8 : 4;
}

/* The count of a vector: no more than the bytes that are left can hold, so that it bounds memory and work. */
static size_t read_count(schat__reader *r, const schat__tl_field *field) {
  const uint32_t id = schat__read32(r);
  const uint32_t count = schat__read32(r);
  if (r->failed || id != SCHAT__TL_VECTOR_ID || count > (r->size - r->at) / least_item(field)) {
    r->failed = 1;
    return 0;
  }
  return count;
}

static int read_status(const schat__reader *r) {
  return r->failed ? SCHAT_E_MALFORMED : SCHAT_OK;
}

/* Decode ------------------------------------------------------------------------------------------------------------------- */

static int decode_object(schat__arena *arena, schat__reader *r, unsigned type, schat__tl_object **out);

static int decode_vector(schat__arena *arena, schat__reader *r, const schat__tl_field *field, schat__tl_value *value) {
  const size_t count = read_count(r, field);
  if (r->failed) return SCHAT_E_MALFORMED;
  if (count > SIZE_MAX / sizeof(schat__tl_value)) return SCHAT_E_NOMEM;
  schat__tl_value *items = schat__arena_take(arena, count * sizeof *items);
  if (items == NULL) return SCHAT_E_NOMEM;
  value->vector.count = count;
  value->vector.items = items;
  for (size_t i = 0; i < count; i++) {
    if (field->kind == SCHAT__TL_VECTOR_OBJECT) {
      const int status = decode_object(arena, r, field->type, &items[i].object);
      if (status != SCHAT_OK) return status;
    } else if (field->kind == SCHAT__TL_VECTOR_LONG) {
      items[i].l = schat__int64(schat__read64(r));
    } else {
      items[i].i = schat__int32(schat__read32(r));
    }
  }
  return read_status(r);
}

static double read_double(schat__reader *r) {
  const uint64_t bits = schat__read64(r);
  double d;
  memcpy(&d, &bits, sizeof d);
  return d;
}

static int decode_field(schat__arena *arena, schat__reader *r, const schat__tl_field *field, schat__tl_value *value) {
  switch (field->kind) {
    case SCHAT__TL_INT:
      value->i = schat__int32(schat__read32(r));
      break;
    case SCHAT__TL_LONG:
      value->l = schat__int64(schat__read64(r));
      break;
    case SCHAT__TL_DOUBLE:
      value->d = read_double(r);
      break;
    case SCHAT__TL_STRING:
      value->s = schat__tl_read_string(r);
      break;
    case SCHAT__TL_OBJECT:
      return decode_object(arena, r, field->type, &value->object);
    case SCHAT__TL_TRUE:
      value->i = 1;
      break;
    default:
      return decode_vector(arena, r, field, value);
  }
  return read_status(r);
}

static int decode_object(schat__arena *arena, schat__reader *r, unsigned type, schat__tl_object **out) {
  const schat__tl_constructor *c = read_constructor(r, type);
  if (c == NULL) return SCHAT_E_MALFORMED;
  schat__tl_object *object = new_object(arena, c);
  if (object == NULL) return SCHAT_E_NOMEM;
  const schat__tl_field *fields = &all_fields[c->first_field];
  uint32_t flags = 0;
  size_t i = 0;
  if (c->field_count > 0 && fields[0].kind == SCHAT__TL_FLAGS) {
    flags = read_flags(r, c);
    object->fields[i++].i = schat__int32(flags);
  }
  for (; i < c->field_count && !r->failed; i++) {
    if (!is_present(&fields[i], flags)) continue;
    const int status = decode_field(arena, r, &fields[i], &object->fields[i]);
    if (status != SCHAT_OK) return status;
  }
  *out = object;
  return read_status(r);
}

int schat__tl_decode(schat__arena *arena, unsigned type, const uint8_t *data, size_t size, schat__tl_object **object, size_t *used) {
  schat__reader r = {data, size, 0, 0};
  schat__tl_object *decoded = NULL;
  const int status = decode_object(arena, &r, type, &decoded);
  if (status != SCHAT_OK) return status;
  *object = decoded;
  *used = r.at;
  return SCHAT_OK;
}

/* Skip --------------------------------------------------------------------------------------------------------------------- */

static void skip_object(schat__reader *r, unsigned type);

static void skip_vector(schat__reader *r, const schat__tl_field *field) {
  const size_t count = read_count(r, field);
  if (field->kind != SCHAT__TL_VECTOR_OBJECT) {
    (void)schat__read_span(r, count * least_item(field));
    return;
  }
  for (size_t i = 0; i < count && !r->failed; i++) skip_object(r, field->type);
}

static void skip_field(schat__reader *r, const schat__tl_field *field) {
  switch (field->kind) {
    case SCHAT__TL_INT:
      (void)schat__read_span(r, 4);
      break;
    case SCHAT__TL_LONG:
    case SCHAT__TL_DOUBLE:
      (void)schat__read_span(r, 8);
      break;
    case SCHAT__TL_STRING:
      (void)schat__tl_read_string(r);
      break;
    case SCHAT__TL_OBJECT:
      skip_object(r, field->type);
      break;
    case SCHAT__TL_TRUE:
      break;
    default:
      skip_vector(r, field);
  }
}

static void skip_object(schat__reader *r, unsigned type) {
  const schat__tl_constructor *c = read_constructor(r, type);
  if (c == NULL) return;
  const schat__tl_field *fields = &all_fields[c->first_field];
  size_t i = c->field_count > 0 && fields[0].kind == SCHAT__TL_FLAGS ? 1 : 0;
  const uint32_t flags = i == 1 ? read_flags(r, c) : 0;
  for (; i < c->field_count && !r->failed; i++) {
    if (is_present(&fields[i], flags)) skip_field(r, &fields[i]);
  }
}

int schat__tl_skip(unsigned type, const uint8_t *data, size_t size, size_t *used) {
  schat__reader r = {data, size, 0, 0};
  skip_object(&r, type);
  if (r.failed) return SCHAT_E_MALFORMED;
  *used = r.at;
  return SCHAT_OK;
}

/* Encode ------------------------------------------------------------------------------------------------------------------- */

static int encode_object(schat__writer *w, const schat__tl_object *object, unsigned type);

static int is_given(const schat__tl_field *field, const schat__tl_value *value, uint32_t given) {
  switch (field->kind) {
    case SCHAT__TL_INT:
    case SCHAT__TL_LONG:
    case SCHAT__TL_DOUBLE:
      return (given >> field->flag_bit & 1u) != 0;
    case SCHAT__TL_STRING:
      return value->s.data != NULL;
    case SCHAT__TL_OBJECT:
      return value->object != NULL;
    case SCHAT__TL_TRUE:
      return value->i != 0;
    default:
      return value->vector.items != NULL;
  }
}

static uint32_t flags_of(const schat__tl_object *object, const schat__tl_field *fields) {
  const uint32_t given = (uint32_t)object->fields[0].i;
  uint32_t flags = 0;
  for (size_t i = 1; i < object->constructor->field_count; i++) {
    if (fields[i].flag_bit == SCHAT__TL_ALWAYS) continue;
    if (is_given(&fields[i], &object->fields[i], given)) flags |= 1u << fields[i].flag_bit;
  }
  return flags;
}

static int encode_string(schat__writer *w, schat_bytes s) {
  if (s.size > SCHAT__TL_STRING_MAX || (s.data == NULL && s.size > 0)) return SCHAT_E_INVALID;
  schat__tl_write_string(w, s);
  return SCHAT_OK;
}

static int encode_vector(schat__writer *w, const schat__tl_field *field, const schat__tl_value *value) {
  const size_t count = value->vector.count;
  const schat__tl_value *items = value->vector.items;
  if (count > INT32_MAX || (items == NULL && count > 0)) return SCHAT_E_INVALID;
  schat__write32(w, SCHAT__TL_VECTOR_ID);
  schat__write32(w, (uint32_t)count);
  for (size_t i = 0; i < count; i++) {
    if (field->kind == SCHAT__TL_VECTOR_OBJECT) {
      const int status = encode_object(w, items[i].object, field->type);
      if (status != SCHAT_OK) return status;
    } else if (field->kind == SCHAT__TL_VECTOR_LONG) {
      schat__write64(w, (uint64_t)items[i].l);
    } else {
      schat__write32(w, (uint32_t)items[i].i);
    }
  }
  return SCHAT_OK;
}

static void write_double(schat__writer *w, double d) {
  uint64_t bits;
  memcpy(&bits, &d, sizeof bits);
  schat__write64(w, bits);
}

static int encode_field(schat__writer *w, const schat__tl_field *field, const schat__tl_value *value) {
  switch (field->kind) {
    case SCHAT__TL_INT:
      schat__write32(w, (uint32_t)value->i);
      break;
    case SCHAT__TL_LONG:
      schat__write64(w, (uint64_t)value->l);
      break;
    case SCHAT__TL_DOUBLE:
      write_double(w, value->d);
      break;
    case SCHAT__TL_STRING:
      return encode_string(w, value->s);
    case SCHAT__TL_OBJECT:
      return encode_object(w, value->object, field->type);
    case SCHAT__TL_TRUE:
      break;
    default:
      return encode_vector(w, field, value);
  }
  return SCHAT_OK;
}

/* No object contains itself through its types, so this ends whatever the caller has put together. */
static int encode_object(schat__writer *w, const schat__tl_object *object, unsigned type) {
  if (object == NULL || object->constructor->type != type) return SCHAT_E_INVALID;
  const schat__tl_constructor *c = object->constructor;
  const schat__tl_field *fields = &all_fields[c->first_field];
  uint32_t flags = 0;
  size_t i = 0;
  schat__write32(w, c->id);
  if (c->field_count > 0 && fields[0].kind == SCHAT__TL_FLAGS) {
    flags = flags_of(object, fields);
    schat__write32(w, flags);
    i = 1;
  }
  for (; i < c->field_count; i++) {
    if (!is_present(&fields[i], flags)) continue;
    const int status = encode_field(w, &fields[i], &object->fields[i]);
    if (status != SCHAT_OK) return status;
  }
  return SCHAT_OK;
}

int schat__tl_encode(const schat__tl_object *object, uint8_t *out, size_t capacity, size_t *size) {
  schat__writer w = {out, out != NULL ? capacity : 0, 0};
  const int status = encode_object(&w, object, object->constructor->type);
  if (status != SCHAT_OK) return status;
  if (w.size > INT32_MAX) return SCHAT_E_INVALID;
  *size = w.size;
  return schat__writer_fits(&w) ? SCHAT_OK : SCHAT_E_BUFFER;
}
