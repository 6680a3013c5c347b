/* SPDX-License-Identifier: BSL-1.0
 * tl.c - objects and the bytes they stand for, both ways. */
#include "run_vectors.h"

/* The table knows types by number, files by name: within a file one name must be one number, and the other way round. */
int type_is(run *r, const char *name, size_t length, unsigned type) {
  if (type >= TYPE_NAMES || length == 0 || length >= sizeof r->types[0]) return 0;
  for (unsigned i = 0; i < TYPE_NAMES; i++) {
    int same_name = strlen(r->types[i]) == length && memcmp(r->types[i], name, length) == 0;
    if (same_name) return i == type;
  }
  if (r->types[type][0] != 0) return 0;
  memcpy(r->types[type], name, length);
  r->types[type][length] = 0;
  return 1;
}

static uint32_t flags_of(const schat__tl_object *object) {
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    if (schat__tl_field_of(object->constructor, i)->kind == SCHAT__TL_FLAGS) return (uint32_t)object->fields[i].i;
  }
  return 0;
}

static int object_matches(run *r, const schat__tl_object *object, const json_t *value);

static int string_matches(run *r, const schat__tl_field *field, schat_bytes s, const json_t *value) {
  schat_bytes expected = {NULL, 0};
  if (field->is_bytes) return hex_value(r, value, &expected) && expected.size == s.size && same(expected.data, s.data, s.size);
  if (!json_is_string(value) || json_string_length(value) != s.size) return 0;
  return s.size == 0 || memcmp(json_string_value(value), s.data, s.size) == 0;
}

static int vector_matches(run *r, const schat__tl_field *field, const schat__tl_value *v, const json_t *value) {
  if (!json_is_array(value) || json_array_size(value) != v->vector.count) return 0;
  for (size_t i = 0; i < v->vector.count; i++) {
    const json_t *item = json_array_get(value, i);
    int64_t l = 0;
    int32_t n = 0;
    if (field->kind == SCHAT__TL_VECTOR_OBJECT) {
      if (!object_matches(r, v->vector.items[i].object, item)) return 0;
    } else if (field->kind == SCHAT__TL_VECTOR_LONG) {
      if (!long_value(item, &l) || l != v->vector.items[i].l) return 0;
    } else if (!int_value(item, &n) || n != v->vector.items[i].i) {
      return 0;
    }
  }
  return 1;
}

static int field_matches(run *r, const schat__tl_field *field, const schat__tl_value *v, const json_t *value) {
  int32_t i = 0;
  int64_t l = 0;
  double d = json_number_value(value);
  switch (field->kind) {
    case SCHAT__TL_INT:
      return int_value(value, &i) && i == v->i;
    case SCHAT__TL_LONG:
      return long_value(value, &l) && l == v->l;
    case SCHAT__TL_DOUBLE:
      return json_is_number(value) && memcmp(&d, &v->d, sizeof d) == 0;
    case SCHAT__TL_STRING:
      return string_matches(r, field, v->s, value);
    case SCHAT__TL_OBJECT:
      return object_matches(r, v->object, value);
    case SCHAT__TL_VECTOR_INT:
    case SCHAT__TL_VECTOR_LONG:
    case SCHAT__TL_VECTOR_OBJECT:
      return vector_matches(r, field, v, value);
    case SCHAT__TL_TRUE:
      return json_is_true(value) && v->i == 1;
    default:
      return 0;
  }
}

static int object_matches(run *r, const schat__tl_object *object, const json_t *value) {
  const char *name = json_string_value(json_object_get(value, "_"));
  if (object == NULL || name == NULL || strcmp(object->constructor->name, name) != 0) return 0;
  uint32_t flags = flags_of(object);
  size_t named = 1;
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(object->constructor, i);
    const json_t *item = json_object_get(value, field->name);
    int present = field->flag_bit == SCHAT__TL_ALWAYS || (flags >> field->flag_bit & 1u) != 0;
    if (field->kind == SCHAT__TL_FLAGS) continue;
    if (present != (item != NULL) || (present && !field_matches(r, field, &object->fields[i], item))) return 0;
    named += item != NULL;
  }
  return json_object_size(value) == named + (json_object_get(value, "flags") != NULL);
}

static int index_of(const schat__tl_constructor *c, unsigned *index) {
  for (size_t i = 0; i < schat__tl_constructor_count(); i++) {
    *index = (unsigned)i;
    if (schat__tl_constructor_at(i) == c) return 1;
  }
  return 0;
}

static schat__tl_object *build_object(run *r, const json_t *value);

static int build_vector(run *r, const schat__tl_field *field, schat__tl_value *v, const json_t *value) {
  size_t count = json_array_size(value);
  if (!json_is_array(value)) return 0;
  v->vector.count = count;
  v->vector.items = schat__arena_take(&r->arena, (count + 1) * sizeof *v->vector.items);
  for (size_t i = 0; i < count && v->vector.items != NULL; i++) {
    const json_t *item = json_array_get(value, i);
    if (field->kind == SCHAT__TL_VECTOR_LONG) {
      if (!long_value(item, &v->vector.items[i].l)) return 0;
    } else if (field->kind == SCHAT__TL_VECTOR_INT) {
      if (!int_value(item, &v->vector.items[i].i)) return 0;
    } else {
      v->vector.items[i].object = build_object(r, item);
      if (v->vector.items[i].object == NULL) return 0;
    }
  }
  return v->vector.items != NULL;
}

