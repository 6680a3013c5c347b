/* SPDX-License-Identifier: BSL-1.0
 * test_tl.c - the interpreters of the schema: known answers, the one canonical form, and hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tl/tl.h"

#ifndef SCHAT_VECTORS_DIR
#define SCHAT_VECTORS_DIR "vectors"
#endif

#define LIMIT ((size_t)1 << 22)
#define BYTES_MAX 4096u
#define SECRET_CONSTRUCTORS 85u

typedef struct {
  unsigned type;
  const schat__tl_constructor *constructor;
  json_t *value;
  uint8_t bytes[BYTES_MAX];
  size_t size;
} vector;

static json_t *root;
static schat__arena arena;

/* Bytes ---------------------------------------------------------------------------------------------------------------------- */

static unsigned nibble(char c) {
  return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t unhex(const char *hex, uint8_t *out) {
  const size_t n = strlen(hex) / 2;
  assert_true(n <= BYTES_MAX);
  for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  return n;
}

/* Memory of exactly this size, so that a sanitizer sees each byte that is read beyond it. */
static uint8_t *exact(const uint8_t *data, size_t size) {
  uint8_t *p = malloc(size > 0 ? size : 1);
  assert_non_null(p);
  memcpy(p, data, size);
  return p;
}

typedef struct {
  uint8_t data[BYTES_MAX];
  size_t size;
} bytes;

static void put32(bytes *b, uint32_t v) {
  for (int i = 0; i < 4; i++) b->data[b->size++] = (uint8_t)(v >> 8 * i);
}

static void put64(bytes *b, uint64_t v) {
  put32(b, (uint32_t)v);
  put32(b, (uint32_t)(v >> 32));
}

static void put_constructor(bytes *b, unsigned constructor) {
  put32(b, schat__tl_constructor_at(constructor)->id);
}

/* The same verdict from decode and skip; what is accepted must encode to the bytes that were read. */
static int verdict(unsigned type, const uint8_t *data, size_t size) {
  uint8_t *copy = exact(data, size);
  schat__tl_object *object = NULL;
  size_t used = 0, skipped = 0;
  schat__arena_reset(&arena);
  const int status = schat__tl_decode(&arena, type, copy, size, &object, &used);
  assert_int_equal(schat__tl_skip(type, copy, size, &skipped), status);
  if (status == SCHAT_OK) {
    size_t again = 0;
    uint8_t *out = exact(data, used);
    memset(out, 0xa5, used);
    assert_int_equal(skipped, used);
    assert_int_equal(schat__tl_encode(object, out, used, &again), SCHAT_OK);
    assert_int_equal(again, used);
    assert_memory_equal(out, copy, used);
    free(out);
  } else {
    assert_int_equal(status, SCHAT_E_MALFORMED);
    assert_null(object);
    assert_int_equal(used + skipped, 0);
  }
  free(copy);
  return status;
}

static int verdict_of(unsigned type, const bytes *b) {
  return verdict(type, b->data, b->size);
}

/* Vectors -------------------------------------------------------------------------------------------------------------------- */

static size_t vector_count(void) {
  return json_array_size(root);
}

static vector vector_at(size_t index) {
  vector v;
  const json_t *row = json_array_get(root, index);
  const char *name = json_string_value(json_object_get(row, "constructor"));
  v.constructor = schat__tl_find_name(name);
  assert_non_null(v.constructor);
  v.type = v.constructor->type;
  v.value = json_object_get(row, "value");
  v.size = unhex(json_string_value(json_object_get(row, "bytes")), v.bytes);
  assert_int_equal(v.constructor->layer, json_integer_value(json_object_get(row, "layer")));
  return v;
}

static void same_object(const schat__tl_object *object, const json_t *json);

static void same_string(const schat__tl_field *field, schat_bytes s, const json_t *json) {
  uint8_t raw[BYTES_MAX];
  const char *text = json_string_value(json);
  size_t size = json_string_length(json);
  if (field->is_bytes != 0) {
    size = unhex(text, raw);
    text = (const char *)raw;
  }
  assert_int_equal(s.size, size);
  assert_memory_equal(s.data, text, size);
}

static int64_t long_of(const json_t *json) {
  return strtoll(json_string_value(json), NULL, 10);
}

static void same_vector(const schat__tl_field *field, const schat__tl_value *value, const json_t *json) {
  assert_int_equal(value->vector.count, json_array_size(json));
  for (size_t i = 0; i < value->vector.count; i++) {
    const json_t *item = json_array_get(json, i);
    if (field->kind == SCHAT__TL_VECTOR_OBJECT) {
      same_object(value->vector.items[i].object, item);
    } else {
      assert_true(value->vector.items[i].l == long_of(item));
    }
  }
}

static void same_field(const schat__tl_field *field, const schat__tl_value *value, const json_t *json) {
  switch (field->kind) {
    case SCHAT__TL_INT:
      assert_int_equal(value->i, json_integer_value(json));
      break;
    case SCHAT__TL_LONG:
      assert_true(value->l == long_of(json));
      break;
    case SCHAT__TL_DOUBLE:
      assert_true(value->d >= json_number_value(json) && value->d <= json_number_value(json));
      break;
    case SCHAT__TL_STRING:
      same_string(field, value->s, json);
      break;
    case SCHAT__TL_OBJECT:
      same_object(value->object, json);
      break;
    case SCHAT__TL_TRUE:
      assert_int_equal(value->i, json_is_true(json));
      break;
    default:
      same_vector(field, value, json);
  }
}

static int is_absent(const schat__tl_field *field, const schat__tl_value *value) {
  static const schat__tl_value zero;
  return field->flag_bit != SCHAT__TL_ALWAYS && memcmp(value, &zero, sizeof zero) == 0;
}

static void same_object(const schat__tl_object *object, const json_t *json) {
  assert_string_equal(object->constructor->name, json_string_value(json_object_get(json, "_")));
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(object->constructor, i);
    const json_t *value = json_object_get(json, field->name);
    assert_ptr_equal(schat__tl_get(object, field->word), &object->fields[i]);
    if (value != NULL) {
      same_field(field, &object->fields[i], value);
    } else if (field->kind != SCHAT__TL_FLAGS) {
      assert_true(is_absent(field, &object->fields[i]));
    }
  }
}

