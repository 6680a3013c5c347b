/* SPDX-License-Identifier: BSL-1.0
 * seeds.c - writes the inputs that the targets begin with: the vectors, an object of every constructor, and what a simulation of two people has
 * stored, sent and been told. Also the dictionary of all constructor ids.
 *
 * Usage: fuzz_seeds DIRECTORY: DIRECTORY/TARGET/… and DIRECTORY/ids.dict. The same bytes every time. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api_write.h"
#include "chat/chat.h"
#include "desk.h"
#include "fuzz.h"
#include "stage.h"
#include "tl/model.h"
#include "tl/wire.h"
#include "vault.h"

#define SEED_MAX 16384u

static const char *top;
static unsigned serial;

/* `head` bytes of the target's own, then the rest. */
static void put(const char *target, const uint8_t *head, size_t head_size, const void *rest, size_t size) {
  char path[1024];
  FUZZ_MUST((size_t)snprintf(path, sizeof path, "%s/%s", top, target) < sizeof path);
  (void)mkdir(path, 0777);
  FUZZ_MUST((size_t)snprintf(path, sizeof path, "%s/%s/seed%05u", top, target, serial++) < sizeof path);
  FILE *file = fopen(path, "wb");
  FUZZ_MUST(file != NULL && fwrite(head, 1, head_size, file) == head_size);
  FUZZ_MUST(size == 0 || fwrite(rest, 1, size, file) == size);
  FUZZ_MUST(fclose(file) == 0);
}

/* A number of the small kind that fuzz_int and fuzz_long read. */
static uint8_t small(int number) {
  return (uint8_t)(number + 16);
}

/* TL ------------------------------------------------------------------------------------------------------------------------ */

static void put_object(unsigned type, const uint8_t *data, size_t size) {
  const uint8_t how[] = {(uint8_t)type, 255}, sealed2[] = {0x08, 0, 1}, sealed1[] = {0x09, 0, 1};
  put("tl_decode", how, sizeof how, data, size);
  if (type != SCHAT__TYPE_DecryptedMessageLayer) return;
  put("envelope_open", sealed2, sizeof sealed2, data, size);
  put("envelope_open", sealed1, sizeof sealed1, data, size);
}

static schat__tl_object *grow(schat__arena *arena, fuzz_seed *seed, unsigned type, const schat__tl_constructor *only);

static void grow_string(schat__arena *arena, fuzz_seed *seed, schat_bytes *s) {
  static const size_t sizes[] = {0, 1, 3, 4, 12, 32, 253, 254, 256};
  s->size = sizes[fuzz_next(seed) % (sizeof sizes / sizeof sizes[0])];
  uint8_t *bytes = schat__arena_take(arena, s->size);
  (void)fuzz_random(seed, bytes, s->size);
  s->data = bytes;
}

static void grow_vector(schat__arena *arena, fuzz_seed *seed, const schat__tl_field *field, schat__tl_value *value) {
  value->vector.count = (size_t)(fuzz_next(seed) % 4);
  value->vector.items = schat__arena_take(arena, 4 * sizeof(schat__tl_value));
  for (size_t i = 0; i < value->vector.count; i++) {
    if (field->kind == SCHAT__TL_VECTOR_OBJECT) {
      value->vector.items[i].object = grow(arena, seed, field->type, NULL);
    } else {
      value->vector.items[i].l = (int64_t)(fuzz_next(seed) % 1000);
    }
  }
}

static void grow_field(schat__arena *arena, fuzz_seed *seed, const schat__tl_field *field, schat__tl_value *value) {
  switch (field->kind) {
    case SCHAT__TL_INT:
    case SCHAT__TL_TRUE:
      value->i = (int32_t)(fuzz_next(seed) % 100);
      break;
    case SCHAT__TL_LONG:
    case SCHAT__TL_DOUBLE:
      value->l = (int64_t)(fuzz_next(seed) % 100000);
      break;
    case SCHAT__TL_STRING:
      grow_string(arena, seed, &value->s);
      break;
    case SCHAT__TL_OBJECT:
      value->object = grow(arena, seed, field->type, NULL);
      break;
    default:
      grow_vector(arena, seed, field, value);
  }
}

