/* SPDX-License-Identifier: BSL-1.0
 * room.h - memory that the library has at hand already (places in its journal, what is left of a block) may be refused as well: it might
 * have been used up, and none have come.
 *
 * For one file of a program, which defines room_refuses and is linked with --wrap for each function below. Calls within one file of the
 * library go past them: so those that change a chat under the journal are here as well. */
#ifndef SCHAT_TESTS_ROOM_H
#define SCHAT_TESTS_ROOM_H

#include "chat/journal.h"

/* Whether what an account asks for now, whose memory comes from `mem`, is refused. */
static int room_refuses(const schat_allocator *mem);

#define WRAP(type, name, parameters) \
  type __real_##name parameters; \
  type __wrap_##name parameters; \
  type __wrap_##name parameters

WRAP(schat__undo *, schat__journal_add, (schat__env * env, schat__undo_kind kind, schat__slot *slot)) {
  return room_refuses(env->mem) ? NULL : __real_schat__journal_add(env, kind, slot);
}

WRAP(void *, schat__arena_take, (schat__arena * arena, size_t size)) {
  return room_refuses(arena->mem) ? NULL : __real_schat__arena_take(arena, size);
}

WRAP(int, schat__edit, (schat__env * env, schat__slot *slot)) {
  return slot->saved != env->savepoint && room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__edit(env, slot);
}

WRAP(int, schat__edit_secrets, (schat__env * env, schat__slot *slot)) {
  return room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__edit_secrets(env, slot);
}

WRAP(int, schat__drop_secrets, (schat__env * env, schat__slot *slot)) {
  return slot->secrets != NULL && room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__drop_secrets(env, slot);
}

WRAP(int, schat__slot_new, (schat__env * env, int32_t chat_id, schat__slot **slot)) {
  return room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__slot_new(env, chat_id, slot);
}

WRAP(int, schat__slot_remove, (schat__env * env, schat__slot *slot)) {
  return room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__slot_remove(env, slot);
}

WRAP(int, schat__item_new, (schat__env * env, schat__slot *slot, schat__item_kind kind, int64_t key, size_t size, schat__item **item)) {
  return room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__item_new(env, slot, kind, key, size, item);
}

WRAP(int, schat__item_load, (schat__env * env, schat__slot *slot, schat__item *item)) {
  return room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__item_load(env, slot, item);
}

WRAP(int, schat__item_edit, (schat__env * env, schat__slot *slot, schat__item *item)) {
  return item->saved != env->savepoint && room_refuses(env->mem) ? SCHAT_E_NOMEM : __real_schat__item_edit(env, slot, item);
}

#undef WRAP
#endif