/* Builds an object from JSON, to encode it without having decoded it. */
static schat__tl_object *build(const json_t *json);

static schat_bytes build_string(const schat__tl_field *field, const json_t *json) {
  const size_t size = json_string_length(json);
  uint8_t *copy = schat__arena_take(&arena, size + 1);
  assert_non_null(copy);
  schat_bytes s = {copy, size};
  memcpy(copy, json_string_value(json), size);
  if (field->is_bytes != 0) s.size = unhex(json_string_value(json), copy);
  return s;
}

static void build_vector(const schat__tl_field *field, schat__tl_value *value, const json_t *json) {
  value->vector.count = json_array_size(json);
  value->vector.items = schat__arena_take(&arena, value->vector.count * sizeof(schat__tl_value));
  assert_non_null(value->vector.items);
  for (size_t i = 0; i < value->vector.count; i++) {
    const json_t *item = json_array_get(json, i);
    if (field->kind == SCHAT__TL_VECTOR_OBJECT) {
      value->vector.items[i].object = build(item);
    } else {
      value->vector.items[i].l = long_of(item);
    }
  }
}

static void build_field(schat__tl_object *object, size_t i, const json_t *json) {
  const schat__tl_field *field = schat__tl_field_of(object->constructor, i);
  schat__tl_value *value = &object->fields[i];
  const int is_number = field->kind == SCHAT__TL_INT || field->kind == SCHAT__TL_LONG || field->kind == SCHAT__TL_DOUBLE;
  if (is_number && field->flag_bit != SCHAT__TL_ALWAYS) object->fields[0].i |= 1 << field->flag_bit;
  if (field->kind == SCHAT__TL_INT) value->i = (int32_t)json_integer_value(json);
  if (field->kind == SCHAT__TL_LONG) value->l = long_of(json);
  if (field->kind == SCHAT__TL_DOUBLE) value->d = json_number_value(json);
  if (field->kind == SCHAT__TL_STRING) value->s = build_string(field, json);
  if (field->kind == SCHAT__TL_OBJECT) value->object = build(json);
  if (field->kind == SCHAT__TL_TRUE) value->i = json_is_true(json);
  if (json_is_array(json)) build_vector(field, value, json);
}

static schat__tl_object *build(const json_t *json) {
  const schat__tl_constructor *c = schat__tl_find_name(json_string_value(json_object_get(json, "_")));
  schat__tl_object *object = schat__tl_new(&arena, (unsigned)(c - schat__tl_constructor_at(0)));
  assert_non_null(object);
  for (size_t i = 0; i < c->field_count; i++) {
    const json_t *value = json_object_get(json, schat__tl_field_of(c, i)->name);
    if (value != NULL) build_field(object, i, value);
  }
  return object;
}

/* Known answers -------------------------------------------------------------------------------------------------------------- */

/* R-ENC-01, X-03 (accept). */
static void every_known_answer_decodes_to_its_fields(void **state) {
  (void)state;
  assert_int_equal(vector_count(), 4 * SECRET_CONSTRUCTORS);
  for (size_t i = 0; i < vector_count(); i++) {
    const vector v = vector_at(i);
    schat__tl_object *object;
    size_t used;
    uint8_t *copy = exact(v.bytes, v.size);
    schat__arena_reset(&arena);
    assert_int_equal(schat__tl_decode(&arena, v.type, copy, v.size, &object, &used), SCHAT_OK);
    assert_int_equal(used, v.size);
    same_object(object, v.value);
    free(copy);
  }
}