/* Any constructor of the type, or the one that is given, with about half of its optional fields. */
static schat__tl_object *grow(schat__arena *arena, fuzz_seed *seed, unsigned type, const schat__tl_constructor *only) {
  const schat__tl_constructor *c = only;
  size_t index = 0;
  while (c == NULL || c->type != type) c = schat__tl_constructor_at(fuzz_next(seed) % schat__tl_constructor_count());
  while (schat__tl_constructor_at(index) != c) index++;
  schat__tl_object *object = schat__tl_new(arena, (unsigned)index);
  for (size_t i = 0; i < c->field_count; i++) {
    const schat__tl_field *field = schat__tl_field_of(c, i);
    if (field->kind == SCHAT__TL_FLAGS) continue;
    if (field->flag_bit != SCHAT__TL_ALWAYS && fuzz_next(seed) % 2 != 0) continue;
    if (field->flag_bit != SCHAT__TL_ALWAYS) object->fields[0].i |= (int32_t)(1u << field->flag_bit);
    grow_field(arena, seed, field, &object->fields[i]);
  }
  return object;
}

static void every_constructor(void) {
  static uint8_t out[SEED_MAX];
  schat__arena arena;
  fuzz_seed seed = {7};
  schat__arena_init(&arena, NULL, SIZE_MAX);
  for (size_t i = 0; i < schat__tl_constructor_count(); i++) {
    const schat__tl_constructor *c = schat__tl_constructor_at(i);
    for (unsigned n = 0; n < 4; n++) {
      size_t size = 0;
      if (schat__tl_encode(grow(&arena, &seed, c->type, c), out, sizeof out, &size) == SCHAT_OK) put_object(c->type, out, size);
      schat__arena_reset(&arena);
    }
  }
  schat__arena_free(&arena);
}

static size_t from_hex(const char *hex, uint8_t *out, size_t capacity) {
  size_t size = strlen(hex) / 2;
  if (size > capacity) return 0;
  for (size_t i = 0; i < size; i++) {
    const char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
    out[i] = (uint8_t)strtoul(two, NULL, 16);
  }
  return size;
}

static json_t *vectors(const char *name) {
  char path[1024];
  json_error_t error;
  FUZZ_MUST((size_t)snprintf(path, sizeof path, "%s/%s.json", SCHAT_VECTORS_DIR, name) < sizeof path);
  json_t *all = json_load_file(path, 0, &error);
  FUZZ_MUST(json_is_array(all));
  return all;
}

static void tl_vectors(void) {
  static uint8_t out[SEED_MAX];
  json_t *all = vectors("tl"), *one;
  size_t i;
  json_array_foreach(all, i, one) {
    const schat__tl_constructor *c = schat__tl_find_name(json_string_value(json_object_get(one, "constructor")));
    const char *hex = json_string_value(json_object_get(one, "bytes"));
    if (c == NULL || hex == NULL) continue;
    put_object(c->type, out, from_hex(hex, out, sizeof out));
  }
  json_decref(all);
}

static void dictionary(void) {
  char path[1024];
  FUZZ_MUST((size_t)snprintf(path, sizeof path, "%s/ids.dict", top) < sizeof path);
  FILE *file = fopen(path, "wb");
  FUZZ_MUST(file != NULL);
  for (size_t i = 0; i < schat__tl_constructor_count(); i++) {
    const schat__tl_constructor *c = schat__tl_constructor_at(i);
    fprintf(file, "%s_%zu=\"\\x%02x\\x%02x\\x%02x\\x%02x\"\n", c->name, i, c->id & 0xff, c->id >> 8 & 0xff, c->id >> 16 & 0xff,
            c->id >> 24);
  }
  static const uint32_t others[] = {0x1cb5c415, 0xab7ec0a0, 0x66b25953, 0x48f1d94c, 0x61f0d4c7, 0x1e1c7c45, 0xed18c118,
                                    0x23734b06, 0xc21f497e, 0xa8008cd8, 0x560f8935, 0x9493ff32, 0xc0e24635, 0x2c221edd,
                                    0x12bcbd9a, 0x1710f156, 0xb4a2e88d, 0x38fe25b7, 0xa56c2a3e, 0x096a18d5, 0x5d75a138,
                                    0x00f49ca0, 0xa8fb1981, 0x4afe8f6d, 0x997275b5, 0xbc799737};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    fprintf(file, "api_%zu=\"\\x%02x\\x%02x\\x%02x\\x%02x\"\n", i, others[i] & 0xff, others[i] >> 8 & 0xff, others[i] >> 16 & 0xff,
            others[i] >> 24);
  }
  FUZZ_MUST(fclose(file) == 0);
}

