/* SPDX-License-Identifier: BSL-1.0
 * convert.h - what the files of the model share: members of structs that stand for fields of TL objects. */
#ifndef SCHAT_TL_CONVERT_H
#define SCHAT_TL_CONVERT_H

#include <stddef.h>

#include "model.h"

/* How a member and a field correspond. */
typedef enum {
  SCHAT__AS_NOTHING = 0,
  SCHAT__AS_BYTES, /* schat_bytes */
  SCHAT__AS_KEY,   /* schat_bytes: 32 of them, else empty */
  SCHAT__AS_INT,   /* int32_t */
  SCHAT__AS_COUNT, /* int32_t; read: not negative */
  SCHAT__AS_LONG,  /* int64_t; written to an int it cannot stand in: 0 */
  SCHAT__AS_SIZE,  /* int64_t, not negative; written to an int it cannot stand in: E_UNSUPPORTED */
  SCHAT__AS_DOUBLE /* double */
} schat__slot_as;

/* A table of slots has SCHAT__WORD_COUNT of them: the name of a field says which member it is, in every constructor, old and new. */
typedef struct {
  uint8_t as; /* schat__slot_as */
  uint16_t at;
} schat__slot;

#define SCHAT__SLOT(word, how, type, member) [SCHAT__WORD_##word] = {SCHAT__AS_##how, offsetof(type, member)}

/* Copies the fields that have a slot into the struct. Absent fields give zero. */
void schat__slots_take(const schat__slot *slots, const schat__tl_object *object, void *target);
/* Copies the members of the struct into the fields that have a slot. Empty members leave optional fields absent.
 * SCHAT_OK, E_INVALID, E_TOO_LARGE (a string), E_UNSUPPORTED (a size). */
int schat__slots_give(const schat__slot *slots, const void *source, schat__tl_object *object);
/* schat__tl_encode for objects that are sound: E_TOO_LARGE when they are too long, SCHAT_OK when out is NULL. */
int schat__object_write(const schat__tl_object *object, uint8_t *out, size_t capacity, size_t *size);

void schat__media_take(const schat__tl_object *object, schat_media *media);
/* *object: NULL for SCHAT_MEDIA_NONE. As schat__message_encode. */
int schat__media_give(schat__arena *arena, const schat_media *media, int32_t stated, schat__tl_object **object);

/* SCHAT_OK or E_NOMEM. */
int schat__action_take(schat__arena *arena, const schat__tl_object *service, schat__action *action);

#endif