/* X-03 (accept): the same bytes come out again, and skip counts them. */
static void every_known_answer_encodes_to_the_same_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < vector_count(); i++) {
    const vector v = vector_at(i);
    assert_int_equal(verdict(v.type, v.bytes, v.size), SCHAT_OK);
  }
}

/* R-ENC-01 (accept): the values alone give the bytes. */
static void every_known_answer_can_be_built_from_its_values(void **state) {
  (void)state;
  for (size_t i = 0; i < vector_count(); i++) {
    const vector v = vector_at(i);
    uint8_t out[BYTES_MAX];
    size_t size = 0;
    schat__arena_reset(&arena);
    assert_int_equal(schat__tl_encode(build(v.value), out, sizeof out, &size), SCHAT_OK);
    assert_int_equal(size, v.size);
    assert_memory_equal(out, v.bytes, size);
  }
}

/* what follows an object is neither read nor counted. */
static void bytes_after_an_object_are_not_used(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  size_t used = 0;
  put_constructor(&b, SCHAT__TL_decryptedMessageActionNoop);
  put32(&b, 0xffffffffu);
  assert_int_equal(schat__tl_skip(SCHAT__TYPE_DecryptedMessageAction, b.data, b.size, &used), SCHAT_OK);
  assert_int_equal(used, 4);
}

/* Hostile bytes -------------------------------------------------------------------------------------------------------------- */

/* R-DEC-06, X-03 (reject): no prefix is an object, and none is read beyond its end. */
static void every_truncation_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < vector_count(); i++) {
    const vector v = vector_at(i);
    for (size_t size = 0; size < v.size; size++) assert_int_equal(verdict(v.type, v.bytes, size), SCHAT_E_MALFORMED);
  }
}

/* R-DEC-06, X-03: one encoding for each object, so a changed bit is another object or none. */
static void a_flipped_bit_gives_another_canonical_object_or_none(void **state) {
  (void)state;
  size_t refused = 0, accepted = 0;
  for (size_t i = 0; i < vector_count(); i++) {
    vector v = vector_at(i);
    for (size_t bit = 0; bit < 8 * v.size; bit++) {
      v.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
      if (verdict(v.type, v.bytes, v.size) == SCHAT_OK) {
        accepted++;
      } else {
        refused++;
      }
      v.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
  }
  assert_true(refused > 1000 && accepted > 1000);
}

/* X-03 (reject). */
static void an_unknown_constructor_is_refused(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  put32(&b, 0xdeadbeefu);
  assert_int_equal(verdict_of(SCHAT__TYPE_DecryptedMessageAction, &b), SCHAT_E_MALFORMED);
  for (uint32_t id = 0; id < 100000; id++) {
    const schat__tl_constructor *c = schat__tl_find_id(id * 42949u);
    assert_true(c == NULL || c->id == id * 42949u);
  }
}

/* X-03 (reject): a known object where another type belongs, at the top and within. */
static void an_object_of_another_type_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < vector_count(); i++) {
    const vector v = vector_at(i);
    for (unsigned type = 0; type < SCHAT__TYPE_COUNT; type++) {
      assert_int_equal(verdict(type, v.bytes, v.size), type == v.type ? SCHAT_OK : SCHAT_E_MALFORMED);
    }
  }
  bytes b = {{0}, 0};
  put_constructor(&b, SCHAT__TL_decryptedMessageService);
  put64(&b, 1);
  put_constructor(&b, SCHAT__TL_decryptedMessageMediaEmpty);
  assert_int_equal(verdict_of(SCHAT__TYPE_DecryptedMessage, &b), SCHAT_E_MALFORMED);
}

/* X-03, X-13 (reject): messages in messages are no message, so the depth is that of the schema. */
static void nesting_beyond_the_schema_is_refused(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  for (int i = 0; i < 100; i++) {
    put_constructor(&b, SCHAT__TL_decryptedMessageLayer);
    put32(&b, 0);
    put32(&b, 144);
    put32(&b, 0);
    put32(&b, 0);
  }
  assert_int_equal(verdict_of(SCHAT__TYPE_DecryptedMessageLayer, &b), SCHAT_E_MALFORMED);
}

static void put_deepest(bytes *b, unsigned set) {
  put_constructor(b, SCHAT__TL_decryptedMessageLayer);
  for (int i = 0; i < 4; i++) put32(b, 0);
  put_constructor(b, SCHAT__TL_decryptedMessage23);
  put64(b, 1);
  for (int i = 0; i < 2; i++) put32(b, 0);
  put_constructor(b, SCHAT__TL_decryptedMessageMediaDocument46);
  for (int i = 0; i < 7; i++) put32(b, 0);
  put32(b, 0x1cb5c415u);
  put32(b, 1);
  put_constructor(b, SCHAT__TL_documentAttributeSticker);
  put32(b, 0);
  put_constructor(b, set);
  put32(b, 0);
}