/* What a simulation leaves --------------------------------------------------------------------------------------------------- */

static void put_api(unsigned which, const schat__writer *w) {
  const uint8_t head = (uint8_t)which;
  put("api_bytes", &head, 1, w->data, w->size);
}

static void put_update(const schat_update *update) {
  static uint8_t out[SEED_MAX];
  schat__writer w = {out, sizeof out, 0};
  api_write_update(&w, update);
  put_api(3, &w);
}

static void put_message(const schat_encrypted_message *message, int32_t qts) {
  static uint8_t out[SEED_MAX];
  schat__writer w = {out, sizeof out, 0};
  schat_update update;
  SCHAT_INIT(update);
  api_write_message(&w, message);
  put_api(2, &w);
  update.type = SCHAT_UPDATE_MESSAGE;
  update.message = *message;
  update.qts = qts;
  put_update(&update);
}

static void put_chat(const schat_chat_update *chat) {
  static uint8_t out[SEED_MAX];
  schat__writer w = {out, sizeof out, 0};
  schat_update update;
  SCHAT_INIT(update);
  api_write_chat(&w, chat);
  put_api(0, &w);
  put_api(7 + SCHAT_REQUEST_REQUEST_ENCRYPTION, &w);
  update.type = SCHAT_UPDATE_CHAT;
  update.chat = *chat;
  put_update(&update);
  if (chat->g_a.size > 0) {
    const uint8_t head = 0;
    put("dh_values", &head, 1, chat->g_a.data, chat->g_a.size);
  }
}

static void put_answer(int32_t request_type, const schat_answer *answer) {
  static uint8_t out[SEED_MAX];
  schat__writer w = {out, sizeof out, 0};
  if (answer->type == SCHAT_ANSWER_DONE) {
    schat__write32(&w, request_type == SCHAT_REQUEST_RECEIVED_QUEUE ? 0x1cb5c415u : 0x997275b5u);
    if (request_type == SCHAT_REQUEST_RECEIVED_QUEUE) schat__write32(&w, 0);
  } else {
    api_write_answer(&w, answer);
  }
  put_api(7 + (unsigned)request_type, &w);
}

static void put_difference(const schat_difference *difference, int slice) {
  static uint8_t out[8 * SEED_MAX];
  schat__writer w = {out, sizeof out, 0};
  api_write_difference(&w, difference, slice);
  if (w.size < SEED_MAX / 2) put_api(6, &w);
}

/* Everything that reaches a device of the world now. */
static void record_deliveries(world *w, size_t p) {
  const relay_item *item;
  world_drain(w, p);
  while (relay_poll(w->relay, w->peers[p].device, w->now, &item)) {
    if (item->kind == RELAY_MESSAGE) put_message(&item->message, item->qts);
    if (item->kind == RELAY_CHAT) put_chat(&item->chat);
    if (item->kind == RELAY_ANSWER) put_answer(item->request_type, &item->answer);
    if (item->kind == RELAY_DIFFERENCE) put_difference(&item->difference, item->more);
    schat_manager *m = w->peers[p].manager;
    if (item->kind == RELAY_ANSWER) (void)schat_request_done(m, item->token, &item->answer, w->now);
    if (item->kind == RELAY_CHAT) (void)schat_input_chat(m, &item->chat, w->now);
    if (item->kind == RELAY_MESSAGE) (void)schat_input_message(m, &item->message, item->qts, w->now);
    world_drain(w, p);
  }
}

