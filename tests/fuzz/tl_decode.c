/* SPDX-License-Identifier: BSL-1.0
 * tl_decode.c - target: TL of a peer. What is read must be written back byte for byte, skipped to the same place, and what becomes a
 * message must survive every layer.
 *
 * Input: type (from SCHAT__TYPE_COUNT on: DecryptedMessage), limit of the arena in 64 bytes (255: none), then the object. */
#include <string.h>

#include "fuzz.h"
#include "tl/model.h"

#define OBJECT_MAX 16384u
#define OBJECT_BLOCK_MAX 512u /* memory of one object without what it points to */
#define PLENTY ((size_t)1 << 22)

static schat__arena arena, model_arena;
static uint8_t written[2][2 * OBJECT_MAX];

/* Buffers end where the bytes that may be written end, so that one more is seen. */
static uint8_t *room(unsigned which, size_t size) {
  FUZZ_MUST(size <= sizeof written[which]);
  return written[which] + sizeof written[which] - size;
}

static void same_bytes_back(const schat__tl_object *object, const uint8_t *data, size_t used) {
  size_t size = 0;
  FUZZ_MUST(schat__tl_encode(object, NULL, 0, &size) == SCHAT_E_BUFFER && size == used);
  uint8_t *out = room(0, used);
  out[-1] = 0x5a;
  FUZZ_MUST(schat__tl_encode(object, out, used - 1, &size) == SCHAT_E_BUFFER && size == used);
  FUZZ_MUST(schat__tl_encode(object, out, used, &size) == SCHAT_OK && size == used);
  FUZZ_MUST(out[-1] == 0x5a && memcmp(out, data, used) == 0);
}

static void check_object(unsigned type, const uint8_t *data, size_t size, size_t limit) {
  schat__tl_object *object = NULL;
  size_t used = 0, skipped = 0;
  schat__arena_reset(&arena);
  arena.limit = limit;
  int status = schat__tl_decode(&arena, type, data, size, &object, &used);
  int skip_status = schat__tl_skip(type, data, size, &skipped);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_E_MALFORMED || (status == SCHAT_E_NOMEM && limit < PLENTY));
  FUZZ_MUST(skip_status == SCHAT_OK || skip_status == SCHAT_E_MALFORMED);
  FUZZ_MUST(status == SCHAT_E_NOMEM || status == skip_status);
  FUZZ_MUST(arena.taken <= limit && arena.taken <= 12 * size + SCHAT__TL_DEPTH * OBJECT_BLOCK_MAX); /* the last ones may lack their bytes */
  if (status != SCHAT_OK) return;
  FUZZ_MUST(arena.taken <= 12 * used);
  FUZZ_MUST(used == skipped && used <= size && used > 0 && object->constructor->type == type);
  same_bytes_back(object, data, used);
}

/* The model ----------------------------------------------------------------------------------------------------------------- */

static int same_text(schat_bytes a, schat_bytes b) {
  return a.size == b.size && fuzz_same(a.data, b.data, a.size);
}

/* What every layer carries. */
static int same_message(const schat_message *a, const schat_message *b) {
  return a->random_id == b->random_id && a->ttl == b->ttl && same_text(a->text, b->text) &&
         a->reply_to_random_id == b->reply_to_random_id && a->grouped_id == b->grouped_id && same_text(a->via_bot_name, b->via_bot_name) &&
         a->media.type == b->media.type && same_text(a->media.key, b->media.key) && same_text(a->media.iv, b->media.iv) &&
         a->media.size == b->media.size && a->media.user_id == b->media.user_id && same_text(a->media.url, b->media.url) &&
         b->entity_count <= a->entity_count && (a->flags & SCHAT_MESSAGE_SILENT) == (b->flags & SCHAT_MESSAGE_SILENT);
}

static int same_action(const schat__action *a, const schat__action *b) {
  return a->type == b->type && a->random_id == b->random_id && a->ttl == b->ttl && a->layer == b->layer && a->start == b->start &&
         a->end == b->end && a->typing == b->typing && a->exchange_id == b->exchange_id && a->key_fingerprint == b->key_fingerprint &&
         same_text(a->g, b->g) && a->random_id_count == b->random_id_count &&
         fuzz_same(a->random_ids, b->random_ids, a->random_id_count * sizeof(int64_t));
}