/* an object five deep is read, and its innermost part is checked like the others. */
static void the_deepest_object_is_read(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  put_deepest(&b, SCHAT__TL_inputStickerSetEmpty);
  assert_int_equal(verdict_of(SCHAT__TYPE_DecryptedMessageLayer, &b), SCHAT_OK);
  bytes wrong = {{0}, 0};
  put_deepest(&wrong, SCHAT__TL_documentAttributeAnimated);
  assert_int_equal(verdict_of(SCHAT__TYPE_DecryptedMessageLayer, &wrong), SCHAT_E_MALFORMED);
}

static int verdict_on_ids(uint32_t vector_id, uint32_t count, size_t items) {
  bytes b = {{0}, 0};
  put_constructor(&b, SCHAT__TL_decryptedMessageActionReadMessages);
  put32(&b, vector_id);
  put32(&b, count);
  for (size_t i = 0; i < items; i++) put64(&b, i);
  return verdict_of(SCHAT__TYPE_DecryptedMessageAction, &b);
}

/* a count is bounded by the bytes that are there, before any memory is asked for. */
static void a_vector_longer_than_its_bytes_is_refused(void **state) {
  (void)state;
  static const uint32_t counts[] = {4, 5, 0xffffu, 0x10000000u, 0x20000000u, 0x7fffffffu, 0x80000000u, 0xffffffffu};
  assert_int_equal(verdict_on_ids(0x1cb5c415u, 3, 3), SCHAT_OK);
  assert_int_equal(verdict_on_ids(0x1cb5c415u, 0, 0), SCHAT_OK);
  assert_int_equal(verdict_on_ids(0x1cb5c414u, 3, 3), SCHAT_E_MALFORMED);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    assert_int_equal(verdict_on_ids(0x1cb5c415u, counts[i], 3), SCHAT_E_MALFORMED);
  }
}

/* X-13 (reject): the count is compared before memory is asked for, so that it is the bytes that are wrong, not the memory. */
static void a_false_count_asks_for_no_memory(void **state) {
  (void)state;
  for (uint32_t count = 4; count <= 24; count++) {
    bytes b = {{0}, 0};
    schat__arena small;
    schat__tl_object *object;
    size_t used;
    put_constructor(&b, SCHAT__TL_decryptedMessageActionReadMessages);
    put32(&b, 0x1cb5c415u);
    put32(&b, count);
    for (uint64_t i = 0; i < 3; i++) put64(&b, i);
    schat__arena_init(&small, NULL, 64);
    assert_int_equal(schat__tl_decode(&small, SCHAT__TYPE_DecryptedMessageAction, b.data, b.size, &object, &used), SCHAT_E_MALFORMED);
    schat__arena_free(&small);
  }
}

/* objects have a least size, too: five entities do not fit the bytes of four. */
static void a_vector_of_objects_is_bounded_by_their_least_size(void **state) {
  (void)state;
  for (uint32_t count = 4; count < 6; count++) {
    bytes b = {{0}, 0};
    put_constructor(&b, SCHAT__TL_decryptedMessage);
    put32(&b, 1u << 7);
    put64(&b, 1);
    put32(&b, 0);
    put32(&b, 0);
    put32(&b, 0x1cb5c415u);
    put32(&b, count);
    for (int i = 0; i < 4; i++) {
      put_constructor(&b, SCHAT__TL_messageEntityBold);
      put64(&b, 0);
    }
    assert_int_equal(verdict_of(SCHAT__TYPE_DecryptedMessage, &b), count == 4 ? SCHAT_OK : SCHAT_E_MALFORMED);
  }
}

static int verdict_on_string(const uint8_t *string, size_t size) {
  bytes b = {{0}, 0};
  put_constructor(&b, SCHAT__TL_decryptedMessageMediaWebPage);
  memcpy(b.data + b.size, string, size);
  b.size += size;
  return verdict_of(SCHAT__TYPE_DecryptedMessageMedia, &b);
}

/* X-03 (reject): 254 and three bytes only for 254 bytes and more; 255 is no length. */
static void a_length_in_the_longer_form_is_refused(void **state) {
  (void)state;
  uint8_t s[512] = {254, 253, 0, 0};
  assert_int_equal(verdict_on_string(s, 260), SCHAT_E_MALFORMED);
  s[1] = 254;
  assert_int_equal(verdict_on_string(s, 260), SCHAT_OK);
  s[1] = 0;
  assert_int_equal(verdict_on_string(s, 4), SCHAT_E_MALFORMED);
  s[0] = 253;
  assert_int_equal(verdict_on_string(s, 256), SCHAT_OK);
  s[0] = 255;
  assert_int_equal(verdict_on_string(s, 260), SCHAT_E_MALFORMED);
}