static void settle(world *w) {
  for (unsigned i = 0; i < 12; i++) {
    record_deliveries(w, 0);
    record_deliveries(w, 1);
  }
}

static void put_records(const memstore *store) {
  schat_record record;
  for (size_t i = 0; memstore_record(store, i, &record); i++) {
    size_t size = 0;
    uint8_t *plain = vault_open(&record, &size);
    const uint8_t what = (uint8_t)(record.kind | (record.key >> 32 == 1 && record.kind == SCHAT_RECORD_GAP ? 0x80u : 0u)), sealed = 9,
                  wrong = 10;
    put("record_load", &what, 1, plain, size);
    if (i % 8 == 0) put("record_load", &sealed, 1, record.value.data, record.value.size);
    if (i % 8 == 1) put("record_load", &wrong, 1, plain, size);
    free(plain);
  }
}

static void two_people(void) {
  world *w = world_new(5, 2);
  int32_t chat_id = 0;
  const relay_item *item;
  FUZZ_MUST(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &chat_id) == SCHAT_OK);
  put_records(w->peers[0].store);
  settle(w);
  put_records(w->peers[1].store);
  FUZZ_MUST(schat_chat_accept(w->peers[1].manager, chat_id, w->now) == SCHAT_OK);
  put_records(w->peers[1].store);
  settle(w);
  for (size_t i = 0; i < 6; i++) {
    (void)world_text_ttl(w, i % 2, chat_id, "hello", (int32_t)i, NULL);
    if (i == 3) item = relay_difference(w->relay, w->peers[0].device, 0, 0, w->now);
    if (i == 3 && item != NULL) put_difference(&item->difference, item->more);
    settle(w);
  }
  put_records(w->peers[0].store);
  put_records(w->peers[1].store);
  world_free(w);
}

/* A chat with a gap, a rekeying, and messages that wait to be confirmed. */
static void a_gap(void) {
  stage *s = stage_new(9, 1, NULL);
  for (int i = 0; i < 3; i++) (void)world_text(s->w, 0, s->chat_id, "waiting", NULL);
  (void)stage_text_raw(s, 0, s->p->out_raw + 2, 4711, "behind");
  (void)stage_text_raw(s, 0, s->p->out_raw + 3, 4712, "further behind");
  put_records(s->w->peers[0].store);
  stage_free(s);
}

static void small_ones(void) {
  uint8_t bytes[64];
  fuzz_seed seed = {11};
  for (unsigned which = 32; which < 64; which++) {
    const uint8_t head = (uint8_t)which;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = small((int)i % 20);
    put("api_bytes", &head, 1, bytes, sizeof bytes);
  }
  for (unsigned how = 0; how < 64; how++) {
    const uint8_t head[] = {(uint8_t)how, 0, 0x80, 0, 0};
    put("dh_values", head, sizeof head, desk_prime(), 32);
  }
  for (unsigned i = 0; i < 40; i++) {
    static uint8_t file[2048];
    (void)fuzz_random(&seed, file, sizeof file);
    put("file_cipher", bytes, 0, file, 8 + (size_t)(fuzz_next(&seed) % 200) + (i % 8 == 0 ? 1000 : 0));
  }
}

/* Rows of steps, to be sorted out by what they reach. */
static void rows(void) {
  static const char *const targets[] = {"manager", "rekey_resend", "call_order", "store_open"};
  static const size_t sizes[] = {40, 200, 600, 1000};
  static uint8_t row[1000];
  fuzz_seed seed = {13};
  for (unsigned i = 0; i < 4 * 60; i++) {
    (void)fuzz_random(&seed, row, sizeof row);
    put(targets[i % 4], row, 0, row, sizes[i / 4 % 4]);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  top = argv[1];
  (void)mkdir(top, 0777);
  dictionary();
  every_constructor();
  tl_vectors();
  two_people();
  a_gap();
  small_ones();
  rows();
  vault_close();
  printf("%u seeds\n", serial);
  return 0;
}