static int build_string(run *r, const schat__tl_field *field, schat__tl_value *v, const json_t *value) {
  if (field->is_bytes) return hex_value(r, value, &v->s);
  if (!json_is_string(value)) return 0;
  v->s.size = json_string_length(value);
  v->s.data = keep_copy(r, (const uint8_t *)json_string_value(value), v->s.size);
  return 1;
}

static int build_field(run *r, const schat__tl_field *field, schat__tl_value *v, const json_t *value) {
  switch (field->kind) {
    case SCHAT__TL_INT:
      return int_value(value, &v->i);
    case SCHAT__TL_LONG:
      return long_value(value, &v->l);
    case SCHAT__TL_DOUBLE:
      v->d = json_number_value(value);
      return json_is_number(value);
    case SCHAT__TL_STRING:
      return build_string(r, field, v, value);
    case SCHAT__TL_OBJECT:
      v->object = build_object(r, value);
      return v->object != NULL;
    case SCHAT__TL_VECTOR_INT:
    case SCHAT__TL_VECTOR_LONG:
    case SCHAT__TL_VECTOR_OBJECT:
      return build_vector(r, field, v, value);
    case SCHAT__TL_TRUE:
      v->i = json_is_true(value);
      return v->i;
    default:
      return 0;
  }
}

static schat__tl_object *build_object(run *r, const json_t *value) {
  const char *name = json_string_value(json_object_get(value, "_"));
  const schat__tl_constructor *c = name != NULL ? schat__tl_find_name(name) : NULL;
  unsigned index = 0;
  if (c == NULL || !index_of(c, &index)) return NULL;
  schat__tl_object *object = schat__tl_new(&r->arena, index);
  if (object == NULL) return NULL;
  uint32_t flags = 0;
  schat__tl_value *flags_field = NULL;
  for (size_t i = 0; i < c->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(c, i);
    const json_t *item = json_object_get(value, field->name);
    if (field->kind == SCHAT__TL_FLAGS) {
      flags_field = &object->fields[i];
      continue;
    }
    if (item == NULL && field->flag_bit != SCHAT__TL_ALWAYS) continue;
    if (item == NULL || !build_field(r, field, &object->fields[i], item)) return NULL;
    if (field->flag_bit != SCHAT__TL_ALWAYS) flags |= (uint32_t)1 << field->flag_bit;
  }
  if (flags_field != NULL) flags_field->i = (int32_t)flags; /* bits 0 to 30 only in this schema */
  return object;
}

static int encodes_to(run *r, const schat__tl_object *object, schat_bytes bytes) {
  uint8_t *out = keep(r, bytes.size), *small = keep(r, bytes.size - 1);
  size_t size = 0, needed = 0;
  if (schat__tl_encode(object, out, bytes.size, &size) != SCHAT_OK || size != bytes.size || !same(out, bytes.data, size)) return 0;
  return schat__tl_encode(object, small, bytes.size - 1, &needed) == SCHAT_E_BUFFER && needed == bytes.size;
}

static int is_refused_when_cut(run *r, unsigned type, schat_bytes bytes) {
  uint8_t *cut = keep_copy(r, bytes.data, bytes.size - 4);
  schat__tl_object *object = NULL;
  size_t used = 0;
  return schat__tl_decode(&r->arena, type, cut, bytes.size - 4, &object, &used) == SCHAT_E_MALFORMED &&
         schat__tl_skip(type, cut, bytes.size - 4, &used) == SCHAT_E_MALFORMED;
}

int case_tl(run *r, const json_t *c) {
  const char *name = json_string_value(json_object_get(c, "constructor"));
  const json_t *value = json_object_get(c, "value"), *type = json_object_get(c, "type");
  schat_bytes bytes = {NULL, 0};
  int32_t layer = 0;
  REQUIRE(name != NULL && json_is_object(value) && json_is_string(type) && hex_field(r, c, "bytes", &bytes), "a field is missing");
  REQUIRE(bytes.size >= 4 && bytes.size % 4 == 0, "the bytes are no TL object");
  const schat__tl_constructor *constructor = schat__tl_find_name(name);
  REQUIRE(constructor != NULL, "the constructor is not known");
  REQUIRE(type_is(r, json_string_value(type), json_string_length(type), constructor->type), "the constructor has another type");
  REQUIRE(!int_value(json_object_get(c, "layer"), &layer) || constructor->layer == layer, "the constructor has another layer");
  schat__tl_object *object = NULL;
  size_t used = 0, skipped = 0;
  REQUIRE(schat__tl_decode(&r->arena, constructor->type, bytes.data, bytes.size, &object, &used) == SCHAT_OK, "it is not decoded");
  REQUIRE(used == bytes.size, "the decoded length differs");
  REQUIRE(object_matches(r, object, value), "the decoded object differs");
  REQUIRE(encodes_to(r, object, bytes), "what was decoded is encoded to other bytes");
  REQUIRE(schat__tl_skip(constructor->type, bytes.data, bytes.size, &skipped) == SCHAT_OK && skipped == bytes.size,
          "the skipped length differs");
  const schat__tl_object *built = build_object(r, value);
  REQUIRE(built != NULL, "the value names a field or constructor that is not known");
  REQUIRE(encodes_to(r, built, bytes), "the value is encoded to other bytes");
  REQUIRE(is_refused_when_cut(r, constructor->type, bytes), "it is accepted without its last four bytes");
  return 1;
}