/* X-03, R-DEC-06 (reject): 16 MiB are claimed, some bytes are there. */
static void a_length_beyond_the_end_is_refused(void **state) {
  (void)state;
  const uint8_t most[8] = {254, 255, 255, 255, 1, 2, 3, 4};
  const uint8_t one_more[8] = {8, 1, 2, 3, 4, 5, 6, 7};
  assert_int_equal(verdict_on_string(most, sizeof most), SCHAT_E_MALFORMED);
  assert_int_equal(verdict_on_string(one_more, sizeof one_more), SCHAT_E_MALFORMED);
}

/* X-03 (reject): the filling of a string is zeros, in each of its places. */
static void padding_that_is_not_zero_is_refused(void **state) {
  (void)state;
  for (uint8_t length = 0; length < 8; length++) {
    uint8_t s[12] = {0};
    const size_t whole = ((size_t)length + 4) / 4 * 4;
    s[0] = length;
    assert_int_equal(verdict_on_string(s, whole), SCHAT_OK);
    for (size_t at = (size_t)length + 1; at < whole; at++) {
      s[at] = 1;
      assert_int_equal(verdict_on_string(s, whole), SCHAT_E_MALFORMED);
      s[at] = 0;
    }
  }
}

/* each bit of flags that the schema does not define is refused, whatever it may stand for; the others are not. */
static void an_undefined_flag_is_refused(void **state) {
  (void)state;
  const uint32_t defined = 1u << 1 | 1u << 5 | 1u << 9 | 1u << 7 | 1u << 11 | 1u << 3 | 1u << 17;
  const uint32_t without_bytes = 1u << 1 | 1u << 5;
  assert_true(schat__tl_constructor_at(SCHAT__TL_decryptedMessage)->flag_bits == defined);
  for (unsigned bit = 0; bit < 32; bit++) {
    bytes b = {{0}, 0};
    put_constructor(&b, SCHAT__TL_decryptedMessage);
    put32(&b, 1u << bit);
    put64(&b, 1);
    put32(&b, 0);
    put32(&b, 0);
    const int status = verdict_of(SCHAT__TYPE_DecryptedMessage, &b);
    assert_int_equal(status, (without_bytes >> bit & 1u) != 0 ? SCHAT_OK : SCHAT_E_MALFORMED);
  }
}

/* R-DEC-06: random bytes behind a lawful id. */
static void random_bytes_are_read_safely(void **state) {
  (void)state;
  uint32_t seed = 1;
  for (size_t n = 0; n < 20000; n++) {
    bytes b = {{0}, 0};
    put_constructor(&b, (unsigned)(n % SCHAT__TL_COUNT));
    for (size_t i = 0; i < 16; i++) {
      seed = seed * 1664525u + 1013904223u;
      put32(&b, seed >> 28 == 0 ? 0x1cb5c415u : seed >> (seed >> 27));
    }
    (void)verdict_of(schat__tl_constructor_at(n % SCHAT__TL_COUNT)->type, &b);
  }
}

/* Memory --------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  size_t left;
} failing;

static void *failing_allocate(void *user_data, size_t size) {
  failing *f = user_data;
  if (f->left == 0) return NULL;
  f->left--;
  return malloc(size);
}

static void failing_release(void *user_data, void *memory) {
  (void)user_data;
  free(memory);
}

/* each allocation that fails gives E_NOMEM and nothing else. */
static void no_memory_is_a_status(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  put_constructor(&b, SCHAT__TL_decryptedMessageActionReadMessages);
  put32(&b, 0x1cb5c415u);
  put32(&b, 300);
  for (size_t i = 0; i < 300; i++) put64(&b, i);
  int status = SCHAT_E_NOMEM;
  size_t allowed = 0;
  for (; status != SCHAT_OK; allowed++) {
    failing f = {allowed};
    const schat_allocator mem = {&f, failing_allocate, failing_release};
    schat__arena small;
    schat__tl_object *object = NULL;
    size_t used = 0;
    schat__arena_init(&small, &mem, LIMIT);
    status = schat__tl_decode(&small, SCHAT__TYPE_DecryptedMessageAction, b.data, b.size, &object, &used);
    assert_int_equal(status, object != NULL ? SCHAT_OK : SCHAT_E_NOMEM);
    assert_int_equal(schat__tl_new(&small, SCHAT__TL_COUNT) == NULL, 1);
    schat__arena_free(&small);
  }
  assert_true(allowed > 1);
}

