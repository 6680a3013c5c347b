/* SPDX-License-Identifier: BSL-1.0
 * convert.c - copies members of structs to and from fields of TL objects, by tables of slots. */
#include "convert.h"

#include "wire.h"

#define KEY_SIZE 32u

/* Whole seconds of a cloud form's double; what is no number of seconds is 0. */
static int64_t whole(double d) {
  if (!(d > 0)) return 0;
  return d < (double)INT32_MAX ? (int64_t)d : INT32_MAX;
}

static int64_t number_of(unsigned kind, const schat__tl_value *value) {
  if (kind == SCHAT__TL_LONG) return value->l;
  return kind == SCHAT__TL_DOUBLE ? whole(value->d) : value->i;
}

static int is_number(unsigned kind) {
  return kind == SCHAT__TL_INT || kind == SCHAT__TL_LONG || kind == SCHAT__TL_DOUBLE;
}

static void take_number(unsigned as, int64_t number, void *member) {
  if (as != SCHAT__AS_INT && as != SCHAT__AS_LONG && number < 0) number = 0;
  if (as == SCHAT__AS_INT || as == SCHAT__AS_COUNT) {
    *(int32_t *)member = (int32_t)number;
  } else {
    *(int64_t *)member = number;
  }
}

static void take_field(const schat__slot *slot, unsigned kind, const schat__tl_value *value, void *target) {
  void *member = (unsigned char *)target + slot->at;
  if (slot->as == SCHAT__AS_BYTES || slot->as == SCHAT__AS_KEY) {
    static const schat_bytes nothing = {NULL, 0};
    if (kind != SCHAT__TL_STRING) return; /* `thumb` is bytes in a document and an object in an external one */
    *(schat_bytes *)member = slot->as == SCHAT__AS_BYTES || value->s.size == KEY_SIZE ? value->s : nothing;
  } else if (slot->as == SCHAT__AS_DOUBLE) {
    *(double *)member = value->d;
  } else if (is_number(kind)) {
    take_number(slot->as, number_of(kind, value), member);
  }
}

void schat__slots_take(const schat__slot *slots, const schat__tl_object *object, void *target) {
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(object->constructor, i);
    const schat__slot *slot = &slots[field->word];
    if (slot->as != SCHAT__AS_NOTHING) take_field(slot, field->kind, &object->fields[i], target);
  }
}

static int give_bytes(const schat__slot *slot, const schat__tl_field *field, const schat_bytes *b, schat__tl_value *value) {
  if (b->size > 0 && b->data == NULL) return SCHAT_E_INVALID;
  if (slot->as == SCHAT__AS_KEY && b->size != KEY_SIZE) return SCHAT_E_INVALID;
  if (b->size > SCHAT__TL_STRING_MAX) return SCHAT_E_TOO_LARGE;
  if (field->flag_bit == SCHAT__TL_ALWAYS || b->size > 0) value->s = *b;
  return SCHAT_OK;
}

static int give_number(const schat__slot *slot, const schat__tl_field *field, int64_t number, schat__tl_value *value, uint32_t *flags) {
  if (slot->as == SCHAT__AS_SIZE && number < 0) return SCHAT_E_INVALID;
  if (field->flag_bit != SCHAT__TL_ALWAYS && number != 0) *flags |= 1u << field->flag_bit;
  if (field->kind == SCHAT__TL_LONG) {
    value->l = number;
  } else if (number >= INT32_MIN && number <= INT32_MAX) {
    value->i = (int32_t)number;
  } else if (slot->as == SCHAT__AS_SIZE) {
    return SCHAT_E_UNSUPPORTED;
  }
  return SCHAT_OK;
}

static int give_field(const schat__slot *slot, const schat__tl_field *field, const void *source, schat__tl_value *value, uint32_t *flags) {
  const void *member = (const unsigned char *)source + slot->at;
  switch (slot->as) {
    case SCHAT__AS_BYTES:
    case SCHAT__AS_KEY:
      return field->kind == SCHAT__TL_STRING ? give_bytes(slot, field, member, value) : SCHAT_OK;
    case SCHAT__AS_DOUBLE:
      value->d = *(const double *)member;
      return SCHAT_OK;
    case SCHAT__AS_INT:
    case SCHAT__AS_COUNT:
      return give_number(slot, field, *(const int32_t *)member, value, flags);
    default:
      return give_number(slot, field, *(const int64_t *)member, value, flags);
  }
}

int schat__slots_give(const schat__slot *slots, const void *source, schat__tl_object *object) {
  uint32_t flags = 0;
  for (size_t i = 0; i < object->constructor->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(object->constructor, i);
    const schat__slot *slot = &slots[field->word];
    if (slot->as == SCHAT__AS_NOTHING) continue;
    const int status = give_field(slot, field, source, &object->fields[i], &flags);
    if (status != SCHAT_OK) return status;
  }
  if (flags != 0) object->fields[0].i = (int32_t)flags; /* flags stand first, and no bit is 31 */
  return SCHAT_OK;
}

int schat__object_write(const schat__tl_object *object, uint8_t *out, size_t capacity, size_t *size) {
  const int status = schat__tl_encode(object, out, capacity, size);
  if (status == SCHAT_E_INVALID) return SCHAT_E_TOO_LARGE;
  return status == SCHAT_E_BUFFER && out == NULL ? SCHAT_OK : status;
}