/* Status of encoding either; the bytes stand at room(which, *size). */
static int encode(const schat_message *message, const schat__action *action, int32_t stated, unsigned which, size_t *size) {
  const int service = action->type != SCHAT__ACTION_NONE;
  int status = service ? schat__action_encode(&model_arena, action, NULL, 0, size)
                       : schat__message_encode(&model_arena, message, stated, NULL, 0, size);
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_E_INVALID || status == SCHAT_E_UNSUPPORTED);
  if (status != SCHAT_OK) return status;
  uint8_t *out = room(which, *size);
  size_t again = 0;
  status = service ? schat__action_encode(&model_arena, action, out, *size, &again)
                   : schat__message_encode(&model_arena, message, stated, out, *size, &again);
  FUZZ_MUST(status == SCHAT_OK && again == *size);
  return SCHAT_OK;
}

/* Typing is written for tools only: it goes through the server (D-27). */
static void check_allowed(const uint8_t *data, size_t size, int32_t stated, int typing) {
  schat__tl_object *object = NULL;
  size_t used = 0;
  FUZZ_MUST(schat__tl_decode(&model_arena, SCHAT__TYPE_DecryptedMessage, data, size, &object, &used) == SCHAT_OK && used == size);
  FUZZ_MUST(schat__layer_allows(object, stated) == !typing);
}

/* What was written for a layer is lawful there, says the same, and is written the same once more. */
static void check_layer(const schat_message *message, const schat__action *action, int32_t stated) {
  schat_message read_message;
  schat__action read_action;
  schat_bytes first = {NULL, 0};
  size_t second = 0;
  schat__arena_reset(&model_arena);
  if (encode(message, action, stated, 0, &first.size) != SCHAT_OK) return;
  first.data = room(0, first.size);
  check_allowed(first.data, first.size, stated, action->type == SCHAT__ACTION_TYPING);
  FUZZ_MUST(schat__message_decode(&model_arena, first, &read_message, &read_action) == SCHAT_OK);
  FUZZ_MUST(same_action(action, &read_action) && (action->type != SCHAT__ACTION_NONE || same_message(message, &read_message)));
  FUZZ_MUST(encode(&read_message, &read_action, stated, 1, &second) == SCHAT_OK && second == first.size);
  FUZZ_MUST(memcmp(first.data, room(1, second), second) == 0);
}

static void check_message(const uint8_t *data, size_t size) {
  static const int32_t layers[] = {73, 101, 144};
  schat_bytes bytes = {data, size};
  schat_message message;
  schat__action action;
  schat__arena_reset(&arena);
  arena.limit = PLENTY;
  if (schat__message_decode(&arena, bytes, &message, &action) != SCHAT_OK) return;
  FUZZ_MUST(arena.taken <= 12 * size);
  FUZZ_MUST(fuzz_within(message.text, data, size) && fuzz_within(message.media.thumb, data, size) && fuzz_within(action.g, data, size));
  FUZZ_MUST(schat__message_ttl(&message) >= 0 && message.ttl >= 0 && message.media.size >= 0);
  for (size_t i = 0; i < message.entity_count; i++) FUZZ_MUST(message.entities[i].offset >= 0 && message.entities[i].length >= 0);
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) check_layer(&message, &action, layers[i]);
}

static void check_wrapper(const uint8_t *data, size_t size) {
  schat__wrapper wrapper;
  if (schat__wrapper_decode(data, size, &wrapper) != SCHAT_OK) return;
  size_t at = 0;
  FUZZ_MUST(schat__wrapper_encode(&wrapper, wrapper.message.size, NULL, &at) == size);
  FUZZ_MUST(wrapper.message.data == data + at);
  uint8_t *out = room(0, size);
  FUZZ_MUST(schat__wrapper_encode(&wrapper, wrapper.message.size, out, &at) == size && memcmp(out, data, at) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2 || size > OBJECT_MAX) return 0;
  static int ready; /* the limit is an input's own, and may be 0 */
  if (!ready) {
    schat__arena_init(&arena, NULL, PLENTY);
    schat__arena_init(&model_arena, NULL, PLENTY);
    ready = 1;
  }
  const unsigned type = data[0] < SCHAT__TYPE_COUNT ? data[0] : (unsigned)SCHAT__TYPE_DecryptedMessage;
  check_object(type, data + 2, size - 2, data[1] == 255 ? PLENTY : (size_t)data[1] * 64);
  if (type == SCHAT__TYPE_DecryptedMessage) check_message(data + 2, size - 2);
  if (type == SCHAT__TYPE_DecryptedMessageLayer) check_wrapper(data + 2, size - 2);
  return 0;
}