/* an object takes at most twelve times its bytes, the greediest attribute 300 times over, too; less is E_NOMEM. */
static void memory_is_bounded_by_the_bytes(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  schat__tl_object *object;
  size_t used;
  put_constructor(&b, SCHAT__TL_decryptedMessageMediaDocument46);
  for (int i = 0; i < 7; i++) put32(&b, 0);
  put32(&b, 0x1cb5c415u);
  put32(&b, 300);
  for (int i = 0; i < 300; i++) {
    put_constructor(&b, SCHAT__TL_documentAttributeAudio);
    put64(&b, 0);
  }
  put32(&b, 0);
  schat__arena tight;
  schat__arena_init(&tight, NULL, 12 * b.size);
  assert_int_equal(schat__tl_decode(&tight, SCHAT__TYPE_DecryptedMessageMedia, b.data, b.size, &object, &used), SCHAT_OK);
  const size_t taken = tight.taken;
  schat__arena_free(&tight);
  schat__arena_init(&tight, NULL, taken - 1);
  assert_int_equal(schat__tl_decode(&tight, SCHAT__TYPE_DecryptedMessageMedia, b.data, b.size, &object, &used), SCHAT_E_NOMEM);
  schat__arena_free(&tight);
  for (size_t i = 0; i < vector_count(); i++) {
    const vector v = vector_at(i);
    schat__arena_reset(&arena);
    assert_int_equal(schat__tl_decode(&arena, v.type, v.bytes, v.size, &object, &used), SCHAT_OK);
    assert_true(arena.taken <= 12 * v.size);
  }
}

/* Encoding ------------------------------------------------------------------------------------------------------------------- */

/* Nothing is written past the capacity, and the size that is needed comes back. */
static void a_small_buffer_is_never_overrun(void **state) {
  (void)state;
  for (size_t i = 0; i < vector_count(); i += 4) {
    const vector v = vector_at(i);
    schat__arena_reset(&arena);
    const schat__tl_object *object = build(v.value);
    const size_t step = v.size / 16 + 1;
    for (size_t capacity = 0; capacity < v.size; capacity += step) {
      uint8_t *out = exact(v.bytes, capacity);
      size_t size = 0;
      assert_int_equal(schat__tl_encode(object, out, capacity, &size), SCHAT_E_BUFFER);
      assert_int_equal(size, v.size);
      free(out);
    }
    size_t size = 0;
    assert_int_equal(schat__tl_encode(object, NULL, BYTES_MAX, &size), SCHAT_E_BUFFER);
    assert_int_equal(size, v.size);
  }
}

static int encodes(const schat__tl_object *object) {
  uint8_t out[64];
  size_t size = 0;
  const int status = schat__tl_encode(object, out, sizeof out, &size);
  assert_true(status == SCHAT_OK ? size > 0 : size == 0);
  return status;
}

/* A required object that is absent, or of another type, is refused. */
static void an_object_that_lacks_a_part_is_not_encoded(void **state) {
  (void)state;
  schat__arena_reset(&arena);
  schat__tl_object *service = schat__tl_new(&arena, SCHAT__TL_decryptedMessageService);
  assert_int_equal(encodes(service), SCHAT_E_INVALID);
  service->fields[1].object = schat__tl_new(&arena, SCHAT__TL_decryptedMessageMediaEmpty);
  assert_int_equal(encodes(service), SCHAT_E_INVALID);
  service->fields[1].object = schat__tl_new(&arena, SCHAT__TL_decryptedMessageActionNoop);
  assert_int_equal(encodes(service), SCHAT_OK);
}

/* Strings of 2^24 bytes and vectors without items are refused; a length is not trusted to have bytes behind it. */
static void a_value_that_cannot_be_written_is_refused(void **state) {
  (void)state;
  schat__arena_reset(&arena);
  uint8_t byte = 0;
  schat__tl_object *page = schat__tl_new(&arena, SCHAT__TL_decryptedMessageMediaWebPage);
  page->fields[0].s = (schat_bytes){&byte, (size_t)1 << 24};
  assert_int_equal(encodes(page), SCHAT_E_INVALID);
  page->fields[0].s = (schat_bytes){NULL, 1};
  assert_int_equal(encodes(page), SCHAT_E_INVALID);
  page->fields[0].s = (schat_bytes){NULL, 0};
  assert_int_equal(encodes(page), SCHAT_OK);
  schat__tl_object *ids = schat__tl_new(&arena, SCHAT__TL_decryptedMessageActionReadMessages);
  assert_int_equal(encodes(ids), SCHAT_OK);
  ids->fields[0].vector.count = 1;
  assert_int_equal(encodes(ids), SCHAT_E_INVALID);
  schat__tl_value item = {0};
  ids->fields[0].vector.items = &item;
  assert_int_equal(encodes(ids), SCHAT_OK);
#if SIZE_MAX > UINT32_MAX
  ids->fields[0].vector.count = (size_t)INT32_MAX + 1;
  assert_int_equal(encodes(ids), SCHAT_E_INVALID);
#endif
}

/* More than 2^31 - 1 bytes in all are refused, however the parts repeat. */
static void an_object_of_two_gigabytes_is_refused(void **state) {
  (void)state;
  uint8_t *text = calloc(1, 0xffffff);
  schat__tl_value items[129];
  assert_non_null(text);
  schat__arena_reset(&arena);
  schat__tl_object *entity = schat__tl_new(&arena, SCHAT__TL_messageEntityTextUrl);
  schat__tl_object *message = schat__tl_new(&arena, SCHAT__TL_decryptedMessage);
  entity->fields[2].s = (schat_bytes){text, 0xffffff};
  for (size_t i = 0; i < 129; i++) items[i].object = entity;
  schat__tl_value *entities = schat__tl_get(message, SCHAT__WORD_entities);
  entities->vector.items = items;
  size_t size = 0;
  entities->vector.count = 2;
  assert_int_equal(schat__tl_encode(message, NULL, 0, &size), SCHAT_E_BUFFER);
  assert_true(size > 2u * 0xffffffu);
  entities->vector.count = 129;
  size = 0;
  assert_int_equal(schat__tl_encode(message, NULL, 0, &size), SCHAT_E_INVALID);
  assert_int_equal(size, 0);
  free(text);
}

/* Flags that were given and stand for nothing present are not written. */
static void flags_are_computed_from_what_is_there(void **state) {
  (void)state;
  schat__arena_reset(&arena);
  schat__tl_object *message = schat__tl_new(&arena, SCHAT__TL_decryptedMessage);
  uint8_t out[64];
  size_t size;
  message->fields[0].i = INT32_MAX;
  assert_int_equal(schat__tl_encode(message, out, sizeof out, &size), SCHAT_OK);
  const uint8_t numbers_only[4] = {1u << 3, 0, 2, 0}; /* reply_to_random_id and grouped_id */
  assert_memory_equal(out + 4, numbers_only, 4);
  assert_int_equal(verdict(SCHAT__TYPE_DecryptedMessage, out, size), SCHAT_OK);
}

/* The cloud's constructors --------------------------------------------------------------------------------------------------- */

/* Encodes a constructor with each of its fields present and not empty, for the round trip. */
static schat__tl_object *fill(unsigned constructor, unsigned depth);

static unsigned first_of(unsigned type) {
  unsigned i = 0;
  while (schat__tl_constructor_at(i)->type != type) i++;
  return i;
}

static void fill_field(const schat__tl_field *field, schat__tl_value *value, unsigned depth) {
  static const uint8_t text[] = {1, 2, 3};
  if (field->kind == SCHAT__TL_STRING) {
    value->s = (schat_bytes){text, sizeof text};
  } else if (field->kind == SCHAT__TL_OBJECT) {
    value->object = fill(first_of(field->type), depth + 1);
  } else if (field->kind == SCHAT__TL_DOUBLE) {
    value->d = 1.5;
  } else if (field->kind == SCHAT__TL_LONG) {
    value->l = INT64_MIN;
  } else if (field->kind < SCHAT__TL_VECTOR_LONG || field->kind == SCHAT__TL_TRUE) {
    value->i = 1;
  } else {
    value->vector.count = 2;
    value->vector.items = schat__arena_take(&arena, 2 * sizeof(schat__tl_value));
    assert_non_null(value->vector.items);
    for (size_t i = 0; i < 2 && field->kind == SCHAT__TL_VECTOR_OBJECT; i++) {
      value->vector.items[i].object = fill(first_of(field->type), depth + 1);
    }
    if (field->kind == SCHAT__TL_VECTOR_INT) value->vector.items[1].i = -1;
  }
}

static schat__tl_object *fill(unsigned constructor, unsigned depth) {
  schat__tl_object *object = schat__tl_new(&arena, constructor);
  assert_non_null(object);
  assert_true(depth <= SCHAT__TL_DEPTH);
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(object->constructor, i);
    if (field->kind == SCHAT__TL_FLAGS) {
      object->fields[i].i = (int32_t)object->constructor->flag_bits;
    } else {
      fill_field(field, &object->fields[i], depth);
    }
  }
  return object;
}

/* D-03, F10 (accept): every row of the table, those of the cloud too, is read whole and in part. */
static void every_constructor_goes_round_with_all_its_fields(void **state) {
  (void)state;
  for (unsigned i = 0; i < SCHAT__TL_COUNT; i++) {
    uint8_t out[BYTES_MAX];
    size_t size = 0;
    schat__arena_reset(&arena);
    assert_int_equal(schat__tl_encode(fill(i, 1), out, sizeof out, &size), SCHAT_OK);
    const unsigned type = schat__tl_constructor_at(i)->type;
    assert_int_equal(verdict(type, out, size), SCHAT_OK);
    for (size_t n = 0; n < size; n++) assert_int_equal(verdict(type, out, n), SCHAT_E_MALFORMED);
  }
}

/* F10: a cloud video of Android, as bytes put together by hand. */
static void a_cloud_attribute_is_read(void **state) {
  (void)state;
  bytes b = {{0}, 0};
  size_t used;
  schat__tl_object *object;
  put32(&b, 0x43c57c48u);
  put32(&b, 1u << 1 | 1u << 2 | 1u << 4 | 1u << 5);
  put64(&b, 0x4008000000000000u); /* 3.0 */
  put32(&b, 640);
  put32(&b, 480);
  put32(&b, 4096);
  put64(&b, 0);
  const uint8_t codec[] = {4, 'h', '2', '6', '4', 0, 0, 0};
  memcpy(b.data + b.size, codec, sizeof codec);
  b.size += sizeof codec;
  assert_int_equal(verdict_of(SCHAT__TYPE_DocumentAttribute, &b), SCHAT_OK);
  schat__arena_reset(&arena);
  assert_int_equal(schat__tl_decode(&arena, SCHAT__TYPE_DocumentAttribute, b.data, b.size, &object, &used), SCHAT_OK);
  assert_int_equal(schat__tl_index(object), SCHAT__TL_documentAttributeVideo_43c57c48);
  assert_true(schat__tl_get(object, SCHAT__WORD_duration)->d > 2.9);
  assert_int_equal(schat__tl_get(object, SCHAT__WORD_h)->i, 480);
  assert_null(schat__tl_get(object, SCHAT__WORD_thumb));
}

/* The table itself. */
static void the_table_is_found_by_id_and_name(void **state) {
  (void)state;
  assert_int_equal(schat__tl_constructor_count(), SCHAT__TL_COUNT);
  assert_null(schat__tl_constructor_at(SCHAT__TL_COUNT));
  assert_null(schat__tl_find_name("nothing"));
  assert_null(schat__tl_find_id(0));
  for (size_t i = 0; i < SCHAT__TL_COUNT; i++) {
    const schat__tl_constructor *c = schat__tl_constructor_at(i);
    assert_ptr_equal(schat__tl_find_id(c->id), c);
    assert_ptr_equal(schat__tl_find_name(c->name), c);
    assert_null(schat__tl_field_of(c, c->field_count));
    assert_true((c->layer != 0) == (i < SECRET_CONSTRUCTORS));
  }
}

static int open_vectors(void **state) {
  (void)state;
  root = json_load_file(SCHAT_VECTORS_DIR "/tl.json", 0, NULL);
  schat__arena_init(&arena, NULL, LIMIT);
  return root == NULL;
}

static int close_vectors(void **state) {
  (void)state;
  json_decref(root);
  schat__arena_free(&arena);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_known_answer_decodes_to_its_fields),
      cmocka_unit_test(every_known_answer_encodes_to_the_same_bytes),
      cmocka_unit_test(every_known_answer_can_be_built_from_its_values),
      cmocka_unit_test(bytes_after_an_object_are_not_used),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(a_flipped_bit_gives_another_canonical_object_or_none),
      cmocka_unit_test(an_unknown_constructor_is_refused),
      cmocka_unit_test(an_object_of_another_type_is_refused),
      cmocka_unit_test(nesting_beyond_the_schema_is_refused),
      cmocka_unit_test(the_deepest_object_is_read),
      cmocka_unit_test(a_vector_longer_than_its_bytes_is_refused),
      cmocka_unit_test(a_false_count_asks_for_no_memory),
      cmocka_unit_test(a_vector_of_objects_is_bounded_by_their_least_size),
      cmocka_unit_test(a_length_in_the_longer_form_is_refused),
      cmocka_unit_test(a_length_beyond_the_end_is_refused),
      cmocka_unit_test(padding_that_is_not_zero_is_refused),
      cmocka_unit_test(an_undefined_flag_is_refused),
      cmocka_unit_test(random_bytes_are_read_safely),
      cmocka_unit_test(no_memory_is_a_status),
      cmocka_unit_test(memory_is_bounded_by_the_bytes),
      cmocka_unit_test(a_small_buffer_is_never_overrun),
      cmocka_unit_test(an_object_that_lacks_a_part_is_not_encoded),
      cmocka_unit_test(a_value_that_cannot_be_written_is_refused),
      cmocka_unit_test(an_object_of_two_gigabytes_is_refused),
      cmocka_unit_test(flags_are_computed_from_what_is_there),
      cmocka_unit_test(every_constructor_goes_round_with_all_its_fields),
      cmocka_unit_test(a_cloud_attribute_is_read),
      cmocka_unit_test(the_table_is_found_by_id_and_name),
  };
  return cmocka_run_group_tests_name("tl", tests, open_vectors, close_vectors);
}
